"""Runs the tests, and the files of those that failed once more, alone: ``make test``.

    python -m tests.again [PYTEST ARGUMENTS]

The tests start real parts, three files at a time on two cores; what fails because the machine
was busy passes alone. What fails twice has failed. Files that were run again are named.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
LAST_FAILED = CHECKOUT / ".pytest_cache" / "v" / "cache" / "lastfailed"
TESTS_FAILED = 1
MOST_FILES = 8
"""More than that is no accident."""


def main(arguments: list[str]) -> int:
    """Run; return the exit status."""
    LAST_FAILED.unlink(missing_ok=True)
    first = run(*arguments)
    if first != TESTS_FAILED:
        return first
    files = failed_files()
    if not files or len(files) > MOST_FILES:
        return first
    sys.stdout.write(f"\nagain, alone: {', '.join(files)}\n")
    sys.stdout.flush()
    second = run("-n0", *files)
    if second == 0:
        sys.stdout.write(f"passed only when run alone: {', '.join(files)}\n")
    return second


def run(*arguments: str) -> int:
    """Run pytest with these arguments."""
    command = (sys.executable, "-m", "pytest", *arguments)
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode


def failed_files() -> list[str]:
    """Return the files in which something failed: stories only make sense whole."""
    try:
        found = json.loads(LAST_FAILED.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return sorted({name.partition("::")[0] for name in found})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
