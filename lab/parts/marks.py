"""Every process of a lab carries the lab's mark, so that none is taken for another's.

The mark is an environment variable. A pid in a file can be another process's
by the time it is read; what stands in ``/proc/<pid>/environ`` cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.providers.local.processes import ProcessId, identify

MARK = "VASE_CLOS_PART"


@dataclass(frozen=True, slots=True)
class Marked:
    """A living process of this lab."""

    part: str
    process: ProcessId


def mark(part: str, state_dir: Path) -> dict[str, str]:
    """Return what to put in the environment of a part."""
    return {MARK: f"{part}@{state_dir}"}


def find(state_dir: Path) -> tuple[Marked, ...]:
    """Return the living processes that carry this lab's mark."""
    start, end = f"{MARK}=".encode(), f"@{state_dir}".encode()
    found: list[Marked] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # it ended, or is another user's
            continue
        for variable in variables:
            if variable.startswith(start) and variable.endswith(end):
                part = variable[len(start) : -len(end)].decode("utf-8", "replace")
                process = identify(int(folder.name))
                if process is not None:
                    found.append(Marked(part, process))
    return tuple(found)
