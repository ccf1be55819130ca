"""The `phoenix` command, also `python -m phoenix_plan`.

Nothing is imported here before it is known what is asked for: `--version` answers at the speed of
a bare Python.
"""

from __future__ import annotations

import gc
import sys


def main(argv: list[str] | None = None) -> int:
    """Run the command line (`sys.argv` without an argument) and return its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    for argument in arguments:
        if argument == "--version":
            return _version()
        if not argument.startswith("-"):
            break
    # Large documents make millions of objects and hardly a circle: look for those less often.
    gc.set_threshold(100_000, 50, 100)
    from phoenix_plan.cli.app import run  # noqa: PLC0415 - see above

    return run(arguments)


def _version() -> int:
    from phoenix_plan import __version__  # noqa: PLC0415 - see above
    from phoenix_plan.cli.streams import finish  # noqa: PLC0415 - see above

    sys.stdout.write(f"phoenix {__version__}\n")
    return finish(0)


if __name__ == "__main__":
    sys.exit(main())
