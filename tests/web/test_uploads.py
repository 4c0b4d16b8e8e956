from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi import Request

from lab.domain.errors import InvalidError
from lab.web.problems import WebError
from lab.web.uploads import upload_of

if TYPE_CHECKING:
    from starlette.types import Message

HEAD = (
    b'--x\r\nContent-Disposition: form-data; name="autre"\r\n\r\n1\r\n'
    b'--x\r\nContent-Disposition: form-data; name="fichier"; filename="\xc3\xa9t\xc3\xa9.csv"\r\n'
    b"Content-Type: text/csv\r\n\r\n"
)
FOOT = b"\r\n--x--\r\n"


class Body:
    """A body that is asked for piece by piece, and knows how much of it was taken."""

    def __init__(self, *pieces: bytes, is_cut: bool = False) -> None:
        self._pieces, self._is_cut, self.taken = list(pieces), is_cut, 0

    async def __call__(self) -> Message:
        if not self._pieces and self._is_cut:
            return {"type": "http.disconnect"}
        self.taken += 1
        piece = self._pieces.pop(0) if self._pieces else b""
        more = bool(self._pieces) or self._is_cut
        return {"type": "http.request", "body": piece, "more_body": more}

    def request(self, kind: bytes = b"multipart/form-data; boundary=x") -> Request:
        scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind)]}
        return Request(scope, self)


async def test_no_more_of_a_file_is_held_than_what_has_just_arrived() -> None:
    blocks = [bytes([n]) * 65_536 for n in range(64)]
    body = Body(HEAD, *blocks, FOOT)
    upload = await upload_of(body.request(), "fichier")
    assert (upload.name, body.taken) == ("été.csv", 1)
    place = 0
    async for chunk in upload.chunks:
        place += len(chunk)
        assert len(chunk) <= 65_536
        assert body.taken <= 2 + place // 65_536 + 1
    assert place == 64 * 65_536


async def test_every_byte_comes_through_however_it_is_cut() -> None:
    data = b"a\r\n--x\r-\n--y--\r\n\x00\xff;" * 9
    whole = HEAD + data + FOOT
    for size in (1, 3, 7, len(whole)):
        pieces = [whole[n : n + size] for n in range(0, len(whole), size)]
        upload = await upload_of(Body(*pieces).request(), "fichier")
        assert b"".join([chunk async for chunk in upload.chunks]) == data, size


async def test_half_a_form_is_no_file() -> None:
    for body in (Body(HEAD, b"half"), Body(HEAD, b"half", is_cut=True)):
        upload = await upload_of(body.request(), "fichier")
        with pytest.raises(WebError) as caught:
            _ = [chunk async for chunk in upload.chunks]
        assert caught.value.code == "bad_request"


async def test_what_is_no_form_with_a_file_is_refused() -> None:
    with pytest.raises(WebError) as caught:
        await upload_of(Body(b"a=b").request(b"application/x-www-form-urlencoded"), "fichier")
    assert caught.value.code == "unsupported_media_type"
    with pytest.raises(InvalidError):
        await upload_of(Body(HEAD, FOOT).request(), "pas-la")
    endless = b"--x\r\nContent-Disposition: form-data; name=" + b"n" * 70_000
    with pytest.raises(WebError):
        await upload_of(Body(endless).request(), "fichier")
