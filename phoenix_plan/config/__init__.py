"""The config file: read, checked by its schema, checked across fields, turned into `Desired`."""

from __future__ import annotations

from phoenix_plan.config.load import LoadedConfig, load_config

__all__ = ["LoadedConfig", "load_config"]
