"""Files encrypted in order: 1 MiB at a time, so that any size fits in memory.

The way is STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-
Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015): AES-256-GCM over each
chunk, whose nonce is its number and whether it is the last. A chunk that is changed,
moved, taken out or cut off at the end is found. Each file has a key of its own,
derived from the lab's and a random salt, so no nonce is ever used twice with a key.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lab.domain.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.providers.quarantine.shelf import Readable, Writable

CHUNK = 1024**2
_MAGIC = b"VCQ1"
_SALT, _TAG = 16, 16
_NUMBER = 11


class SealError(LabError):
    """What was kept is not there, was changed, or was encrypted with another key."""

    code = "seal_broken"

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name}' in quarantine is missing, was changed, or has another key")
        self.name = name


class Sealer:
    """Encrypts one file, piece by piece of any length.

    Args:
        out: Where to; nothing else writes there.
        key: The lab's.
        name: What the file is; only under the same name is it opened again.
    """

    def __init__(self, out: Writable, key: bytes, *, name: str) -> None:
        salt = os.urandom(_SALT)
        self._out, self._cipher = out, _cipher(key, salt, name)
        self._waiting, self._number = bytearray(), 0
        out.write(_MAGIC + salt)

    def write(self, data: bytes) -> None:
        """Encrypt some more."""
        self._waiting += data
        # The last chunk is told apart from the others, so one is always held back.
        while len(self._waiting) > CHUNK:
            self._put(bytes(self._waiting[:CHUNK]), is_last=False)
            del self._waiting[:CHUNK]

    def finish(self) -> None:
        """Encrypt what is left. Without this the file cannot be opened."""
        self._put(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _put(self, chunk: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._number, is_last=is_last)
        self._out.write(self._cipher.encrypt(nonce, chunk, None))
        self._number += 1


def unsealed(source: Readable, key: bytes, *, name: str) -> Iterator[bytes]:
    """Yield the chunks of a file that ``Sealer`` wrote, each checked before it is given.

    That it is whole is known only once the last chunk came.

    Raises:
        SealError: It was changed, cut short, or has another key or name.
    """
    head = source.read(len(_MAGIC) + _SALT)
    if len(head) != len(_MAGIC) + _SALT or not head.startswith(_MAGIC):
        raise SealError(name)
    cipher = _cipher(key, head[len(_MAGIC) :], name)
    number, chunk = 0, source.read(CHUNK + _TAG)
    while True:
        following = source.read(CHUNK + _TAG)
        is_last = not following
        try:
            yield cipher.decrypt(_nonce(number, is_last=is_last), chunk, None)
        except InvalidTag as error:
            raise SealError(name) from error
        if is_last:
            return
        number, chunk = number + 1, following


def _cipher(key: bytes, salt: bytes, name: str) -> AESGCM:
    derive = HKDF(SHA256(), length=32, salt=salt, info=b"vase-clos quarantine " + name.encode())
    return AESGCM(derive.derive(key))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(_NUMBER, "big") + bytes([is_last])
