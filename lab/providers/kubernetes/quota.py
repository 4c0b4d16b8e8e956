"""How a sandbox's resources are shared out among its pods.

What was granted is granted to the sandbox, whoever works in it. On one machine its
programs share one control group. A cluster counts pod by pod, and a pod whose requests
are its limits cannot borrow; so each member's notebook gets an equal share, all of them
can run at once, and together they never take more than was granted. The quota has room
beside them for one probe pod, which is the lab's own cost and not the agency's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.quantity import GIB, MIB, Resources, format_bytes, format_cpu

if TYPE_CHECKING:
    from lab.domain.sandbox import SandboxSpec

PROBE = Resources(cpu_millicores=500, memory_bytes=256 * MIB)
PROBE_EPHEMERAL_BYTES = 256 * MIB

TMP_BYTES = 512 * MIB
SHARED_MEMORY_BYTES = 512 * MIB
DATA_BYTES = 2 * GIB
"""The most that the data sets of one sandbox may take on a node's disk, per notebook."""
NOTEBOOK_EPHEMERAL_BYTES = DATA_BYTES + TMP_BYTES + 512 * MIB
"""Data sets, temporary files, and what the server writes to its log."""


def share(spec: SandboxSpec) -> Resources:
    """Return what each member's notebook gets."""
    return share_of(spec.resources, len(spec.members))


def share_of(granted: Resources, members: int) -> Resources:
    """Split what was granted evenly; what does not divide is left over.

    A device cannot be split: the members take turns with all of them.
    """
    people = max(1, members)
    return Resources(
        cpu_millicores=granted.cpu_millicores // people,
        # Whole MiB, so that it reads as it was meant in every tool.
        memory_bytes=granted.memory_bytes // people // MIB * MIB,
        storage_bytes=granted.storage_bytes // people // MIB * MIB,
        gpu_count=granted.gpu_count,
    )


def hard(spec: SandboxSpec) -> dict[str, str]:
    """Return the limits of the ResourceQuota.

    Pods: the notebooks, one probe, and one more so that a notebook can start again while
    the one before it is still going. Nothing is ever exposed from a sandbox's namespace.
    """
    people = max(1, len(spec.members))
    cpu = format_cpu(spec.resources.cpu_millicores + PROBE.cpu_millicores)
    memory = format_bytes(spec.resources.memory_bytes + PROBE.memory_bytes)
    scratch = format_bytes(people * NOTEBOOK_EPHEMERAL_BYTES + PROBE_EPHEMERAL_BYTES)
    return {
        "requests.cpu": cpu,
        "limits.cpu": cpu,
        "requests.memory": memory,
        "limits.memory": memory,
        "requests.ephemeral-storage": scratch,
        "limits.ephemeral-storage": scratch,
        "requests.storage": format_bytes(spec.resources.storage_bytes),
        "requests.nvidia.com/gpu": str(spec.resources.gpu_count),
        "persistentvolumeclaims": str(people),
        "pods": str(people + 2),
        "services": "0",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


def limits(spec: SandboxSpec) -> list[dict[str, object]]:
    """Return what the LimitRange says of one container and of one volume claim."""
    one = share(spec)
    most = {
        "cpu": format_cpu(max(one.cpu_millicores, PROBE.cpu_millicores)),
        "memory": format_bytes(max(one.memory_bytes, PROBE.memory_bytes)),
        "ephemeral-storage": format_bytes(NOTEBOOK_EPHEMERAL_BYTES),
    }
    usual = {
        "cpu": format_cpu(PROBE.cpu_millicores),
        "memory": format_bytes(PROBE.memory_bytes),
        "ephemeral-storage": format_bytes(PROBE_EPHEMERAL_BYTES),
    }
    return [
        {"type": "Container", "max": most, "default": usual, "defaultRequest": usual},
        {"type": "PersistentVolumeClaim", "max": {"storage": format_bytes(one.storage_bytes)}},
    ]


def demands(resources: Resources, ephemeral_bytes: int) -> dict[str, dict[str, str]]:
    """Return a container's requests, which are its limits."""
    amounts = {
        "cpu": format_cpu(resources.cpu_millicores),
        "memory": format_bytes(resources.memory_bytes),
        "ephemeral-storage": format_bytes(ephemeral_bytes),
    }
    if resources.gpu_count:
        amounts["nvidia.com/gpu"] = str(resources.gpu_count)
    return {"requests": amounts, "limits": dict(amounts)}
