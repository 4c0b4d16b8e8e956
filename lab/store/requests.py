"""Requests for sandboxes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, type_coerce

from lab.domain.dataset import DataClass
from lab.domain.request import RequestState, SandboxRequest
from lab.domain.review import Change, Turn, TurnKind
from lab.ports import Page
from lab.store.columns import Words
from lab.store.cursors import after_moment, at_moment, limit_of
from lab.store.parts import People, ref_values, refs_of, resource_values, resources_of
from lab.store.tables import request_team, requests

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import RowMapping

    from lab.domain.ids import MemberId, RequestId
    from lab.ports import Filter
    from lab.store.link import Link


class SqlRequests:
    """Implements ``lab.ports.Requests``."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._team = People(link, request_team, "request_id")

    async def get(self, request_id: RequestId) -> SandboxRequest | None:
        """Return the request, or nothing."""
        row = await self._link.first(select(requests).where(requests.c.id == request_id))
        if row is None:
            return None
        team = await self._team.of([request_id])
        return _request(row, team.get(request_id, ()))

    async def put(self, request: SandboxRequest) -> SandboxRequest:
        """Write, and return it at its new version."""
        version = await self._link.put(requests, "request", _values(request))
        await self._team.put(request.id, request.team, is_new=request.version == 0)
        return replace(request, version=version)

    async def page(self, which: Filter) -> Page[SandboxRequest]:
        """Return one page, newest first."""
        limit = limit_of(which.limit)
        table = requests
        rows = await self._link.all(
            select(table)
            .where(*_conditions(which))
            .order_by(table.c.filed_at.desc(), table.c.id.desc())
            .limit(limit + 1)
        )
        here = rows[:limit]
        teams = await self._team.of([row["id"] for row in here])
        items = [_request(row, teams.get(row["id"], ())) for row in here]
        return Page(items, at_moment(here[-1], "filed_at") if len(rows) > limit else "")


def _conditions(which: Filter) -> list[ColumnElement[bool]]:
    conditions = []
    if which.agency_id is not None:
        conditions.append(requests.c.agency_id == which.agency_id)
    if which.request_state is not None:
        conditions.append(requests.c.state == which.request_state.value)
    conditions += _waiting(which)
    if which.person is not None:
        mine = select(request_team.c.request_id).where(request_team.c.member_id == which.person)
        conditions.append(or_(requests.c.requester_id == which.person, requests.c.id.in_(mine)))
    older = after_moment(which.after, requests.c.filed_at, requests.c.id)
    if older is not None:
        conditions.append(older)
    return conditions


def _waiting(which: Filter) -> list[ColumnElement[bool]]:
    """Return what a reviewer narrows the queue down by."""
    conditions: list[ColumnElement[bool]] = []
    if which.data_class is not None:
        # Its text: a list of names, each within quotes.
        classes = type_coerce(requests.c.data_classes, Words)
        conditions.append(classes.contains(f'"{which.data_class.value}"'))
    if which.waiting_before is not None:
        conditions.append(requests.c.waiting_since <= which.waiting_before)
    if which.needs_two:
        conditions.append(requests.c.approvals_needed > 1)
    if which.undecided_by is not None:
        mine = select(request_team.c.request_id).where(
            request_team.c.member_id == which.undecided_by
        )
        conditions += [
            requests.c.state == RequestState.IN_REVIEW.value,
            requests.c.id.not_in(mine),
            or_(requests.c.first_by.is_(None), requests.c.first_by != which.undecided_by),
        ]
    return conditions


def _values(request: SandboxRequest) -> dict[str, object]:
    return {
        "id": request.id,
        "agency_id": request.agency_id,
        "requester_id": request.requester_id,
        "purpose": request.purpose,
        "datasets": ref_values(request.datasets),
        "template_id": request.template_id,
        "size": request.size,
        **resource_values(request.resources),
        "profile_id": request.profile_id,
        "ends_on": request.ends_on,
        "expires_at": request.expires_at,
        "filed_at": request.filed_at,
        "state": request.state.value,
        "rule": request.rule,
        "decided_at": request.decided_at,
        "decided_by": request.decided_by,
        "reason": request.reason,
        "sandbox_id": request.sandbox_id,
        "answers": {step: dict(values) for step, values in request.answers.items()},
        "writers": sorted(request.writers),
        "data_classes": sorted(each.value for each in request.data_classes),
        "turns": [_turn_values(turn) for turn in request.turns],
        "approvals_needed": request.approvals_needed,
        "waiting_since": request.waiting_since,
        "first_by": request.first_by,
        "draft_id": request.draft_id,
        "version": request.version,
    }


def _turn_values(turn: Turn) -> dict[str, object]:
    return {
        "kind": turn.kind.value,
        "by": turn.by,
        "at": turn.at.isoformat(),
        "version": turn.version,
        "lines": turn.lines,
        "changes": [[c.step, c.field, c.before, c.after] for c in turn.changes],
        "writers": turn.writers,
    }


def _turn(body: dict[str, Any]) -> Turn:
    return Turn(
        kind=TurnKind(body["kind"]),
        by=body["by"],
        at=datetime.fromisoformat(body["at"]),
        version=body["version"],
        lines=tuple(body["lines"]),
        changes=tuple(
            Change(step, field, tuple(before), tuple(after))
            for step, field, before, after in body["changes"]
        ),
        writers=tuple(body["writers"]),
    )


def _request(row: RowMapping, team: tuple[MemberId, ...]) -> SandboxRequest:
    return SandboxRequest(
        id=row["id"],
        agency_id=row["agency_id"],
        requester_id=row["requester_id"],
        purpose=row["purpose"],
        datasets=refs_of(row["datasets"]),
        template_id=row["template_id"],
        size=row["size"],
        resources=resources_of(row),
        profile_id=row["profile_id"],
        ends_on=row["ends_on"],
        expires_at=row["expires_at"],
        team=team,
        filed_at=row["filed_at"],
        state=RequestState(row["state"]),
        rule=row["rule"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        reason=row["reason"],
        sandbox_id=row["sandbox_id"],
        answers={
            step: {name: tuple(given) for name, given in values.items()}
            for step, values in row["answers"].items()
        },
        writers=frozenset(row["writers"]),
        data_classes=frozenset(map(DataClass, row["data_classes"])),
        turns=tuple(map(_turn, row["turns"])),
        approvals_needed=row["approvals_needed"],
        waiting_since=row["waiting_since"],
        first_by=row["first_by"],
        draft_id=row["draft_id"],
        version=row["version"],
    )
