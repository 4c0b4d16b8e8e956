"""One file of a form, as it comes: never more of it in memory than what has just arrived."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from lab.domain.errors import InvalidError, Problem
from lab.web.problems import WebError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import Request

_KIND = "multipart/form-data"
_LONGEST_HEADERS = 8192
_DRAINED = 1024**3
"""What is still read of a file that was refused, so that a browser gets to see why."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way.

    Attributes:
        name: As the browser calls it.
        chunks: Its bytes, once.
    """

    name: str
    chunks: AsyncIterator[bytes]


async def upload_of(request: Request, field: str) -> Upload:
    """Read a form up to its file, and return that with its bytes still to come.

    Raises:
        InvalidError: No file was chosen.
        WebError: The body is no such form.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != _KIND.encode() or not boundary:
        raise WebError(
            "unsupported_media_type",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            facts={"wanted": _KIND},
        )
    body = request.stream()
    reader = _Reader(boundary, field)
    while reader.name is None:
        if not await _more(body, reader):
            break
    if not reader.name:
        raise InvalidError([Problem("raw", "not_chosen")])
    return Upload(reader.name, _chunks(body, reader))


async def drain(request: Request) -> None:
    """Take the rest of a body, up to a bound, and keep nothing of it."""
    left = _DRAINED
    try:
        async for chunk in request.stream():
            left -= len(chunk)
            if left < 0:
                return
    except (ClientDisconnect, RuntimeError):
        return


async def _chunks(body: AsyncIterator[bytes], reader: _Reader) -> AsyncIterator[bytes]:
    is_more = True
    while is_more:
        while reader.waiting:
            yield reader.waiting.popleft()
        is_more = await _more(body, reader)
    while reader.waiting:
        yield reader.waiting.popleft()


async def _more(body: AsyncIterator[bytes], reader: _Reader) -> bool:
    """Let the reader have what comes next; tell whether there was something.

    Raises:
        WebError: The body is broken, or ends before the form does.
    """
    try:
        chunk = await anext(body, None)
        if chunk is None:
            reader.finish()
            return False
        reader.take(chunk)
    except (ClientDisconnect, FormParserError):
        raise WebError("bad_request", HTTPStatus.BAD_REQUEST) from None
    return True


class _Reader:
    """Takes a form's bytes; holds those of its file until somebody fetches them."""

    def __init__(self, boundary: bytes, field: str) -> None:
        self.name: str | None = None
        self.waiting: deque[bytes] = deque()
        self._field = field.encode()
        self._header, self._value, self._size = bytearray(), bytearray(), 0
        self._is_inside = self._is_whole = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": self._on_header,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header_end,
                "on_part_data": self._on_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    def take(self, chunk: bytes) -> None:
        self._parser.write(chunk)

    def finish(self) -> None:
        """Refuse a form that was cut off: half a file is no file."""
        if not self._is_whole:
            raise FormParserError

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._header += self._counted(data[start:end])

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += self._counted(data[start:end])

    def _counted(self, part: bytes) -> bytes:
        self._size += len(part)
        if self._size > _LONGEST_HEADERS:
            raise FormParserError
        return part

    def _on_header_end(self) -> None:
        header, value = bytes(self._header).lower(), bytes(self._value)
        self._header, self._value = bytearray(), bytearray()
        if header != b"content-disposition" or self.name is not None:
            return
        _, options = parse_options_header(value)
        if options.get(b"name") == self._field:
            self._is_inside = True
            self.name = options.get(b"filename", b"").decode("utf-8", "replace")

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_inside:
            self.waiting.append(data[start:end])

    def _on_part_end(self) -> None:
        self._is_inside = False

    def _on_end(self) -> None:
        self._is_whole = True
