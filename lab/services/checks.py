"""Turn what a person typed into what the lab can use, or name every field that is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from lab.domain.dataset import MOUNTABLE, DatasetRef, VersionStatus
from lab.domain.errors import InvalidError, Problem
from lab.domain.ids import DatasetId, ProfileId, TemplateId
from lab.domain.request import LONGEST_PURPOSE
from lab.domain.text import checked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from lab.domain.agency import Agency
    from lab.domain.catalogue import Catalogue, SizeClass
    from lab.domain.dataset import DataClass, DatasetVersion
    from lab.domain.ids import MemberId
    from lab.domain.member import Member
    from lab.domain.request import RequestDraft
    from lab.ports import Transaction

MOST_DATASETS = 10
MOST_COLLEAGUES = 20


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """A draft in which every name is known and every date possible."""

    purpose: str
    datasets: tuple[DatasetRef, ...]
    data_classes: frozenset[DataClass]
    template_id: TemplateId
    profile_id: ProfileId
    size: SizeClass
    team: tuple[MemberId, ...]
    today: date
    expires_at: datetime


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) at which ``day`` ends in ``zone``."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)


class DraftCheck:
    """Checks one draft. Collects every problem before it says anything."""

    def __init__(self, *, catalogue: Catalogue, zone: ZoneInfo, now: datetime) -> None:
        self._catalogue, self._zone = catalogue, zone
        self._today = now.astimezone(zone).date()
        self._problems: list[Problem] = []

    async def run(
        self, tx: Transaction, draft: RequestDraft, *, agency: Agency | None, requester: Member
    ) -> CheckedDraft:
        """Check all of it.

        Raises:
            InvalidError: Something is wrong; names every field.
        """
        if agency is None:
            self._report(Problem("agency_id", "unknown", (("name", draft.agency_id[:64]),)))
        purpose = checked(
            "purpose", draft.purpose, longest=LONGEST_PURPOSE, report=self._report, lines=True
        )
        refs, classes = await self._datasets(tx, draft.datasets, requester)
        template = self._known("template", draft.template, self._catalogue.templates)
        profile = self._known("profile", draft.profile, self._catalogue.profiles)
        size = self._catalogue.sizes.get(draft.size)
        if size is None:
            self._report(Problem("size", "unknown", (("name", draft.size[:64]),)))
        self._dates(draft.ends_on, agency)
        team = await self._team(tx, draft.colleagues, requester)
        if self._problems or size is None:
            raise InvalidError(self._problems)
        return CheckedDraft(
            purpose=purpose,
            datasets=refs,
            data_classes=classes,
            template_id=TemplateId(template),
            profile_id=ProfileId(profile),
            size=size,
            team=team,
            today=self._today,
            expires_at=end_of(draft.ends_on, self._zone),
        )

    def _report(self, problem: Problem) -> None:
        self._problems.append(problem)

    def _known(self, field: str, name: str, among: object) -> str:
        if not name:
            self._report(Problem(field, "required"))
        elif name not in among:  # type: ignore[operator]  # a mapping by an id that is a str
            self._report(Problem(field, "unknown", (("name", name[:64]),)))
        return name

    def _dates(self, ends_on: date, agency: Agency | None) -> None:
        if ends_on < self._today:
            self._report(Problem("ends_on", "in_the_past", (("today", str(self._today)),)))
            return
        if agency is not None and (ends_on - self._today).days > agency.max_days:
            latest = self._today + timedelta(days=agency.max_days)
            facts = (("latest", str(latest)), ("days", str(agency.max_days)))
            self._report(Problem("ends_on", "too_far", facts))

    async def _datasets(
        self, tx: Transaction, names: Sequence[str], requester: Member
    ) -> tuple[tuple[DatasetRef, ...], frozenset[DataClass]]:
        if not names:
            self._report(Problem("datasets", "required"))
        if len(names) > MOST_DATASETS:
            self._report(Problem("datasets", "too_many", (("most", str(MOST_DATASETS)),)))
        found: dict[DatasetRef, DataClass] = {}
        for name in names[:MOST_DATASETS]:
            version = await self._version(tx, name)
            dataset = await tx.datasets.get(version.ref.dataset_id) if version else None
            if version is None or dataset is None:
                code = await _why_missing(tx, name, requester)
            elif dataset.data_class not in MOUNTABLE:
                code = "not_mountable"
            elif version.status is not VersionStatus.ACTIVE:
                code = _INACTIVE[version.status]
            else:
                found[version.ref] = dataset.data_class
                continue
            self._report(Problem("datasets", code, (("name", name[:64]),)))
        return tuple(sorted(found)), frozenset(found.values())

    async def _version(self, tx: Transaction, name: str) -> DatasetVersion | None:
        """Return the version by that name; without a number the newest that may be mounted."""
        plain, _, number = name.partition("@")
        if not number:
            versions = await tx.datasets.versions(DatasetId(plain))
            active = [v for v in versions if v.status is VersionStatus.ACTIVE]
            return next(iter([*active, *versions]), None)
        if not number.isascii() or not number.isdigit() or len(number) > 6:  # noqa: PLR2004
            return None
        return await tx.datasets.version(DatasetRef(DatasetId(plain), int(number)))

    async def _team(
        self, tx: Transaction, logins: Sequence[str], requester: Member
    ) -> tuple[MemberId, ...]:
        team = [requester.id]
        if len(logins) > MOST_COLLEAGUES:
            self._report(Problem("colleagues", "too_many", (("most", str(MOST_COLLEAGUES)),)))
        for login in logins[:MOST_COLLEAGUES]:
            member = await tx.members.by_login(login)
            # The same answer for another agency's person as for nobody: no list of people leaks.
            if member is None or member.agency_id != requester.agency_id or not member.is_active:
                self._report(Problem("colleagues", "unknown", (("name", login[:64]),)))
            elif member.id not in team:
                team.append(member.id)
        return tuple(team)


_INACTIVE = {VersionStatus.TO_REVIEW: "to_review", VersionStatus.WITHDRAWN: "version_withdrawn"}


async def _why_missing(tx: Transaction, name: str, requester: Member) -> str:
    """Say that it is not published yet, to whose agency it is; to others there is nothing."""
    intakes = await tx.intakes.of_dataset(DatasetId(name.partition("@")[0]))
    mine = [intake for intake in intakes if intake.agency_id == requester.agency_id]
    return "unpublished" if mine else "unknown"
