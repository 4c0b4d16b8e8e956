"""Turn what a person typed about a dossier into one that can be opened, or name what is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.domain.errors import InvalidError, Problem
from lab.domain.ids import AgencyId, DatasetId
from lab.domain.intake import Intake, check_people
from lab.domain.member import Resource, Target, Verb, can
from lab.domain.text import checked

if TYPE_CHECKING:
    from datetime import datetime

    from lab.domain.dataset import DataClass
    from lab.domain.evidence import Scope
    from lab.domain.ids import IntakeId
    from lab.domain.member import Member
    from lab.ports import Transaction

_SLUG = re.compile(r"[a-z][a-z0-9-]{1,58}[a-z0-9]", re.ASCII)
LONGEST_LINE, LONGEST_TEXT = 200, 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeDraft:
    """What a person typed to open a dossier.

    Attributes:
        dataset: The slug it shall be published under; of a data set that is there, its next
            version.
        supervisor: Login of the competent person.
        requester: Login of who in the agency wants the table in; empty where nobody does.
    """

    agency_id: str
    dataset: str
    title_fr: str
    title_en: str
    description_fr: str
    description_en: str
    purposes: str
    licence: str
    source: str
    asked: DataClass
    scope: Scope
    supervisor: str
    requester: str = ""


class IntakeCheck:
    """Checks one draft. Collects every problem before it says anything."""

    def __init__(self, tx: Transaction, draft: IntakeDraft, depositor: Member) -> None:
        self._tx, self._draft, self._depositor = tx, draft, depositor
        self._problems: list[Problem] = []

    async def run(self, intake_id: IntakeId, now: datetime) -> Intake:
        """Return the dossier that the draft opens.

        Raises:
            InvalidError: Something is wrong; names every field.
        """
        draft = self._draft
        agency = await self._tx.agencies.get(AgencyId(draft.agency_id))
        if agency is None:
            self._wrong("agency_id", "unknown", draft.agency_id)
        await self._dataset()
        supervisor = await self._supervisor()
        requester = await self._requester()
        if supervisor is not None:
            self._problems += check_people(
                depositor=self._depositor.id,
                requester=requester.id if requester else None,
                supervisor=supervisor.id,
            )
        lines: dict[str, Any] = {
            name: self._text(name, LONGEST_LINE)
            for name in ("title_fr", "title_en", "licence", "source")
        }
        texts: dict[str, Any] = {
            name: self._text(name, LONGEST_TEXT, lines=True)
            for name in ("description_fr", "description_en", "purposes")
        }
        if self._problems or supervisor is None:
            raise InvalidError(self._problems)
        return Intake(
            id=intake_id,
            dataset_id=DatasetId(draft.dataset),
            agency_id=AgencyId(draft.agency_id),
            asked=draft.asked,
            scope=draft.scope,
            depositor_id=self._depositor.id,
            supervisor_id=supervisor.id,
            requester_id=requester.id if requester else None,
            opened_at=now,
            **lines,
            **texts,
        )

    def _wrong(self, field: str, code: str, name: str) -> None:
        self._problems.append(Problem(field, code, (("name", name[:64]),)))

    def _text(self, field: str, longest: int, *, lines: bool = False) -> str:
        value = getattr(self._draft, field)
        return checked(field, value, longest=longest, report=self._problems.append, lines=lines)

    async def _dataset(self) -> None:
        """A slug that is new, or this agency's own and of the same status."""
        name = DatasetId(self._draft.dataset)
        if not _SLUG.fullmatch(name):
            self._problems.append(Problem("dataset", "bad_format", (("example", "essai-2026"),)))
            return
        there = await self._tx.datasets.get(name)
        intakes = await self._tx.intakes.of_dataset(name)
        owners = {intake.agency_id for intake in intakes}
        if owners - {AgencyId(self._draft.agency_id)} or (there is not None and not owners):
            self._wrong("dataset", "taken", name)
        elif there is not None and there.data_class is not self._draft.asked:
            self._wrong("asked", "other_class", there.data_class.value)

    async def _supervisor(self) -> Member | None:
        login = self._draft.supervisor
        agency_id = AgencyId(self._draft.agency_id)
        member = await self._tx.members.by_login(login)
        # The same answer for somebody who may not as for nobody: no list of people leaks.
        if (
            member is None
            or member.agency_id not in {None, agency_id}
            or not can(
                member, Verb.DECIDE, Target(Resource.INTAKE, agency_id, frozenset({member.id}))
            )
        ):
            self._wrong("supervisor", "unknown" if login else "required", login)
            return None
        return member

    async def _requester(self) -> Member | None:
        login = self._draft.requester
        if not login:
            return None
        member = await self._tx.members.by_login(login)
        if member is None or member.agency_id != self._draft.agency_id or not member.is_active:
            self._wrong("requester", "unknown", login)
            return None
        return member
