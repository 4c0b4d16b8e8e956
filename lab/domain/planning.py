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
    asked for. Not being able to look is not seeing them down.

    Args:
        sandbox: What is wanted.
        seen: One entry for every stage.
        now: UTC.

    Returns:
        Exactly one step. Calling again with the result of that step makes
        progress until the answer is ``Wait`` or ``Finish``.
    """
    walls_down = seen[Stage.CONTAINMENT] in {Seen.ABSENT, Seen.CONVERGING, Seen.REVOKED}
    if walls_down and seen[Stage.WORKSPACE] not in {Seen.ABSENT, Seen.UNKNOWN}:
        return Remove(Stage.WORKSPACE)
    return _build(seen) if sandbox.is_wanted(now) else _take_down(seen)


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


def _take_down(seen: Mapping[Stage, Seen]) -> Step:
    """Choose the next removal that is allowed now.

    Servers stop first; then the credentials of data and tracking, neither
    waiting for the other; then the network; then the data; then the place. A
    system that does not answer delays only its own stage, and never keeps a
    door open: with the hub unreachable credentials still go and doors still
    close; only the deletions wait until the servers are seen to be gone.
    """
    workspace = seen[Stage.WORKSPACE]
    if workspace not in {Seen.ABSENT, Seen.UNKNOWN}:
        return Remove(Stage.WORKSPACE)
    for stage in CREDENTIALED:
        if seen[stage] in USABLE | {Seen.CONVERGING}:
            return Revoke(stage)
    if seen[Stage.CONTAINMENT] not in {Seen.ABSENT, Seen.UNKNOWN}:
        return Remove(Stage.CONTAINMENT)
    if workspace is Seen.UNKNOWN:
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
