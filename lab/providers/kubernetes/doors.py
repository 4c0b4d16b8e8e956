"""The doors of one sandbox on a cluster: an address at the gateway, and leave to reach it.

For whoever owns CONTAINMENT: it makes them, proves them, writes the grant that has the
gateway listen, and shuts them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab import grants
from lab.domain.ids import SandboxId
from lab.domain.sandbox import Fact
from lab.providers.kubernetes import names, objects, slots
from lab.providers.kubernetes.failures import ClusterError
from lab.providers.kubernetes.resources import NETWORK_POLICY, SERVICE

if TYPE_CHECKING:
    from lab.domain.egress import Door
    from lab.domain.sandbox import Sandbox
    from lab.providers.kubernetes.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDoors:
    """What the DOORS grant is made of.

    Attributes:
        ports: Where the gateway listens for this sandbox, by door.
        address: Of the sandbox's own Service.
        hub_address: Of the hub's.
    """

    doors: tuple[str, ...]
    ports: dict[str, int]
    address: str
    hub_address: str

    def grant(self, sandbox: Sandbox) -> dict[str, Any]:
        """Write it as the gateway reads it.

        The hub is no door of the gateway's here: pods speak to it directly.
        """
        return {
            "sandbox_id": sandbox.id,
            "doors": [name for name in self.doors if name in self.ports],
            "ports": self.ports,
            "address": self.address,
            "hub_address": self.hub_address,
            "expires_at": sandbox.spec.expires_at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDoors:
    """What is known of a sandbox's walls without asking.

    Attributes:
        facts: For the certificate.
        wrong: What is missing or not as compiled; empty where all of it stands.
        walls: What the walls are made of now; another value asks for another proof.
    """

    facts: tuple[Fact, ...]
    wrong: tuple[str, ...]
    walls: str


async def ensure_doors(session: Session, sandbox: Sandbox, doors: frozenset[Door]) -> OpenDoors:
    """Make the Service and the policy of a sandbox whose place is there.

    Raises:
        ClusterError: There is no place yet, or the API server failed.
    """
    await session.ready()
    slot = slots.slot_of(session, sandbox.id)
    if slot is None:
        raise ClusterError("there is no place yet")
    hub = await session.hub_address()
    lab = session.lab
    (service, _), _ = await asyncio.gather(
        session.put(SERVICE, objects.door_service(lab, sandbox.id, slot)),
        session.put(NETWORK_POLICY, objects.door_policy(lab, sandbox.id, slot, doors)),
    )
    return OpenDoors(
        doors=tuple(sorted(door.value for door in doors)),
        ports=names.gateway_ports(slot),
        address=service.note,
        hub_address=hub,
    )


def see_doors(session: Session, sandbox: Sandbox, doors: frozenset[Door]) -> SeenDoors:
    """Compare the walls of a sandbox with what was compiled; deny-all included.

    Call ``session.ready`` first.
    """
    slot = slots.slot_of(session, sandbox.id)
    # Without a slot nothing fits: what is there is compared with the first slot's, and fails.
    wanted = session.wanted.walls(sandbox.id, slot or 0, doors)
    known = [session.known(each.resource, each.namespace, each.name) for each in wanted]
    wrong = [
        each.word if each.resource is SERVICE else f"{each.word} {each.name}"
        for each, entry in zip(wanted, known, strict=True)
        if not each.stands(entry)
    ]
    if slot is None:
        wrong.append("the gateway's slot")
    _, opened, address = known
    return SeenDoors(
        facts=(
            Fact("service", names.door_service(sandbox.id), address is not None),
            Fact("network policy", names.DOORS, opened is not None),
        ),
        wrong=tuple(wrong),
        walls="-".join(each.proved for each in wanted),
    )


async def shut_doors(session: Session, sandbox_id: SandboxId) -> None:
    """Take the policy away first, so that nothing goes out; then the address.

    Raises:
        ClusterError: The API server failed.
    """
    await session.drop(NETWORK_POLICY, sandbox_id, names.DOORS, sandbox_id)
    name = names.door_service(sandbox_id)
    await session.drop(SERVICE, session.lab.namespace, name, sandbox_id)


def with_doors(session: Session) -> frozenset[SandboxId]:
    """Return the sandboxes that have an address at the gateway. Call ``session.ready`` first."""
    return frozenset(
        SandboxId(entry.sandbox_id)
        for (_, name), entry in session.shelves[SERVICE].items()
        if grants.is_sandbox_id(entry.sandbox_id)
        and name == names.door_service(SandboxId(entry.sandbox_id))
    )
