"""A lab of 100 sandboxes beside one of thousands, each on a server of its own, with kwok's nodes.

Operations on the two take turns, so that what else the machine does weighs on both alike.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from lab.providers.kubernetes import names
from lab.providers.kubernetes.client import Client
from lab.providers.kubernetes.resources import NODE, POD, SERVICE
from lab.providers.kubernetes.session import WATCHED
from tests.cluster.bench.making import (
    ANSWER_SECONDS,
    NAME,
    PATIENCE_SECONDS,
    Ours,
    connected,
    furnish,
    notebook,
    raw,
    sandbox,
)
from tests.cluster.bench.telling import progress, say
from tests.cluster.driver import binaries
from tests.cluster.driver.telling import CannotDoError
from tests.cluster.kwok.crowd import MARK, STAGES, node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.bench.server import Server

AT_ONCE = 8
NODES = 200
MOST_SLOTS = 13_000
PASSES, PROVISIONS, RESYNCS = 40, 30, 3
PASS_OVER = 25
"""Sandboxes that one pass looks at."""
TELL_EVERY_SECONDS = 15
FIRST, NEW = 0x100000, 0x900000


@contextmanager
def crowd(server: Server, log: Path) -> Iterator[None]:
    """Have kwok answer for the nodes and pods of a server."""
    program = binaries.ensure("kwok")["kwok"]
    with log.open("wb") as out:
        running = subprocess.Popen(
            [
                str(program),
                f"--kubeconfig={server.kubeconfig}",
                f"--config={STAGES}",
                f"--manage-nodes-with-annotation-selector={MARK}=fake",
                "--cidr=10.15.0.0/16",
                "--node-ip=10.15.255.254",
                "--node-lease-duration-seconds=40",
                "--server-address=",
            ],
            stdout=out,
            stderr=out,
        )
        try:
            yield
        finally:
            running.terminate()
            running.wait(20)


async def fill(server: Server, count: int, *, until: float) -> int:
    """Post the objects of many sandboxes with their notebooks; return how many were made.

    Args:
        server: Where.
        count: So many sandboxes.
        until: No new one is begun after that, on the monotonic clock.
    """
    client = Client(server.kubeconfig, timeout_seconds=ANSWER_SECONDS)
    turn, told = asyncio.Semaphore(AT_ONCE), time.monotonic()
    made = 0

    async def one(number: int) -> None:
        nonlocal made, told
        async with turn:
            if time.monotonic() > until:
                return
            each = sandbox(FIRST + number)
            await raw(client, each, number % MOST_SLOTS)
            await client.create(POD, notebook(each, node(number % NODES)["metadata"]["name"]))
            made += 1
            if time.monotonic() - told > TELL_EVERY_SECONDS:
                told = time.monotonic()
                progress(f"sandboxes posted: {made} of {count}")

    try:
        await furnish(client)
        await asyncio.gather(*(client.create(NODE, node(index)) for index in range(NODES)))
        await asyncio.gather(*(one(number) for number in range(count)))
        await _settled(client, made)
    finally:
        await client.aclose()
    return made


async def _settled(client: Client, wanted: int) -> None:
    """Wait until every pod runs: what kwok still writes would weigh on one server only."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        found, _ = await client.list(POD)
        running = sum(pod["status"].get("phase") == "Running" for pod in found)
        if running >= wanted:
            return
        if time.monotonic() > until:
            raise CannotDoError(f"simulated pods: {running} of {wanted} run")
        progress(f"simulated pods that run: {running} of {wanted}")
        await asyncio.sleep(3)


async def compare(few: Server, many: Server) -> None:
    """Measure operations on both in turns, and print the growth."""
    async with connected(few.kubeconfig) as small, connected(many.kubeconfig) as large:
        sides = (Ours(small), few), (Ours(large), many)
        known = [sum(map(len, ours.session.shelves.values())) for ours, _ in sides]
        say("objects known, few / many", f"{known[0]} / {known[1]}")
        passes: tuple[list[float], list[float]] = ([], [])
        costs: tuple[list[float], list[float]] = ([], [])
        theirs = [0.0, 0.0]
        progress("passes and provisions, in turns")
        for turn in range(PASSES):
            for index in (0, 1) if turn % 2 else (1, 0):
                passes[index].append(await _pass_over(sides[index][0]))
        for turn in range(PROVISIONS):
            for index in (0, 1) if turn % 2 else (1, 0):
                ours, server = sides[index]
                gc.collect()
                there, cpu = server.cpu_seconds, time.process_time()
                await ours.provision(sandbox(NEW + turn))
                costs[index].append(time.process_time() - cpu)
                theirs[index] += server.cpu_seconds - there
    _tell("CPU of one look at a sandbox", passes, per=PASS_OVER)
    _tell("CPU of one provision", costs)
    each = [total * 1000 / PROVISIONS for total in theirs]
    say(
        "CPU of the server for one provision, many against few",
        f"{theirs[1] / max(theirs[0], 0.01):.2f}  ({each[1]:.0f} / {each[0]:.0f} ms)",
    )


async def _pass_over(ours: Ours) -> float:
    gc.collect()
    cpu = time.process_time()
    for number in range(PASS_OVER):
        await ours.place.observe(sandbox(FIRST + number))
    return time.process_time() - cpu


def _tell(what: str, taken: tuple[list[float], list[float]], *, per: int = 1) -> None:
    few, many = (statistics.median(each) * 1e3 / per for each in taken)
    say(f"{what}, many against few", f"{many / few:.2f}  ({many:.2f} / {few:.2f} ms)")


def resync(server: Server) -> None:
    """Measure a resync against a bare list and parse, in turns; print it with the memory."""
    ratios, ours, bare = [], [], []
    for turn in range(RESYNCS):
        progress(f"resync: {turn + 1} of {RESYNCS}")
        ours.append(asyncio.run(_resync(server.kubeconfig)))
        bare.append(asyncio.run(_bare(server)))
        ratios.append(ours[-1] / bare[-1])
    each = f"({statistics.median(ours):.2f} / {statistics.median(bare):.2f} s)"
    ratio = statistics.median(ratios)
    say("resync of many, against a bare list and parse, CPU", f"{ratio:.2f}  {each}")
    # In a process that has held nothing yet: freed memory would be taken again unseen.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        known, grown = pool.submit(_memory, server.kubeconfig).result()
    say("memory for each object known", f"{grown / known:.0f} bytes ({known} objects)")


async def _resync(kubeconfig: Path) -> float:
    gc.collect()
    cpu = time.process_time()
    async with connected(kubeconfig):
        return time.process_time() - cpu


async def _bare(server: Server) -> float:
    """List and parse the same collections with nothing else; CPU seconds."""
    gc.collect()
    cpu, tls = time.process_time(), server.tls()
    async with aiohttp.ClientSession(f"https://127.0.0.1:{server.port}") as session:
        for resource in WATCHED:
            query = f"?labelSelector={names.LAB}%3D{NAME}"
            where = NAME if resource is SERVICE else None
            async with session.get(f"{resource.path(where)}{query}", ssl=tls) as reply:
                json.loads(await reply.read())
    return time.process_time() - cpu


def _memory(kubeconfig: Path) -> tuple[int, int]:
    """Return how many objects a session knows, and by how many bytes it made us grow."""

    async def grow() -> tuple[int, int]:
        before = _resident()
        async with connected(kubeconfig) as session:
            gc.collect()
            return sum(map(len, session.shelves.values())), _resident() - before

    return asyncio.run(grow())


def _resident() -> int:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024
