"""Asks the witnesses: where they are, which ports they hear, what arrived."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp

from lab.domain.errors import ProviderError
from lab.domain.sandbox import Stage
from lab.providers.kubernetes.proving import Arrivals, Witness

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

CONTROL_PORT = 8090
_TIMEOUT = aiohttp.ClientTimeout(total=8, connect=3)
_NOT_FOUND, _ERRORS = 404, 400


async def resolve(host: str) -> Sequence[str]:
    """Return the addresses of a name; none where there is no such name.

    Raises:
        ProviderError: Names cannot be looked up now.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}:
            return ()
        raise ProviderError(Stage.CONTAINMENT, f"{host} cannot be looked up") from error
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class Witnesses:
    """All witnesses of the lab.

    Args:
        host: A name with one address for each of them.
        token: What they ask for.
        resolve: Looks the name up.
    """

    def __init__(
        self,
        *,
        host: str,
        token: str,
        port: int = CONTROL_PORT,
        resolve: Callable[[str], Awaitable[Sequence[str]]] = resolve,
    ) -> None:
        self._host, self._token, self._port, self._resolve = host, token, port, resolve
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        """Let go of every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def announce(self, nonce: str) -> tuple[Witness, ...]:
        """Make them all count a nonce; return them, with the ports on which they are heard.

        Raises:
            ProviderError: There is none, or one does not answer: nothing could be proved.
        """
        addresses = await self._resolve(self._host)
        met = await asyncio.gather(*(self._meet(address) for address in addresses))
        # One that speaks both families of addresses has two, and is one witness.
        by_node = {witness.node: witness for witness in reversed(met)}
        if not by_node:
            raise ProviderError(Stage.CONTAINMENT, "no witness runs in the lab's namespace")
        found = [by_node[node] for node in sorted(by_node)]
        heard = await self._each("PUT", nonce, found)
        return tuple(
            replace(witness, tcp=frozenset(ports["tcp"]), udp=frozenset(ports["udp"]))
            for witness, ports in zip(found, heard, strict=True)
        )

    async def arrivals(self, nonce: str, witnesses: Iterable[Witness]) -> Arrivals:
        """Add up what they counted.

        Raises:
            ProviderError: One does not answer, or began anew since: what it saw is lost.
        """
        names: Counter[str] = Counter()
        silent: Counter[str] = Counter()
        for counts in await self._each("GET", nonce, witnesses):
            names.update(counts["arrivals"])
            silent.update(counts["silent"])
        return Arrivals(names=dict(names), silent=dict(silent))

    async def forget(self, nonce: str, witnesses: Iterable[Witness]) -> None:
        """Let them forget a nonce. Best effort: they do so by themselves, later."""
        with suppress(ProviderError):
            await self._each("DELETE", nonce, witnesses)

    async def _each(
        self, method: str, nonce: str, witnesses: Iterable[Witness]
    ) -> list[dict[str, Any]]:
        calls = (self._ask(method, w.control, f"/arrivals/{nonce}") for w in witnesses)
        return list(await asyncio.gather(*calls))

    async def _meet(self, address: str) -> Witness:
        told = await self._ask("GET", address, "/addresses")
        return Witness(
            node=str(told["node"]),
            control=address,
            v4=str(told["v4"]),
            v6=str(told["v6"]),
            link=str(told["link_local"]),
            gateway=str(told["gateway_link_local"]),
            node_addresses=tuple(map(str, told["node_addresses"])),
        )

    async def _ask(self, method: str, address: str, path: str) -> dict[str, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=_TIMEOUT, headers={"Authorization": f"Bearer {self._token}"}
            )
        host = f"[{address}]" if ":" in address else address
        try:
            async with self._session.request(
                method, f"http://{host}:{self._port}{path}", allow_redirects=False
            ) as answer:
                if answer.status >= _ERRORS:
                    why = "began anew" if answer.status == _NOT_FOUND else str(answer.status)
                    raise ProviderError(Stage.CONTAINMENT, f"the witness at {address}: {why}")
                text = await answer.read()
                found = await answer.json() if text else {}
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ProviderError(
                Stage.CONTAINMENT, f"the witness at {address} does not answer"
            ) from error
        return found if isinstance(found, dict) else {}
