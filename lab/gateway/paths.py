"""Reads request targets so strictly that no server behind can read them otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from lab.gateway.refusals import not_allowed

_RAW_PATH = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*", re.ASCII)
_RAW_QUERY = re.compile(r"(?:[A-Za-z0-9\-._~!$'()*,;:@/?=&+|\[\]]|%[0-9A-Fa-f]{2})*", re.ASCII)
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Target:
    r"""A request target, decoded once.

    Attributes:
        path: Decoded; holds no control character, no ``.`` or ``..`` segment, no ``\\``.
        query: Decoded pairs in their order.
    """

    path: str
    query: tuple[tuple[str, str], ...]

    @property
    def names(self) -> frozenset[str]:
        """Return the names in the query."""
        return frozenset(name for name, _ in self.query)

    def value(self, name: str) -> str:
        """Return the one value of a name; empty when it is not there."""
        return next((value for each, value in self.query if each == name), "")


def read(raw: str) -> Target:
    """Read what stands in the request line.

    Raises:
        RefusedError: It could be read in two ways, or leads upwards.
    """
    path, _, query = raw.partition("?")
    if len(raw) > _LONGEST or not _RAW_PATH.fullmatch(path) or not _RAW_QUERY.fullmatch(query):
        raise not_allowed("the address is too long or badly written")
    decoded = decode(path)
    if {".", ".."} & set(decoded.split("/")) or "//" in decoded or "\\" in decoded:
        raise not_allowed("the path leads elsewhere")
    pairs = tuple(_pair(each) for each in query.split("&") if each)
    return Target(decoded, pairs)


def decode(text: str) -> str:
    """Undo percent-encoding, once.

    Raises:
        RefusedError: It is not UTF-8, or holds control characters.
    """
    try:
        decoded = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise not_allowed("the address is not UTF-8") from error
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in decoded):  # noqa: PLR2004  ASCII controls
        raise not_allowed("the address holds control characters")
    return decoded


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return decode(name.replace("+", "%20")), decode(value.replace("+", "%20"))
