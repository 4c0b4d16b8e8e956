"""The request form: what can be chosen, what was typed, and what is wrong with it."""

import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from lab.domain.agency import Agency
from lab.domain.dataset import MOUNTABLE
from lab.domain.errors import InvalidError, Problem
from lab.domain.ids import AgencyId
from lab.domain.member import Member
from lab.domain.request import LONGEST_PURPOSE, RequestDraft
from lab.services.agencies import QuotaView
from lab.services.datasets import DatasetView
from lab.web.conditions import checked_key
from lab.web.forms import Form
from lab.web.language import Language
from lab.web.wiring import Lab

FIELDS = (
    "cle",
    "agency_id",
    "purpose",
    "datasets",
    "template",
    "size",
    "profile",
    "ends_on_day",
    "ends_on_month",
    "ends_on_year",
    "colleagues",
    "action",
)
ANCHORS = {"ends_on": "ends_on-day", "Idempotency-Key": ""}
USUAL_DAYS = 14
_NUMBER = re.compile(r"[0-9]{1,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person typed, kept as it is."""

    key: str = ""
    agency_id: str = ""
    purpose: str = ""
    datasets: tuple[str, ...] = ()
    template: str = ""
    size: str = ""
    profile: str = ""
    day: str = ""
    month: str = ""
    year: str = ""
    colleagues: tuple[str, ...] = ()

    @classmethod
    def of(cls, form: Form) -> "Typed":
        """Read it from a form, whatever is in it: it is shown again where it is refused."""
        return cls(
            key=form.one("cle"),
            agency_id=form.one("agency_id"),
            purpose=form.one("purpose"),
            datasets=form.many("datasets"),
            template=form.one("template"),
            size=form.one("size"),
            profile=form.one("profile"),
            day=form.one("ends_on_day").strip(),
            month=form.one("ends_on_month").strip(),
            year=form.one("ends_on_year").strip(),
            colleagues=tuple(login for login in form.many("colleagues") if login),
        )

    def to_draft(self) -> RequestDraft:
        """Return it as the domain knows it.

        Raises:
            InvalidError: The date is none.
        """
        checked_key(self.key or None)
        return RequestDraft(
            agency_id=self.agency_id,
            purpose=self.purpose,
            datasets=self.datasets,
            template=self.template,
            size=self.size,
            profile=self.profile,
            ends_on=self._ends_on(),
            colleagues=self.colleagues,
        )

    def _ends_on(self) -> date:
        parts = (self.year, self.month, self.day)
        if not any(parts):
            raise InvalidError([Problem("ends_on", "required")])
        if all(map(_NUMBER.fullmatch, parts)):
            with suppress(ValueError):
                return date(*map(int, parts))
        raise InvalidError([Problem("ends_on", "bad_date")])


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that the form offers.

    Attributes:
        quota: What is left; ``None`` until an agency is chosen.
    """

    agencies: Sequence[Agency] = ()
    quota: QuotaView | None = None
    datasets: Sequence[DatasetView] = ()
    colleagues: Sequence[Member] = ()
    latest: date | None = None
    longest_purpose: int = LONGEST_PURPOSE
    wrong: dict[str, str] = field(default_factory=dict)


async def choices_for(lab: Lab, actor: Member, typed: Typed) -> Choices:
    """Return what this person may choose from."""
    agencies = await lab.agencies.all(actor)
    offered = [v for v in await lab.datasets.all(actor) if v.dataset.data_class in MOUNTABLE]
    known = {agency.id for agency in agencies}
    wanted = AgencyId(typed.agency_id or actor.agency_id or "")
    quota = await lab.agencies.quota(actor, wanted) if wanted in known else None
    colleagues: Sequence[Member] = ()
    if actor.agency_id:
        people = await lab.members.of(actor, actor.agency_id)
        colleagues = [m for m in people if m.is_active and m.id != actor.id]
    latest = None
    if quota is not None:
        today = lab.clock.now().astimezone(lab.settings.zone).date()
        latest = today + timedelta(days=quota.agency.max_days)
    return Choices(agencies, quota, offered, colleagues, latest)


def fresh(lab: Lab, actor: Member) -> Typed:
    """Return an empty form with what most people choose, and a key of its own."""
    ends = lab.clock.now().astimezone(lab.settings.zone).date() + timedelta(days=USUAL_DAYS)
    catalogue = lab.catalogue.catalogue()
    return Typed(
        key=secrets.token_urlsafe(16),
        agency_id=actor.agency_id or "",
        template=next(iter(catalogue.templates), ""),
        size=next(iter(catalogue.sizes), ""),
        profile=next(iter(catalogue.profiles), ""),
        day=str(ends.day),
        month=str(ends.month),
        year=str(ends.year),
    )


def with_key(typed: Typed, actor: Member) -> Typed:
    """Fill in what the page's own fields must hold."""
    own = actor.agency_id or typed.agency_id
    return replace(typed, key=typed.key or secrets.token_urlsafe(16), agency_id=own)


def problems_of(error: InvalidError, typed: Typed) -> list[Problem]:
    """Say everything that is wrong at once: a bad date hides nothing else."""
    found = list(error.problems)
    if [p.field for p in found] != ["ends_on"]:
        return found
    for name, value in (
        ("purpose", typed.purpose.strip()),
        ("datasets", "".join(typed.datasets)),
        ("template", typed.template),
        ("size", typed.size),
        ("profile", typed.profile),
    ):
        if not value:
            found.append(Problem(name, "required"))
    order = {name: n for n, name in enumerate(FIELDS)}
    return sorted(found, key=lambda p: order.get(p.field.replace("ends_on", "ends_on_day"), 99))


def rule_sentences(lab: Lab, language: Language) -> list[str]:
    """Return what the approval rules are called."""
    rules = lab.catalogue.catalogue().approval
    return [language.either(rule.label_fr, rule.label_en) for rule in rules]
