"""Unwraps ``aws-chunked`` bodies, piece by piece."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lab.gateway.refusals import not_allowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import StreamReader

_HEAD = re.compile(rb"([0-9a-f]{1,8});chunk-signature=[0-9a-f]{64}\r\n", re.ASCII | re.IGNORECASE)
_LARGEST_CHUNK = 64 * 1024**2
_PIECE = 256 * 1024


async def unwrap(source: StreamReader, *, size_bytes: int) -> AsyncIterator[bytes]:
    """Yield the bytes inside; exactly ``size_bytes`` of them.

    Raises:
        RefusedError: It is written otherwise, or holds more or less.
    """
    left = size_bytes
    while True:
        try:
            match = _HEAD.fullmatch(await source.readline())
        except ValueError as error:
            raise not_allowed("a chunk head that is too long") from error
        length = int(match[1], 16) if match else -1
        if length < 0 or length > min(left, _LARGEST_CHUNK):
            raise not_allowed("a body whose chunks are not what was announced")
        left -= length
        if length == 0:
            break
        while length:
            piece = await source.read(min(length, _PIECE))
            if not piece:
                raise not_allowed("a body that ends too early")
            length -= len(piece)
            yield piece
        if await source.readexactly(2) != b"\r\n":
            raise not_allowed("a body whose chunks are not what was announced")
    if left:
        raise not_allowed("a body that ends too early")
