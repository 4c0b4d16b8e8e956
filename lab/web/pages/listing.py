"""Rows of lists, with the people they name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.domain.ids import MemberId
from lab.domain.member import Member
from lab.domain.request import SandboxRequest
from lab.domain.sandbox import Phase, Sandbox
from lab.web.schemas.sandboxes import everyone
from lab.web.wiring import Lab


@dataclass(frozen=True, slots=True)
class SandboxRow:
    """One sandbox in a list."""

    sandbox: Sandbox
    phase: Phase
    people: list[str]


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request in a list."""

    request: SandboxRequest
    requester: str


def name_of(member_id: MemberId | None, people: Mapping[MemberId, Member]) -> str:
    """Return a person's name, or the id where the account is gone."""
    if member_id is None:
        return ""
    member = people.get(member_id)
    return member.name if member else member_id


async def sandbox_rows(lab: Lab, sandboxes: Sequence[Sandbox]) -> list[SandboxRow]:
    """Return rows for sandboxes."""
    people = await lab.members.names(everyone(sandboxes))
    phases = await lab.sandboxes.phases(sandboxes)
    return [
        SandboxRow(s, phases[s.id], [name_of(m, people) for m in s.spec.members])
        for s in sandboxes
    ]


async def request_rows(lab: Lab, requests: Sequence[SandboxRequest]) -> list[RequestRow]:
    """Return rows for requests."""
    people = await lab.members.names([r.requester_id for r in requests])
    return [RequestRow(r, name_of(r.requester_id, people)) for r in requests]
