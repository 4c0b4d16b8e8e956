"""Lists once, then listens: keeps one shelf as the API server has it."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any

from lab.providers.kubernetes import failures, names
from lab.providers.kubernetes.cache import entry_of, key_of
from lab.providers.kubernetes.client import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.providers.kubernetes.cache import Entry, Key, Shelf
    from lab.providers.kubernetes.client import Client

log = logging.getLogger(__name__)

STALE_AFTER_S = 10.0
"""So long without a connection, what was seen last still counts."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 10.0
_EXPIRED = 410


class Watch:
    """Keeps one kind up to date for as long as ``run`` runs.

    A cut stream goes on from the last version seen; a version that is too old, or an
    event that cannot be read, means a new list. Nothing here is ever an answer: what
    could not be heard makes the shelf stale, and stale is UNKNOWN.

    Args:
        namespace: Only there; None is everywhere.
        selector: By label.
        changed: Told each time the shelf changed, with the sandbox it is about.
    """

    def __init__(
        self,
        client: Client,
        shelf: Shelf,
        *,
        namespace: str | None,
        selector: str,
        changed: Callable[[str], None],
    ) -> None:
        self._client, self.shelf = client, shelf
        self._namespace, self._selector = namespace, selector
        self._changed = changed
        self._settled = asyncio.Event()
        self._is_synced = False
        self._cut_at: float | None = None
        self._version = ""
        self._wait = _FIRST_WAIT_S
        self.trouble: failures.ClusterError | None = None

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._listen()
            except failures.ExpiredError:
                self._version = ""
                continue
            except failures.ClusterError as error:
                self._cut(error)
            except Exception as error:
                log.exception("watch failed", extra={"kind": self.shelf.resource.kind})
                self._version = ""
                self._cut(failures.ClusterError(f"{type(error).__name__}: {error}"))
            # The server ends a stream from time to time: then the wait is short.
            await asyncio.sleep(self._wait * (0.5 + random.random()))  # noqa: S311 - jitter
            self._wait = min(self._wait * 2, _LONGEST_WAIT_S)

    async def settled(self) -> None:
        """Wait until the first list is there, or has failed."""
        await self._settled.wait()

    @property
    def is_fresh(self) -> bool:
        """Tell whether the shelf may be believed."""
        if not self._is_synced:
            return False
        now = asyncio.get_running_loop().time()
        return self._cut_at is None or now - self._cut_at < STALE_AFTER_S

    async def _list(self) -> None:
        listed: dict[Key, Entry] = {}
        version = ""
        pages = self._client.pages(
            self.shelf.resource, namespace=self._namespace, selector=self._selector
        )
        async for page in pages:
            # Summed up page by page: the objects themselves are never all in memory.
            listed |= {key_of(item): entry_of(self.shelf.resource, item) for item in page[0]}
            version = page[1]
        changed = self.shelf.replace(listed, version)
        self._version = version
        self._heard()
        self._is_synced = True
        self._settled.set()
        for sandbox_id in changed:
            self._changed(sandbox_id)

    async def _listen(self) -> None:
        stream = self._client.watch(
            self.shelf.resource,
            namespace=self._namespace,
            selector=self._selector,
            version=self._version,
        )
        async for event in stream:
            self._heard()
            if event["type"] != OPEN:
                self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        self._wait = _FIRST_WAIT_S
        found = event["object"]
        match event["type"]:
            case "ADDED" | "MODIFIED":
                is_news = self.shelf.put(found)
            case "DELETED":
                is_news = self.shelf.gone(found)
            case "BOOKMARK":
                is_news = False
            case _:
                code = int(found.get("code") or 0)
                raise failures.from_answer(code or _EXPIRED, found, "watch")
        self._version = str(found["metadata"]["resourceVersion"])
        if is_news:
            self._changed((found["metadata"].get("labels") or {}).get(names.SANDBOX, ""))

    def _heard(self) -> None:
        if self._cut_at is not None:
            log.info("watch again", extra={"kind": self.shelf.resource.kind})
        self._cut_at, self.trouble = None, None

    def _cut(self, why: failures.ClusterError) -> None:
        if self._cut_at is None:
            self._cut_at = asyncio.get_running_loop().time()
            log.warning("watch cut", extra={"kind": self.shelf.resource.kind, "why": str(why)})
        self.trouble = why
        self._settled.set()
