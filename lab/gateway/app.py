"""Puts the gateway together and runs it."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from lab.domain.secret import Secret
from lab.gateway.attempts import AttemptLog
from lab.gateway.book import GrantBook
from lab.gateway.doors import DoorKeeper
from lab.gateway.hub import HubDoor
from lab.gateway.people import People
from lab.gateway.relay import Relay
from lab.gateway.storage import StorageDoor
from lab.gateway.tracking import TrackingDoor

if TYPE_CHECKING:
    from lab.gateway.config import Config

_log = logging.getLogger(__name__)


class Gateway:
    """The doors of every sandbox, and the people's side."""

    def __init__(self, config: Config) -> None:
        text = config.key_file.read_text(encoding="utf-8")
        key = Secret.checked(text, name=config.key_file.name).reveal().encode()
        self._relay = Relay(idle_seconds=config.idle_seconds)
        book = GrantBook(config.grants_dir)
        most = config.max_document_bytes
        self._keeper = DoorKeeper(
            folder=config.doors_dir,
            book=book,
            doors={
                "hub": HubDoor(book=book, relay=self._relay, key=key),
                "tracking": TrackingDoor(book=book, relay=self._relay, max_document_bytes=most),
                "storage": StorageDoor(book=book, relay=self._relay, max_document_bytes=most),
            },
            attempts=AttemptLog(config.attempts_dir),
            poll_seconds=config.poll_seconds,
        )
        self._people = People(
            config=config, book=book, relay=self._relay, key=key, doors=self._keeper.count
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until told to stop."""
        keeping = asyncio.create_task(self._keeper.run())
        stopping = asyncio.create_task(stop.wait())
        try:
            await self._people.start()
            await asyncio.wait({keeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
            await self._people.aclose()
            await self._relay.aclose()


async def serve(config: Config) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Gateway(config).run(stop)
