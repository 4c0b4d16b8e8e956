"""Outside systems, as the core sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lab.domain.attempt import BlockedAttempt
    from lab.domain.catalogue import Catalogue
    from lab.domain.containment import Proof
    from lab.domain.ids import MemberId, SandboxId
    from lab.domain.sandbox import Observation, Sandbox, Stage


class Clock(Protocol):
    """Tells the time, so that tests need not wait."""

    def now(self) -> datetime:
        """Return the current time, UTC and aware."""
        ...


class Provider(Protocol):
    """Owns one stage of every sandbox in one outside system.

    All methods may be called at any time, in any order, and again after a
    crash. None waits long for the outside system to converge: they start work
    and return; ``observe`` tells later how far it went.
    """

    @property
    def stage(self) -> Stage:
        """The stage this provider owns."""
        ...

    async def observe(self, sandbox: Sandbox) -> Observation:
        """Look, and say what is there. Never raises: failure is UNKNOWN."""
        ...

    async def ensure(self, sandbox: Sandbox) -> None:
        """Create, correct or renew this stage. Doing it twice is doing it once.

        Raises:
            ProviderError: The outside system failed; call again later.
            TerminalProviderError: It will not work without an operator.
        """
        ...

    async def revoke(self, sandbox_id: SandboxId) -> None:
        """Make what this stage gave the sandbox useless; keep data for now.

        After it ``observe`` says REVOKED, or ABSENT where nothing is left.

        Raises:
            ProviderError: The outside system failed; call again later.
        """
        ...

    async def remove(self, sandbox_id: SandboxId) -> None:
        """Delete this stage. Removing what is not there succeeds.

        Raises:
            ProviderError: The outside system failed; call again later.
        """
        ...

    async def owned(self) -> frozenset[SandboxId]:
        """Return the ids of the sandboxes that have anything in this system.

        How orphans are found: what is here and has no live row is removed.

        Raises:
            ProviderError: We could not look.
        """
        ...


class CatalogueSource(Protocol):
    """Gives what the policy files offer, as they are now."""

    def catalogue(self) -> Catalogue:
        """Return it."""
        ...


@dataclass(frozen=True, slots=True)
class ServerState:
    """A notebook server, as the hub sees it.

    Attributes:
        state: ``stopped``, ``pending``, ``ready`` or ``failed``.
        url: Where a browser finds it, once ready.
        message: What to tell a person.
        percent: How far a start has come, 0 to 100.
        used_at: When it was last used, by what ran or was saved in it (UTC), once it is ready
            and has told.
    """

    state: str
    url: str = ""
    message: str = ""
    percent: int = 0
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A notebook server that runs, and when it was last used, as ``ServerState`` says it."""

    member_id: MemberId
    sandbox_id: SandboxId
    used_at: datetime


class Notebooks(Protocol):
    """Starts and stops the notebook servers of a sandbox whose workspace is ready."""

    async def start(self, member_id: MemberId, sandbox_id: SandboxId) -> ServerState:
        """Begin to start it; starting what runs is fine.

        Raises:
            ProviderError: The hub failed or refused.
        """
        ...

    async def stop(self, member_id: MemberId, sandbox_id: SandboxId) -> None:
        """Begin to stop it; stopping what is stopped is fine.

        Raises:
            ProviderError: The hub failed.
        """
        ...

    async def state(self, member_id: MemberId, sandbox_id: SandboxId) -> ServerState:
        """Look.

        Raises:
            ProviderError: The hub failed.
        """
        ...

    async def running(self) -> Sequence[RunningServer]:
        """Return every server that runs and has told when it was used.

        Raises:
            ProviderError: The hub failed.
        """
        ...


class Passwords(Protocol):
    """Hashes and checks passwords; slow on purpose, so off the event loop."""

    async def hash(self, password: str) -> str:
        """Return what may be kept of it."""
        ...

    async def verify(self, password_hash: str, password: str) -> bool:
        """Tell whether it is the password; an empty hash fits none, in the same time."""
        ...


class AttemptSource(Protocol):
    """Reads what walls and doors have recorded of refused attempts."""

    async def read(self, sandbox_id: SandboxId) -> Sequence[BlockedAttempt]:
        """Return what is recorded; empty where nothing is, or can be, observed."""
        ...


class Launcher(Protocol):
    """Describes how a notebook server of a sandbox is started."""

    async def launch(self, sandbox: Sandbox, member_id: MemberId) -> Mapping[str, object]:
        """Return what the hub's spawner needs, as JSON types.

        Raises:
            ProviderError: Something that it is made from is not there.
        """
        ...


class ProofSource(Protocol):
    """Reads the last containment proof of a sandbox."""

    async def proof(self, sandbox_id: SandboxId) -> Proof | None:
        """Return it, or nothing where none was made."""
        ...
