"""One Lease object with the API server's rules, and faults on demand."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Any

from lab.reconciling.lease import LeaseError, LeaseTakenError

if TYPE_CHECKING:
    from collections.abc import Mapping


class FakeLease:
    def __init__(self) -> None:
        self.content: dict[str, Any] | None = None
        self._version = 0
        self.is_down = False
        self.loses_answers = False
        self.hangs = False
        self.writes = 0

    async def get(self) -> dict[str, Any] | None:
        await self._reach()
        return copy.deepcopy(self.content)

    async def create(self, lease: Mapping[str, Any]) -> dict[str, Any]:
        await self._reach()
        if self.content is not None:
            raise LeaseTakenError("there")
        return await self._write(lease)

    async def replace(self, lease: Mapping[str, Any]) -> dict[str, Any]:
        await self._reach()
        if self.content is None or lease["metadata"] != self.content["metadata"]:
            raise LeaseTakenError("changed")
        return await self._write(lease)

    @property
    def holder(self) -> str:
        assert self.content is not None
        return str(self.content["spec"]["holderIdentity"])

    async def _reach(self) -> None:
        await asyncio.sleep(0.01)
        if self.hangs:
            await asyncio.sleep(3600)
        if self.is_down:
            raise LeaseError("down")

    async def _write(self, lease: Mapping[str, Any]) -> dict[str, Any]:
        self._version += 1
        self.writes += 1
        self.content = {"spec": dict(lease["spec"]), "metadata": {"version": self._version}}
        if self.loses_answers:
            raise LeaseError("cut")
        return copy.deepcopy(self.content)
