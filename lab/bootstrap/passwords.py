"""Passwords, hashed with Argon2id."""

from __future__ import annotations

import asyncio
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

MOST_AT_ONCE = 2
"""Each takes 64 MiB and a core for a while: a crowd at the door must not stop the lab."""


class Argon2Passwords:
    """Hashes with the library's defaults (RFC 9106, second recommended option)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._nobody = _nobody()

    async def hash(self, password: str) -> str:
        """Return what may be kept of it."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str, password: str) -> bool:
        """Tell whether it is the password; an empty hash fits none, in the same time."""
        async with self._turns:
            fits = await asyncio.to_thread(self._fits, password_hash or self._nobody, password)
        return fits and bool(password_hash)

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False


@cache
def _nobody() -> str:
    """Hash what is verified where there is no hash; once, for it costs what a password costs."""
    return PasswordHasher().hash("a password that nobody has")
