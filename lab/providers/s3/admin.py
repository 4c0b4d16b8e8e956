"""The admin side of an object store: who holds which key under which policy.

S3 itself says nothing about it, and every server has its own way. One
protocol, one class per server: SeaweedFS speaks a part of AWS IAM, MinIO its
own admin API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


class AdminError(Exception):
    """The store's admin side refused or did not answer.

    Attributes:
        code: The store's own word, or empty when it did not answer.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One key pair, as it is told once."""

    access_key: str
    secret_key: str


class StoreAdmin(Protocol):
    """Identities of one object store. Adding what is there and taking what is not succeed.

    Where a store cannot do a thing (end a key, limit a bucket), asking for it
    does nothing: another wall holds there, and the class says which.
    """

    async def ensure_identity(self, name: str, policy: str) -> None:
        """Make the identity exist with exactly this policy (JSON)."""
        ...

    async def has_identity(self, name: str, policy: str) -> bool:
        """Tell whether it exists with exactly this policy."""
        ...

    async def exists(self, name: str) -> bool:
        """Tell whether there is an identity of this name."""
        ...

    async def delete_identity(self, name: str) -> None:
        """Take the identity away with its keys and policy; all of them stop working at once."""
        ...

    async def owned(self, is_ours: Callable[[str], bool]) -> frozenset[str]:
        """Return every identity of ours whose name is one of ours."""
        ...

    async def keys_of(self, name: str) -> frozenset[str]:
        """Return the access keys it has; none when it does not exist."""
        ...

    async def create_key(self, name: str, expires_at: datetime) -> AccessKey:
        """Add a key to an identity that exists."""
        ...

    async def limit_key(self, name: str, access_key: str, expires_at: datetime) -> None:
        """Give a key another end."""
        ...

    async def delete_key(self, name: str, access_key: str) -> None:
        """Take one key away."""
        ...

    async def limit_bucket(self, bucket: str, size_bytes: int) -> None:
        """Refuse what would make the bucket larger than this."""
        ...

    async def has_limit(self, bucket: str, size_bytes: int) -> bool:
        """Tell whether the bucket has exactly this limit."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...
