"""Parts that rows of several tables have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lab.domain.dataset import DatasetRef
from lab.domain.quantity import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Table
    from sqlalchemy.engine import RowMapping

    from lab.domain.ids import MemberId
    from lab.store.link import Link


def resource_values(resources: Resources) -> dict[str, int]:
    """Return an amount of compute as columns."""
    return {
        "cpu_millicores": resources.cpu_millicores,
        "memory_bytes": resources.memory_bytes,
        "storage_bytes": resources.storage_bytes,
        "gpu_count": resources.gpu_count,
    }


def resources_of(row: RowMapping) -> Resources:
    """Read an amount of compute; PostgreSQL sums to decimals, hence ``int``."""
    return Resources(
        cpu_millicores=int(row["cpu_millicores"]),
        memory_bytes=int(row["memory_bytes"]),
        storage_bytes=int(row["storage_bytes"]),
        gpu_count=int(row["gpu_count"]),
    )


def ref_values(refs: Sequence[DatasetRef]) -> list[list[str | int]]:
    """Return references as JSON."""
    return [[ref.dataset_id, ref.version] for ref in refs]


def refs_of(values: Sequence[Sequence[Any]]) -> tuple[DatasetRef, ...]:
    """Read references."""
    return tuple(DatasetRef(dataset_id, version) for dataset_id, version in values)


class People:
    """Who belongs to a request or a sandbox, in order, in a table of their own.

    A table, and not JSON in the row, so that "everything of this person" is a
    look into an index.
    """

    def __init__(self, link: Link, table: Table, parent: str) -> None:
        self._link, self._table, self._parent = link, table, table.c[parent]

    async def put(self, parent_id: str, people: Sequence[MemberId], *, is_new: bool) -> None:
        """Write who belongs to it now."""
        if not is_new:
            if (await self.of([parent_id])).get(parent_id, ()) == tuple(people):
                return
            await self._link.run(self._table.delete().where(self._parent == parent_id))
        if people:
            rows = [
                {self._parent.name: parent_id, "position": position, "member_id": member_id}
                for position, member_id in enumerate(people)
            ]
            await self._link.run(self._table.insert(), rows)

    async def of(self, parent_ids: Sequence[str]) -> Mapping[str, tuple[MemberId, ...]]:
        """Return who belongs to each."""
        table = self._table
        rows = await self._link.all(
            select(table).where(self._parent.in_(parent_ids)).order_by(table.c.position)
        )
        found: dict[str, list[MemberId]] = {}
        for row in rows:
            found.setdefault(row[self._parent.name], []).append(row["member_id"])
        return {parent_id: tuple(people) for parent_id, people in found.items()}
