"""Sign-in by an identity provider: what a group is here, and what may go wrong on the way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from lab.domain.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lab.domain.ids import AgencyId, MemberId
    from lab.domain.member import Role


class Fault(Enum):
    """Why a sign-in by the provider came to nothing. Stable words: the audit has them."""

    FOREIGN_STATE = "foreign_state"
    """It began in another browser, too long ago, or not here at all."""
    REPLAYED_STATE = "replayed_state"
    CANCELLED = "cancelled"
    REFUSED_CODE = "refused_code"
    """The provider does not take the code: used before, or too old."""
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_NONCE = "wrong_nonce"
    UNKNOWN_KEY = "unknown_key"
    """Signed by a key that the provider does not publish, or no longer does."""
    BAD_SIGNATURE = "bad_signature"
    EXPIRED = "expired"
    CLOCK_SKEW = "clock_skew"
    BAD_ANSWER = "bad_answer"
    AWAY = "away"
    REFUSED_CLIENT = "refused_client"
    """The provider does not know the lab, or not its secret."""
    NO_SECOND_FACTOR = "no_second_factor"
    UNKNOWN_GROUP = "unknown_group"
    TWO_AGENCIES = "two_agencies"
    UNKNOWN_AGENCY = "unknown_agency"
    LOGIN_TAKEN = "login_taken"
    """A local account has that login: nobody takes it over."""
    MOVED = "moved"
    """Another agency than before, while still in the team of one of its sandboxes."""
    CLOSED = "closed"
    """An operator closed the account."""


class SignInError(RequestError):
    """Signing in by the provider came to nothing."""

    code = "sign_in_failed"

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"sign-in by the identity provider: {fault.value}")
        self.fault = fault
        self.facts = {"fault": fault.value}


@dataclass(frozen=True, slots=True)
class GroupRule:
    """What being in a group of the provider gives here.

    Attributes:
        agency_id: ``None`` makes a person one of the lab's own staff.
    """

    group: str
    agency_id: AgencyId | None
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPolicy:
    """What the policy file says about sign-in by the provider.

    Attributes:
        second_factor_roles: Nobody gets one of these by a password alone.
        acr: Values of ``acr`` that stand for a second factor; asked for, too.
        amr: The same of ``amr``; one of either list is enough.
        contact_fr: Whom a person asks who has no group, in French.
        contact_en: The same, in English.
    """

    groups_claim: str
    login_claim: str
    name_claim: str
    groups: tuple[GroupRule, ...]
    second_factor_roles: frozenset[Role]
    acr: tuple[str, ...]
    amr: frozenset[str]
    contact_fr: str
    contact_en: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as the provider's claims and the policy make them."""

    subject: str
    login: str
    name: str
    agency_id: AgencyId | None
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Identity:
    """Which member a subject of a provider is.

    Attributes:
        seen_at: UTC; of the last sign-in.
        is_withdrawn: The account was closed because the groups were gone; it opens again with
            them. One that an operator closed does not.
    """

    issuer: str
    subject: str
    member_id: MemberId
    seen_at: datetime
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in that was begun here and is not back yet.

    Attributes:
        state: Hexadecimal SHA-256 of the state; the state itself is only in the browser.
        browser: The same, of what only that browser's cookie has.
        next_path: Where it leads, a path of the portal.
        used_at: UTC; when it came back.
    """

    state: str
    browser: str
    next_path: str
    expires_at: datetime
    used_at: datetime | None = None


def person_of(policy: SignInPolicy, claims: Mapping[str, Any]) -> Person:
    """Return who the claims speak of.

    Raises:
        SignInError: No group of theirs is named by the policy, groups of two agencies are, or
            the second factor that the policy asks for is missing.
    """
    given = claims.get(policy.groups_claim)
    groups = {given} if isinstance(given, str) else set(_strings(given))
    rules = [rule for rule in policy.groups if rule.group in groups]
    if not rules:
        raise SignInError(Fault.UNKNOWN_GROUP)
    if len({rule.agency_id for rule in rules}) > 1:
        raise SignInError(Fault.TWO_AGENCIES)
    roles = frozenset(role for rule in rules for role in rule.roles)
    if roles & policy.second_factor_roles and not _has_second_factor(policy, claims):
        raise SignInError(Fault.NO_SECOND_FACTOR)
    login = _text(claims, policy.login_claim)
    return Person(
        subject=_text(claims, "sub"),
        login=login,
        name=_text(claims, policy.name_claim) or login,
        agency_id=rules[0].agency_id,
        roles=roles,
    )


def _has_second_factor(policy: SignInPolicy, claims: Mapping[str, Any]) -> bool:
    return claims.get("acr") in policy.acr or not policy.amr.isdisjoint(
        _strings(claims.get("amr"))
    )


def _strings(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.strip() if isinstance(value, str) else ""
