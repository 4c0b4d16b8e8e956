"""What is kept, noun by noun, and the transaction that holds them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from lab.domain.agency import Agency, Reservation, Usage
    from lab.domain.attempt import BlockedAttempt
    from lab.domain.audit import AuditEvent, AuditFilter
    from lab.domain.certificate import DeletionCertificate
    from lab.domain.dataset import DataClass
    from lab.domain.draft import Draft
    from lab.domain.ids import AgencyId, DraftId, MemberId, RequestId, SandboxId
    from lab.domain.intake_states import IntakeState
    from lab.domain.member import Member
    from lab.domain.request import RequestState, SandboxRequest
    from lab.domain.sandbox import Sandbox, Stage, StageState
    from lab.domain.token import Token, TokenKind
    from lab.ports.datasets import Datasets
    from lab.ports.federation import Identities, SignIns
    from lab.ports.holding import Holds
    from lab.ports.intakes import Intakes
    from lab.ports.notices import Messages, Notices
    from lab.ports.quotas import PersonQuotas, SpanBook
    from lab.ports.shared import Outbox, Proofs, Reports

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list.

    Attributes:
        next_cursor: Give it back to get the next part; empty on the last one.
    """

    items: Sequence[T]
    next_cursor: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows a list shall hold. ``None`` means any.

    Attributes:
        person: Asked for it, or is in its team.
        after: A cursor from the page before.
        data_class: Asks for data of this class, among others.
        waiting_before: Waits for a reviewer since then or longer.
        needs_two: Two people must approve it.
        undecided_by: In review, and this person may still decide about it.
    """

    agency_id: AgencyId | None = None
    person: MemberId | None = None
    request_state: RequestState | None = None
    intake_state: IntakeState | None = None
    live_only: bool = False
    after: str = ""
    limit: int = 50
    data_class: DataClass | None = None
    waiting_before: datetime | None = None
    needs_two: bool = False
    undecided_by: MemberId | None = None


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What an idempotency key was used for.

    Attributes:
        fingerprint: Hexadecimal SHA-256 of the canonical body.
        resource_id: What it made.
    """

    owner: str
    key: str
    fingerprint: str
    resource_id: str
    created_at: datetime


class Agencies(Protocol):
    """Agencies, their quotas and what is held of them."""

    async def get(self, agency_id: AgencyId) -> Agency | None:
        """Return the agency, or nothing."""
        ...

    async def lock(self, agency_id: AgencyId) -> Agency | None:
        """Return it and hold its lock until the transaction ends.

        Whoever decides about quota takes this lock first.
        """
        ...

    async def put(self, agency: Agency) -> Agency:
        """Write, and return it at its new version.

        Raises:
            ConflictError: It changed since it was read.
        """
        ...

    async def all(self) -> Sequence[Agency]:
        """Return every agency, by id."""
        ...

    async def held(self, agency_id: AgencyId) -> Usage:
        """Sum the agency's reservations."""
        ...

    async def reserve(self, reservation: Reservation) -> None:
        """Write a reservation, or replace the holder's earlier one."""
        ...

    async def give_back(self, holder: str) -> None:
        """Strike the holder's reservation out; none is fine."""
        ...


class Members(Protocol):
    """People with an account."""

    async def get(self, member_id: MemberId) -> Member | None:
        """Return the member, or nothing."""
        ...

    async def by_login(self, login: str) -> Member | None:
        """Return the member with that login, letter case apart, or nothing."""
        ...

    async def put(self, member: Member) -> Member:
        """Write, and return it at its new version.

        Raises:
            ConflictError: It changed since it was read, or the login is taken.
        """
        ...

    async def of(self, agency_id: AgencyId | None) -> Sequence[Member]:
        """Return the members of an agency, or of the lab itself, by login."""
        ...

    async def many(self, ids: Sequence[MemberId]) -> Mapping[MemberId, Member]:
        """Return those that exist."""
        ...


class Tokens(Protocol):
    """Bearer tokens, by hash."""

    async def put(self, token: Token) -> None:
        """Write a new one."""
        ...

    async def get(self, token_hash: str, kind: TokenKind) -> Token | None:
        """Return it whatever its age, or nothing."""
        ...

    async def use(self, token_hash: str, kind: TokenKind, at: datetime) -> Token | None:
        """Mark it used and return it; nothing if it was used before or has expired."""
        ...

    async def drop(self, token_hash: str) -> None:
        """Delete it; none is fine."""
        ...

    async def drop_of(self, member_id: MemberId, kind: TokenKind | None = None) -> None:
        """Delete all of a member's, or all of one kind."""
        ...

    async def drop_expired(self, now: datetime) -> int:
        """Delete the expired ones; say how many."""
        ...


class Requests(Protocol):
    """Requests for sandboxes."""

    async def get(self, request_id: RequestId) -> SandboxRequest | None:
        """Return the request, or nothing."""
        ...

    async def put(self, request: SandboxRequest) -> SandboxRequest:
        """Write, and return it at its new version.

        Raises:
            ConflictError: It changed since it was read.
        """
        ...

    async def page(self, which: Filter) -> Page[SandboxRequest]:
        """Return one page, newest first."""
        ...


class Drafts(Protocol):
    """Requests that are being written."""

    async def get(self, draft_id: DraftId) -> Draft | None:
        """Return the draft, or nothing."""
        ...

    async def put(self, draft: Draft) -> Draft:
        """Write, and return it at its new version.

        Raises:
            ConflictError: It changed since it was read.
        """
        ...

    async def drop(self, draft_id: DraftId) -> None:
        """Delete it; none is fine."""
        ...

    async def page(self, which: Filter) -> Page[Draft]:
        """Return one page of those that became no request, last changed first."""
        ...


class Sandboxes(Protocol):
    """Sandboxes, and what is known of their stages."""

    async def get(self, sandbox_id: SandboxId) -> Sandbox | None:
        """Return the sandbox, or nothing."""
        ...

    async def put(self, sandbox: Sandbox) -> Sandbox:
        """Write, and return it at its new version.

        Raises:
            ConflictError: It changed since it was read.
        """
        ...

    async def page(self, which: Filter) -> Page[Sandbox]:
        """Return one page, newest first."""
        ...

    async def live(self) -> Sequence[Sandbox]:
        """Return every sandbox that is not yet deleted."""
        ...

    async def stages(self, sandbox_id: SandboxId) -> Mapping[Stage, StageState]:
        """Return what is known of its stages; a stage never looked at is not in it."""
        ...

    async def live_stages(self) -> Mapping[SandboxId, Mapping[Stage, StageState]]:
        """Return what is known of the stages of every sandbox that is not yet deleted."""
        ...

    async def put_stages(self, states: Sequence[StageState]) -> None:
        """Write, or write over, what is known of stages."""
        ...

    async def certificate(self, sandbox_id: SandboxId) -> DeletionCertificate | None:
        """Return its deletion certificate, or nothing yet."""
        ...

    async def put_certificate(self, certificate: DeletionCertificate) -> None:
        """Write the certificate; a second one for the same sandbox is an error."""
        ...

    async def attempts(self, sandbox_id: SandboxId, limit: int = 200) -> Sequence[BlockedAttempt]:
        """Return its blocked attempts, newest first."""
        ...

    async def put_attempts(self, attempts: Sequence[BlockedAttempt]) -> None:
        """Write; same sandbox, member, rule, target and first time is the same attempt."""
        ...


class AuditTrail(Protocol):
    """The audit log. Rows are added, never changed."""

    async def append(self, event: AuditEvent) -> AuditEvent:
        """Write it as the next row of the chain, and return that row."""
        ...

    async def page(
        self, which: AuditFilter | None = None, *, after: str = "", limit: int = 50
    ) -> Page[AuditEvent]:
        """Return one page of those that are looked for, newest first."""
        ...

    async def following(
        self, seq: int, which: AuditFilter | None = None, *, limit: int = 500
    ) -> Sequence[AuditEvent]:
        """Return the next ones that are looked for after row ``seq``, first row first."""
        ...

    async def all(self) -> Sequence[AuditEvent]:
        """Return every row, first row first; for the verifier."""
        ...


class Keys(Protocol):
    """Idempotency keys, written in the same transaction as what they guard."""

    async def get(self, owner: str, key: str) -> KeyRecord | None:
        """Return what the owner used the key for, or nothing."""
        ...

    async def put(self, record: KeyRecord) -> None:
        """Write it.

        Raises:
            ConflictError: Somebody wrote it in between; read again.
        """
        ...


class Transaction(Protocol):
    """One view of everything that is kept; all of its writes land, or none."""

    @property
    def agencies(self) -> Agencies:
        """Agencies and quotas."""
        ...

    @property
    def members(self) -> Members:
        """People."""
        ...

    @property
    def tokens(self) -> Tokens:
        """Bearer tokens."""
        ...

    @property
    def identities(self) -> Identities:
        """Who people are at a provider."""
        ...

    @property
    def sign_ins(self) -> SignIns:
        """Sign-ins by a provider that are not back yet."""
        ...

    @property
    def requests(self) -> Requests:
        """Requests."""
        ...

    @property
    def drafts(self) -> Drafts:
        """Requests that are being written."""
        ...

    @property
    def messages(self) -> Messages:
        """Messages about requests."""
        ...

    @property
    def notices(self) -> Notices:
        """What people are told."""
        ...

    @property
    def sandboxes(self) -> Sandboxes:
        """Sandboxes."""
        ...

    @property
    def holds(self) -> Holds:
        """Suspensions and extensions of sandboxes, and the stop of the lab."""
        ...

    @property
    def hours(self) -> SpanBook:
        """Hours that sandboxes were ready, and what was told of budgets."""
        ...

    @property
    def person_quotas(self) -> PersonQuotas:
        """Quotas of single people."""
        ...

    @property
    def datasets(self) -> Datasets:
        """Data sets."""
        ...

    @property
    def intakes(self) -> Intakes:
        """Dossiers of tables that shall become data sets."""
        ...

    @property
    def audit(self) -> AuditTrail:
        """The audit log."""
        ...

    @property
    def keys(self) -> Keys:
        """Idempotency keys."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Things to tell."""
        ...

    @property
    def proofs(self) -> Proofs:
        """Proofs of containment."""
        ...

    @property
    def reports(self) -> Reports:
        """What probes said."""
        ...


class Store(Protocol):
    """Keeps everything that is wanted. The only source of truth for it."""

    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """Read and write; committed at the end of the block, undone on an exception.

        Never held over a call to an outside system.
        """
        ...

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """Read only; writing through it is an error."""
        ...

    async def aclose(self) -> None:
        """Let go of every connection."""
        ...
