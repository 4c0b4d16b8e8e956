"""People, what they are to the lab, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.ids import AgencyId, MemberId


class Role(Enum):
    """What a person is to the lab. One person may be several."""

    REQUESTER = "requester"
    SCIENTIST = "scientist"
    OPERATOR = "operator"
    REVIEWER = "reviewer"


@dataclass(frozen=True, slots=True)
class Member:
    """A person with an account.

    Attributes:
        agency_id: ``None`` for the lab's own staff.
        password_hash: Argon2id; empty means that no password opens the account.
    """

    id: MemberId
    login: str
    name: str
    agency_id: AgencyId | None
    roles: frozenset[Role]
    password_hash: str = ""
    is_active: bool = True
    version: int = 0


class Verb(Enum):
    """What can be done to a resource."""

    LIST = "list"
    READ = "read"
    CREATE = "create"
    CHANGE = "change"
    DECIDE = "decide"
    DELETE = "delete"
    OPEN = "open"


class Resource(Enum):
    """What access is decided about."""

    AGENCY = "agency"
    QUOTA = "quota"
    MEMBER = "member"
    REQUEST = "request"
    SANDBOX = "sandbox"
    DATASET = "dataset"
    INTAKE = "intake"
    TEMPLATE = "template"
    PROFILE = "egress profile"
    EVENT = "event"


class Tie(Enum):
    """How a person stands to one object. The weakest tie that is enough is named in the table."""

    ANY = "any"
    AGENCY = "agency"
    """The object belongs to the person's agency."""
    OWN = "own"
    """The person asked for it, or is in its team."""


@dataclass(frozen=True, slots=True)
class Target:
    """One object that access is asked to.

    Attributes:
        agency_id: Whose it is; ``None`` for what belongs to the lab.
        people: Who asked for it and who is in its team.
    """

    resource: Resource
    agency_id: AgencyId | None = None
    people: frozenset[MemberId] = frozenset()


_OPEN_TO_ALL = {
    (verb, resource): Tie.ANY
    for verb in (Verb.LIST, Verb.READ)
    for resource in (Resource.DATASET, Resource.TEMPLATE, Resource.PROFILE)
}

ACCESS: dict[Role, dict[tuple[Verb, Resource], Tie]] = {
    Role.REQUESTER: _OPEN_TO_ALL
    | {
        (Verb.READ, Resource.AGENCY): Tie.AGENCY,
        (Verb.READ, Resource.QUOTA): Tie.AGENCY,
        (Verb.LIST, Resource.MEMBER): Tie.AGENCY,
        (Verb.LIST, Resource.REQUEST): Tie.AGENCY,
        (Verb.READ, Resource.REQUEST): Tie.AGENCY,
        (Verb.CREATE, Resource.REQUEST): Tie.AGENCY,
        (Verb.CHANGE, Resource.REQUEST): Tie.OWN,
        (Verb.LIST, Resource.SANDBOX): Tie.AGENCY,
        (Verb.READ, Resource.SANDBOX): Tie.AGENCY,
        (Verb.OPEN, Resource.SANDBOX): Tie.OWN,
        (Verb.CHANGE, Resource.SANDBOX): Tie.OWN,
        (Verb.DELETE, Resource.SANDBOX): Tie.OWN,
        # Whoever supervises one as the competent person, or asked for it.
        (Verb.LIST, Resource.INTAKE): Tie.OWN,
        (Verb.READ, Resource.INTAKE): Tie.OWN,
        (Verb.DECIDE, Resource.INTAKE): Tie.OWN,
    },
    Role.SCIENTIST: _OPEN_TO_ALL
    | {
        (Verb.LIST, Resource.SANDBOX): Tie.OWN,
        (Verb.READ, Resource.SANDBOX): Tie.OWN,
        (Verb.CHANGE, Resource.SANDBOX): Tie.OWN,
        (Verb.OPEN, Resource.SANDBOX): Tie.OWN,
    },
    Role.OPERATOR: _OPEN_TO_ALL
    | {
        (verb, resource): Tie.ANY
        for verb in (Verb.LIST, Verb.READ, Verb.CREATE, Verb.CHANGE, Verb.DECIDE, Verb.DELETE)
        for resource in Resource
    },
    Role.REVIEWER: _OPEN_TO_ALL
    | {
        (Verb.LIST, Resource.REQUEST): Tie.ANY,
        (Verb.READ, Resource.REQUEST): Tie.ANY,
        (Verb.DECIDE, Resource.REQUEST): Tie.ANY,
        (Verb.LIST, Resource.SANDBOX): Tie.ANY,
        (Verb.READ, Resource.SANDBOX): Tie.ANY,
        (Verb.LIST, Resource.AGENCY): Tie.ANY,
        (Verb.READ, Resource.AGENCY): Tie.ANY,
        (Verb.READ, Resource.QUOTA): Tie.ANY,
        (Verb.LIST, Resource.EVENT): Tie.ANY,
    }
    | {
        (verb, Resource.INTAKE): Tie.ANY
        for verb in (Verb.LIST, Verb.READ, Verb.CREATE, Verb.CHANGE, Verb.DECIDE)
    },
}
"""Who may do what. What is not here is refused.

An operator runs the lab and never opens a notebook: the data are the agency's.
"""


def can(actor: Member, verb: Verb, target: Target) -> bool:
    """Tell whether ``actor`` may do ``verb`` to ``target``. Deny by default."""
    if not actor.is_active:
        return False
    ties = {ACCESS[role].get((verb, target.resource)) for role in actor.roles}
    if Tie.ANY in ties:
        return True
    if Tie.AGENCY in ties and target.agency_id is not None and target.agency_id == actor.agency_id:
        return True
    return Tie.OWN in ties and actor.id in target.people
