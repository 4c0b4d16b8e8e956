"""One run of the probe image: its Job, and how it ends."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from lab.domain.errors import ProviderError
from lab.providers.kubernetes import pods
from lab.providers.kubernetes.failures import ClusterError, ConflictError, told_by
from lab.providers.kubernetes.proving import Run
from lab.providers.kubernetes.resources import JOB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.ids import SandboxId
    from lab.domain.sandbox import Stage
    from lab.providers.kubernetes.client import Client
    from lab.providers.kubernetes.mould import Addresses
    from lab.providers.kubernetes.proving import Planned, World

JOB_PREFIX = "preuve-"
_RUN_BYTES, _NONCE_BYTES = 5, 16


class Ended(Enum):
    """How a Job stands."""

    NOT_YET = "not yet"
    WELL = "well"
    BADLY = "badly"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What every run of this lab has in common.

    Attributes:
        lab: The lab's namespace.
        image: The probe image, by digest.
        deadline_seconds: The cluster ends a run after that.
        margin_seconds: How long after that we still wait.
        late_seconds: How long after a Job's end its report may still be on its way.
        look_seconds: How often it is asked how a Job stands.
    """

    lab: str
    image: str
    pull_secret: str = ""
    deadline_seconds: int = 120
    margin_seconds: float = 20.0
    late_seconds: float = 5.0
    look_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """The node of a run.

    Attributes:
        hostname: Its label ``kubernetes.io/hostname``, which is not always its name.
    """

    name: str
    hostname: str


def choose(world: World, hostnames: Mapping[str, str], stage: Stage) -> Chosen:
    """Draw the node of a run: one that has a witness and takes pods.

    By lot, so that the runs of time come by every node: a hole may be one node's alone.

    Args:
        world: Where the witnesses are.
        hostnames: By name, of the nodes that take pods.
        stage: Whose run it is.

    Raises:
        ProviderError: There is none.
    """
    names = sorted({witness.node for witness in world.witnesses} & hostnames.keys())
    if not names:
        raise ProviderError(stage, "no node that takes pods has a witness")
    name = secrets.choice(names)
    return Chosen(name, hostnames[name])


def new_run(planned: tuple[Planned, ...], node: str, nonce: str) -> Run:
    """Draw the name of a run that nobody can guess."""
    return Run(run=secrets.token_hex(_RUN_BYTES), nonce=nonce, planned=planned, node=node)


def new_nonce() -> str:
    """Draw what is sent with every probe of a run."""
    return secrets.token_hex(_NONCE_BYTES)


def job(
    probes: Probes,
    sandbox_id: SandboxId,
    run: str,
    *,
    aims: str,
    addresses: Addresses,
    node: Chosen,
) -> dict[str, Any]:
    """Compile the Job of one run, out of the mould that notebooks come from.

    The node is told in plain words: in a sandbox nothing of the cluster's own passes
    through the environment.
    """
    return pods.probe_job(
        lab=probes.lab,
        sandbox_id=sandbox_id,
        name=f"{JOB_PREFIX}{run}",
        image=probes.image,
        addresses=addresses,
        env={"LAB_NODE": node.name, "LAB_PROBE": aims},
        deadline_seconds=probes.deadline_seconds,
        node=node.hostname,
        pull_secret=probes.pull_secret,
    )


async def start(client: Client, manifest: dict[str, Any], stage: Stage) -> None:
    """Post it; its name was drawn for it, so one of that name is this one.

    Raises:
        ProviderError: The cluster refused or did not answer.
    """
    with told_by(stage), suppress(ConflictError):
        await client.create(JOB, manifest)


async def look(client: Client, sandbox_id: SandboxId, run: str) -> tuple[Ended, str]:
    """Return how it stands, with the cluster's own words where it ended badly."""
    try:
        found = await client.get(JOB, f"{JOB_PREFIX}{run}", sandbox_id)
    except ClusterError:
        return Ended.NOT_YET, ""  # not being able to look is not having seen
    if found is None:
        return Ended.GONE, "the Job was deleted"
    status = found.get("status", {})
    if status.get("succeeded"):
        return Ended.WELL, ""
    for condition in status.get("conditions") or []:
        if condition.get("type") == "Failed" and condition.get("status") == "True":
            return Ended.BADLY, str(condition.get("message") or condition.get("reason"))
    return Ended.NOT_YET, ""


async def stop(client: Client, sandbox_id: SandboxId, run: str) -> None:
    """End it, if it runs. Best effort: the cluster ends it by itself, later."""
    with suppress(ClusterError, ProviderError):
        await client.delete(JOB, f"{JOB_PREFIX}{run}", namespace=sandbox_id)
