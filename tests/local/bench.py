from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.domain.ids import MemberId, SandboxId
from lab.domain.quantity import GIB, Resources
from lab.providers.local import attempts, launch

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.attempt import BlockedAttempt

CHECKOUT = Path(__file__).parents[2]
RUNTIME = CHECKOUT / ".build" / "notebook"
UID = 1_950_000_000 + secrets.randbelow(1_000_000) if os.geteuid() == 0 else None
PYTHON = "/opt/notebook/bin/python"


def lacking() -> str:
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    if not (RUNTIME / "pyvenv.cfg").exists():
        return "the notebook environment is not built (make setup)"
    return ""


def wait_for(look: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"still {found!r} after {timeout_s} s"
        time.sleep(0.02)
    return found


class Bench:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vc-"))
        self.folder.chmod(0o755)
        self._count = 0

    def spec(self, *argv: str, **changes: Any) -> launch.LaunchSpec:
        self._count += 1
        own = self.folder / str(self._count)
        for name in ("home", "doors", "data"):
            (own / name).mkdir(parents=True, exist_ok=True)
        (own / "data" / "table.csv").write_text("a,b\n1,2\n")
        base = launch.LaunchSpec(
            sandbox_id=SandboxId(f"sb-{secrets.token_hex(5)}"),
            member_id=MemberId("m-0000000001"),
            uid=UID,
            resources=Resources(2000, 2 * GIB, GIB),
            home=own / "home",
            datasets=(("demandes", own / "data"),),
            doors_dir=own / "doors",
            runtime_env=RUNTIME,
            argv=argv or (PYTHON, "-c", "import time; time.sleep(300)"),
            grace_s=2,
        )
        return replace(base, **changes)

    def run_dir(self, spec: launch.LaunchSpec) -> Path:
        return self.folder / "k" / spec.sandbox_id[-6:]

    def start(self, spec: launch.LaunchSpec) -> launch.Keeper:
        return launch.start(spec, self.run_dir(spec))

    def run(self, spec: launch.LaunchSpec, timeout_s: float = 60.0) -> str:
        self.start(spec)
        wait_for(lambda: not launch.status(self.run_dir(spec)).is_running, timeout_s)
        return (self.run_dir(spec) / "server.log").read_text()

    def python(self, code: str, **changes: Any) -> Any:
        spec = self.spec(PYTHON, "-c", textwrap.dedent(code), **changes)
        printed = self.run(spec)
        try:
            return json.loads(printed)
        except ValueError:
            raise AssertionError(printed) from None

    def attempts(self, spec: launch.LaunchSpec) -> list[BlockedAttempt]:
        return attempts.read(self.run_dir(spec) / "attempts.jsonl")[0]

    def close(self) -> None:
        for status in self.folder.glob("k/*/status.json"):
            launch.stop(status.parent)
        shutil.rmtree(self.folder)
