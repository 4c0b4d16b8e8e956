"""What runs in a sandbox: notebook and probe come out of the same mould.

Pure: same input, same answer. The probe proves something about notebooks only because
both get their security context, their names and their lack of a token from
``restricted_pod``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lab.domain.quantity import Resources, format_bytes
from lab.domain.walls import NOTEBOOK_PORT, REPORT_PORT, WALL_PORT
from lab.providers.kubernetes import names, quota
from lab.providers.kubernetes.mould import (
    TMP,
    Addresses,
    Program,
    Volume,
    container,
    restricted_pod,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.ids import MemberId, SandboxId

__all__ = ["Addresses", "home_claim", "notebook_pod", "probe_job", "restricted_pod"]

HOME = "/home/scientist"
DATA = f"{HOME}/donnees"
ACCESS = "/etc/lab/acces"
ENTRY = "/opt/lab/entry"
FETCH = "/opt/lab/lab-fetch-data"
WAIT = "/opt/lab/lab-wait-for-walls"
NOTEBOOK_PRIORITY, PROBE_PRIORITY = "vase-clos-notebook", "vase-clos-probe"


def notebook_pod(
    *,
    lab: str,
    sandbox_id: SandboxId,
    member_id: MemberId,
    image: str,
    resources: Resources,
    addresses: Addresses,
    env: Mapping[str, str],
    datasets: Sequence[Mapping[str, object]] = (),
    template_id: str = "",
    entry: str = "",
    args: Sequence[str] = (),
    pull_secret: str = "",
) -> dict[str, Any]:
    """Compile one member's notebook.

    The Secret of the sandbox is mounted at ``/etc/lab/acces``, one file per environment
    variable that the entry point makes of it. ``/home/scientist`` is the member's volume;
    ``/home/scientist/donnees`` is filled by an init container and then read-only. Before
    anything else another one waits until the network closes what it must close: some
    networks leave a pod open for a moment when it is new.

    Args:
        lab: The lab's namespace.
        sandbox_id: Where.
        member_id: Whose.
        image: By digest.
        resources: What this one pod gets: ``quota.share`` of the sandbox's.
        addresses: From the DOORS grant.
        env: From the launch order, and what the hub adds. No secret: those are files.
        datasets: What is to be fetched and checked, each at least ``id`` and ``version``;
            handed over as JSON in ``LAB_DATASETS``. Nothing is fetched where there are none.
        template_id: What the entry point lays in the home (``LAB_TEMPLATE``).
        entry: The file of the template that opens first (``LAB_ENTRY``).
        args: Given to the image's entry point.
        pull_secret: Name of a Secret of the sandbox's namespace; empty for none.
    """
    own = {"LAB_TEMPLATE": template_id, "LAB_ENTRY": entry}
    program = Program(
        image=image,
        command=(ENTRY,),
        args=tuple(args),
        env=dict(env) | {key: value for key, value in own.items() if value},
        resources=resources,
        ephemeral_bytes=quota.NOTEBOOK_EPHEMERAL_BYTES,
    )
    volumes = _notebook_volumes(member_id)
    fetch = Program(
        image=image,
        command=(FETCH,),
        env={**env, "LAB_DATASETS": json.dumps(list(datasets), sort_keys=True)},
        resources=_without_devices(resources),
        ephemeral_bytes=quota.NOTEBOOK_EPHEMERAL_BYTES,
    )
    filled = [v for v in volumes if v.name in {"tmp", "donnees"}]
    access = [v for v in volumes if v.name == "acces"]
    first = container(fetch, name="donnees", volumes=filled, is_read_only=False)
    first["volumeMounts"] += [volume.mount() for volume in access]
    wait = _wait_for_walls(image, addresses, resources)
    return restricted_pod(
        lab=lab,
        sandbox_id=sandbox_id,
        component=names.Component.NOTEBOOK,
        name=names.notebook(member_id),
        program=program,
        addresses=addresses,
        priority_class=NOTEBOOK_PRIORITY,
        volumes=volumes,
        init_containers=[wait, first] if datasets else [wait],
        ports=(NOTEBOOK_PORT,),
        more_labels={names.MEMBER: member_id},
        # What ran out of memory starts again by itself, with its home and its data.
        restart_policy="OnFailure",
        pull_secret=pull_secret,
    )


def _wait_for_walls(image: str, addresses: Addresses, resources: Resources) -> dict[str, Any]:
    program = Program(
        image=image,
        command=(WAIT,),
        env={
            "LAB_GATEWAY": addresses.gateway,
            # Open whatever the profile: it shows that the network knows the pod.
            "LAB_OPEN_PORT": str(REPORT_PORT),
            "LAB_SHUT_PORT": str(WALL_PORT),
        },
        resources=_without_devices(resources),
        ephemeral_bytes=quota.NOTEBOOK_EPHEMERAL_BYTES,
    )
    return container(program, name="murs", volumes=())


def home_claim(
    *, lab: str, sandbox_id: SandboxId, member_id: MemberId, storage_bytes: int, storage_class: str
) -> dict[str, Any]:
    """Compile the claim of one member's home, which outlives the pod.

    Args:
        lab: The lab's namespace.
        sandbox_id: Where.
        member_id: Whose.
        storage_bytes: ``quota.share`` of what the sandbox has.
        storage_class: Empty takes the cluster's default.
    """
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": format_bytes(storage_bytes)}},
    }
    if storage_class:
        spec["storageClassName"] = storage_class
    labels = names.labels(lab, sandbox_id, names.Component.NOTEBOOK) | {names.MEMBER: member_id}
    metadata = {"name": names.home(member_id), "namespace": sandbox_id, "labels": labels}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": spec,
    }


def probe_job(
    *,
    lab: str,
    sandbox_id: SandboxId,
    name: str,
    image: str,
    addresses: Addresses,
    env: Mapping[str, str],
    args: Sequence[str] = (),
    deadline_seconds: int = 120,
    keep_seconds: int = 300,
    node: str = "",
    pull_secret: str = "",
) -> dict[str, Any]:
    """Compile one run of the probes, as a notebook would run.

    Args:
        lab: The lab's namespace.
        sandbox_id: Where.
        name: ``preuve-`` and the run's id.
        image: By digest.
        addresses: From the DOORS grant.
        env: What the program needs to know. No secret.
        args: Given to the image's entry point.
        deadline_seconds: The cluster ends it after that, whatever it is doing.
        keep_seconds: The cluster deletes it by itself so long after its end.
        node: On which node; empty lets the scheduler choose.
        pull_secret: Name of a Secret of the sandbox's namespace; empty for none.
    """
    program = Program(
        image=image,
        args=tuple(args),
        env=env,
        resources=quota.PROBE,
        ephemeral_bytes=quota.PROBE_EPHEMERAL_BYTES,
    )
    pod = restricted_pod(
        lab=lab,
        sandbox_id=sandbox_id,
        component=names.Component.PROBE,
        name=name,
        program=program,
        addresses=addresses,
        priority_class=PROBE_PRIORITY,
        volumes=(_PROBE_TMP,),
        node=node,
        pull_secret=pull_secret,
    )
    labels = names.labels(lab, sandbox_id, names.Component.PROBE)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": sandbox_id, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "activeDeadlineSeconds": deadline_seconds,
            "ttlSecondsAfterFinished": keep_seconds,
            "template": {"metadata": {"labels": labels}, "spec": pod["spec"]},
        },
    }


_PROBE_TMP = Volume(
    name="tmp",
    source={"emptyDir": {"sizeLimit": format_bytes(quota.PROBE_EPHEMERAL_BYTES // 2)}},
    path=TMP.path,
)


def _notebook_volumes(member_id: MemberId) -> tuple[Volume, ...]:
    shared = {"medium": "Memory", "sizeLimit": format_bytes(quota.SHARED_MEMORY_BYTES)}
    claim = {"claimName": names.home(member_id)}
    access = {"sources": [{"secret": {"name": names.ACCESS}}], "defaultMode": 0o440}
    data = {"sizeLimit": format_bytes(quota.DATA_BYTES)}
    return (
        TMP,
        Volume(name="memoire", source={"emptyDir": shared}, path="/dev/shm"),  # noqa: S108 - inside
        Volume(name="maison", source={"persistentVolumeClaim": claim}, path=HOME),
        Volume(name="donnees", source={"emptyDir": data}, path=DATA, is_read_only=True),
        Volume(name="acces", source={"projected": access}, path=ACCESS, is_read_only=True),
    )


def _without_devices(resources: Resources) -> Resources:
    return Resources(resources.cpu_millicores, resources.memory_bytes)
