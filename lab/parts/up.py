"""``lab up``: everything, in order."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.parts import lifecycle, machine
from lab.parts.message import message
from lab.store import migrate

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.parts.lifecycle import Reporter
    from lab.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a start is asked to do.

    Attributes:
        keep_port: Written down for the next start.
    """

    keep_port: int | None = None
    has_demo: bool = True
    timeout_s: float = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that the operator is told of.

    Attributes:
        password: Only when it was made just now.
        link: Signs in, once.
    """

    login: str
    name: str
    role: str
    agency_id: str
    password: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the operator is told at the end."""

    address: str
    was_running: bool
    seconds: float
    accounts: tuple[Account, ...] = ()
    sandbox_id: str = ""


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
            _keep_port(settings, plan.keep_port)
        asyncio.run(migrate.upgrade(settings.database_url))
        machine.prepare(settings)
        with live():
            started = lifecycle.Lifecycle(settings, reporter).start(timeout_s=plan.timeout_s)
        return Outcome(
            address=f"{settings.public_url}/",
            was_running=started.was_running,
            seconds=time.monotonic() - began,
        )


def _keep_port(settings: Settings, port: int) -> None:
    """Write the port where every later command reads it."""
    path = settings.state_dir / "lab.toml"
    text = path.read_text("utf-8") if path.exists() else ""
    kept = re.sub(r"(?m)^port\s*=.*\n?", "", text)
    path.write_text(f"port = {port}\n{kept}", "utf-8")
