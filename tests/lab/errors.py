"""What can go wrong in the lab itself, as apart from a case whose expectation is not met."""


class LabError(Exception):
    """The lab can't do its work: a tool is missing, a build failed, a guest died, a case file
    is wrong.

    The message says what happened and what to do; nothing in the lab catches it to go on without
    (a guest that stood still is booted anew, once).
    """


class StoodStill(LabError):
    """A guest gave no answer in time, not even that a command took too long."""
