"""Every name and address of one cluster: by its name and one octet two can stand side by side."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

NAME = re.compile(r"[a-z][a-z0-9]{0,6}")
STANDING_FOR_THE_INTERNET = ("192.0.2.10", "2001:db8::10")
METADATA = ("169.254.169.254", "fd00:ec2::254")


class PlanError(Exception):
    """The name or the octet cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node: where it is and which addresses its pods get."""

    name: str
    namespace: str
    address: str
    address6: str
    pods: str
    pods6: str
    home: Path
    run: Path
    cgroup: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A cluster to be: nothing here touches the machine."""

    name: str = "lab"
    octet: int = 98
    state: Path
    leaky: bool = False
    docker: bool = True
    outside: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would give names or addresses that cannot be."""
        if not NAME.fullmatch(self.name):
            raise PlanError(f"name {self.name!r}: 1 to 7 of a-z and 0-9, a letter first")
        if not 16 <= self.octet <= 254:
            raise PlanError(f"octet {self.octet}: 16 to 254")

    @property
    def host(self) -> str:
        """The machine's end of the pair that joins it to the cluster."""
        return f"10.{self.octet}.0.1"

    @property
    def host6(self) -> str:
        """The same over IPv6."""
        return f"fd{self.octet:02x}::1"

    @property
    def api(self) -> str:
        """The API server's address."""
        return f"10.{self.octet}.0.2"

    @property
    def registry(self) -> str:
        """Where images are pushed and pulled, without encryption."""
        return f"{self.host}:5000"

    @property
    def ranges(self) -> tuple[str, str]:
        """All that the machine reaches through the cluster's first node."""
        return f"10.{self.octet}.0.0/16", f"fd{self.octet:02x}::/32"

    @property
    def services(self) -> tuple[str, str]:
        """Addresses of services."""
        return f"10.{self.octet}.64.0/18", f"fd{self.octet:02x}:0:96::/112"

    @property
    def pods(self) -> tuple[str, str]:
        """Addresses of pods, all nodes together."""
        return f"10.{self.octet}.128.0/17", f"fd{self.octet:02x}:0:44::/48"

    @property
    def api_service(self) -> str:
        """The API server as pods know it: the first address of the services."""
        return f"10.{self.octet}.64.1"

    @property
    def dns(self) -> str:
        """The name server of the lab's own pods."""
        return f"10.{self.octet}.64.10"

    @property
    def outside_namespace(self) -> str:
        """The network namespace that stands for everything outside."""
        return f"{self.name}-outside"

    @property
    def outside_addresses(self) -> tuple[str, ...]:
        """Every address that has a listener outside."""
        return tuple(dict.fromkeys((*STANDING_FOR_THE_INTERNET, *METADATA, *self.outside)))

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The two nodes, the one that holds the control plane first."""
        high = f"fd{self.octet:02x}"
        places = ((self.api, f"{high}::2"), (f"10.{self.octet}.1.2", f"{high}:0:0:1::2"))
        return tuple(
            Node(
                name=f"node{index + 1}",
                namespace=f"{self.name}-node{index + 1}",
                address=address,
                address6=address6,
                pods=f"10.{self.octet}.{128 + index}.0/24",
                pods6=f"{high}:0:44:{index}::/64",
                home=self.state / f"node{index + 1}",
                run=Path(f"/run/{self.name}-node{index + 1}"),
                cgroup=f"{self.name}-node{index + 1}",
            )
            for index, (address, address6) in enumerate(places)
        )

    def node(self, name: str) -> Node:
        """One node by its name.

        Raises:
            PlanError: There is no such node.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise PlanError(f"no node {name!r}: {', '.join(each.name for each in self.nodes)}")

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Every network namespace of the cluster."""
        return (self.outside_namespace, *(node.namespace for node in self.nodes))

    @property
    def links(self) -> tuple[str, str, str]:
        """The pairs: machine to node1, node1 to outside, node1 to node2 (ends are 0 and 1)."""
        return f"{self.name}-h", f"{self.name}-o", f"{self.name}-n"

    @property
    def cgroups(self) -> tuple[str, ...]:
        """Every control group of the cluster, below each hierarchy's root."""
        return (*(node.cgroup for node in self.nodes), f"{self.name}-docker")

    @property
    def docker_run(self) -> Path:
        """Where dockerd keeps its sockets and pids."""
        return Path(f"/run/{self.name}-docker")

    @property
    def docker_socket(self) -> Path:
        """The socket of the dockerd that builds images."""
        return self.state / "docker.sock"

    @property
    def pki(self) -> Path:
        """Folder of keys and certificates."""
        return self.state / "pki"

    @property
    def images(self) -> Path:
        """What outlives ``down``: images in the registry, in dockerd and in the nodes."""
        return self.state / "images"

    @property
    def marker(self) -> Path:
        """Says where the running cluster of this name keeps its files."""
        return marker(self.name)

    def owner(self) -> Path | None:
        """The state folder of the running cluster of this name."""
        return running_state(self.name)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.state / "kubeconfig"

    def save(self) -> None:
        """Keep the plan with the cluster, so that other commands find it."""
        values = asdict(self) | {"state": str(self.state)}
        self.state.mkdir(parents=True, exist_ok=True)
        (self.state / "cluster.json").write_text(json.dumps(values, indent=1))

    @classmethod
    def saved(cls, state: Path) -> Self | None:
        """The plan of the cluster that was started with this state folder, if any."""
        try:
            values = json.loads((state / "cluster.json").read_text())
        except FileNotFoundError:
            return None
        values["state"], values["outside"] = state, tuple(values["outside"])
        return cls(**values)


def cache() -> Path:
    """The user's cache folder, where binaries and the base of the images are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "vase-clos" / "cluster"


def marker(name: str) -> Path:
    """A file that is there while a cluster of this name runs: gone with the machine's power."""
    return Path(f"/run/vase-clos-cluster-{name}")


def running_state(name: str) -> Path | None:
    """The state folder of the cluster of this name that runs, if any."""
    try:
        return Path(marker(name).read_text().strip())
    except FileNotFoundError:
        return None


def default_state(name: str) -> Path:
    """Where a cluster keeps its files unless told otherwise: the one that runs is found."""
    return running_state(name) or cache() / "state" / name
