"""Starting, stopping and looking at one person's notebook server, for the portal."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lab.domain.ids import MemberId, SandboxId
from lab.ports import RunningServer, ServerState
from lab.providers.jupyterhub.api import HubApi, HubError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

_FAILED = "Spawn failed: "
_GLANCE_SECONDS = 0.3


class HubNotebooks:
    """The hub, as the portal's services need it.

    Args:
        public_url: The portal's public address; each member's notebooks are on
            a name below it.
    """

    def __init__(self, *, api_url: str, token_file: Path, public_url: str) -> None:
        self._hub = HubApi(api_url=api_url, token_file=token_file)
        self._scheme, _, self._authority = public_url.rstrip("/").partition("://")

    async def start(self, member_id: MemberId, sandbox_id: SandboxId) -> ServerState:
        """Begin to start it; starting what runs or is being started is fine.

        Raises:
            HubError: The hub failed, or this workspace is not made yet.
            HubRefusedError: The hub refused our token.
        """
        if await self._hub.server(member_id, sandbox_id) is None:
            # Starting would make one, in a sandbox that may be on its way out.
            raise HubError(f"no server '{sandbox_id}' for '{member_id}'")
        await self._hub.start_server(member_id, sandbox_id)
        return await self.state(member_id, sandbox_id)

    async def stop(self, member_id: MemberId, sandbox_id: SandboxId) -> None:
        """Begin to stop it; files stay. Stopping what is stopped is fine.

        Raises:
            HubError: The hub failed.
            HubRefusedError: The hub refused our token.
        """
        await self._hub.delete_server(member_id, sandbox_id, remove=False)

    async def state(self, member_id: MemberId, sandbox_id: SandboxId) -> ServerState:
        """Look.

        Raises:
            HubError: The hub failed.
            HubRefusedError: The hub refused our token.
        """
        server = await self._hub.server(member_id, sandbox_id)
        if server is None:
            return ServerState("stopped")
        if server.get("ready"):
            return replace(self._ready(member_id, sandbox_id), used_at=_used_at(server))
        if server.get("pending") == "stop":
            return ServerState("pending", message="Le carnet s’arrête")
        said = await self._last_said(member_id, sandbox_id)
        if server.get("pending"):
            return said or ServerState("pending", message="Le carnet démarre")
        return said if said and said.state == "failed" else ServerState("stopped")

    async def running(self) -> Sequence[RunningServer]:
        """Return every server that runs and has told when it was used.

        Raises:
            HubError: The hub failed.
            HubRefusedError: The hub refused our token.
        """
        return [
            RunningServer(MemberId(user["name"]), SandboxId(name), used_at)
            async for user in self._hub.users(ready=True)
            for name, server in user.get("servers", {}).items()
            if name and server.get("ready") and (used_at := _used_at(server)) is not None
        ]

    async def progress(
        self, member_id: MemberId, sandbox_id: SandboxId
    ) -> AsyncGenerator[ServerState, None]:
        """Return each step of a start as it is made; ends with ready, failed or stopped.

        Raises:
            HubError: The hub failed.
            HubRefusedError: The hub refused our token.
        """
        async with aclosing(self._hub.events(member_id, sandbox_id)) as events:
            async for event in events:
                state = self._as_state(event, member_id, sandbox_id)
                yield state
                if state.state != "pending":
                    return
        yield await self.state(member_id, sandbox_id)

    async def _last_said(self, member_id: MemberId, sandbox_id: SandboxId) -> ServerState | None:
        """The hub repeats what was said from the start, then waits: take what comes at once."""
        last: dict[str, Any] | None = None
        try:
            async with (
                asyncio.timeout(_GLANCE_SECONDS),
                aclosing(self._hub.events(member_id, sandbox_id)) as events,
            ):
                async for event in events:
                    last = event
        except TimeoutError:
            pass
        return None if last is None else self._as_state(last, member_id, sandbox_id)

    def _as_state(
        self, event: dict[str, Any], member_id: MemberId, sandbox_id: SandboxId
    ) -> ServerState:
        if event.get("ready"):
            return self._ready(member_id, sandbox_id)
        message = str(event.get("message", ""))
        if event.get("failed"):
            return ServerState("failed", message=message.removeprefix(_FAILED), percent=100)
        return ServerState("pending", message=message, percent=int(event.get("progress", 0)))

    def _ready(self, member_id: MemberId, sandbox_id: SandboxId) -> ServerState:
        host = f"{self._scheme}://{member_id}.{self._authority}"
        return ServerState("ready", url=f"{host}/user/{member_id}/{sandbox_id}/", percent=100)


def _used_at(server: dict[str, Any]) -> datetime | None:
    """Return when a server was last used: what it told in an earlier run does not count."""
    times = [server.get("started"), server.get("last_activity")]
    try:
        return max(datetime.fromisoformat(str(text)) for text in times if text)
    except ValueError:
        return None
