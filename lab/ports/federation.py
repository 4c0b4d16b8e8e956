"""Identity providers, and what is kept of sign-ins by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lab.domain.federation import Identity, PendingSignIn
    from lab.domain.ids import MemberId


class IdentityProvider(Protocol):
    """Signs people in somewhere else."""

    @property
    def issuer(self) -> str:
        """Its name, an address."""
        ...

    async def authorization_url(self, *, state: str, nonce: str, verifier: str) -> str:
        """Return where a browser is sent to sign in.

        Raises:
            SignInError: The provider is away, or is not who it should be.
        """
        ...

    async def claims(self, code: str, *, nonce: str, verifier: str) -> Mapping[str, Any]:
        """Take a code to the provider and return what it says, once all of it is checked.

        Raises:
            SignInError: The provider is away, refuses, or said what does not hold.
        """
        ...

    async def aclose(self) -> None:
        """Let go of every connection."""
        ...


class Identities(Protocol):
    """Who people are at a provider."""

    async def get(self, issuer: str, subject: str) -> Identity | None:
        """Return it, or nothing."""
        ...

    async def put(self, identity: Identity) -> None:
        """Write it, new or not."""
        ...

    async def of(self, member_id: MemberId) -> Identity | None:
        """Return a member's, or nothing: the account is a local one."""
        ...


class SignIns(Protocol):
    """Sign-ins that are not back yet."""

    async def put(self, pending: PendingSignIn) -> None:
        """Write a new one."""
        ...

    async def get(self, state: str) -> PendingSignIn | None:
        """Return it whatever its age, or nothing."""
        ...

    async def use(self, state: str, at: datetime) -> PendingSignIn | None:
        """Mark it used and return it; nothing if it was used before or has expired."""
        ...

    async def drop_expired(self, now: datetime) -> int:
        """Delete the expired ones; say how many."""
        ...
