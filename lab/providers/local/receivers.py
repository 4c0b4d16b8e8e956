"""What listens outside while the probes run inside, and counts what arrives."""

from __future__ import annotations

import ipaddress
import re
import selectors
import socket
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_MOST_ADDRESSES = 6
_TURN_S = 0.05
_LOCAL = re.compile(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL")


def own_addresses() -> list[str]:
    """Return the addresses of this host's interfaces, without loopback and link-local."""
    found: set[str] = set()
    with suppress(OSError):
        found |= set(_LOCAL.findall(Path("/proc/net/fib_trie").read_text("ascii")))
    with suppress(OSError):
        for line in Path("/proc/net/if_inet6").read_text("ascii").splitlines():
            found.add(str(ipaddress.IPv6Address(bytes.fromhex(line.split()[0]))))
    kept = [
        text
        for text in sorted(found)
        if not (ipaddress.ip_address(text).is_loopback or ipaddress.ip_address(text).is_link_local)
    ]
    return kept[:_MOST_ADDRESSES]


class Receivers:
    """Listeners on the host, in a thread of their own. A context manager.

    Each message is ``<nonce>:<probe>`` and counts for that probe; anything else
    is not ours and counts for nobody.

    Args:
        nonce: Drawn for one run.
        folder: Where the unix socket is made; a short path.
        addresses: Interface addresses to listen on beside the loopback.

    Attributes:
        loopback_port: TCP and UDP alike, on the host's own loopback.
        port: TCP and UDP alike, on each of ``addresses``; 0 where there is none.
        addresses: Those on which we do listen.
        abstract: Name of the abstract unix socket.
        path: Of the unix socket.
    """

    def __init__(self, nonce: str, folder: Path, addresses: list[str]) -> None:
        self._nonce = nonce
        self._arrivals: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receivers", daemon=True)
        self.loopback_port = self._listen("127.0.0.1", 0)
        self.port = 0
        self.addresses: list[str] = []
        for address in addresses:
            with suppress(OSError):
                self.port = self._listen(address, self.port)
                self.addresses.append(address)
        self.abstract = f"vase-clos-{nonce}"
        self.path = folder / "receiver.sock"
        self.path.unlink(missing_ok=True)
        self._listen_unix(f"\0{self.abstract}")
        self._listen_unix(str(self.path))
        self.path.chmod(0o666)  # its file mode is not the wall that is tried

    def __enter__(self) -> Self:
        """Begin to count."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        self._stopped.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
        self.path.unlink(missing_ok=True)

    def arrivals(self) -> dict[str, int]:
        """Return how many messages arrived, by probe."""
        with self._lock:
            return dict(self._arrivals)

    def watched(self) -> frozenset[str]:
        """Return the probes that have somebody here to receive them."""
        names = {"tcp-host-loopback-1", "udp-host-loopback", "abstract-socket", "unix-socket-1"}
        for number in range(1, len(self.addresses) + 1):
            names |= {f"tcp-host-{number}", f"udp-host-{number}"}
        return frozenset(names)

    def is_listening(self) -> bool:
        """Send ourselves something over the loopback, and tell whether it was counted."""
        message = f"{self._nonce}:self\n".encode()
        with socket.create_connection(("127.0.0.1", self.loopback_port), 2) as sock:
            sock.sendall(message)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(message, ("127.0.0.1", self.loopback_port))
        for address in (f"\0{self.abstract}", str(self.path)):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(address)
                sock.sendall(message)
        for _ in range(100):
            if self.arrivals().get("self", 0) == 4:  # noqa: PLR2004  # one of each above
                return True
            self._stopped.wait(_TURN_S / 2)
        return False

    def _listen(self, address: str, port: int) -> int:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        stream = socket.socket(family, socket.SOCK_STREAM)
        datagram = socket.socket(family, socket.SOCK_DGRAM)
        try:
            stream.bind((address, port))
            found = int(stream.getsockname()[1])
            datagram.bind((address, found))
            stream.listen(16)
        except OSError:
            stream.close()
            datagram.close()
            raise
        self._selector.register(stream, selectors.EVENT_READ, True)  # noqa: FBT003
        self._selector.register(datagram, selectors.EVENT_READ, False)  # noqa: FBT003
        return found

    def _listen_unix(self, address: str) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        listener.listen(16)
        self._selector.register(listener, selectors.EVENT_READ, True)  # noqa: FBT003

    def _run(self) -> None:
        while not self._stopped.is_set():
            for key, _ in self._selector.select(_TURN_S):
                with suppress(OSError):
                    self._receive(key.fileobj, is_stream=key.data)

    def _receive(self, sock: object, *, is_stream: bool) -> None:
        assert isinstance(sock, socket.socket)  # noqa: S101  # nothing else is registered
        if not is_stream:
            data, sender = sock.recvfrom(256)
            self._count(data)
            sock.sendto(b"!", sender)
            return
        peer, _ = sock.accept()
        with peer:
            peer.settimeout(0.5)
            data = peer.recv(256)
            self._count(data)

    def _count(self, data: bytes) -> None:
        nonce, _, name = data.decode("ascii", "replace").strip().partition(":")
        if nonce == self._nonce:
            with self._lock:
                self._arrivals[name] += 1
