"""What there is to aim at, as whoever runs the probes has written it down."""

from __future__ import annotations

import errno
import ipaddress
import json
from dataclasses import dataclass
from typing import Any

from lab.probing.trial import UnknownError, refuse

from . import addresses

SAME, OTHER = "same", "other"
_FALLBACK_GATEWAY = "fe80::1"


@dataclass(frozen=True)
class Probe:
    """One thing to try on the network.

    Attributes:
        kind: Which function of ``network`` tries it.
        host: An address; a name; or a place, as ``@same.v4`` (see ``Aims.resolve``).
        path: Of a kind that asks for a page, or the name that a look-up asks for.
    """

    name: str
    kind: str
    host: str
    port: int = 0
    path: str = ""


@dataclass(frozen=True)
class Aims:
    """Everything one run is told.

    Attributes:
        nonce: Sent with everything, so that the receivers know it.
        report: Where the answer is sent; empty where only the exit code tells.
        places: By node: the witness's ``v4``, ``v6``, ``link``, its ``gateway``'s
            link-local address, and the node's own ``node4`` and ``node6``.
        probes: In this order.
        settle: What is tried first, again and again, until it is refused: a network takes
            its time to learn of a new pod. Empty waits for nothing.
        open: What must work: waited for, for a door takes its time to open as well.
        settle_seconds: No longer than this, each.
        files_too: Try the pod's own files and system calls as well.
    """

    run: str
    nonce: str
    report: str
    places: dict[str, dict[str, str]]
    probes: tuple[Probe, ...]
    settle: tuple[Probe, ...] = ()
    open: tuple[Probe, ...] = ()
    settle_seconds: float = 0.0
    files_too: bool = True
    node: str = ""

    @classmethod
    def read(cls, text: str, node: str) -> Aims:
        """Read what ``proving`` wrote.

        Args:
            text: JSON.
            node: The node we are on.
        """
        content: dict[str, Any] = json.loads(text)
        lists: dict[str, Any] = {
            name: tuple(Probe(*item) for item in content.pop(name, ()))
            for name in ("probes", "settle", "open")
        }
        return cls(**content, **lists, node=node)

    def resolve(self, host: str) -> str:
        """Return the address that a place stands for, with its scope where it has one.

        ``@same.*`` is on our own node, ``@other.*`` on another; ``@own.gateway`` is what
        routes for us. Anything else is taken as it is.

        Raises:
            OSError: This pod has nothing to speak such addresses with.
            UnknownError: Nobody has told us of such a place.
        """
        if not host.startswith("@"):
            return _scoped(host)
        where, _, which = host[1:].partition(".")
        if where == "own":
            _scoped(_FALLBACK_GATEWAY)
            return _scoped(addresses.own().gateway_link_local or _FALLBACK_GATEWAY)
        found = self._place(where).get(which, "")
        if not found:
            raise UnknownError(f"there is no {which} on {where} node")
        return _scoped(found)

    def _place(self, where: str) -> dict[str, str]:
        if not self.node:
            raise UnknownError("the node is not known")
        if where == SAME:
            return self.places.get(self.node, {})
        names = sorted(self.places)
        after = [name for name in names if name > self.node] + names
        return next((self.places[name] for name in after if name != self.node), {})


def _scoped(host: str) -> str:
    """Add the interface to a link-local address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    is_local = address.is_link_local or (address.is_multicast and host.startswith("ff02"))
    if address.version == 4 or not is_local:  # noqa: PLR2004
        return host
    own = addresses.own_link_local()
    if not own:
        refuse(errno.EADDRNOTAVAIL, "this pod has no IPv6 link-local address")
    return f"{host}%{own[1]}"
