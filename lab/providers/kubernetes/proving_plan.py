"""The list of probes: everything that a sandbox must not reach, and what it must. Pure."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from lab.domain.containment import Expected
from lab.providers.kubernetes.inside.probes.aims import Probe
from lab.providers.kubernetes.proving import Planned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lab.providers.kubernetes.proving import Way, World

TCP_PORTS = (22, 53, 80, 443, 5000, 8081, 8888, 9000, 9001, 20000)
"""Tried on pods that are not its own: also those that are allowed elsewhere."""
UDP_PORTS = (53, 80, 443, 5000, 8888, 9000, 20000)
LINK_TCP_PORTS = (80, 443, 8081, 8888, 9000)
LINK_UDP_PORTS = (53, 8888, 9000)
_NOTEBOOK = 8888
_NODE_TCP = {"kubelet": 10250, "kubernetes-api": 6443, "ssh": 22, "etcd": 2379}
_NODE_TCP |= {"kubelet-read": 10255, "proxy": 10256, "controllers": 10257, "scheduler": 10259}
_NODE_UDP = (53, 8888)
_METADATA = ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16")
_METADATA6 = "fd00:ec2::254"
_NAMES = {
    "look-up-cluster": "kubernetes.default.svc.cluster.local",
    "look-up-outside": "example.org",
    "look-up-metadata": "metadata.google.internal",
}
_CLUSTER_NAME = _NAMES["look-up-cluster"]
_MOST_OTHERS = 6


def plan(world: World, ways: Iterable[Way]) -> tuple[Planned, ...]:
    """Draw the list up for one sandbox, each name once."""
    found = (*_pods(world), *_nodes(world), *_world(world), *_ways(ways))
    return tuple({item.probe.name: item for item in found}.values())


def settle(world: World) -> tuple[Probe, ...]:
    """Return what tells that the network knows the new pod: one per family that there is."""
    probes = [Probe("settle4", "tcp", "@same.v4", _NOTEBOOK)]
    if any(witness.v6 for witness in world.witnesses):
        probes.append(Probe("settle6", "tcp", "@same.v6", _NOTEBOOK))
    return tuple(probes)


def decoy(world: World) -> tuple[Planned, ...]:
    """Return the few probes that tell whether policies are enforced at all."""
    found = []
    for where in _where(world):
        for family in _families(world):
            host = f"@{where}.v{family}"
            for kind in ("tcp", "udp"):
                name = f"{kind}{family}-pod-{where}-{_NOTEBOOK}"
                found.append(_watched(name, kind, host, _NOTEBOOK))
    return tuple(found)


def _families(world: World) -> tuple[str, ...]:
    return ("4", "6") if any(witness.v6 for witness in world.witnesses) else ("4",)


def _where(world: World) -> tuple[str, ...]:
    return ("same", "other") if len(world.witnesses) > 1 else ("same",)


def _watched(name: str, kind: str, host: str, port: int) -> Planned:
    return Planned(Probe(name, kind, host, port), is_watched=True)


def _heard(world: World, wanted: Sequence[int], *, is_tcp: bool = True) -> tuple[int, ...]:
    """Return the ports on which every witness is heard."""
    by_witness = [witness.tcp if is_tcp else witness.udp for witness in world.witnesses]
    return tuple(port for port in wanted if all(port in ports for ports in by_witness))


def _pods(world: World) -> Iterator[Planned]:
    """Yield what tries other sandboxes' pods; witnesses stand for them."""
    tcp, udp = _heard(world, TCP_PORTS), _heard(world, UDP_PORTS, is_tcp=False)
    for where in _where(world):
        for family in _families(world):
            host, at = f"@{where}.v{family}", f"{family}-pod-{where}"
            for port in tcp:
                yield _watched(f"tcp{at}-{port}", "tcp", host, port)
            for port in udp:
                yield _watched(f"udp{at}-{port}", "udp", host, port)
            yield Planned(Probe(f"ping{at}", "ping", host))
            yield Planned(Probe(f"sctp{at}", "sctp", host, _NOTEBOOK))
    if "6" in _families(world):
        yield from _link_local(world)
    link_udp = _heard(world, LINK_UDP_PORTS, is_tcp=False)
    for name, host in {"all-nodes4": "224.0.0.1", "broadcast": "255.255.255.255"}.items():
        for port in link_udp[:2]:
            yield _watched(f"udp-{name}-{port}", "spread", host, port)
    yield Planned(Probe("udp-mdns4", "spread", "224.0.0.251", 5353))


def _link_local(world: World) -> Iterator[Planned]:
    """Yield what speaks past the policies: they match pod addresses, and these are none."""
    for port in _heard(world, LINK_TCP_PORTS):
        yield _watched(f"tcp6-link-pod-{port}", "tcp", "@same.link", port)
    udp = _heard(world, LINK_UDP_PORTS, is_tcp=False)
    for port in udp:
        yield _watched(f"udp6-link-pod-{port}", "udp", "@same.link", port)
        yield _watched(f"udp-all-nodes6-{port}", "spread", "ff02::1", port)
    yield Planned(Probe("udp-all-routers6", "spread", "ff02::2", _NOTEBOOK))
    yield Planned(Probe("ping6-link-pod", "ping", "@same.link"))
    for name, host in {"node": "@same.gateway", "own-gateway": "@own.gateway"}.items():
        for service, port in _NODE_TCP.items():
            yield Planned(Probe(f"tcp6-link-{name}-{service}", "tcp", host, port))
        for port in _NODE_UDP:
            yield Planned(Probe(f"udp6-link-{name}-{port}", "udp", host, port))
        yield Planned(Probe(f"ping6-link-{name}", "ping", host))


def _nodes(world: World) -> Iterator[Planned]:
    """Yield what tries the nodes themselves, ours and another."""
    places = [witness.place() for witness in world.witnesses]
    families = [f for f in ("4", "6") if all(f"node{f}" in place for place in places)]
    for where in _where(world):
        for family in families:
            host, at = f"@{where}.node{family}", f"{family}-node-{where}"
            for service, port in _NODE_TCP.items():
                yield Planned(Probe(f"tcp{at}-{service}", "tcp", host, port))
            for port in _NODE_UDP:
                yield Planned(Probe(f"udp{at}-{port}", "udp", host, port))
            yield Planned(Probe(f"ping{at}", "ping", host))


def _world(world: World) -> Iterator[Planned]:
    """Yield what tries the rest: services, names, clouds, the internet."""
    for name, targets in sorted(world.services.items()):
        for number, (host, port) in enumerate(targets, 1):
            label = name if name.startswith("kubernetes-api") else f"lab-{name}"
            family = _family(host)
            yield Planned(Probe(f"tcp{family}-{label}-{number}", "tcp", host, port))
    for number, (host, port) in enumerate(world.others[:_MOST_OTHERS], 1):
        yield Planned(Probe(f"tcp{_family(host)}-other-door-{number}", "tcp", host, port))
    for number, host in enumerate(world.resolvers, 1):
        yield Planned(Probe(f"dns-udp-{number}", "dns-udp", host, 53, _CLUSTER_NAME))
        yield Planned(Probe(f"dns-tcp-{number}", "dns-tcp", host, 53, _CLUSTER_NAME))
    yield Planned(Probe("dns-own", "dns-udp", "127.0.0.1", 53, _CLUSTER_NAME))
    for name, asked in _NAMES.items():
        yield Planned(Probe(name, "look-up", "", 0, asked))
    yield from _outside(world)
    yield Planned(Probe("socket-raw4", "raw4", ""))
    yield Planned(Probe("socket-raw6", "raw6", ""))
    yield Planned(Probe("socket-packet", "packet", ""))


def _outside(world: World) -> Iterator[Planned]:
    for number, host in enumerate((*_METADATA, _METADATA6), 1):
        yield Planned(Probe(f"tcp{_family(host)}-metadata-{number}", "tcp", host, 80))
    for host in (_METADATA[0], _METADATA6):
        yield Planned(Probe(f"dns-metadata{_family(host)}", "dns-udp", host, 53, "example.org"))
        yield Planned(Probe(f"udp{_family(host)}-metadata-time", "udp", host, 123))
    for number, (host, port) in enumerate(world.internet, 1):
        yield Planned(Probe(f"tcp{_family(host)}-internet-{number}", "tcp", host, port))
    for number, host in enumerate(dict.fromkeys(host for host, _ in world.internet), 1):
        family = _family(host)
        yield Planned(Probe(f"dns-internet-udp-{number}", "dns-udp", host, 53, "example.org"))
        yield Planned(Probe(f"dns-internet-tcp-{number}", "dns-tcp", host, 53, "example.org"))
        for port in (123, 443, 4789):
            yield Planned(Probe(f"udp{family}-internet-{number}-{port}", "udp", host, port))
        yield Planned(Probe(f"ping{family}-internet-{number}", "ping", host))


def _ways(ways: Iterable[Way]) -> Iterator[Planned]:
    for way in ways:
        probe = Probe(way.name, way.kind, way.host, way.port, way.path)
        yield Planned(probe, Expected.OPEN if way.is_open else Expected.BLOCKED)


def _family(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host).version)
    except ValueError:
        return ""
