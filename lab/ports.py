"""What the core needs from the outside, as small protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from lab.domain.ids import SandboxId
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
