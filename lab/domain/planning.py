"""Decide the next step for one sandbox. Pure: same input, same answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lab.domain.sandbox import USABLE, Seen, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lab.domain.sandbox import Sandbox

CREDENTIALED = (Stage.DATA, Stage.TRACKING)
"""Stages whose credentials are revoked before anything of theirs is deleted."""


@dataclass(frozen=True, slots=True)
class Ensure:
    """Make this stage exist as the spec says, or renew it."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class Revoke:
    """Make what this stage gave the sandbox useless; keep the data for now."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class Remove:
    """Make this stage not exist."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do now; look again later."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Every stage is gone; record the deletion."""


Step: TypeAlias = Ensure | Revoke | Remove | Wait | Finish


def next_step(sandbox: Sandbox, seen: Mapping[Stage, Seen], now: datetime) -> Step:
    """Choose one step that moves what is seen towards what is wanted.

    A workspace whose walls are seen to be down is removed first, whatever was
    asked for. Not being able to look is not seeing them down. A suspended
    sandbox is made still and keeps its data and its place.

    Args:
        sandbox: What is wanted.
        seen: One entry for every stage.
        now: UTC.

    Returns:
        Exactly one step. Calling again with the result of that step makes
        progress until the answer is ``Wait`` or ``Finish``.
    """
    may_run = sandbox.may_run(now)
    is_cut = sandbox.suspension is not None and sandbox.suspension.reason.is_cut
    if is_cut and not may_run and seen[Stage.CONTAINMENT] in USABLE:
        # Stopped at once: the doors do not wait for a server that takes its time to end.
        return Remove(Stage.CONTAINMENT)
    walls_down = seen[Stage.CONTAINMENT] in {Seen.ABSENT, Seen.CONVERGING, Seen.REVOKED}
    if walls_down and seen[Stage.WORKSPACE] not in {Seen.ABSENT, Seen.UNKNOWN}:
        return Remove(Stage.WORKSPACE)
    if may_run:
        return _build(seen)
    return (_still(seen) or Wait()) if sandbox.is_wanted(now) else _take_down(seen)


def is_steady(sandbox: Sandbox, seen: Mapping[Stage, Seen], now: datetime) -> bool:
    """Tell whether all is as wanted, so that looking now and then is enough."""
    if sandbox.may_run(now):
        return set(seen.values()) <= USABLE
    return sandbox.is_wanted(now) and Seen.UNKNOWN not in seen.values() and _still(seen) is None


def _build(seen: Mapping[Stage, Seen]) -> Step:
    """Make the first stage that is not there; then renew the first that is due.

    A stage we could not look at, or that converges, holds up the ones after it.
    """
    for stage in Stage:
        if seen[stage] in {Seen.ABSENT, Seen.REVOKED}:
            return Ensure(stage)
        if seen[stage] not in USABLE:
            return Wait()
    return next((Ensure(stage) for stage in Stage if seen[stage] is Seen.DUE), Wait())


def _still(seen: Mapping[Stage, Seen]) -> Revoke | Remove | None:
    """Choose the next step after which less can run or open; ``None`` once nothing can.

    Servers stop first; then the credentials of data and tracking, neither
    waiting for the other; then the network. A system that does not answer
    delays only its own stage, and never keeps a door open. The proof goes with
    the network: whatever is opened again is proved again before it is used.
    Nothing that a person made is deleted here.
    """
    if seen[Stage.WORKSPACE] not in {Seen.ABSENT, Seen.UNKNOWN}:
        return Remove(Stage.WORKSPACE)
    for stage in CREDENTIALED:
        if seen[stage] in USABLE | {Seen.CONVERGING}:
            return Revoke(stage)
    if seen[Stage.CONTAINMENT] not in {Seen.ABSENT, Seen.UNKNOWN}:
        return Remove(Stage.CONTAINMENT)
    return None


def _take_down(seen: Mapping[Stage, Seen]) -> Step:
    """Choose the next removal that is allowed now.

    First all is made still; then the data go; then the place. The deletions
    wait until the servers are seen to be gone.
    """
    still = _still(seen)
    if still is not None:
        return still
    if seen[Stage.WORKSPACE] is Seen.UNKNOWN:
        return Wait()
    for stage in CREDENTIALED:
        if seen[stage] is Seen.REVOKED:
            return Remove(stage)
    return _close(seen)


def _close(seen: Mapping[Stage, Seen]) -> Step:
    """Remove the place once nothing else is left, and finish once it is gone too."""
    others = {seen[stage] for stage in Stage if stage is not Stage.ISOLATION}
    if others != {Seen.ABSENT} or seen[Stage.ISOLATION] is Seen.UNKNOWN:
        return Wait()
    return Finish() if seen[Stage.ISOLATION] is Seen.ABSENT else Remove(Stage.ISOLATION)
