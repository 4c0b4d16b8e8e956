"""Requests that are being written."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from lab.domain.draft import Answered, Draft, Step
from lab.ports import Page
from lab.store.cursors import after_moment, at_moment, limit_of
from lab.store.tables import drafts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import RowMapping

    from lab.domain.ids import DraftId
    from lab.ports import Filter
    from lab.store.link import Link


class SqlDrafts:
    """Implements ``lab.ports.Drafts``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def get(self, draft_id: DraftId) -> Draft | None:
        """Return the draft, or nothing."""
        row = await self._link.first(select(drafts).where(drafts.c.id == draft_id))
        return None if row is None else _draft(row)

    async def put(self, draft: Draft) -> Draft:
        """Write, and return it at its new version."""
        return replace(draft, version=await self._link.put(drafts, "draft", _values(draft)))

    async def drop(self, draft_id: DraftId) -> None:
        """Delete it; none is fine."""
        self._link.need_writable()
        await self._link.run(delete(drafts).where(drafts.c.id == draft_id))

    async def page(self, which: Filter) -> Page[Draft]:
        """Return one page of those that became no request, last changed first."""
        limit = limit_of(which.limit)
        conditions: list[ColumnElement[bool]] = [drafts.c.request_id.is_(None)]
        if which.agency_id is not None:
            conditions.append(drafts.c.agency_id == which.agency_id)
        older = after_moment(which.after, drafts.c.updated_at, drafts.c.id)
        if older is not None:
            conditions.append(older)
        rows = await self._link.all(
            select(drafts)
            .where(*conditions)
            .order_by(drafts.c.updated_at.desc(), drafts.c.id.desc())
            .limit(limit + 1)
        )
        here = rows[:limit]
        cursor = at_moment(here[-1], "updated_at") if len(rows) > limit else ""
        return Page([_draft(row) for row in here], cursor)


def _values(draft: Draft) -> dict[str, object]:
    return {
        "id": draft.id,
        "agency_id": draft.agency_id,
        "author_id": draft.author_id,
        "opened_at": draft.opened_at,
        "updated_at": draft.updated_at,
        "answers": {step.value: _written(found) for step, found in draft.answers.items()},
        "request_id": draft.request_id,
        "revises_id": draft.revises_id,
        "version": draft.version,
    }


def _written(found: Answered) -> dict[str, object]:
    return {
        "values": dict(found.values),
        "version": found.version,
        "by": found.by,
        "at": found.at.isoformat(),
    }


def _draft(row: RowMapping) -> Draft:
    answers = {Step(step): _read(body) for step, body in row["answers"].items()}
    return Draft(
        id=row["id"],
        agency_id=row["agency_id"],
        author_id=row["author_id"],
        opened_at=row["opened_at"],
        updated_at=row["updated_at"],
        answers=MappingProxyType(answers),
        request_id=row["request_id"],
        revises_id=row["revises_id"],
        version=row["version"],
    )


def _read(body: Mapping[str, Any]) -> Answered:
    values = {name: tuple(given) for name, given in body["values"].items()}
    at = datetime.fromisoformat(body["at"])
    return Answered(MappingProxyType(values), body["version"], body["by"], at)
