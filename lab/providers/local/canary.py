"""Run the probes inside the walls of a notebook, and count outside what arrives."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import probing
from lab.domain.containment import Expected, Outcome, ProbeResult, Proof
from lab.domain.egress import DOOR_PORTS, Door
from lab.domain.errors import ProviderError
from lab.domain.ids import MemberId, SandboxId
from lab.domain.quantity import MIB
from lab.domain.sandbox import Stage
from lab.providers.local import launch
from lab.providers.local.receivers import Receivers, own_addresses

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lab.domain.quantity import Resources
    from lab.domain.sandbox import Sandbox

MEMBER = MemberId("canary")
LEAST_PROBES = 45
"""Fewer answers than this are no proof: the probes did not run to their end."""

_TIMEOUT_S = 30.0
_WITNESS = "temoin"
_HOST_SOCKETS = (
    "/run/docker.sock",
    "/var/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/dbus/system_bus_socket",
    "/run/systemd/private",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """Where one run takes place, and what it aims at.

    Attributes:
        folder: Of its own, emptied before and removed after; a short path.
        doors_dir: The sandbox's.
        doors: Those that must answer; every other must not.
        secret_files: Files and folders of the host that nobody inside may read.
        neighbours: Loopback ports of the host that lead into other sandboxes.
        host_sockets: Unix sockets of the host, of the lab and of other sandboxes.
    """

    sandbox_id: SandboxId
    spec_hash: str
    uid: int | None
    resources: Resources
    folder: Path
    runtime_env: Path
    doors_dir: Path
    doors: frozenset[Door]
    datasets: tuple[tuple[str, Path], ...] = ()
    secret_files: tuple[Path, ...] = ()
    neighbours: tuple[int, ...] = ()
    host_sockets: tuple[str, ...] = ()


def prove(canary: Canary, now: Callable[[], datetime]) -> Proof:
    """Run every probe once; return what came of them, not yet signed. Blocks for seconds.

    Raises:
        ProviderError: The probes could not be run, which proves nothing.
    """
    started_at = now()
    nonce = secrets.token_hex(16)
    _lay_out(canary.folder, nonce)
    try:
        with Receivers(nonce, canary.folder, own_addresses()) as receivers:
            if not receivers.is_listening():
                raise ProviderError(Stage.CONTAINMENT, "the receivers outside do not count")
            answers = _run(_spec(canary), canary.folder, _aims(canary, nonce, receivers))
            arrivals, watched = receivers.arrivals(), receivers.watched()
    except OSError as error:
        raise ProviderError(Stage.CONTAINMENT, f"the probes could not run: {error}") from error
    finally:
        shutil.rmtree(canary.folder, ignore_errors=True)
    results = tuple(
        _result(answer, arrivals.get(answer["name"], 0) if answer["name"] in watched else None)
        for answer in answers
    )
    return Proof(
        sandbox_id=canary.sandbox_id,
        spec_hash=canary.spec_hash,
        started_at=started_at,
        finished_at=now(),
        results=results,
    )


def failures(proof: Proof) -> str:
    """Name the probes that do not hold, in one line."""
    failed = [
        f"{result.name} ({result.outcome.value}{'' if not result.arrivals else ', arrived'})"
        for result in proof.results
        if not result.holds
    ]
    return ", ".join(failed)


def spec_hash(sandbox: Sandbox, doors: frozenset[Door]) -> str:
    """Hash everything the walls are made of; not when the sandbox ends, nor who is in it."""
    spec = sandbox.spec
    content = {
        "sandbox": sandbox.id,
        "profile": spec.profile_id,
        "doors": sorted(door.value for door in doors),
        "datasets": sorted(f"{ref.dataset_id}/v{ref.version}" for ref in spec.datasets),
        "resources": str(spec.resources),
        "walls": _code(),
        "bubblewrap": _bubblewrap(os.environ.get("PATH", os.defpath)),
        "kernel": os.uname().release,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@cache
def _code() -> str:
    digest = hashlib.sha256()
    for folder in (Path(__file__).parent, Path(probing.__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def _bubblewrap(path: str) -> str:
    command = shutil.which("bwrap", path=path)
    if command is None:
        return ""
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _lay_out(folder: Path, nonce: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    for name in ("home", _WITNESS, "k"):
        (folder / name).mkdir()
        (folder / name).chmod(0o755)  # whatever our umask is; nobody but root walks down to it
    (folder / _WITNESS / "temoin.csv").write_text("a\n1\n", "ascii")
    (folder / _WITNESS / "temoin.csv").chmod(0o644)
    (folder / "secret.txt").write_text(nonce, "ascii")


def _spec(canary: Canary) -> launch.LaunchSpec:
    inside = "/opt/lab/inside"
    return launch.LaunchSpec(
        sandbox_id=canary.sandbox_id,
        member_id=MEMBER,
        uid=canary.uid,
        resources=canary.resources,  # its group is the sandbox's own
        home=canary.folder / "home",
        datasets=((_WITNESS, canary.folder / _WITNESS), *canary.datasets),
        doors_dir=canary.doors_dir,
        runtime_env=canary.runtime_env,
        argv=(
            *("/opt/notebook/bin/python", "-I", "-S", "-B"),
            *(inside, "probe", f"{launch.HOME}/probe.json"),
        ),
        tmp_bytes=16 * MIB,
        grace_s=1,
    )


def _aims(canary: Canary, nonce: str, receivers: Receivers) -> dict[str, Any]:
    own = (str(receivers.path), *canary.host_sockets, *_HOST_SOCKETS)
    secret = (canary.folder / "secret.txt", *canary.secret_files)
    aims: dict[str, Any] = {
        "nonce": nonce,
        "hosts": receivers.addresses,
        "loopback_tcp": [receivers.loopback_port],
        "loopback_udp": receivers.loopback_port,
        "neighbours": list(canary.neighbours),
        "abstract": receivers.abstract,
        "unix_paths": list(own),
        "secret_files": [str(path) for path in (*secret, *map(Path, ("/root", "/etc/shadow")))],
        "host_pid": os.getpid(),
        "doors": {door.value: port for door, port in DOOR_PORTS.items()},
        "open_doors": sorted(door.value for door in canary.doors),
        "datasets": [_WITNESS, *(name for name, _ in canary.datasets)],
    }
    if receivers.port:
        aims |= {"tcp_port": receivers.port, "udp_port": receivers.port}
    return aims


def _run(spec: launch.LaunchSpec, folder: Path, aims: dict[str, Any]) -> list[dict[str, Any]]:
    """Launch the probes as a notebook is launched, and return what they printed."""
    (spec.home / "probe.json").write_text(json.dumps(aims), "utf-8")
    (spec.home / "probe.json").chmod(0o644)
    run_dir = folder / "k"
    try:
        launch.start(spec, run_dir)
        deadline = time.monotonic() + _TIMEOUT_S
        while launch.status(run_dir).is_running and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        launch.stop(run_dir)
    printed = (run_dir / "server.log").read_text("utf-8", "replace")
    answers = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    if not answers or answers[-1] != {"end": True} or len(answers) <= LEAST_PROBES:
        last = printed[-300:].strip() or "nothing was printed"
        raise ProviderError(Stage.CONTAINMENT, f"the probes did not run to their end: {last}")
    return answers[:-1]


def _result(answer: dict[str, Any], arrivals: int | None) -> ProbeResult:
    result = ProbeResult(
        name=answer["name"],
        expected=Expected(answer["expected"]),
        outcome=Outcome(answer["outcome"]),
        detail=answer["detail"],
        arrivals=arrivals,
        took_ms=answer["took_ms"],
    )
    if arrivals and result.expected is Expected.BLOCKED:
        return replace(result, outcome=Outcome.OPEN, detail=f"it arrived; {result.detail}")
    return result
