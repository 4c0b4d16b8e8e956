"""Which modules a Go program was built from: the toolchain writes it into every binary."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = b"\xff Go buildinf:"
_INLINE = 2
_FLAGS_AT, _TEXTS_AT = 15, 32
_SENTINEL = 16
"""Bytes around the list of modules."""


@dataclass(frozen=True, slots=True, order=True)
class Module:
    """One module at one version."""

    path: str
    version: str


def modules(program: Path) -> tuple[Module, ...]:
    """Return what a program was built from, itself and the toolchain included.

    Empty for what is no Go program, or one older than Go 1.18.
    """
    if not program.is_file() or not program.stat().st_size:
        return ()
    with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return from_bytes(data)


def from_bytes(data: bytes | mmap.mmap) -> tuple[Module, ...]:
    """Return the modules of a program's bytes."""
    start = data.find(_MAGIC)
    if start < 0 or not data[start + _FLAGS_AT] & _INLINE:
        return ()
    toolchain, after = _text(data, start + _TEXTS_AT)
    listed, _ = _text(data, after)
    body = listed[_SENTINEL:-_SENTINEL].decode("utf-8", "replace")
    found = {Module("stdlib", toolchain.decode("ascii", "replace").removeprefix("go").split()[0])}
    previous: Module | None = None
    for line in body.splitlines():
        kind, *fields = line.split("\t")
        if kind == "=>" and previous is not None:  # another module stands in for it
            found.discard(previous)
        if kind in {"mod", "dep", "=>"} and len(fields) > 1 and not fields[0].startswith("."):
            previous = Module(fields[0], fields[1])
            found.add(previous)
    return tuple(sorted(found))


def _text(data: bytes | mmap.mmap, at: int) -> tuple[bytes, int]:
    """Read a text after its length; return it and where it ends."""
    length = shift = 0
    while True:
        byte = data[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004  # the sign of a number's last byte
            return bytes(data[at : at + length]), at + length
