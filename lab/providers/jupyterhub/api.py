"""The part of the hub's REST API that we use. JSON in, JSON out, one error for all failures."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp

from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.sandbox import Stage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

PAGE = 200
_MARK = "X-JupyterHub-Version"
_PAGED = "application/jupyterhub-pagination+json"
_DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class HubError(ProviderError):
    """The hub did not answer, or answered with a failure of its own."""

    code = "hub_failed"

    def __init__(self, message: str) -> None:
        super().__init__(Stage.WORKSPACE, message)


class HubRefusedError(TerminalProviderError):
    """The hub does not know our token, or it may not do this."""

    code = "hub_refused"

    def __init__(self, message: str) -> None:
        super().__init__(Stage.WORKSPACE, message)


class HubApi:
    """Calls the hub as the lab's own service.

    Args:
        api_url: With the prefix, for example ``http://127.0.0.1:8002/hub/api``.
        token_file: Read at each call, so that a new token needs no restart.
    """

    def __init__(self, *, api_url: str, token_file: Path, timeout_seconds: float = 20) -> None:
        self._api_url = api_url.rstrip("/")
        self._token_file = token_file
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def user(self, name: str) -> dict[str, Any] | None:
        """Return a user with all their servers, or nothing."""
        return await self._get(f"/users/{_q(name)}?include_stopped_servers=1")

    async def users(self, *, ready: bool = False) -> AsyncGenerator[dict[str, Any], None]:
        """Return every user with all their servers, a page at a time.

        Args:
            ready: Only users with a server that runs, and only their running servers.
        """
        which = "state=ready" if ready else "include_stopped_servers=1"
        offset: int | None = 0
        while offset is not None:
            path = f"/users?{which}&limit={PAGE}&offset={offset}"
            page = await self._get(path, accept=_PAGED)
            if page is None or not isinstance(page.get("items"), list):
                raise HubError("the list of users is not a list")
            for user in page["items"]:
                yield user
            following = page.get("_pagination", {}).get("next")
            offset = following["offset"] if following else None

    async def server(self, user: str, server: str) -> dict[str, Any] | None:
        """Return one server, or nothing."""
        return await self._get(f"/users/{_q(user)}/servers/{_q(server)}")

    async def create_user(self, name: str) -> None:
        """Make a user; one that is there is left alone."""
        await self._send("POST", f"/users/{_q(name)}", {201, 409})

    async def create_server(self, user: str, server: str) -> None:
        """Make a named server without starting it; one that is there is left alone."""
        await self._send("PUT", f"/users/{_q(user)}/servers/{_q(server)}", {201, 409})

    async def start_server(self, user: str, server: str) -> bool:
        """Begin to start a server; ``False`` where it runs already."""
        path = f"/users/{_q(user)}/servers/{_q(server)}"
        return await self._send("POST", path, {201, 202, 400}) != HTTPStatus.BAD_REQUEST

    async def delete_server(self, user: str, server: str, *, remove: bool) -> None:
        """Begin to stop a server and, where asked, forget it. The absent is fine."""
        path = f"/users/{_q(user)}/servers/{_q(server)}"
        await self._send("DELETE", path, {202, 204, 404}, {"remove": remove})

    async def events(self, user: str, server: str) -> AsyncGenerator[dict[str, Any], None]:
        """Return what the hub says of a start, from its beginning, as it comes."""
        path = f"/users/{_q(user)}/servers/{_q(server)}/progress"
        timeout = aiohttp.ClientTimeout(sock_read=60, sock_connect=5)
        try:
            async with (
                self._session(timeout) as session,
                session.get(self._api_url + path) as response,
            ):
                if response.status != HTTPStatus.OK:
                    return
                async for line in response.content:
                    if line.startswith(b"data:"):
                        yield json.loads(line.removeprefix(b"data:"))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise HubError("the hub stopped telling how the start goes") from error

    async def _get(self, path: str, *, accept: str = "application/json") -> dict[str, Any] | None:
        status, body = await self._call("GET", path, None, accept)
        if status == HTTPStatus.NOT_FOUND:
            return None
        if status != HTTPStatus.OK or not isinstance(body, dict):
            raise HubError(f"GET {path} answered {status}")
        return body

    async def _send(self, method: str, path: str, fine: set[int], body: Any = None) -> int:
        status, answer = await self._call(method, path, body, "application/json")
        if status not in fine:
            said = answer.get("message", "") if isinstance(answer, dict) else ""
            raise HubError(f"{method} {path} answered {status} {said}".rstrip())
        return status

    async def _call(self, method: str, path: str, body: Any, accept: str) -> tuple[int, Any]:
        try:
            async with (
                self._session(self._timeout) as session,
                session.request(
                    method, self._api_url + path, json=body, headers={"Accept": accept}
                ) as response,
            ):
                is_hub = _MARK in response.headers
                status, text = response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise HubError("the hub does not answer") from error
        if not is_hub:
            # A 404 of something else must not be read as "there is nothing".
            raise HubError("what answers there is not a hub")
        if status in _DENIED:
            raise HubRefusedError(f"the hub refused {method} {path}: is the token right?")
        return status, _decoded(text)

    def _session(self, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
        try:
            token = self._token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise HubRefusedError("the hub's token cannot be read") from error
        return aiohttp.ClientSession(
            timeout=timeout, headers={"Authorization": f"token {token}"}, trust_env=False
        )


def _q(name: str) -> str:
    return quote(name, safe="")


def _decoded(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
