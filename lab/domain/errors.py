"""Every error the lab raises on purpose.

* LabError
    + RequestError            the caller can fix it; becomes a 4xx
        - InvalidError          a field is wrong; carries them all
        - NotFoundError
        - ForbiddenError
            - SecondPersonError   another one must approve too
        - NotSignedInError
        - ConflictError         it changed since it was read
        - StateError            not possible in the state it is in
        - QuotaExceededError
            + PersonQuotaExceededError  of the person, not of the agency
        - BudgetSpentError      no hours are left this month
        - KeyReusedError        same idempotency key, other body
        - NotReadyError         later
    + ProviderError           an outside system failed; the controller retries
        - TerminalProviderError   retrying cannot help; an operator must act
    + StoreError              the database failed; nothing of the transaction was kept
        - StoreUnavailableError   it does not answer; later
            - StoreBusyError        others are in the way; later
        - StoreFullError          no room is left
        - StoreTooNewError        it was written by a newer version of the lab

HTTP status codes live in ``lab.web.errors``, not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.agency import Usage
    from lab.domain.hours import Account, Metered
    from lab.domain.ids import AgencyId
    from lab.domain.sandbox import Stage


class LabError(Exception):
    """Base of every deliberate error."""

    code: ClassVar[str] = "lab_error"
    """Stable identifier, part of the API contract. Never translated."""


class RequestError(LabError):
    """The request cannot be honoured as written.

    Attributes:
        facts: What the audit keeps of a refusal besides its code: stable words, nobody's data.
    """

    code = "bad_request"
    facts: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Problem:
    """One field that is wrong.

    Attributes:
        field: Its name on the wire, for example ``ends_on``.
        code: Stable word, for example ``unknown``, ``too_long``, ``in_the_past``.
        facts: What a sentence about it needs (limits, names), for translation.
    """

    field: str
    code: str
    facts: tuple[tuple[str, str], ...] = ()


class InvalidError(RequestError):
    """One or several fields are wrong; nothing was kept."""

    code = "invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.code}" for p in problems))
        self.problems = tuple(problems)


class NotFoundError(RequestError):
    """Nothing by that identifier, or the caller may not know that there is."""

    code = "not_found"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"no {kind} '{name}'")
        self.kind, self.name = kind, name


class ForbiddenError(RequestError):
    """The caller is known and may not do this."""

    code = "forbidden"

    def __init__(self, verb: str, resource: str) -> None:
        super().__init__(f"you may not {verb} this {resource}")
        self.verb, self.resource = verb, resource


class NotSignedInError(RequestError):
    """Nobody is signed in, or the token is not (or no longer) good."""

    code = "not_signed_in"

    def __init__(self) -> None:
        super().__init__("sign in first, or give a valid token")


class SecondPersonError(ForbiddenError):
    """Two people must approve, and the caller is the one who did already."""

    code = "second_person"

    def __init__(self) -> None:
        super().__init__("approve a second time", "request")


class ConflictError(RequestError):
    """The object changed since it was read; read it again and retry.

    Attributes:
        changed: What was done since, where it is known: stable words, ids and times.
    """

    code = "conflict"

    def __init__(
        self,
        kind: str,
        name: str,
        *,
        expected: int,
        found: int,
        changed: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(f"{kind} '{name}' is at version {found}, not {expected}")
        self.kind, self.name, self.expected, self.found = kind, name, expected, found
        self.changed = tuple(changed)


class StateError(RequestError):
    """What was asked is not possible in the state the object is in."""

    code = "wrong_state"

    def __init__(self, kind: str, name: str, *, state: str, wanted: str) -> None:
        super().__init__(f"{kind} '{name}' is {state}: cannot {wanted}")
        self.kind, self.name, self.state, self.wanted = kind, name, state, wanted


class QuotaExceededError(RequestError):
    """The agency's quota has no room for what was asked."""

    code = "quota_exceeded"

    def __init__(self, agency_id: AgencyId, *, asked: Usage, left: Usage) -> None:
        super().__init__(f"agency '{agency_id}' asked for {asked}; left: {left}")
        self.agency_id, self.asked, self.left = agency_id, asked, left


class PersonQuotaExceededError(QuotaExceededError):
    """The person's own quota has no room for what was asked; ``left`` is the person's."""

    code = "person_quota_exceeded"


class BudgetSpentError(RequestError):
    """The agency has used all hours of the month of something that this needs.

    Attributes:
        account: What it had and what it used.
    """

    code = "budget_spent"

    def __init__(self, account: Account, metered: Metered) -> None:
        super().__init__(
            f"agency '{account.agency_id}' has used its {metered.value} hours of {account.month}"
        )
        self.account, self.metered = account, metered
        self.facts = {"month": str(account.month), "resource": metered.value}


class KeyReusedError(RequestError):
    """The idempotency key was used before with another body."""

    code = "idempotency_key_reused"

    def __init__(self, key: str) -> None:
        super().__init__(f"key '{key}' was used before with another body")
        self.key = key


class NotReadyError(RequestError):
    """It exists and cannot be used yet."""

    code = "not_ready"

    def __init__(self, kind: str, name: str, why: str) -> None:
        super().__init__(f"{kind} '{name}' is not ready: {why}")
        self.kind, self.name, self.why = kind, name, why


class ProviderError(LabError):
    """An outside system refused or did not answer. Safe to retry."""

    code = "provider_failed"

    def __init__(self, stage: Stage, message: str) -> None:
        super().__init__(f"{stage.value}: {message}")
        self.stage, self.message = stage, message


class TerminalProviderError(ProviderError):
    """An outside system refused, and will refuse again."""

    code = "provider_refused"


class StoreError(LabError):
    """The database failed. Nothing of the transaction was kept."""

    code = "store_failed"


class StoreUnavailableError(StoreError):
    """The database does not answer, or the connection was lost. Try again later."""

    code = "store_unavailable"


class StoreBusyError(StoreUnavailableError):
    """Other transactions are in the way. Do the whole transaction again."""

    code = "store_busy"


class StoreFullError(StoreError):
    """The database has no room left; an operator must make some."""

    code = "store_full"


class StoreTooNewError(StoreError):
    """The database was written by a newer version of the lab."""

    code = "store_too_new"

    def __init__(self, found: str, known: str) -> None:
        super().__init__(
            f"the database is at revision {found}; this version of the lab knows {known} "
            "at most: install the newer version again"
        )
        self.found, self.known = found, known
