"""Running a plan: checked, locked, journalled, one action at a time."""
