"""Runs the tests, and the files of those that failed once more, alone: ``make test``.

    python -m tests.again [PYTEST ARGUMENTS]

In a new checkout the test files are compiled first, each once: three processes would
otherwise each compile all of them. The tests start real parts, three files at a time on two
cores; what fails because the machine was busy passes alone. What fails twice has failed. Files
that were run again are named.
"""

from __future__ import annotations

import json
import os
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
    if not arguments:
        compile_tests()
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


def compile_tests() -> None:
    """Let two processes collect half of the tests each; pytest keeps what it compiled."""
    if any((CHECKOUT / "tests" / "__pycache__").glob("conftest.*-pytest-*.pyc")):
        return
    folders = sorted(path.parent for path in (CHECKOUT / "tests").glob("*/__init__.py"))
    sys.stdout.write("compiling the tests\n")
    sys.stdout.flush()
    started = [
        subprocess.Popen(
            command("-n0", "--collect-only", "-q", *map(str, half)),
            cwd=CHECKOUT,
            env=environment(),
            stdout=subprocess.DEVNULL,
        )
        for half in (folders[::2], folders[1::2])
    ]
    for process in started:
        # What cannot be collected is said by the run itself.
        process.wait()


def run(*arguments: str) -> int:
    """Run pytest with these arguments."""
    return subprocess.run(
        command(*arguments), cwd=CHECKOUT, env=environment(), check=False
    ).returncode


def command(*arguments: str) -> tuple[str, ...]:
    """Return the command line of pytest."""
    return (sys.executable, "-m", "pytest", *arguments)


def environment() -> dict[str, str]:
    """Return the environment without the switch that forbids to keep what was compiled."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def failed_files() -> list[str]:
    """Return the files in which something failed: stories only make sense whole."""
    try:
        found = json.loads(LAST_FAILED.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return sorted({name.partition("::")[0] for name in found})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
