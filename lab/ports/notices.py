"""What is kept of notices, and how their mail leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lab.domain.ids import MemberId, RequestId
    from lab.domain.letter import Letter
    from lab.domain.message import Message
    from lab.domain.notice import Notice


class Notices(Protocol):
    """Notices of people, and where their mail goes."""

    async def add(self, notices: Sequence[Notice]) -> int:
        """Write those whose event the person was not told of yet; say how many."""
        ...

    async def get(self, notice_id: str) -> Notice | None:
        """Return one, or nothing."""
        ...

    async def put(self, notice: Notice) -> Notice:
        """Write, and return it at its new version.

        Raises:
            ConflictError: It changed since it was read.
        """
        ...

    async def of(
        self, member_id: MemberId, *, unread_only: bool = False, limit: int = 100
    ) -> Sequence[Notice]:
        """Return a person's notices, newest first."""
        ...

    async def unread(self, member_id: MemberId) -> int:
        """Count those that a person has not read."""
        ...

    async def read_all(self, member_id: MemberId, at: datetime) -> int:
        """Mark a person's as read; say how many were not."""
        ...

    async def to_send(self, now: datetime, limit: int = 50) -> Sequence[Notice]:
        """Return those whose mail is due, the oldest first."""
        ...

    async def being_sent(self) -> Sequence[Notice]:
        """Return those whose mail was handed over and not answered."""
        ...

    async def prune(self, before: datetime, limit: int = 500) -> int:
        """Delete those that were read before a moment; say how many.

        Not those whose mail is still to leave, nor those about a sandbox that is not gone or a
        dossier that awaits its signature: their event is looked for again, and would be told anew.
        """
        ...

    async def addresses(self, ids: Sequence[MemberId]) -> Mapping[MemberId, str]:
        """Return the addresses that people gave."""
        ...

    async def put_address(self, member_id: MemberId, address: str) -> None:
        """Write, or write over, a person's address; empty takes it away."""
        ...


class Messages(Protocol):
    """Messages about requests. They are added, never changed."""

    async def add(self, message: Message) -> None:
        """Write one."""
        ...

    async def of(self, request_id: RequestId, limit: int = 200) -> Sequence[Message]:
        """Return the last ones about a request, first one first."""
        ...


class PostError(Exception):
    """A mail did not leave.

    Attributes:
        is_final: The server will not take it, however often it is tried.
        may_have_left: The server was lost after it had the text.
    """

    def __init__(self, why: str, *, is_final: bool = False, may_have_left: bool = False) -> None:
        super().__init__(why)
        self.is_final, self.may_have_left = is_final, may_have_left


class Post(Protocol):
    """Where mail is handed over."""

    @property
    def is_local(self) -> bool:
        """Whether it stays on this machine, so that a person without an address gets it too."""
        ...

    async def send(self, letter: Letter) -> None:
        """Hand one mail over.

        Raises:
            PostError: It did not leave, or that is not known.
        """
        ...
