"""``lab up``: everything, in order."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from lab.parts import kept, lifecycle, machine
from lab.parts.message import message
from lab.parts.outcome import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.parts.lifecycle import Reporter, Started
    from lab.parts.outcome import Outcome
    from lab.settings import Settings

__all__ = ["Plan", "bring_up"]


def bring_up(
    settings: Settings,
    plan: Plan,
    reporter: Reporter,
    *,
    live: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Outcome:
    """Check, prepare, start, seed, and ask for the first sandbox.

    Args:
        settings: Of the lab to start.
        plan: What is asked for.
        reporter: Shows what is done.
        live: Entered while the reporter shows how far things are.

    Raises:
        MachineError: Says what is wrong and what to do.
    """
    began = time.monotonic()
    lifecycle.check(settings)
    with lifecycle.alone(settings):
        made = lifecycle.make_places(settings)
        if made:
            reporter.say(message("secrets made: {count}", count=len(made)))
        if plan.keep_port is not None:
            kept.keep_port(settings.state_dir, plan.keep_port)
        # Here and below, not above: seconds to load, and nobody waits for them who is refused.
        from lab.parts import database  # noqa: PLC0415

        database.make_ready(settings, keep_storage=plan.keep_storage)
        machine.prepare(settings)
        with ThreadPoolExecutor(1) as pool:
            starting = pool.submit(_start, settings, plan, reporter, live)
            from lab.parts.beginning import Beginning  # noqa: PLC0415

            beginning = Beginning(settings, plan, reporter, live)
            return asyncio.run(beginning.run(starting, began=began))


def _start(
    settings: Settings,
    plan: Plan,
    reporter: Reporter,
    live: Callable[[], AbstractContextManager[None]],
) -> Started:
    with live():
        return lifecycle.Lifecycle(settings, reporter).start(timeout_s=plan.timeout_s)
