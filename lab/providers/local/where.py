"""The folders of one lab on this machine, and what is in them for containment."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lab import grants
from lab.domain.ids import SandboxId

if TYPE_CHECKING:
    from pathlib import Path


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, UTC and aware."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The folders of one lab.

    Attributes:
        state_dir: What is kept.
        run_dir: Sockets; a short path.
        runtime_env: The notebook environment.
    """

    state_dir: Path
    run_dir: Path
    runtime_env: Path

    @property
    def grants(self) -> Path:
        """What the gateway reads."""
        return self.state_dir / "grants"

    def doors(self, sandbox_id: SandboxId) -> Path:
        """Where the gateway listens for one sandbox."""
        return self.run_dir / "doors" / sandbox_id

    def proof(self, sandbox_id: SandboxId) -> Path:
        """Where the last proof of one sandbox is."""
        return self.state_dir / "sandboxes" / sandbox_id / "proof.json"

    def sockets(self, sandbox_id: SandboxId) -> set[str]:
        """Return the doors that have a socket."""
        return {path.stem for path in self.doors(sandbox_id).glob("*.sock")}

    def sweep_doors(self, sandbox_id: SandboxId) -> None:
        """Remove the sockets nobody serves, and their folder with the last one.

        Those the gateway serves are left to it: that they go shows that it let go.
        """
        folder = self.doors(sandbox_id)
        for path in folder.glob("*.sock"):
            if not _is_served(path):
                path.unlink(missing_ok=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

    def owned(self) -> frozenset[SandboxId]:
        """Return the sandboxes that have doors or a proof."""
        found = set(grants.holders(self.grants, grants.DOORS))
        names = [path.parent.name for path in (self.run_dir / "doors").glob("*/*")]
        names += [path.parent.name for path in (self.state_dir / "sandboxes").glob("*/proof.json")]
        return frozenset(found | {SandboxId(n) for n in names if grants.is_sandbox_id(n)})


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(1)
        try:
            sock.connect(os.fspath(path))
        except OSError:
            return False
    return True
