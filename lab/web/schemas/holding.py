"""Suspensions, extensions and the stop of the lab, on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field

from lab.domain.ids import MemberId
from lab.domain.intervention import Act, Intervention, LabStop
from lab.domain.member import Member
from lab.web.schemas.common import Body, Day, Name, Out, PersonOut, Text
from lab.web.schemas.requests import person

_Reason = Annotated[Text, Field(max_length=20_000)]


class ExtensionIn(Body):
    """A later end. / Une fin plus tardive.

    Attributes:
        ends_on: The new last full day.
    """

    ends_on: Day
    reason: _Reason


class StopIn(Body):
    """The stop of the whole lab. / L’arrêt de tout le laboratoire.

    Attributes:
        confirmation: ``tout arrêter`` or ``stop all``.
    """

    reason: _Reason
    confirmation: Name


class InterventionOut(Out):
    """What was done to a sandbox. / Ce qui a été fait à un bac à sable.

    Attributes:
        by: Nothing where the lab did it by itself.
        until: The new end, of an extension.
    """

    id: str
    at: datetime
    act: Act
    reason: str
    note: str
    by: PersonOut | None
    until: datetime | None

    @classmethod
    def of(cls, act: Intervention, people: Mapping[MemberId, Member]) -> InterventionOut:
        """Write it."""
        actor = MemberId(act.actor)
        return cls(
            id=act.id,
            at=act.at,
            act=act.act,
            reason=act.reason,
            note=act.note,
            by=person(actor, people) if actor in people else None,
            until=act.until,
        )


class LabStopOut(Out):
    """Whether all of the lab is stopped. / Si tout le laboratoire est arrêté."""

    is_stopped: bool
    since: datetime | None
    note: str

    @classmethod
    def of(cls, stop: LabStop | None) -> LabStopOut:
        """Write it."""
        return cls(
            is_stopped=stop is not None,
            since=stop.at if stop else None,
            note=stop.note if stop else "",
        )
