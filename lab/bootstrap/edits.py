"""Edits by another hand that were put back, in the audit log."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from lab.domain.audit import AuditEvent
from lab.domain.errors import StoreError

if TYPE_CHECKING:
    from lab.ports import Store

log = logging.getLogger(__name__)

_MOST_CHARACTERS = 500


class ForeignEdit(Protocol):
    """What a provider tells of an edit."""

    @property
    def sandbox_id(self) -> str:
        """Whose object it was."""
        ...

    @property
    def kind(self) -> str:
        """Of the object."""
        ...

    @property
    def name(self) -> str:
        """Of the object."""
        ...

    @property
    def fields(self) -> tuple[str, ...]:
        """What differed; nothing where the whole object was deleted."""
        ...

    @property
    def writers(self) -> tuple[str, ...]:
        """Who wrote it, as the other system says."""
        ...


class Edits:
    """Writes each of them down. What cannot be written down was still put back."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def record(self, edit: ForeignEdit) -> None:
        """Keep one."""
        event = AuditEvent(
            at=datetime.now(UTC),
            actor="lab",
            action="sandbox.put_back",
            resource="sandbox",
            resource_id=edit.sandbox_id,
            facts={
                "object": f"{edit.kind}/{edit.name}",
                "fields": ", ".join(edit.fields)[:_MOST_CHARACTERS],
                "writers": ", ".join(edit.writers)[:_MOST_CHARACTERS],
            },
        )
        try:
            async with self._store.begin() as tx:
                await tx.audit.append(event)
        except StoreError:
            log.exception("an edit that was put back is not in the audit log")
