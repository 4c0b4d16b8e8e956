"""What a draft would come to, as far as it is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.agency import Usage, room_at
from lab.domain.approval import AskedSoFar, decide_so_far
from lab.domain.draft import Draft, Step, StepState
from lab.domain.ids import DatasetId
from lab.domain.questionnaire import assess
from lab.ports import Filter
from lab.services.budgets import account_of
from lab.services.person_quotas import own_left

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from lab.domain.approval import Decision
    from lab.domain.catalogue import Catalogue
    from lab.domain.dataset import DataClass
    from lab.domain.hours import Account, Metered
    from lab.domain.questionnaire import Assessment
    from lab.ports import Transaction

MOST_SANDBOXES = 200
"""So many of an agency's sandboxes are looked at to say when its quota frees up."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would become of a draft, as far as it is answered.

    Attributes:
        asked: What it would hold of the quota; nothing until a size is chosen.
        left: What the quota has left now.
        frees_at: When there is room for it, by the ends of today's sandboxes; nothing where
            there is room now, or not even then.
        next_end: When the first of the agency's sandboxes ends; nothing without any.
        own_left: What the own quota of whoever opened it has left; nothing without one.
        account: The agency's hours of the month; nothing where there is no agency.
    """

    decision: Decision
    asked: Usage
    left: Usage
    frees_at: datetime | None
    next_end: datetime | None
    own_left: Usage | None = None
    account: Account | None = None

    @property
    def fits(self) -> bool:
        """Tell whether the agency's quota and the person's own have room for it now."""
        return self.asked.fits_in(self.left) and self.fits_own

    @property
    def fits_own(self) -> bool:
        """Tell whether the person's own quota has room for it now."""
        return self.own_left is None or self.asked.fits_in(self.own_left)

    @property
    def lacking(self) -> Metered | None:
        """What it needs that there are no hours of this month, or nothing."""
        return self.account.spent_for(self.asked.resources) if self.account else None


@dataclass(frozen=True, slots=True)
class DraftView:
    """A draft with what follows from its answers."""

    draft: Draft
    states: Mapping[Step, StepState]
    outlook: Outlook
    assessments: Mapping[str, Assessment]


async def view_of(
    tx: Transaction, draft: Draft, catalogue: Catalogue, zone: ZoneInfo, now: datetime
) -> DraftView:
    """Return a draft with what follows from its answers."""
    return DraftView(
        draft=draft,
        states={step: draft.state(step, catalogue.questionnaires) for step in Step},
        outlook=await _outlook(tx, draft, catalogue, zone, now),
        assessments={
            name: assess(questionnaire, draft.values(Step(name)))
            for name, questionnaire in catalogue.questionnaires.items()
        },
    )


async def _outlook(
    tx: Transaction, draft: Draft, catalogue: Catalogue, zone: ZoneInfo, now: datetime
) -> Outlook:
    today = now.astimezone(zone).date()
    asked = draft.asked(otherwise=today)
    size = catalogue.sizes.get(asked.size)
    known = AskedSoFar(
        today=today,
        resources=size.resources if size else None,
        ends_on=asked.ends_on,
        team_size=1 + len(asked.colleagues),
        data_classes=await _classes(tx, asked.datasets),
        profile_id=next((p for p in catalogue.profiles if p == asked.profile), None),
    )
    wished = Usage(size.resources, 1) if size else Usage()
    agency = await tx.agencies.get(draft.agency_id)
    quota = agency.quota if agency else Usage()
    held = await tx.agencies.held(draft.agency_id)
    live = await tx.sandboxes.page(
        Filter(agency_id=draft.agency_id, live_only=True, limit=MOST_SANDBOXES)
    )
    ends = [(s.spec.expires_at, Usage(s.spec.resources, 1)) for s in live.items]
    left = quota.less(held)
    is_tight = not wished.fits_in(left)
    return Outlook(
        decision=decide_so_far(catalogue.approval, known, catalogue.two_approvals),
        asked=wished,
        left=left,
        frees_at=room_at(quota, held, ends, wished) if is_tight else None,
        next_end=min((at for at, _ in ends), default=None),
        own_left=await own_left(tx, agency, draft.author_id) if agency else None,
        account=await account_of(tx, agency, zone, now) if agency else None,
    )


async def _classes(tx: Transaction, names: Sequence[str]) -> frozenset[DataClass]:
    found = [await tx.datasets.get(DatasetId(name.partition("@")[0])) for name in names]
    return frozenset(dataset.data_class for dataset in found if dataset)
