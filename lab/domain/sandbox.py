"""The sandbox: what was asked for (spec) and what is seen (observations)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from lab.domain.dataset import DatasetRef
    from lab.domain.ids import AgencyId, MemberId, ProfileId, RequestId, SandboxId, TemplateId
    from lab.domain.quantity import Resources

SANDBOX_CHANGED = "sandbox.changed"
"""Outbox kind of a sandbox that has to be looked at; its subject is the id."""


class Stage(Enum):
    """What a sandbox is made of, in the order it is built.

    The order of these lines is a safety rule: nothing that can run code
    (``WORKSPACE``) exists before the walls (``CONTAINMENT``) do.
    """

    ISOLATION = "isolation"
    CONTAINMENT = "containment"
    DATA = "data"
    TRACKING = "tracking"
    WORKSPACE = "workspace"


class Seen(Enum):
    """What an outside system shows of one stage."""

    ABSENT = "absent"
    CONVERGING = "converging"
    READY = "ready"
    DUE = "due"
    """Ready, and to be renewed soon (a proof or a credential that ages)."""
    REVOKED = "revoked"
    """What it holds is still there; nobody in the sandbox can use it any more."""
    UNKNOWN = "unknown"
    """We could not look. Never read as absent."""


USABLE = frozenset({Seen.READY, Seen.DUE})


@dataclass(frozen=True, slots=True)
class Fact:
    """One outside object that was looked for, and whether it was there.

    Attributes:
        kind: What it is, in the outside system's own word (``bucket``, ``process``).
        name: Its name there.
    """

    kind: str
    name: str
    is_present: bool


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look at one stage showed.

    Attributes:
        detail: One line for an operator; empty when there is nothing to say.
        facts: What was looked for. The deletion certificate is made of these,
            so an ABSENT answer lists everything that is now gone.
    """

    seen: Seen
    detail: str = ""
    facts: tuple[Fact, ...] = ()


class Phase(Enum):
    """One word for people. Always derived, never stored."""

    PENDING = "pending"
    READY = "ready"
    SUSPENDED = "suspended"
    DELETING = "deleting"
    DELETED = "deleted"


class SuspendReason(Enum):
    """Why a sandbox is held still. Stable words."""

    ASKED = "asked"
    """An operator suspended it."""
    STOPPED = "stopped"
    """An operator stopped it at once."""
    LAB_STOPPED = "lab_stopped"
    """An operator stopped all of the lab at once."""
    BUDGET = "budget"
    """Its agency has used the hours of the month."""

    @property
    def is_cut(self) -> bool:
        """Tell whether the doors shut before the servers are told to end."""
        return self in {SuspendReason.STOPPED, SuspendReason.LAB_STOPPED}


@dataclass(frozen=True, slots=True)
class Suspension:
    """Since when and why a sandbox is held still: nothing runs, nothing opens, data stay.

    Attributes:
        at: UTC.
        note: What people are told, as an operator wrote it; empty where the reason says all.
    """

    at: datetime
    reason: SuspendReason
    note: str = ""


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What was asked for and approved.

    Never changes, but for ``expires_at``, and for data sets that are taken back.

    Attributes:
        members: Who may open a notebook in it, the requester included.
        profile_id: Which egress profile; the policy file says what it allows.
        expires_at: UTC. From then on the sandbox is taken down.
    """

    agency_id: AgencyId
    template_id: TemplateId
    profile_id: ProfileId
    resources: Resources
    members: tuple[MemberId, ...]
    datasets: tuple[DatasetRef, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One sandbox, as stored.

    Attributes:
        version: Grows by one on each write; the store refuses a stale write.
        delete_requested_at: UTC; set once, never cleared.
        delete_reason: Stable word: ``asked``, ``expired``.
        deleted_at: UTC; set when every stage was seen to be absent.
        suspension: While it is there nothing of the sandbox runs. The end date goes on counting.
    """

    id: SandboxId
    request_id: RequestId
    spec: SandboxSpec
    created_at: datetime
    version: int = 0
    delete_requested_at: datetime | None = None
    delete_reason: str = ""
    deleted_at: datetime | None = None
    suspension: Suspension | None = None

    def is_wanted(self, now: datetime) -> bool:
        """Tell whether the sandbox should exist at ``now`` (UTC)."""
        return self.delete_requested_at is None and now < self.spec.expires_at

    def may_run(self, now: datetime) -> bool:
        """Tell whether anything of it should run at ``now`` (UTC)."""
        return self.suspension is None and self.is_wanted(now)

    def suspended(self, suspension: Suspension) -> Sandbox:
        """Hold it still. Twice changes nothing, but that a stop at once overrides the rest."""
        before = self.suspension
        if before is not None and (before.reason.is_cut or not suspension.reason.is_cut):
            return self
        return replace(self, suspension=suspension)

    def with_deletion(self, now: datetime, reason: str) -> Sandbox:
        """Ask for deletion. Asking twice changes nothing."""
        if self.delete_requested_at:
            return self
        return replace(self, delete_requested_at=now, delete_reason=reason)


@dataclass(frozen=True, slots=True)
class StageState:
    """What is known of one stage of one sandbox, as kept for people to read.

    Attributes:
        since: UTC; when ``seen`` became what it is.
        started_at: UTC; when building it began.
        ready_at: UTC; when it was first ready. ``ready_at - started_at`` is the time it took.
        facts: From the last look.
        error_code: Stable code of the last failure; empty after a success.
        failures: How many times in a row the last step failed.
        next_try_at: UTC; when it is tried again.
    """

    sandbox_id: SandboxId
    stage: Stage
    seen: Seen
    since: datetime
    detail: str = ""
    facts: tuple[Fact, ...] = ()
    started_at: datetime | None = None
    ready_at: datetime | None = None
    error_code: str = ""
    error_detail: str = ""
    failures: int = 0
    next_try_at: datetime | None = None

    @property
    def took(self) -> timedelta | None:
        """How long building it took, once it is known."""
        if self.ready_at is None or self.started_at is None:
            return None
        return self.ready_at - self.started_at


def phase(sandbox: Sandbox, seen: Mapping[Stage, Seen], now: datetime) -> Phase:
    """Sum a sandbox up in one word."""
    if sandbox.deleted_at is not None:
        return Phase.DELETED
    if not sandbox.is_wanted(now):
        return Phase.DELETING
    if sandbox.suspension is not None:
        return Phase.SUSPENDED
    return Phase.READY if all(seen.get(s) in USABLE for s in Stage) else Phase.PENDING
