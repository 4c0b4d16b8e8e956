"""Looks around in the cluster: what a sandbox could try to reach, and on which nodes."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab import grants
from lab.domain.egress import DOOR_PORTS, Door
from lab.domain.errors import ProviderError
from lab.domain.sandbox import Stage
from lab.domain.walls import REPORT_PORT, WALL_PORT
from lab.providers.kubernetes import names, proving_hash
from lab.providers.kubernetes.containment_witnesses import resolve
from lab.providers.kubernetes.failures import ClusterError
from lab.providers.kubernetes.proving import Way, World
from lab.providers.kubernetes.resources import NODE, SERVICE, Resource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from lab.domain.ids import SandboxId
    from lab.grants import Grants
    from lab.providers.kubernetes.client import Client
    from lab.providers.kubernetes.proving import Witness

ENDPOINTS = Resource("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")
_NOT_DOORS = f"{names.COMPONENT}!=doors"
_NODES_KEPT_S = 60.0
_MOST_PER_SERVICE = 4
_MOST_OTHERS = 3
_REGISTRY_PORT = 443
_WITNESS = "witness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the settings and the control plane's own pod say of the cluster.

    Attributes:
        namespace: The lab's own.
        api_server: Host and port, as every pod is told of it; empty where unknown.
        resolvers: Name servers that the control plane's own pods use.
        internet: Host and port of what stands for the rest of the world.
        images: References of what runs in sandboxes; their registry must not answer.
    """

    namespace: str
    api_server: tuple[str, int] | None = None
    resolvers: tuple[str, ...] = ()
    internet: tuple[tuple[str, int], ...] = ()
    images: tuple[str, ...] = ()


def around_us(env: Mapping[str, str], resolv_conf: str) -> dict[str, Any]:
    """Return what a pod's environment and its ``resolv.conf`` say, for ``Surroundings``."""
    host, port = env.get("KUBERNETES_SERVICE_HOST", ""), env.get("KUBERNETES_SERVICE_PORT", "443")
    lines = [line.split() for line in resolv_conf.splitlines()]
    servers = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
    return {
        "api_server": (host, int(port)) if host else None,
        "resolvers": tuple(server for server in servers if _is_address(server)),
    }


@dataclass(slots=True)
class _Nodes:
    items: list[dict[str, Any]] = field(default_factory=list)
    until: float = 0.0


class Lookout:
    """Asks the cluster; keeps nothing but the list of nodes, for a while.

    Args:
        client: Asks the API server.
        grants: Say which other sandboxes have doors.
        around: What the settings say.
        resolve: Looks names up.
        nodes_seconds: For how long the list of nodes is kept.
    """

    def __init__(
        self,
        *,
        client: Client,
        grants: Grants,
        around: Surroundings,
        resolve: Callable[[str], Awaitable[Sequence[str]]] = resolve,
        nodes_seconds: float = _NODES_KEPT_S,
    ) -> None:
        self._client, self._grants, self._around = client, grants, around
        self._resolve, self._nodes_seconds = resolve, nodes_seconds
        self._nodes, self._lock = _Nodes(), asyncio.Lock()

    async def nodes_digest(self) -> str:
        """Return the hash of the nodes and of what makes their network.

        Raises:
            ProviderError: We could not look.
        """
        return proving_hash.digest(proving_hash.around(await self._look_at_nodes()))

    async def hostnames(self) -> dict[str, str]:
        """Return the host names of the nodes that take pods, by the nodes' names.

        Raises:
            ProviderError: We could not look.
        """
        return {
            str(node["metadata"]["name"]): _hostname(node)
            for node in await self._look_at_nodes()
            if _takes_pods(node)
        }

    async def _look_at_nodes(self) -> list[dict[str, Any]]:
        async with self._lock:
            if time.monotonic() > self._nodes.until:
                try:
                    self._nodes.items, _ = await self._client.list(NODE)
                except ClusterError as error:
                    raise ProviderError(Stage.CONTAINMENT, str(error)) from error
                self._nodes.until = time.monotonic() + self._nodes_seconds
            return self._nodes.items

    async def look(
        self, witnesses: tuple[Witness, ...], sandbox_id: SandboxId | None = None
    ) -> World:
        """Say what there is to aim at, for one sandbox.

        Raises:
            ProviderError: We could not look.
        """
        try:
            services, _ = await self._client.list(
                SERVICE, namespace=self._around.namespace, selector=_NOT_DOORS
            )
            slices, _ = await self._client.list(
                ENDPOINTS, namespace=self._around.namespace, selector=_NOT_DOORS
            )
        except ClusterError as error:
            raise ProviderError(Stage.CONTAINMENT, str(error)) from error
        own = await self._grant(sandbox_id) if sandbox_id else None
        targets = _services(services) | _endpoints(slices)
        if own is not None:
            allowed = _allowed(own, services, slices)
            targets = {
                name: [target for target in found if target not in allowed]
                for name, found in targets.items()
            }
        targets |= await self._registries()
        if self._around.api_server is not None:
            targets["kubernetes-api"] = [self._around.api_server]
        return World(
            witnesses=witnesses,
            services={name: found for name, found in targets.items() if found},
            resolvers=self._around.resolvers,
            internet=self._around.internet,
            others=await self._others(sandbox_id, slices),
        )

    async def _grant(self, sandbox_id: SandboxId) -> Mapping[str, Any] | None:
        return await self._grants.read(sandbox_id, grants.DOORS)

    async def _others(
        self, sandbox_id: SandboxId | None, slices: Iterable[Mapping[str, Any]]
    ) -> tuple[tuple[str, int], ...]:
        """Return doors of other sandboxes: at the gateway's pods, and by their own address."""
        holders = await self._grants.holders(grants.DOORS)
        others = sorted(holders - {sandbox_id} if sandbox_id else holders)
        pods = [host for host, _ in _of_service(slices, names.Part.GATEWAY.value)]
        pods = list(dict.fromkeys(pods))[:2]
        found: list[tuple[str, int]] = []
        for other in others[:_MOST_OTHERS]:
            grant = await self._grant(other)
            if grant is None or "ports" not in grant:
                continue
            found += [(pod, int(grant["ports"]["storage"])) for pod in pods]
            found.append((str(grant["address"]), DOOR_PORTS[Door.STORAGE]))
        return tuple(found)

    async def _registries(self) -> dict[str, list[tuple[str, int]]]:
        found: list[tuple[str, int]] = []
        for image in self._around.images:
            host, _, port = image.partition("/")[0].partition(":")
            if "." in host:
                addresses = [host] if _is_address(host) else await self._resolve(host)
                found += [(address, int(port or _REGISTRY_PORT)) for address in addresses[:2]]
        return {"registry": list(dict.fromkeys(found))} if found else {}


def ways(grant: Mapping[str, Any], doors: frozenset[Door]) -> tuple[Way, ...]:
    """Return what one sandbox must reach, and what its own address has that must be shut.

    Args:
        grant: Its DOORS grant.
        doors: Of its profile.
    """
    gateway, hub = str(grant["address"]), str(grant.get("hub_address", ""))
    found = [
        _way("door-report", names.REPORT_HOST, REPORT_PORT, "/.door"),
        Way(name="wall", kind="tcp", host=gateway, port=WALL_PORT, is_open=False),
    ]
    for door, host, address, path in (
        (Door.STORAGE, names.STORAGE_HOST, gateway, "/.door"),
        (Door.TRACKING, names.TRACKING_HOST, gateway, "/.door"),
        (Door.HUB, names.HUB_HOST, hub, "/hub/health"),
    ):
        name, port = f"door-{door.value}", DOOR_PORTS[door]
        if door in doors:
            found.append(_way(name, host, port, path))
        elif address:
            found.append(Way(name=name, kind="tcp", host=address, port=port, is_open=False))
    return tuple(found)


def _way(name: str, host: str, port: int, path: str) -> Way:
    return Way(name=name, kind="http", host=host, port=port, path=path)


def _hostname(node: Mapping[str, Any]) -> str:
    metadata = node["metadata"]
    return str((metadata.get("labels") or {}).get("kubernetes.io/hostname", metadata["name"]))


def _takes_pods(node: Mapping[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions") or []
    is_ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
    return is_ready and not node.get("spec", {}).get("unschedulable")


def _allowed(
    grant: Mapping[str, Any],
    services: Iterable[Mapping[str, Any]],
    slices: Iterable[Mapping[str, Any]],
) -> set[tuple[str, int]]:
    """Return what this sandbox may reach though it is the lab's: the hub, by any address."""
    address, port = str(grant.get("hub_address", "")), DOOR_PORTS[Door.HUB]
    hubs = [s for s in services if address and address in (s["spec"].get("clusterIPs") or [])]
    found = {(str(ip), port) for hub in hubs for ip in hub["spec"]["clusterIPs"]}
    pods = (t for hub in hubs for t in _of_service(slices, str(hub["metadata"]["name"])))
    return found | {target for target in pods if target[1] == port}


def _services(services: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[str, int]]]:
    """Return cluster addresses and ports, by the service's name."""
    found: dict[str, list[tuple[str, int]]] = {}
    for service in services:
        spec = service["spec"]
        addresses = [ip for ip in spec.get("clusterIPs") or [] if _is_address(ip)]
        ports = [int(port["port"]) for port in spec.get("ports") or []]
        name = str(service["metadata"]["name"])
        found[name] = [(ip, port) for ip in addresses for port in ports][:_MOST_PER_SERVICE]
    return found


def _endpoints(slices: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[str, int]]]:
    """Return the pods behind them; the witnesses have probes of their own."""
    found: dict[str, list[tuple[str, int]]] = {}
    for piece in slices:
        service = _service_of(piece)
        if not service.startswith(_WITNESS):
            name = f"{service}-pod"
            known = found.setdefault(name, [])
            known += [target for target in _targets(piece) if target not in known]
            del known[_MOST_PER_SERVICE:]
    return found


def _of_service(slices: Iterable[Mapping[str, Any]], service: str) -> list[tuple[str, int]]:
    return [
        target for piece in slices if _service_of(piece) == service for target in _targets(piece)
    ]


def _service_of(piece: Mapping[str, Any]) -> str:
    return str(piece["metadata"].get("labels", {}).get("kubernetes.io/service-name", ""))


def _targets(piece: Mapping[str, Any]) -> list[tuple[str, int]]:
    hosts = [host for point in piece.get("endpoints") or [] for host in point["addresses"]]
    ports = [int(port["port"]) for port in piece.get("ports") or [] if port.get("port")]
    return [(str(host), port) for host in hosts for port in ports]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
