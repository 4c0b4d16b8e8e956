"""What a provision costs the API server and us: ``make bench-cluster``. Leaves nothing behind.

Ratios only, both arms interleaved in one run, against a real API server and etcd of its own on
loopback (no controllers, no nodes: what is measured is our client's side and the server's).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from lab.domain.egress import Door
from lab.domain.walls import Peer
from lab.providers.kubernetes import names, objects
from lab.providers.kubernetes.client import Client
from lab.providers.kubernetes.doors import ensure_doors
from lab.providers.kubernetes.isolation import NamespaceProvider
from lab.providers.kubernetes.objects import Lab
from lab.providers.kubernetes.resources import (
    LIMIT_RANGE,
    NAMESPACE,
    NETWORK_POLICY,
    RESOURCE_QUOTA,
    ROLE_BINDING,
    SERVICE,
)
from lab.providers.kubernetes.session import WATCHED, Session
from tests.cluster.driver import binaries
from tests.cluster.driver.pki import Pki
from tests.conftest import make_sandbox
from tests.e2e.a_lab import free_block

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from lab.domain.sandbox import Sandbox

NAME = "vase-clos"
DOORS = frozenset(Door)
READY_SECONDS = 90
AT_ONCE = 16
SELECTORS = {peer: {"app.kubernetes.io/component": peer.value} for peer in Peer}


@dataclass
class Server:
    """A real API server with its etcd."""

    kubeconfig: Path
    processes: Sequence[subprocess.Popen[bytes]]

    @property
    def cpu_seconds(self) -> float:
        """CPU time of both so far."""
        ticks = os.sysconf("SC_CLK_TCK")
        total = 0
        for each in self.processes:
            fields = Path(f"/proc/{each.pid}/stat").read_text("ascii").rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / ticks


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Start one on free ports of loopback, and end it."""
    programs, base = binaries.ensure(), free_block()
    etcd, peers, port = base, base + 1, base + 2
    pki = Pki(folder / "pki", server=f"https://127.0.0.1:{port}")
    pki.issue("apiserver", "kube-apiserver", names=("127.0.0.1", "localhost"))
    pki.issue("admin", "admin", group="system:masters")
    log = (folder / "server.log").open("wb")
    started = [
        subprocess.Popen(
            [
                str(programs["etcd"]),
                f"--data-dir={folder / 'etcd'}",
                f"--listen-client-urls=http://127.0.0.1:{etcd}",
                f"--advertise-client-urls=http://127.0.0.1:{etcd}",
                f"--listen-peer-urls=http://127.0.0.1:{peers}",
                "--unsafe-no-fsync",
            ],
            stdout=log,
            stderr=log,
        ),
        subprocess.Popen(
            [
                str(programs["kube-apiserver"]),
                f"--secure-port={port}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                f"--etcd-servers=http://127.0.0.1:{etcd}",
                "--service-cluster-ip-range=10.96.0.0/12",
                "--authorization-mode=RBAC",
                f"--client-ca-file={pki.folder}/ca.crt",
                f"--tls-cert-file={pki.folder}/apiserver.crt",
                f"--tls-private-key-file={pki.folder}/apiserver.key",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={pki.folder}/sa.pub",
                f"--service-account-signing-key-file={pki.folder}/sa.key",
                "--disable-admission-plugins=ServiceAccount",
            ],
            stdout=log,
            stderr=log,
        ),
    ]
    try:
        _await(port, folder / "server.log")
        yield Server(pki.folder / "admin.conf", started)
    finally:
        for each in reversed(started):
            each.terminate()
            each.wait(20)
        log.close()


def _await(port: int, log: Path) -> None:
    import ssl  # noqa: PLC0415

    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(
                f"https://127.0.0.1:{port}/readyz", context=tls, timeout=2
            ):
                return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"the API server did not start:\n{log.read_text(errors='replace')[-2000:]}")


def the_lab() -> Lab:
    """Return what all sandboxes of the bench have in common."""
    return Lab(namespace=NAME, selectors=SELECTORS)


def sandbox(number: int) -> Sandbox:
    """Return one of many."""
    return make_sandbox(f"sb-{number:010x}")


@asynccontextmanager
async def a_session(kubeconfig: Path) -> AsyncIterator[Session]:
    """Open a session that knows what is there."""
    session = Session(client=Client(kubeconfig), lab=the_lab())
    try:
        await session.ready()
        yield session
    finally:
        await session.aclose()


def compiled(each: Sandbox, slot: int) -> list[tuple[Any, dict[str, Any]]]:
    """Return the objects of a place and its doors, namespace first."""
    lab = the_lab()
    return [
        (NAMESPACE, objects.namespace(lab, each, slot)),
        (NETWORK_POLICY, objects.closed(lab, each.id)),
        (RESOURCE_QUOTA, objects.resource_quota(lab, each)),
        (LIMIT_RANGE, objects.limit_range(lab, each)),
        (ROLE_BINDING, objects.hub_rights(lab, each.id)),
        (SERVICE, objects.door_service(lab, each.id, slot)),
        (NETWORK_POLICY, objects.door_policy(lab, each.id, slot, DOORS)),
    ]


async def raw(client: Client, each: Sandbox, slot: int) -> None:
    """Post the same objects with nothing around it: the namespace, then all others at once."""
    first, *rest = compiled(each, slot)
    await client.create(*first)
    await asyncio.gather(*(client.create(kind, what) for kind, what in rest))


async def ours(session: Session, each: Sandbox) -> None:
    """Provision as the reconciler does, up to the proof."""
    place = NamespaceProvider(session)
    await place.ensure(each)
    await ensure_doors(session, each, DOORS)


@dataclass
class Arm:
    """What one way of doing it took."""

    wall: list[float]
    cpu: list[float]

    def quantile(self, share: float) -> float:
        """Return a quantile of the wall times, in seconds."""
        return sorted(self.wall)[min(len(self.wall) - 1, int(share * len(self.wall)))]


async def provision(kubeconfig: Path, rounds: int) -> tuple[Arm, Arm, float]:
    """Take turns; return ours, raw, and our writes for each sandbox."""
    mine, bare = Arm([], []), Arm([], [])
    client = Client(kubeconfig)
    async with a_session(kubeconfig) as session:
        try:
            await client.create(NAMESPACE, _plain(NAME))
            await client.create(SERVICE, _hub())
            for number in range(4):  # both arms warm
                await ours(session, sandbox(0xF000 + number))
                await raw(client, sandbox(0xE000 + number), 9000 + number)
            before = _writes(session)
            for number in range(rounds):
                turns = [(mine, ours(session, sandbox(number)))]
                turns.append((bare, raw(client, sandbox(0x10000 + number), 5000 + number)))
                for arm, act in turns if number % 2 else turns[::-1]:
                    gc.collect()
                    began, cpu = time.perf_counter(), time.process_time()
                    await act
                    arm.wall.append(time.perf_counter() - began)
                    arm.cpu.append(time.process_time() - cpu)
            writes = (_writes(session) - before) / rounds
            calm = _writes(session)
            for number in range(rounds):
                await ours(session, sandbox(number))
            idle = _writes(session) - calm
            say("writes of a second pass with nothing to do", f"{idle}")
        finally:
            await client.aclose()
    return mine, bare, writes


def _writes(session: Session) -> int:
    reading = {"GET", "LIST", "WATCH"}
    return sum(count for verb, count in session.client.counts.items() if verb not in reading)


def _plain(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _hub() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "hub", "namespace": NAME},
        "spec": {"ports": [{"port": 8081}]},
    }


async def fill(kubeconfig: Path, first: int, last: int) -> None:
    """Post the objects of many sandboxes, several at a time."""
    client = Client(kubeconfig)
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with turn:
            await raw(client, sandbox(0x100000 + number), number % 13000)

    try:
        await asyncio.gather(*(one(number) for number in range(first, last)))
    finally:
        await client.aclose()


async def scale(kubeconfig: Path) -> dict[str, float]:
    """Measure with what is there now: a full resync, a bare list and parse, one pass, memory."""
    gc.collect()
    before = _resident()
    cpu = time.process_time()
    async with a_session(kubeconfig) as session:
        resync = time.process_time() - cpu
        gc.collect()
        grown = _resident() - before
        known = sum(len(shelf) for shelf in session.shelves.values())
        cpu = time.process_time()
        passes = 200
        provider = NamespaceProvider(session)
        for number in range(passes):
            await provider.observe(sandbox(0x100000 + number % 100))
        one_pass = (time.process_time() - cpu) / passes
        costs = []
        for number in range(20):
            cpu = time.process_time()
            await ours(session, sandbox(0x800000 + known * 32 + number))
            costs.append(time.process_time() - cpu)
    bare = await _bare_lists(kubeconfig)
    return {
        "objects": float(known),
        "resync": resync,
        "bare": bare,
        "pass": one_pass,
        "provision": statistics.median(costs),
        "memory": grown / max(known, 1),
    }


async def _bare_lists(kubeconfig: Path) -> float:
    """List and parse the same collections with nothing else; CPU seconds."""
    import json  # noqa: PLC0415
    import ssl  # noqa: PLC0415

    folder = kubeconfig.parent
    tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    tls.load_cert_chain(folder / "admin.crt", folder / "admin.key")
    text = kubeconfig.read_text("utf-8")
    url = next(w for w in text.split() if w.startswith("https://"))
    cpu = time.process_time()
    async with aiohttp.ClientSession() as session:
        for resource in WATCHED:
            query = f"?labelSelector={names.LAB}%3D{NAME}"
            async with session.get(f"{url}{resource.path(None)}{query}", ssl=tls) as reply:
                json.loads(await reply.read())
    return time.process_time() - cpu


def _resident() -> int:
    text = Path("/proc/self/status").read_text("ascii")
    return (
        int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024
    )


def say(what: str, figure: str) -> None:
    """Print one line of the table."""
    sys.stdout.write(f"{what:<64} {figure}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="provisions of each arm")
    parser.add_argument("--few", type=int, default=100, help="sandboxes, the smaller lab")
    parser.add_argument("--many", type=int, default=3000, help="sandboxes, the larger lab")
    options = parser.parse_args()
    say("load average before", "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg()))
    with (
        tempfile.TemporaryDirectory(prefix="vase-clos-bench-") as name,
        server(Path(name)) as running,
    ):
        mine, bare, writes = asyncio.run(provision(running.kubeconfig, options.rounds))
        for share in (0.5, 0.99):
            one, other = mine.quantile(share), bare.quantile(share)
            say(
                f"provision, against the same objects posted raw, p{share * 100:.0f}",
                f"{one / other:.2f}  ({one * 1000:.0f} / {other * 1000:.0f} ms)",
            )
        cpu = statistics.median(mine.cpu) / statistics.median(bare.cpu)
        say("the same, our CPU", f"{cpu:.2f}")
        say("writes for a place and its doors, as sent", f"{writes:.2f} (of at most 9 in all)")
        asyncio.run(fill(running.kubeconfig, 0, options.few))
        few = asyncio.run(scale(running.kubeconfig))
        asyncio.run(fill(running.kubeconfig, options.few, options.many))
        many = asyncio.run(scale(running.kubeconfig))
        say("objects known, few / many", f"{few['objects']:.0f} / {many['objects']:.0f}")
        for what in ("provision", "pass"):
            say(
                f"CPU of one {what}, many against few",
                f"{many[what] / few[what]:.2f}"
                f"  ({many[what] * 1e3:.2f} / {few[what] * 1e3:.2f} ms)",
            )
        say(
            "resync of many, against a bare list and parse, CPU",
            f"{many['resync'] / many['bare']:.2f}",
        )
        say("memory for each object known", f"{many['memory']:.0f} bytes")
    say("load average after", "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg()))


if __name__ == "__main__":
    main()
