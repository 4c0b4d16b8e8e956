"""The spawner: one notebook server in a sandbox of this machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from jupyterhub.spawner import Spawner
from traitlets import Instance

from lab.hub import grant, launcher, notebook, orders
from lab.hub.config import HubConfig
from lab.hub.home import place_template

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

STEPS = (
    (10, "Demande de l’ordre de démarrage au plan de contrôle"),
    (30, "Préparation de votre dossier"),
    (50, "Fermeture des murs et démarrage du carnet"),
    (80, "Le carnet démarre"),
)


class LocalSandboxSpawner(Spawner):  # type: ignore[misc]  # JupyterHub ships no types
    """Starts a server only where the control plane gives an order for it.

    The user's name is the member's id and the server's name the sandbox's id.
    """

    lab = Instance(HubConfig, config=True, help="What the hub was told at its start.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ip = "127.0.0.1"
        self.port = notebook.INSIDE_PORT
        self.hub_connect_url = notebook.DOOR_URL
        self._launcher = launcher.resolve(self.lab.launcher)
        self._step = 0
        self._stepped = asyncio.Event()

    @property
    def sandbox_id(self) -> str:
        """Which sandbox: the server's name, as it is."""
        return str(self.name)

    @property
    def member_id(self) -> str:
        """Whose server: the user's name, as it is."""
        return str(self.user.name)

    @property
    def keeper_dir(self) -> Path:
        """Where this server's keeper lives."""
        return self.lab.keeper_dir(self.sandbox_id, self.member_id)

    async def start(self) -> tuple[str, int]:
        """Start the server; return where it can be reached on loopback."""
        if not self.sandbox_id:
            raise orders.LaunchRefusedError("Ouvrez un bac à sable à partir du portail.")
        self._step = 0
        order = await orders.fetch(
            self.lab.control_plane_url,
            self.lab.secret("hub-api-token"),
            sandbox=self.sandbox_id,
            member=self.member_id,
            kind=orders.LaunchOrder,
        )
        # What an earlier hub left half started must not run beside the new one.
        await self._launcher.stop(self.keeper_dir)
        self._advance()
        if order.template_dir is not None:
            await asyncio.to_thread(place_template, order.template_dir, order.home, order.uid)
        self._advance()
        status = await self._launch(order)
        self._advance()
        return "127.0.0.1", status.port

    async def _launch(self, order: orders.LaunchOrder) -> launcher.ServerStatus:
        door_token = grant.new_door_token()
        hub_env = {key: str(value) for key, value in self.get_env().items()}
        grant.write(self._grant(door_token), self.lab.grants_dir)
        start = launcher.ServerStart(
            order=order,
            argv=notebook.arguments(
                notebook.first_page(
                    order.template_dir.name if order.template_dir else "", order.entry
                ),
                sign_in_seconds=self.lab.oauth_refresh_seconds,
            ),
            env=notebook.environment(
                hub_env,
                order.env,
                token=door_token,
                hub_url=notebook.DOOR_URL,
                idle_seconds=self.lab.idle_seconds,
            ),
            runtime_env=self.lab.runtime_env,
            run_dir=self.keeper_dir,
        )
        try:
            return await self._launcher.start(start)
        except BaseException:
            self._take_grant_away()
            raise

    def _grant(self, door_token: str) -> grant.HubGrant:
        return grant.HubGrant(
            endpoint=f"{self.lab.hub_url}/hub/api",
            token=str(self.api_token),
            door_token=door_token,
            client_id=str(self.oauth_client_id),
            member_id=self.member_id,
            server_name=self.sandbox_id,
            server_prefix=str(self.server.base_url) if self.server else "/",
        )

    async def poll(self) -> int | None:
        """Return ``None`` while it runs, its exit code once it does not."""
        status = await self._launcher.status(self.keeper_dir)
        if status.is_running:
            return None
        return status.exit_code or 0

    async def stop(self, now: bool = False) -> None:  # noqa: FBT001, FBT002 - the hub's signature
        """End the server and take its grant away, in the order that leaves nothing open."""
        del now
        self._take_grant_away()
        await self._launcher.stop(self.keeper_dir)

    def clear_state(self) -> None:
        """Forget it. Also reached when the server ended by itself, so the grant goes here too."""
        super().clear_state()
        if self.sandbox_id:
            self._take_grant_away()

    async def get_url(self) -> str:
        """Where it is, from its keeper: right even if the hub died while it started."""
        status = await self._launcher.status(self.keeper_dir)
        if status.port:
            return f"http://127.0.0.1:{status.port}{self.server.base_url}"
        return str(self.server.url)

    def _take_grant_away(self) -> None:
        grant.remove(self.lab.grants_dir, self.sandbox_id, self.member_id)

    def _advance(self) -> None:
        self._step += 1
        self._stepped.set()

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Say in French what is being done."""
        shown = -1
        while True:
            while shown < min(self._step, len(STEPS) - 1):
                shown += 1
                percent, message = STEPS[shown]
                yield {"progress": percent, "message": message}
            if shown >= len(STEPS) - 1:
                return
            self._stepped.clear()
            await self._stepped.wait()
