"""Stage WORKSPACE: a named server at the hub for each member of a sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from lab.domain.errors import ProviderError
from lab.domain.ids import MemberId, SandboxId
from lab.domain.sandbox import Fact, Observation, Seen, Stage
from lab.providers.jupyterhub.api import HubApi

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.domain.sandbox import Sandbox


class RunningKeeper(Protocol):
    """A process of a notebook server, as whoever runs it on this machine reports it."""

    @property
    def sandbox_id(self) -> str:
        """In which sandbox."""
        ...

    @property
    def member_id(self) -> str:
        """Whose server."""
        ...

    @property
    def run_dir(self) -> Path:
        """What to give to stop it."""
        ...


class Options(BaseModel):
    """What the settings say of the hub.

    Attributes:
        api_url: The hub's API on loopback, with its prefix.
        token_file: Holds the token of the lab's own service.
        keepers_dir: Where the processes of notebook servers leave their traces,
            by sandbox and member. Without it only the hub is asked.
        running: Returns the live ones below a folder. Given by whoever puts
            the lab together, because providers do not know each other.
        stop: Ends one, given its folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    api_url: str
    token_file: Path
    keepers_dir: Path | None = None
    running: Callable[[Path], Sequence[Any]] | None = None
    stop: Callable[[Path], object] | None = None
    timeout_seconds: Annotated[float, Field(gt=0)] = 20


class JupyterHubProvider:
    """Makes, finds and removes the servers of sandboxes. Starting them is for people."""

    def __init__(self, stage: Stage, options: Options) -> None:
        self._stage = stage
        self._options = options
        self._hub = HubApi(
            api_url=options.api_url,
            token_file=options.token_file,
            timeout_seconds=options.timeout_seconds,
        )

    @property
    def stage(self) -> Stage:
        """The stage it owns."""
        return self._stage

    async def observe(self, sandbox: Sandbox) -> Observation:
        """Ask the hub, and look for processes that the hub may have lost."""
        members = sandbox.spec.members
        try:
            keepers = await self._keepers(sandbox.id)
        except Exception as error:
            return Observation(Seen.UNKNOWN, f"processes: {error}")
        try:
            users = {member: await self._hub.user(member) for member in members}
        except Exception as error:
            # Processes that are seen must stay removable while the hub is away.
            seen = Seen.CONVERGING if keepers else Seen.UNKNOWN
            return Observation(seen, str(error), _process_facts(sandbox.id, members, keepers))
        return _judge(sandbox, users, keepers)

    async def ensure(self, sandbox: Sandbox) -> None:
        """Make the hub's user and named server of each member, started by nobody yet."""
        for member in sandbox.spec.members:
            user = await self._hub.user(member)
            if user is None:
                await self._hub.create_user(member)
            if user is None or sandbox.id not in user.get("servers", {}):
                await self._hub.create_server(member, sandbox.id)

    async def revoke(self, sandbox_id: SandboxId) -> None:
        """Keep nothing: a server holds no data of its own."""
        await self.remove(sandbox_id)

    async def remove(self, sandbox_id: SandboxId) -> None:
        """Stop and forget every server of that name, whoever it belongs to.

        The processes end first, so that they do even while the hub is away.
        """
        await self._end(await self._keepers(sandbox_id))
        async for user in self._hub.users():
            server = user.get("servers", {}).get(sandbox_id)
            if server is not None and server.get("pending") != "stop":
                await self._hub.delete_server(user["name"], sandbox_id, remove=True)
        # A start that was under way may have made one since.
        await self._end(await self._keepers(sandbox_id))

    async def owned(self) -> frozenset[SandboxId]:
        """Return every sandbox that has a server or a process."""
        found = {SandboxId(keeper.sandbox_id) for keeper in await self._keepers()}
        async for user in self._hub.users():
            found |= {SandboxId(name) for name in user.get("servers", {}) if name}
        return frozenset(found)

    async def _keepers(self, sandbox_id: SandboxId | None = None) -> Sequence[RunningKeeper]:
        base, running = self._options.keepers_dir, self._options.running
        if base is None or running is None:
            return ()
        return await asyncio.to_thread(running, base / sandbox_id if sandbox_id else base)

    async def _end(self, keepers: Iterable[RunningKeeper]) -> None:
        if self._options.stop is None:
            return
        for keeper in keepers:
            try:
                await asyncio.to_thread(self._options.stop, keeper.run_dir)
            except OSError as error:
                raise ProviderError(self._stage, f"a server does not end: {error}") from error


def _judge(
    sandbox: Sandbox,
    users: dict[MemberId, dict[str, Any] | None],
    keepers: Sequence[RunningKeeper],
) -> Observation:
    servers = {
        member: ((user or {}).get("servers") or {}).get(sandbox.id)
        for member, user in users.items()
    }
    there = [member for member, server in servers.items() if server is not None]
    facts = tuple(
        Fact("server", f"{member}/{sandbox.id}", server is not None)
        for member, server in servers.items()
    ) + _process_facts(sandbox.id, sandbox.spec.members, keepers)
    if not there and not keepers:
        return Observation(Seen.ABSENT, facts=facts)
    if len(there) < len(servers):
        # Neither ABSENT, because something is left to remove, nor CONVERGING,
        # because waiting makes no server: the planner ensures or removes again.
        left = f"{len(there)} of {len(servers)} servers, {len(keepers)} processes"
        return Observation(Seen.REVOKED, left, facts)
    running = sum(1 for server in servers.values() if server and server.get("ready"))
    return Observation(Seen.READY, f"{running} of {len(servers)} running", facts)


def _process_facts(
    sandbox_id: SandboxId, members: Sequence[MemberId], keepers: Sequence[RunningKeeper]
) -> tuple[Fact, ...]:
    alive = {keeper.member_id for keeper in keepers}
    everyone = dict.fromkeys([*members, *sorted(alive)])
    return tuple(Fact("process", f"{m}/{sandbox_id}", m in alive) for m in everyone)
