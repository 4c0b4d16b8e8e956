"""Names, labels and ports of what one lab has on a cluster.

Everything is named from the sandbox's opaque id, and found by its labels; nothing is
ever read out of a name. Labels say whose it is, annotations what it was made from.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from lab.domain.egress import Door
from lab.domain.walls import REPORT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.ids import MemberId, SandboxId

FIELD_MANAGER = "vase-clos"
MANAGED_BY = "app.kubernetes.io/managed-by"
LAB = "vase-clos.lab/lab"
SANDBOX = "vase-clos.lab/sandbox"
COMPONENT = "vase-clos.lab/component"
MEMBER = "vase-clos.lab/member"
SPEC_HASH = "vase-clos.lab/spec-hash"
SLOT = "vase-clos.lab/slot"
OUR_PREFIX = "vase-clos.lab/"
POD_SECURITY_PREFIX = "pod-security.kubernetes.io/"

PART = "app.kubernetes.io/component"
"""The label that tells the components of the lab's own namespace apart."""
NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label that every API server puts on a namespace; nobody can set it to another's."""

QUOTA = "quota"
LIMITS = "limits"
CLOSED = "tout-fermer"
DOORS = "portes"
HUB_RIGHTS = "hub"
HUB_ROLE = "vase-clos-hub-in-sandbox"
HUB_ACCOUNT = "hub"
ACCESS = "acces"

STORAGE_HOST, TRACKING_HOST = "donnees.lab", "suivi.lab"
REPORT_HOST, HUB_HOST = "temoin.lab", "hub.lab"

FIRST_PORT = 20_000
PORTS_PER_SLOT = 3
SLOTS = 4_255
"""The last slot's ports stay below 32768, where a kernel takes ports for what goes out.

Between the two is ``walls.WALL_PORT_AT_GATEWAY``, which is nobody's.
"""


class Component(Enum):
    """What an object of a sandbox is for."""

    PLACE = "place"
    DOORS = "doors"
    NOTEBOOK = "notebook"
    PROBE = "probe"


class Part(Enum):
    """A component of the lab's own namespace that policies speak of."""

    GATEWAY = "gateway"
    HUB = "hub"
    FRONT = "front"


def labels(lab: str, sandbox_id: SandboxId, component: Component) -> dict[str, str]:
    """Return the labels of one object of a sandbox; ``lab`` is its owner's namespace."""
    return {
        MANAGED_BY: FIELD_MANAGER,
        LAB: lab,
        SANDBOX: sandbox_id,
        COMPONENT: component.value,
    }


def selector(lab: str) -> str:
    """Return the label selector that finds everything one lab owns in its sandboxes."""
    return f"{MANAGED_BY}={FIELD_MANAGER},{LAB}={lab},{SANDBOX}"


def is_ours(found: Mapping[str, Any], lab: str, sandbox_id: str) -> bool:
    """Tell whether an object is this lab's, of this sandbox.

    Its labels say so. Where somebody took them away, the server still knows that we wrote
    it, and our stamp is on it; the labels of another lab or sandbox always count.
    """
    metadata = found.get("metadata") or {}
    labels = metadata.get("labels") or {}
    wanted = {MANAGED_BY: FIELD_MANAGER, LAB: lab, SANDBOX: sandbox_id}
    if any(labels.get(key, value) != value for key, value in wanted.items()):
        return False
    if wanted.keys() <= labels.keys():
        return True
    writers = {writer.get("manager") for writer in metadata.get("managedFields") or ()}
    return FIELD_MANAGER in writers and SPEC_HASH in (metadata.get("annotations") or {})


def door_service(sandbox_id: SandboxId) -> str:
    """Return the name of the Service, in the lab's namespace, that leads to its doors."""
    return f"door-{sandbox_id}"


def notebook(member_id: MemberId) -> str:
    """Return the name of one member's notebook pod."""
    return f"carnet-{member_id}"


def home(member_id: MemberId) -> str:
    """Return the name of one member's home volume."""
    return f"home-{member_id}"


def gateway_ports(slot: int) -> dict[str, int]:
    """Return where the gateway listens for the sandbox with this slot, by door."""
    first = FIRST_PORT + PORTS_PER_SLOT * slot
    return {Door.STORAGE.value: first, Door.TRACKING.value: first + 1, REPORT: first + 2}
