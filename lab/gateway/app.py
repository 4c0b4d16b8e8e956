"""Puts the gateway together and runs it."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

from lab.domain.secret import Secret
from lab.gateway.attempts import AttemptLog
from lab.gateway.book import GrantBook
from lab.gateway.doors import DoorKeeper
from lab.gateway.hub import HubDoor
from lab.gateway.listeners import REPORT, TcpWall, UnixWall, WallListener
from lab.gateway.mirror import Mirror
from lab.gateway.office import Office
from lab.gateway.people import People
from lab.gateway.relay import Relay
from lab.gateway.report import ReportDoor
from lab.gateway.shipping import Shipper
from lab.gateway.storage import StorageDoor
from lab.gateway.tracking import TrackingDoor

if TYPE_CHECKING:
    from pathlib import Path

    from lab.gateway.config import Config
    from lab.gateway.doors import Door
    from lab.gateway.listeners import Wall

_log = logging.getLogger(__name__)


class Gateway:
    """The doors of every sandbox, and the people's side."""

    def __init__(self, config: Config) -> None:
        key = _secret(config.key_file).encode()
        self._relay = Relay(idle_seconds=config.idle_seconds)
        book = GrantBook(config.grants_dir)
        most = config.max_document_bytes
        doors: dict[str, Door] = {
            "tracking": TrackingDoor(book=book, relay=self._relay, max_document_bytes=most),
            "storage": StorageDoor(book=book, relay=self._relay, max_document_bytes=most),
        }
        self._mirror, self._shipper, office = None, None, None
        if config.doors_dir is not None:
            doors["hub"] = HubDoor(book=book, relay=self._relay, key=key)
        if config.token_file is not None:
            office = Office(url=config.control_plane, token_file=config.token_file)
            doors[REPORT] = ReportDoor(relay=self._relay, office=office)
            self._mirror = Mirror(
                office=office, folder=config.grants_dir, every_seconds=config.mirror_seconds
            )
            self._shipper = Shipper(office=office, folder=config.attempts_dir)
        wall: Wall = TcpWall(config.door_host, wall_port=config.wall_port)
        self._shut = None if config.doors_dir else WallListener(config.door_host, config.wall_port)
        self._keeper = DoorKeeper(
            wall=UnixWall(config.doors_dir) if config.doors_dir else wall,
            book=book,
            doors=doors,
            attempts=AttemptLog(config.attempts_dir),
            poll_seconds=config.poll_seconds,
        )
        mirror = self._mirror
        self._people = People(
            config=config,
            book=book,
            relay=self._relay,
            key=key,
            doors=self._keeper.count,
            is_fresh=lambda: mirror is None or mirror.has_seen,
            office=office,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until told to stop, or until a part that must never end has ended."""
        if self._shut is not None:
            # Before any door: where a door is open, the wall can be tried.
            await self._shut.open()
        jobs = [self._keeper.run(), *(j.run() for j in (self._mirror, self._shipper) if j)]
        running = [asyncio.create_task(job) for job in jobs]
        stopping = asyncio.create_task(stop.wait())
        try:
            await self._people.start()
            await asyncio.wait({*running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopping, *running):
                task.cancel()
            ended = await asyncio.gather(*running, return_exceptions=True)
            await self._people.aclose()
            await self._relay.aclose()
            if self._shut is not None:
                self._shut.close()
        for error in ended:
            if isinstance(error, Exception):
                raise error


def _secret(path: Path) -> str:
    return Secret.checked(path.read_text(encoding="utf-8"), name=path.name).reveal()


async def serve(config: Config) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Gateway(config).run(stop)
