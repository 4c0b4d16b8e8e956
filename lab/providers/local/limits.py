"""stub"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.quantity import Resources


class Group:
    """x"""

    def __init__(self, sandbox_id: str, member_id: str, resources: Resources) -> None:
        self.rlimits: dict[str, int] = {}

    def enter(self) -> None:
        """x"""

    def leave(self) -> None:
        """x"""

    def release(self) -> None:
        """x"""

    def describe(self) -> dict[str, str]:
        """x"""
        return {}


def release(sandbox_id: str, member_id: str) -> None:
    """x"""
