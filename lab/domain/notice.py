"""What a person is told of: in the portal always, by mail where there is an address."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.ids import MemberId

NOTICE_DUE = "notice.due"
"""Kind of an outbox row: something happened of which people are told."""

FIRST_RETRY, LAST_RETRY = timedelta(minutes=1), timedelta(hours=1)
"""Between two tries to send one mail; doubled each time, as long as it takes."""

KEPT_READ = timedelta(days=180)
"""How long a notice is kept once it was read. One that nobody read is kept."""

_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}")
_MOST_DOUBLINGS = 16


class NoticeKind(Enum):
    """What happened."""

    SUBMITTED = "submitted"
    NEEDS_APPROVAL = "needs_approval"
    NEEDS_SIGNATURE = "needs_signature"
    RETURNED = "returned"
    APPROVED = "approved"
    REFUSED = "refused"
    READY = "ready"
    EXPIRES_IN_7 = "expires_in_7"
    EXPIRES_IN_1 = "expires_in_1"
    SUSPENDED = "suspended"
    HOURS_AGAIN = "hours_again"
    """For a sandbox that the budget of its agency suspended; it goes on once it is resumed."""
    IDLE = "idle"
    """One's notebook server ends soon for want of use; the mark is when, in seconds (UTC)."""
    INVITED = "invited"
    """Into a sandbox; the mark names who was, and since which version of it."""
    MESSAGE = "message"


class MailState(Enum):
    """What became of the mail of a notice."""

    WAITING = "waiting"
    SENDING = "sending"
    """Handed over, not yet answered. If nothing more is heard, it is not sent a second time."""
    SENT = "sent"
    UNKNOWN = "unknown"
    """The server was lost after the text was given to it: it may have it."""
    REFUSED = "refused"
    """The server takes no mail for that address."""
    NONE = "none"
    """There is no address."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of which people are told.

    Attributes:
        subject: Id of the request, sandbox or dossier.
        mark: Tells two events of one kind about one subject apart.
        actor: Who did it, and so need not be told; empty where nobody did.
    """

    kind: NoticeKind
    subject: str
    mark: str = ""
    actor: str = ""

    def row(self) -> str:
        """Return it as the outbox keeps it."""
        return " ".join((self.kind.value, self.subject, self.mark or "-", self.actor or "-"))

    @classmethod
    def of_row(cls, text: str) -> Happening | None:
        """Read what the outbox kept; nothing where it is none of ours."""
        parts = text.split(" ")
        kinds = {kind.value: kind for kind in NoticeKind}
        if len(parts) != 4 or parts[0] not in kinds:  # noqa: PLR2004 -- as written above
            return None
        _, subject, mark, actor = ("" if part == "-" else part for part in parts)
        return cls(kinds[parts[0]], subject, mark, actor)

    @property
    def key(self) -> str:
        """What a person is told of once: this event."""
        return f"{self.kind.value} {self.subject} {self.mark}".strip()


@dataclass(frozen=True, slots=True)
class Notice:
    """One event, told to one person.

    Attributes:
        key: Of the event; a person has at most one notice of it.
        tries: To send its mail.
        next_try_at: Of the mail; nothing once that is over.
    """

    id: str
    member_id: MemberId
    kind: NoticeKind
    subject: str
    key: str
    at: datetime
    read_at: datetime | None = None
    mail: MailState = MailState.WAITING
    tries: int = 0
    next_try_at: datetime | None = None
    version: int = 0

    @property
    def due_at(self) -> datetime | None:
        """When that happens of which it warns (UTC), where its event says so."""
        if self.kind is not NoticeKind.IDLE:
            return None
        return datetime.fromtimestamp(int(self.key.rpartition(" ")[2]), UTC)

    def tried(self) -> Notice:
        """Return it as handed over."""
        return replace(self, mail=MailState.SENDING, tries=self.tries + 1, next_try_at=None)

    def postponed(self, now: datetime) -> Notice:
        """Return it as still to be sent, later each time."""
        wait = min(FIRST_RETRY * 2 ** min(self.tries - 1, _MOST_DOUBLINGS), LAST_RETRY)
        return replace(self, mail=MailState.WAITING, next_try_at=now + wait)

    def ended(self, mail: MailState) -> Notice:
        """Return it with nothing more to send."""
        return replace(self, mail=mail, next_try_at=None)


def is_address(text: str) -> bool:
    """Tell whether a mail can be sent there: one ordinary address, and nothing else."""
    return _ADDRESS.fullmatch(text) is not None
