"""Run in a network namespace of a test: the probes in a sandbox without walls."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from pathlib import Path

from lab.domain.ids import MemberId, SandboxId
from lab.domain.quantity import GIB, Resources
from lab.providers.local import launch
from lab.providers.local.receivers import Receivers


def main(folder: Path, runtime: Path, nonce: str, port: int) -> None:
    for name in ("home", "doors", "data"):
        (folder / name).mkdir()
    (folder / "secret.txt").write_text(nonce)
    (folder / "data" / "t.csv").write_text("a\n")
    spec = launch.LaunchSpec(
        sandbox_id=SandboxId(f"sb-{secrets.token_hex(5)}"),
        member_id=MemberId("m-0000000009"),
        resources=Resources(1000, GIB, 0),
        home=folder / "home",
        datasets=(("demandes", folder / "data"),),
        doors_dir=folder / "doors",
        runtime_env=runtime,
        argv=(
            *("/opt/notebook/bin/python", "-I", "-S", "-B", "/opt/lab/inside"),
            *("probe", "/home/scientist/probe.json"),
        ),
        open_walls=True,
    )
    with Receivers(nonce, folder, []) as receivers:
        aims = {
            "nonce": nonce,
            "name": "",  # the machine's own resolver is no target
            "may_send": port != 0,  # only where the test made the network
            "hosts": ["203.0.113.5"],
            "loopback_tcp": [receivers.loopback_port],
            "loopback_udp": receivers.loopback_port,
            "neighbours": [receivers.loopback_port],
            "abstract": receivers.abstract,
            "unix_paths": [str(receivers.path)],
            "secret_files": [str(folder / "secret.txt")],
            "host_pid": os.getppid(),
            "datasets": ["demandes"],
        }
        if port:
            aims |= {"tcp_port": port, "udp_port": port}
        (folder / "home" / "probe.json").write_text(json.dumps(aims))
        launch.start(spec, folder / "k")
        deadline = time.monotonic() + 60
        while launch.status(folder / "k").is_running and time.monotonic() < deadline:
            time.sleep(0.02)
        launch.stop(folder / "k")
        printed = (folder / "k" / "server.log").read_text()
        answers = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
        print(json.dumps({"answers": answers, "arrivals": receivers.arrivals(), "log": printed}))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
