"""The lab's database before its parts start: brought to the present schema, asked once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.domain.errors import StoreError
from lab.parts import kept
from lab.parts.message import MachineError, message
from lab.settings import Settings
from lab.store import migrate, open_store

if TYPE_CHECKING:
    from lab.domain.object_store import StoreChoice


def make_ready(settings: Settings, *, keep_storage: StoreChoice | None) -> None:
    """Migrate it; write down the object store that was chosen.

    Raises:
        MachineError: It cannot be used, or sandboxes hold objects in another store.
    """
    try:
        asyncio.run(migrate.upgrade(settings.database_url))
        if keep_storage is not None:
            asyncio.run(_change_storage(settings, keep_storage))
    except StoreError as error:
        raise MachineError(message("the database: {why}", why=error), exit_code=3) from error


async def _change_storage(settings: Settings, chosen: StoreChoice) -> None:
    """Write the chosen store down, unless sandboxes hold objects in another one."""
    before = Settings(state_dir=settings.state_dir).storage
    if before.place != chosen.place:
        store = await open_store(settings.database_url)
        try:
            async with store.read() as tx:
                live = [sandbox.id for sandbox in await tx.sandboxes.live()]
        finally:
            await store.aclose()
        if live:
            raise MachineError(
                message(
                    "sandboxes hold objects in the present store ({kind}): {names}",
                    kind=before.kind.value,
                    names=", ".join(sorted(live)),
                ),
                message("Objects do not move by themselves: delete these sandboxes first."),
            )
    kept.keep_storage(settings.state_dir, chosen)
