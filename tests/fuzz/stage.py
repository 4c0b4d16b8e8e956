"""A seeded lab in this process, and who may speak to it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from lab.domain.ids import AgencyId
from lab.domain.token import TokenKind
from lab.web.app import create_app
from tests.conftest import FixedClock
from tests.web.conftest import build_lab, settings_in
from tests.web.scenes import stage_everything

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from tests.web.conftest import WebLab

T = TypeVar("T")

SPEAKERS = ("o.lavoie", "o.lavoie", "a.tremblay", "r.cote", "b.gagnon", "")
"""Whose token a case carries, in turn: the operator twice, who gets furthest; once nobody."""


@dataclass
class Known:
    """What a path may name and is there, by the name of its place."""

    names: dict[str, list[str]]


class Stage:
    """The application and its lab in a loop of their own; nothing listens on any port."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.lab: WebLab = self.do(build_lab(settings_in(folder), FixedClock()))
        app = create_app(self.lab, run_controller=False)
        # What the gate lets through is a finding, and no error of this side.
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(
            transport=transport, base_url=self.lab.settings.public_url
        )
        self.known = self.do(self._seeded())
        self.tokens: dict[str, str] = {}
        self.fresh()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def get(self, path: str) -> Any:
        return self.do(self._client.get(path)).json()

    def send(self, request: httpx.Request) -> httpx.Response:
        return self.do(self._client.send(request))

    def fresh(self) -> None:
        """Give everybody a token again: a case may have ended them, or closed the account."""
        self.do(self._fresh())

    def close(self) -> None:
        self.do(self._client.aclose())
        self.do(self.lab.store.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _fresh(self) -> None:
        for login in {*SPEAKERS} - {""}:
            async with self.lab.store.begin() as tx:
                member = await tx.members.by_login(login)
                assert member is not None
                if not member.is_active:
                    member = await tx.members.put(replace(member, is_active=True))
            self.tokens[login] = await self.lab.members.issue(member, TokenKind.API)

    async def _seeded(self) -> Known:
        scene, lab = await stage_everything(self.lab), self.lab
        alice = lab.people["a.tremblay"]
        drafts = [await lab.drafts.open(alice, AgencyId("rft")) for _ in range(4)]
        return Known({
            "sandbox_id": [scene.ready, scene.failing, scene.deleted, scene.suspended],
            "request_id": [scene.review, scene.rejected],
            "draft_id": [draft.id for draft in drafts],
            "agency_id": ["rft", "sqd"],
            "login": ["a.tremblay", "b.gagnon", "c.roy"],
            "dataset_id": ["demandes-prestations", "rand-hie"],
        })
