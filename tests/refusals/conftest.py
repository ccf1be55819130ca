"""What tests of refusals share."""

from __future__ import annotations

from tests.apply.conftest import machine

__all__ = ["machine"]
