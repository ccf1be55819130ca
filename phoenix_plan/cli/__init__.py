"""Flags in, exit code out: the only room that exits, prints, and reads the environment."""
