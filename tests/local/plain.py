"""Run by a plain user, with the system's python: a sandbox, its limits and its proof."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.domain.ids import MemberId, SandboxId
from lab.domain.quantity import MIB, Resources
from lab.providers.local import attempts, canary, launch, limits

if TYPE_CHECKING:
    from lab.domain.attempt import BlockedAttempt

TRIES = """
import json, os, socket, subprocess, sys
sys.stdout.reconfigure(line_buffering=True)
try:
    socket.create_connection(("192.0.2.10", 443), 5)
except OSError as error:
    print(type(error).__name__)
eat = "x = [bytes([1]) * 10_000_000 for _ in range(200)]"
print(subprocess.run([sys.executable, "-c", eat], stderr=subprocess.DEVNULL).returncode != 0)
children = []
try:
    for _ in range(3000):
        pid = os.fork()
        if pid == 0:
            import time
            time.sleep(60)
            os._exit(0)
        children.append(pid)
except OSError as error:
    print(error.errno)
for pid in children:
    os.kill(pid, 9)
print(os.getuid())
"""


def main(folder: Path) -> None:
    runtime = folder / "env"
    for name in ("home", "doors", "k"):
        (folder / name).mkdir()
    spec = launch.LaunchSpec(
        sandbox_id=SandboxId("sb-00000000f1"),
        member_id=MemberId("m-0000000001"),
        resources=Resources(1000, 700 * MIB, 50 * MIB),
        home=folder / "home",
        doors_dir=folder / "doors",
        runtime_env=runtime,
        argv=("/opt/notebook/bin/python", "-c", TRIES),
    )
    keeper = launch.start(spec, folder / "k")
    deadline = time.monotonic() + 60
    while launch.status(folder / "k").is_running and time.monotonic() < deadline:
        time.sleep(0.02)
    launch.stop(folder / "k")
    seen: list[BlockedAttempt] = attempts.read(folder / "k" / "attempts.jsonl")[0]
    proof = canary.prove(
        canary.Canary(
            sandbox_id=spec.sandbox_id, spec_hash="x", uid=None, resources=spec.resources,
            folder=folder / "c", runtime_env=runtime, doors_dir=folder / "doors",
            doors=frozenset(), secret_files=(folder,),
        ),
        lambda: datetime.now(UTC),
    )  # fmt: skip
    answer: dict[str, Any] = {
        "uid": os.getuid(),
        "printed": (folder / "k" / "server.log").read_text().split(),
        "log": (folder / "k" / "keeper.log").read_text(),
        "observes": keeper.observes,
        "attempts": [(a.rule.value, a.target) for a in seen],
        "means": limits.describe_limits(),
        "holds": proof.holds,
        "failures": canary.failures(proof),
        "count": len(proof.results),
    }
    print(json.dumps(answer))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
