"""Sockets that listen, on one family of addresses or on both."""

from __future__ import annotations

import socket
from contextlib import suppress


def listening(host: str, port: int, *, backlog: int = 128) -> socket.socket:
    """Return a TCP socket that listens.

    ``::`` means every address of both families where the machine has both; a
    library's own reading of it would leave IPv4 out.

    Raises:
        OSError: The port is taken, or the host is no address of this machine.
    """
    if host == "::":
        with suppress(OSError):
            return _bound(socket.AF_INET6, host, port, backlog, both=True)
        host = "0.0.0.0"  # noqa: S104  # the pod has no IPv6
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return _bound(family, host, port, backlog)


def _bound(
    family: socket.AddressFamily, host: str, port: int, backlog: int, *, both: bool = False
) -> socket.socket:
    made = socket.socket(family)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if both else 1)
        made.bind((host, port))
        made.listen(backlog)
        made.settimeout(0)
    except OSError:
        made.close()
        raise
    return made
