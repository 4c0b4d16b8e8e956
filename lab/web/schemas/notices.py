"""Notices and messages on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field

from lab.domain.ids import MemberId
from lab.domain.letter import path_of
from lab.domain.member import Member
from lab.domain.message import Message
from lab.domain.notice import MailState, Notice, NoticeKind
from lab.web.schemas.common import Body, Out, PersonOut, Text
from lab.web.schemas.requests import person


class NoticeOut(Out):
    """What one is told. / Un avis.

    Attributes:
        subject: Id of the request, sandbox or dossier.
        page: Of the portal, about it.
        mail: What became of its mail.
        due_at: When that happens of which it warns; null where it tells of no hour.
    """

    id: str
    kind: NoticeKind
    subject: str
    page: str
    at: datetime
    read_at: datetime | None
    mail: MailState
    due_at: datetime | None

    @classmethod
    def of(cls, notice: Notice) -> NoticeOut:
        """Write it."""
        return cls(
            id=notice.id,
            kind=notice.kind,
            subject=notice.subject,
            page=path_of(notice.subject),
            at=notice.at,
            read_at=notice.read_at,
            mail=notice.mail,
            due_at=notice.due_at,
        )


class NoticesOut(Out):
    """One's notices, newest first. / Ses avis, le plus récent d’abord."""

    items: list[NoticeOut]
    unread: int


class AddressBody(Body):
    """Where one's mail goes; empty for none. / Où va son courriel; vide pour aucun."""

    address: Annotated[Text, Field(max_length=320)]


class AddressOut(Out):
    """Where one's mail goes; empty for none. / Où va son courriel; vide pour aucun."""

    address: str


class ReadOut(Out):
    """How many were marked as read. / Combien ont été marqués comme lus."""

    read: int


class MessageIn(Body):
    """What one writes about a request: plain text. / Ce qu’on écrit sur une demande."""

    text: Annotated[Text, Field(max_length=20_000)]


class MessageOut(Out):
    """A message about a request. / Un message sur une demande."""

    id: str
    author: PersonOut
    at: datetime
    text: str

    @classmethod
    def of(cls, message: Message, people: Mapping[MemberId, Member]) -> MessageOut:
        """Write it, with who wrote it."""
        author = person(message.author_id, people)
        return cls(id=message.id, author=author, at=message.at, text=message.text)
