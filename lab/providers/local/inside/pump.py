"""Carry bytes between pairs of stream sockets, half-closes included, in one thread."""

from __future__ import annotations

import errno
import selectors
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 65536
_MOST_LINKS = 1024
_IN_PROGRESS = frozenset({0, errno.EINPROGRESS})


class _Side:
    """One socket of a link, and what waits to be written to it."""

    __slots__ = ("connecting", "finishing", "link", "other", "pending", "read_done", "sock")

    def __init__(self, sock: socket.socket, link: _Link, *, connecting: bool) -> None:
        self.sock = sock
        self.link = link
        self.connecting = connecting
        self.pending = bytearray()
        self.read_done = False  # it will send no more
        self.finishing = False  # it has been told that nothing more comes
        self.other: _Side = self

    def wants(self) -> int:
        """Return the events this side waits for."""
        if self.connecting:
            return selectors.EVENT_WRITE
        wanted = selectors.EVENT_WRITE if self.pending else 0
        if not self.read_done and len(self.other.pending) < _CHUNK:
            wanted |= selectors.EVENT_READ
        return wanted


class _Link:
    """A pair of sides."""

    __slots__ = ("sides",)

    def __init__(self, near: socket.socket, far: socket.socket, *, connecting: bool) -> None:
        first = _Side(near, self, connecting=False)
        second = _Side(far, self, connecting=connecting)
        first.other, second.other = second, first
        self.sides = (first, second)


class Pump:
    """Accepts on listeners and carries each connection to where it leads."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._links: set[_Link] = set()

    def listen(self, listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
        """Carry every connection accepted on ``listener`` to what ``connect`` opens.

        ``connect`` returns a non-blocking socket, connected or connecting, or raises OSError.
        """
        listener.settimeout(0)
        self._selector.register(listener, selectors.EVENT_READ, (listener, connect))

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        """Call ``callback`` whenever ``fd`` can be read."""
        self._selector.register(fd, selectors.EVENT_READ, callback)

    def forget(self, fd: int) -> None:
        """Stop watching ``fd``."""
        with suppress(KeyError):
            self._selector.unregister(fd)

    def turn(self, timeout_s: float | None) -> None:
        """Wait for something to do, at most ``timeout_s``, and do it."""
        for key, events in self._selector.select(timeout_s):
            data = key.data
            if isinstance(data, _Side):
                if data.link in self._links:
                    self._serve(data, events)
            elif isinstance(data, tuple):
                self._accept(*data)
            else:
                data()

    def drop_all(self) -> None:
        """Close every connection that is being carried."""
        for link in tuple(self._links):
            self._close(link)

    def _accept(self, listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        near.settimeout(0)
        if len(self._links) >= _MOST_LINKS:
            near.close()
            return
        try:
            far = connect()
        except OSError:
            near.close()
            return
        link = _Link(near, far, connecting=far.family != socket.AF_UNIX)
        self._links.add(link)
        for side in link.sides:
            self._selector.register(side.sock, side.wants() or selectors.EVENT_READ, side)
        self._rearm(link)

    def _serve(self, side: _Side, events: int) -> None:
        try:
            if side.connecting:
                self._finish_connect(side)
            else:
                if events & selectors.EVENT_READ and not side.read_done:
                    self._read(side)
                if side.pending:
                    self._write(side)
                if side.other.pending:
                    self._write(side.other)
            self._half_close(side)
            self._half_close(side.other)
        except OSError:
            self._close(side.link)
            return
        if side.read_done and side.other.read_done and not side.pending + side.other.pending:
            self._close(side.link)
            return
        self._rearm(side.link)

    @staticmethod
    def _finish_connect(side: _Side) -> None:
        failure = side.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, "the far side refused")
        side.connecting = False

    @staticmethod
    def _read(side: _Side) -> None:
        try:
            data = side.sock.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        if data:
            side.other.pending += data
        else:
            side.read_done = True

    @staticmethod
    def _write(side: _Side) -> None:
        if side.connecting:
            return
        try:
            sent = side.sock.send(side.pending)
        except (BlockingIOError, InterruptedError):
            return
        del side.pending[:sent]

    @staticmethod
    def _half_close(side: _Side) -> None:
        """Pass the end of one stream on, once all of it was written."""
        if side.other.read_done and not side.pending and not side.finishing:
            if side.connecting:
                return
            side.finishing = True
            side.sock.shutdown(socket.SHUT_WR)

    def _rearm(self, link: _Link) -> None:
        for side in link.sides:
            wanted = side.wants()
            known = side.sock in self._selector.get_map()
            if wanted and known:
                self._selector.modify(side.sock, wanted, side)
            elif wanted:
                self._selector.register(side.sock, wanted, side)
            elif known:
                self._selector.unregister(side.sock)

    def _close(self, link: _Link) -> None:
        self._links.discard(link)
        for side in link.sides:
            with suppress(KeyError, ValueError):
                self._selector.unregister(side.sock)
            side.sock.close()


def to_unix(path: str) -> Callable[[], socket.socket]:
    """Return what opens a connection to the unix socket at ``path``."""

    def connect() -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(0)
        try:
            sock.connect(path)
        except OSError:
            sock.close()
            raise
        return sock

    return connect


def to_loopback(port: int) -> Callable[[], socket.socket]:
    """Return what opens a connection to a loopback port."""

    def connect() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        failure = sock.connect_ex(("127.0.0.1", port))
        if failure not in _IN_PROGRESS:
            sock.close()
            raise OSError(failure, "refused")
        return sock

    return connect
