"""A reconciler whose outside is a folder that several processes share, and a log of every step.

``python -m tests.cluster.leader_process FOLDER`` with the settings in the environment;
everything else, the lease and the store among it, is as in ``lab.reconciling``.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lab import bootstrap
from lab.domain.ids import SandboxId
from lab.domain.sandbox import Fact, Observation, Seen, Stage
from lab.reconciling.__main__ import serve
from lab.settings import from_environment
from tests.world import FakeAttempts, FakeNotebooks, NoProofs

if TYPE_CHECKING:
    from lab.domain.sandbox import Sandbox

STEP_SECONDS = 0.3
CONVERGES_SECONDS = 0.3


class FolderProvider:
    """A stage as a file. A step takes a while, and what it did is there only at its end."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self._folder, self.stage = folder, stage
        (folder / stage.value).mkdir(parents=True, exist_ok=True)

    async def observe(self, sandbox: Sandbox) -> Observation:
        path = self._path(sandbox.id)
        facts = (Fact("file", path.name, path.exists()),)
        if not path.exists():
            return Observation(Seen.ABSENT, facts=facts)
        age = time.time() - path.stat().st_mtime
        seen = Seen.READY if age > CONVERGES_SECONDS else Seen.CONVERGING
        return Observation(seen, facts=facts)

    async def ensure(self, sandbox: Sandbox) -> None:
        self._note("ensure", sandbox.id)
        await asyncio.sleep(STEP_SECONDS)
        self._path(sandbox.id).touch()
        self._note("ensured", sandbox.id)

    async def revoke(self, sandbox_id: SandboxId) -> None:
        await self.remove(sandbox_id)

    async def remove(self, sandbox_id: SandboxId) -> None:
        self._note("remove", sandbox_id)
        await asyncio.sleep(STEP_SECONDS)
        self._path(sandbox_id).unlink(missing_ok=True)
        self._note("removed", sandbox_id)

    async def owned(self) -> frozenset[SandboxId]:
        return frozenset(SandboxId(p.name) for p in (self._folder / self.stage.value).iterdir())

    def _path(self, sandbox_id: SandboxId) -> Path:
        return self._folder / self.stage.value / sandbox_id

    def _note(self, word: str, sandbox_id: SandboxId) -> None:
        line = f"{time.time():.3f} {os.getpid()} {word} {self.stage.value} {sandbox_id}\n"
        with (self._folder / "steps.log").open("a") as out:
            out.write(line)


def systems(folder: Path) -> bootstrap.Outside:
    return bootstrap.Outside(
        providers={stage: FolderProvider(folder, stage) for stage in Stage},
        notebooks=FakeNotebooks(),
        attempts=FakeAttempts(),
        proofs=NoProofs(),
    )


if __name__ == "__main__":
    asyncio.run(serve(from_environment(), systems=systems(Path(sys.argv[1]))))
