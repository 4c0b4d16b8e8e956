"""What every decision about a request has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.approval import Asked, measure
from lab.domain.dataset import VersionStatus
from lab.domain.errors import ConflictError, ForbiddenError, NotFoundError, StateError
from lab.domain.member import Resource, Target, Verb
from lab.domain.review import Turn, since

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from lab.domain.approval import Measured
    from lab.domain.catalogue import Catalogue
    from lab.domain.ids import MemberId, RequestId
    from lab.domain.member import Member
    from lab.domain.request import SandboxRequest
    from lab.domain.review import TurnKind
    from lab.ports import Transaction
    from lab.services.journal import Journal


def target(request: SandboxRequest) -> Target:
    """Tell whose request it is. Its own person is the requester, not the team."""
    return Target(Resource.REQUEST, request.agency_id, frozenset({request.requester_id}))


def takes_part(request: SandboxRequest) -> frozenset[MemberId]:
    """Return who asks for it: its team, and whoever wrote what was sent in, then or again."""
    again = (each for turn in request.turns for each in turn.writers)
    return frozenset({request.requester_id, *request.team, *request.writers, *again})


def measured(request: SandboxRequest, catalogue: Catalogue, zone: ZoneInfo) -> Measured:
    """Hold a request to the rules of today, its days counted from when it was sent in last."""
    sent_at = request.waiting_since or request.filed_at
    asked = Asked(
        resources=request.resources,
        today=sent_at.astimezone(zone).date(),
        ends_on=request.ends_on,
        team_size=len(request.team),
        data_classes=request.data_classes,
        profile_id=request.profile_id,
    )
    return measure(catalogue.approval, catalogue.two_approvals, asked)


async def found(tx: Transaction, request_id: RequestId) -> SandboxRequest:
    """Return a request.

    Raises:
        NotFoundError: There is none.
    """
    request = await tx.requests.get(request_id)
    if request is None:
        raise NotFoundError("request", request_id)
    return request


async def decidable(
    tx: Transaction, journal: Journal, actor: Member, request_id: RequestId, version: int | None
) -> SandboxRequest:
    """Return a request that the actor may decide about.

    Raises:
        ForbiddenError: The actor may not decide, or asks for it in person.
        ConflictError: It changed since the actor read it; says what was done.
    """
    request = await found(tx, request_id)
    journal.require(actor, Verb.DECIDE, target(request), request_id)
    if actor.id in takes_part(request):
        raise ForbiddenError(Verb.DECIDE.value, "request of your own")
    require_unchanged(request, version)
    return request


def require_unchanged(request: SandboxRequest, version: int | None) -> None:
    """Refuse a caller who has read an older version.

    Raises:
        ConflictError: It changed; says what was done since.
    """
    if version is None or version == request.version:
        return
    changed = [
        {"what": turn.kind.value, "by": turn.by, "at": turn.at.isoformat()}
        for turn in since(request.turns, version)
    ]
    raise ConflictError(
        "request", request.id, expected=version, found=request.version, changed=changed
    )


async def require_active(tx: Transaction, request: SandboxRequest) -> None:
    """Refuse data that were taken back since they were asked for.

    Raises:
        StateError: A version may not be mounted any more.
    """
    for ref in request.datasets:
        version = await tx.datasets.version(ref)
        if version is None or version.status is not VersionStatus.ACTIVE:
            state = version.status.value if version else "gone"
            name = f"{ref.dataset_id}@{ref.version}"
            raise StateError("dataset version", name, state=state, wanted="mount")


def turn_of(request: SandboxRequest, kind: TurnKind, actor: Member, at: datetime) -> Turn:
    """Return what the actor does now, as the version that the next write makes."""
    return Turn(kind, actor.id, at, request.version + 1)
