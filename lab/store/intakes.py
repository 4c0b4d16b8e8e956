"""Dossiers, their runs, and what syntheses have spent."""

from __future__ import annotations

from dataclasses import asdict, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from lab.domain import intake_content as content
from lab.domain.dataset import DataClass, DatasetRef
from lab.domain.evidence import Scope
from lab.domain.intake import Intake
from lab.domain.intake_run import OPEN, Progress, Run, RunState, Step
from lab.domain.intake_states import ENDED, IntakeState
from lab.ports import Page, Spend
from lab.store.cursors import after_moment, at_moment, limit_of
from lab.store.tables_data import epsilon_spends, intake_runs, intakes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import RowMapping

    from lab.domain.ids import AgencyId, DatasetId, IntakeId, RunId
    from lab.ports import Filter
    from lab.store.link import Link

_NOBODY = ""
"""In place of a person, where the lab itself asked for a run."""

_PLAIN = (
    "id",
    "dataset_id",
    "agency_id",
    "title_fr",
    "title_en",
    "description_fr",
    "description_en",
    "purposes",
    "licence",
    "source",
    "depositor_id",
    "supervisor_id",
    "requester_id",
    "opened_at",
    "row_count",
    "confirmed_by",
    "publish_asked_at",
    "published_at",
    "next_review_at",
    "reason",
    "version",
)
"""Columns that hold what the dossier holds, under the same name."""

_WRITTEN: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "raw": (content.of_raw, content.to_raw),
    "preliminary": (content.of_analysis, content.to_analysis),
    "treatment": (content.of_treatment, content.to_treatment),
    "final": (content.of_analysis, content.to_analysis),
    "policy": (content.of_policy, content.to_policy),
    "signature": (content.of_signature, content.to_signature),
    "destruction": (content.of_destruction, content.to_destruction),
}
"""Columns that hold a part as JSON, or nothing yet."""


class SqlIntakes:
    """Implements ``lab.ports.Intakes``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def get(self, intake_id: IntakeId) -> Intake | None:
        """Return the dossier, or nothing."""
        row = await self._link.first(select(intakes).where(intakes.c.id == intake_id))
        return None if row is None else _intake(row)

    async def put(self, intake: Intake) -> Intake:
        """Write, and return it at its new version."""
        version = await self._link.put(intakes, "intake", _values(intake))
        return replace(intake, version=version)

    async def page(self, which: Filter) -> Page[Intake]:
        """Return one page, newest first."""
        limit = limit_of(which.limit)
        rows = await self._link.all(
            select(intakes)
            .where(*_conditions(which))
            .order_by(intakes.c.opened_at.desc(), intakes.c.id.desc())
            .limit(limit + 1)
        )
        here = rows[:limit]
        cursor = at_moment(here[-1], "opened_at") if len(rows) > limit else ""
        return Page([_intake(row) for row in here], cursor)

    async def register(self, agency_id: AgencyId | None = None) -> Sequence[Intake]:
        """Return those that were published, whatever became of them, oldest first."""
        statement = select(intakes).where(intakes.c.published_at.is_not(None))
        if agency_id is not None:
            statement = statement.where(intakes.c.agency_id == agency_id)
        rows = await self._link.all(statement.order_by(intakes.c.published_at, intakes.c.id))
        return [_intake(row) for row in rows]

    async def of_dataset(self, dataset_id: DatasetId) -> Sequence[Intake]:
        """Return the data set's, newest first."""
        rows = await self._link.all(
            select(intakes)
            .where(intakes.c.dataset_id == dataset_id)
            .order_by(intakes.c.opened_at.desc(), intakes.c.id.desc())
        )
        return [_intake(row) for row in rows]

    async def to_review(self, before: datetime) -> Sequence[Intake]:
        """Return those published whose review date comes until then, soonest first."""
        table = intakes
        is_due = and_(
            table.c.state == IntakeState.PUBLISHED.value, table.c.next_review_at <= before
        )
        rows = await self._link.all(select(table).where(is_due).order_by(table.c.next_review_at))
        return [_intake(row) for row in rows]

    async def to_destroy(self) -> Sequence[Intake]:
        """Return those that have ended and whose raw file was not yet seen gone."""
        ended = intakes.c.state.in_([state.value for state in ENDED])
        left = and_(ended, intakes.c.raw.is_not(None), intakes.c.destruction.is_(None))
        rows = await self._link.all(select(intakes).where(left).order_by(intakes.c.id))
        return [_intake(row) for row in rows]

    async def get_run(self, run_id: RunId) -> Run | None:
        """Return the run, or nothing."""
        row = await self._link.first(select(intake_runs).where(intake_runs.c.id == run_id))
        return None if row is None else _run(row)

    async def put_run(self, run: Run) -> Run:
        """Write, and return it at its new version."""
        values = asdict(run) | {
            "step": run.step.value,
            "state": run.state.value,
            "parameters": dict(run.parameters),
            "progress": asdict(run.progress),
            "asked_by": run.asked_by or _NOBODY,
        }
        return replace(run, version=await self._link.put(intake_runs, "run", values))

    async def runs_of(self, intake_id: IntakeId) -> Sequence[Run]:
        """Return the dossier's runs, newest first."""
        table = intake_runs
        rows = await self._link.all(
            select(table)
            .where(table.c.intake_id == intake_id)
            .order_by(table.c.asked_at.desc(), table.c.id.desc())
        )
        return [_run(row) for row in rows]

    async def open_runs(self) -> Sequence[Run]:
        """Return the runs that wait or are under way, oldest first."""
        table = intake_runs
        rows = await self._link.all(
            select(table)
            .where(table.c.state.in_([state.value for state in OPEN]))
            .order_by(table.c.asked_at, table.c.id)
        )
        return [_run(row) for row in rows]

    async def spend(self, spend: Spend) -> None:
        """Write it down; the same run again changes nothing."""
        amounts = {"epsilon": str(spend.epsilon), "delta": str(spend.delta)}
        await self._link.add(epsilon_spends, asdict(spend) | amounts)

    async def spends(self, dataset_id: DatasetId, sha256: str) -> Sequence[Spend]:
        """Return what was spent by syntheses of this data set or of this very file."""
        table = epsilon_spends
        same = or_(table.c.dataset_id == dataset_id, table.c.sha256 == sha256)
        rows = await self._link.all(select(table).where(same).order_by(table.c.at, table.c.run_id))
        return [_spend(row) for row in rows]


def _conditions(which: Filter) -> list[ColumnElement[bool]]:
    table, conditions = intakes, []
    if which.agency_id is not None:
        conditions.append(table.c.agency_id == which.agency_id)
    if which.intake_state is not None:
        conditions.append(table.c.state == which.intake_state.value)
    if which.person is not None:
        names = (table.c.depositor_id, table.c.supervisor_id, table.c.requester_id)
        conditions.append(or_(*(name == which.person for name in names)))
    older = after_moment(which.after, table.c.opened_at, table.c.id)
    if older is not None:
        conditions.append(older)
    return conditions


def _values(intake: Intake) -> dict[str, object]:
    parts = {
        name: None if getattr(intake, name) is None else write(getattr(intake, name))
        for name, (write, _) in _WRITTEN.items()
    }
    return {
        **{name: getattr(intake, name) for name in _PLAIN},
        **parts,
        "asked": intake.asked.value,
        "scope": intake.scope.value,
        "state": intake.state.value,
        "findings": [content.of_finding(finding) for finding in intake.findings],
        "choices": [content.of_choice(choice) for choice in intake.choices],
        "reviews": [content.of_review(review) for review in intake.reviews],
        "published_version": intake.published.version if intake.published else None,
    }


def _intake(row: RowMapping) -> Intake:
    parts: dict[str, Any] = {
        name: None if row[name] is None else read(row[name])
        for name, (_, read) in _WRITTEN.items()
    }
    number = row["published_version"]
    return Intake(
        **{name: row[name] for name in _PLAIN},
        **parts,
        asked=DataClass(row["asked"]),
        scope=Scope(row["scope"]),
        state=IntakeState(row["state"]),
        findings=tuple(map(content.to_finding, row["findings"])),
        choices=tuple(map(content.to_choice, row["choices"])),
        reviews=tuple(map(content.to_review, row["reviews"] or ())),
        published=None if number is None else DatasetRef(row["dataset_id"], number),
    )


def _run(row: RowMapping) -> Run:
    return Run(**{
        **row,
        "step": Step(row["step"]),
        "state": RunState(row["state"]),
        "progress": Progress(**row["progress"]),
        "asked_by": row["asked_by"] or None,
    })


def _spend(row: RowMapping) -> Spend:
    return Spend(**{
        **row,
        "epsilon": Decimal(row["epsilon"]),
        "delta": Decimal(row["delta"]),
    })
