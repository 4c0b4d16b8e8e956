"""What every use case works with, put together once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from lab.ports import CatalogueSource, Clock, Store
    from lab.services.journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """Handed to each service, which takes from it what it uses.

    Attributes:
        new_id: Makes an identifier from a prefix, never the same twice.
        zone: Where the lab's days and months begin and end.
        wake: Told after each commit that wrote to the outbox.
    """

    store: Store
    clock: Clock
    journal: Journal
    catalogue: CatalogueSource
    new_id: Callable[[str], str]
    zone: ZoneInfo
    wake: Callable[[], None]
