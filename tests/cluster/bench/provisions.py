"""A full provision against the same objects posted raw; the arms take turns."""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.providers.kubernetes.client import Client
from tests.cluster.bench.making import (
    ANSWER_SECONDS,
    PLURALS,
    Ours,
    connected,
    furnish,
    raw,
    sandbox,
)
from tests.cluster.bench.telling import progress, say

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.cluster.bench.server import Server

MOST_WRITES = 9
WARM = 4
TELL_EVERY = 20
OURS, RAW, WARM_OURS, WARM_RAW = 0, 0x10000, 0xF000, 0xE000
"""Where the numbers of each arm's sandboxes begin."""


@dataclass
class Arm:
    """What one way of doing it took."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)

    async def take(self, server: Server, act: Awaitable[None]) -> None:
        """Measure one."""
        gc.collect()
        there, began, cpu = server.cpu_seconds, time.perf_counter(), time.process_time()
        await act
        self.wall.append(time.perf_counter() - began)
        self.cpu.append(time.process_time() - cpu)
        self.server.append(server.cpu_seconds - there)

    def quantile(self, share: float) -> float:
        """Return a quantile of the wall times, in seconds."""
        return sorted(self.wall)[min(len(self.wall) - 1, int(share * len(self.wall)))]


async def measure(server: Server, rounds: int) -> None:
    """Take turns, then count, and print it."""
    mine, bare = Arm(), Arm()
    client = Client(server.kubeconfig, timeout_seconds=ANSWER_SECONDS)
    try:
        await furnish(client)
        async with connected(server.kubeconfig) as session:
            ours = Ours(session)
            for number in range(WARM):
                await ours.provision(sandbox(WARM_OURS + number))
                await raw(client, sandbox(WARM_RAW + number), 9000 + number)
            for number in range(rounds):
                if number % TELL_EVERY == 0:
                    progress(f"provisions: {number} of {rounds} rounds")
                turns = [
                    (mine, ours.provision(sandbox(OURS + number))),
                    (bare, raw(client, sandbox(RAW + number), 5000 + number)),
                ]
                for arm, act in turns if number % 2 else turns[::-1]:
                    await arm.take(server, act)
            _tell(mine, bare)
            await _count(server, ours, rounds)
    finally:
        await client.aclose()


def _tell(mine: Arm, bare: Arm) -> None:
    for share in (0.5, 0.99):
        one, other = mine.quantile(share), bare.quantile(share)
        say(
            f"provision, against the same objects posted raw, p{share * 100:.0f}",
            f"{one / other:.2f}  ({one * 1000:.0f} / {other * 1000:.0f} ms)",
        )
    one, other = statistics.median(mine.cpu), statistics.median(bare.cpu)
    say("the same, our CPU", f"{one / other:.2f}  ({one * 1000:.1f} / {other * 1000:.1f} ms)")
    # The kernel counts in hundredths of a second: only a sum says anything.
    one, other = sum(mine.server), sum(bare.server)
    each = f"({one * 1000 / len(mine.server):.0f} / {other * 1000 / len(bare.server):.0f} ms)"
    say("the same, CPU of the API server and its database", f"{one / other:.2f}  {each}")


async def _count(server: Server, ours: Ours, rounds: int) -> None:
    """Say how many writes the server saw, of new sandboxes and of a pass over all."""
    progress("writes, as the server counts them")
    before, news = server.writes(PLURALS), 10
    for number in range(news):
        await ours.provision(sandbox(OURS + 0x8000 + number))
    between = server.writes(PLURALS)
    for number in range(rounds):
        await ours.again(sandbox(OURS + number))
    after = server.writes(PLURALS)
    per_provision = (between - before) / news
    say(
        "writes of one provision, as the server counts them",
        f"{per_provision:.2f} (of at most {MOST_WRITES})",
    )
    say(f"writes of a pass over {rounds} sandboxes with nothing to do", f"{after - between}")
