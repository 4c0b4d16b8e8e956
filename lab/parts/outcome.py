"""What a start is asked to do, and what is told at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.object_store import StoreChoice
    from lab.parts.message import MachineError
    from lab.parts.seed import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a start is asked to do.

    Attributes:
        keep_port: Written down for the next start.
        keep_storage: Likewise; the settings hold it already.
    """

    keep_port: int | None = None
    keep_storage: StoreChoice | None = None
    has_demo: bool = True
    timeout_s: float = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the operator is told at the end.

    Attributes:
        failure: Why the first sandbox is not ready; the lab itself is up.
    """

    address: str
    was_running: bool
    seconds: float
    accounts: tuple[Account, ...] = ()
    sandbox_id: str = ""
    failure: MachineError | None = None
