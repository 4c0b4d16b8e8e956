"""What somebody looks for in the audit log: the same words in a page, the API and the command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from lab.domain.audit import AuditFilter, AuditOutcome
from lab.domain.errors import InvalidError, Problem
from lab.domain.ids import MemberId
from lab.web.spreadsheet import CsvLines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from lab.domain.audit import AuditEvent
    from lab.domain.member import Member
    from lab.web.wiring import Lab

LONGEST = 100
FIELDS = ("who", "action", "object", "agency_id", "since", "until", "outcome")
COLUMNS = (
    *("seq", "at", "actor", "actor_login", "action", "resource", "resource_id"),
    *("agency_id", "outcome", "facts", "previous_hash", "hash"),
)
"""Of a CSV file; those of the other form are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for, as typed. What is empty lets every row pass.

    Attributes:
        since: First day, in the lab's time zone.
        until: Last day, all of it.
    """

    who: str = ""
    action: str = ""
    object: str = ""
    agency_id: str = ""
    since: date | None = None
    until: date | None = None
    outcome: AuditOutcome | None = None

    def filter(self, zone: ZoneInfo) -> AuditFilter:
        """Return it as the log understands it.

        Raises:
            InvalidError: A day is out of reach, or the last is before the first.
        """
        problems: list[Problem] = []
        since = self._begin("since", self.since, zone, problems)
        day_after = self.until
        if day_after is not None:
            try:
                day_after += timedelta(days=1)
            except OverflowError:
                problems.append(Problem("until", "bad_date"))
        until = self._begin("until", day_after, zone, problems)
        if self.since and self.until and self.until < self.since:
            problems.append(Problem("until", "before_since"))
        if problems:
            raise InvalidError(problems)
        return AuditFilter(
            actor=self.who.strip(),
            action=self.action.strip(),
            resource_id=self.object.strip(),
            agency_id=self.agency_id.strip(),
            outcome=self.outcome,
            since=since,
            until=until,
        )

    @staticmethod
    def _begin(
        field: str, day: date | None, zone: ZoneInfo, problems: list[Problem]
    ) -> datetime | None:
        if day is None:
            return None
        try:
            return datetime.combine(day, time(), zone).astimezone(UTC)
        except OverflowError:
            problems.append(Problem(field, "bad_date"))
            return None


def typed(values: Mapping[str, str]) -> Search:
    """Return what a page's form asks for.

    Raises:
        InvalidError: A day is no day, an outcome no outcome, or a text too long.
    """
    problems = [
        Problem(name, "too_long", (("longest", str(LONGEST)),))
        for name in ("who", "action", "object", "agency_id")
        if len(values.get(name, "")) > LONGEST
    ]
    days: dict[str, date | None] = {}
    for name in ("since", "until"):
        text = values.get(name, "").strip()
        try:
            days[name] = date.fromisoformat(text) if text else None
        except ValueError:
            problems.append(Problem(name, "bad_date"))
    outcome = values.get("outcome", "")
    if outcome not in {"", *(one.value for one in AuditOutcome)}:
        problems.append(Problem("outcome", "unknown", (("name", outcome[:64]),)))
    if problems:
        raise InvalidError(problems)
    return Search(
        who=values.get("who", ""),
        action=values.get("action", ""),
        object=values.get("object", ""),
        agency_id=values.get("agency_id", ""),
        since=days["since"],
        until=days["until"],
        outcome=AuditOutcome(outcome) if outcome else None,
    )


async def logins(lab: Lab, events: Sequence[AuditEvent]) -> Mapping[MemberId, Member]:
    """Return the people who did these; the log itself holds their ids only."""
    return await lab.members.names(sorted({MemberId(event.actor) for event in events}))


async def csv_lines(
    parts: AsyncIterator[Sequence[Mapping[str, object]]],
) -> AsyncIterator[bytes]:
    """Write rows for a spreadsheet, part by part."""
    lines = CsvLines()
    yield b"\xef\xbb\xbf" + lines.of([COLUMNS])
    async for rows in parts:
        yield lines.of([[row[name] for name in COLUMNS] for row in rows])
