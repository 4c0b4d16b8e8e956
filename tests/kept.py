"""A database that many tests begin with is filled once in a process; each gets a copy of it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from lab.store import SqlStore

T = TypeVar("T")
_KEPT: dict[Hashable, tuple[sqlite3.Connection, object]] = {}


async def once(store: SqlStore, key: Hashable, fill: Callable[[], Awaitable[T]]) -> T:
    """Fill a store in memory, or copy what the first of that key was filled with.

    Args:
        store: A new one, in memory.
        key: All that decides what is written.
        fill: Writes it; what it returns is returned for each copy.
    """
    there = store._engines.anchor
    assert there is not None
    if key in _KEPT:
        database, told = _KEPT[key]
        database.backup(there)
        return told  # type: ignore[return-value]  # of the same key, so of the same kind
    told = await fill()
    database = sqlite3.connect(":memory:", check_same_thread=False)
    there.backup(database)
    _KEPT[key] = database, told
    return told
