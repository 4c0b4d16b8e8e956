"""What ran when ``lab`` looked last, so that the next start can say what happened since."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from lab.providers.local.processes import ProcessId

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Record:
    """The processes of a running lab.

    Attributes:
        digest: Of what the parts were started from.
    """

    digest: str
    supervisor: ProcessId
    parts: Mapping[str, ProcessId] = field(default_factory=dict)


def path(state_dir: Path) -> Path:
    """Return where it is kept."""
    return state_dir / "running.json"


def read(state_dir: Path) -> Record | None:
    """Return what was written; nothing where the lab was stopped, or never ran."""
    try:
        content = json.loads(path(state_dir).read_text("utf-8"))
        return Record(
            content["digest"],
            ProcessId(**content["supervisor"]),
            {name: ProcessId(**who) for name, who in content["parts"].items()},
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write(state_dir: Path, record: Record) -> None:
    """Write it, whole or not at all."""
    target = path(state_dir)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    draft.write_text(json.dumps(asdict(record), indent=1, sort_keys=True) + "\n", "utf-8")
    draft.replace(target)


def forget(state_dir: Path) -> None:
    """Write down that nothing runs."""
    path(state_dir).unlink(missing_ok=True)
