"""The mould of every pod in a sandbox: what it may never do, and the names it knows.

Pure: same input, same answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.domain.egress import Door
from lab.domain.quantity import format_bytes
from lab.providers.kubernetes import names, quota

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.ids import SandboxId
    from lab.domain.quantity import Resources

USER_ID = 1000
GRACE_SECONDS = 10

_DNS = {
    # Nothing listens there: a look-up fails at once, and is seen as one.
    "nameservers": ["127.0.0.1"],
    "options": [{"name": "attempts", "value": "1"}, {"name": "timeout", "value": "1"}],
}
_POD_CONTEXT = {
    "runAsNonRoot": True,
    "runAsUser": USER_ID,
    "runAsGroup": USER_ID,
    "fsGroup": USER_ID,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
_CONTAINER_CONTEXT = {
    "runAsNonRoot": True,
    "runAsUser": USER_ID,
    "runAsGroup": USER_ID,
    "privileged": False,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where a sandbox's doors are; what its pods may call by name.

    Attributes:
        doors: Names of the doors that the profile opens.
        gateway: Cluster address of the sandbox's own Service.
        hub: Cluster address of the hub.
    """

    doors: tuple[str, ...]
    gateway: str
    hub: str

    @classmethod
    def from_grant(cls, values: Mapping[str, Any]) -> Addresses:
        """Read the DOORS grant.

        Raises:
            KeyError: It is not one of a cluster.
        """
        return cls(
            doors=tuple(values["doors"]),
            gateway=str(values["address"]),
            hub=str(values["hub_address"]),
        )

    def aliases(self, *, with_report: bool = False) -> list[dict[str, object]]:
        """Return the pod's ``hostAliases``: the only names that mean anything in it.

        Args:
            with_report: Name the way of the report too, which only a probe takes.
        """
        at_gateway = [
            host
            for host, name in (
                (names.STORAGE_HOST, Door.STORAGE.value),
                (names.TRACKING_HOST, Door.TRACKING.value),
            )
            if name in self.doors
        ]
        if with_report:
            at_gateway.append(names.REPORT_HOST)
        found: list[dict[str, object]] = []
        if at_gateway:
            found.append({"ip": self.gateway, "hostnames": at_gateway})
        if self.hub:
            found.append({"ip": self.hub, "hostnames": [names.HUB_HOST]})
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What runs in a pod's main container.

    Attributes:
        command: In place of the image's entry point; empty keeps it.
        args: What it is given.
    """

    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, str]
    resources: Resources
    ephemeral_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume, and where the main container sees it."""

    name: str
    source: Mapping[str, object]
    path: str
    is_read_only: bool = False

    def mount(self, *, is_read_only: bool | None = None) -> dict[str, object]:
        """Return the container's side of it."""
        read_only = self.is_read_only if is_read_only is None else is_read_only
        return {"name": self.name, "mountPath": self.path, "readOnly": read_only}


TMP = Volume(
    name="tmp",
    source={"emptyDir": {"sizeLimit": format_bytes(quota.TMP_BYTES)}},
    path="/tmp",  # noqa: S108 - inside the pod
)


def restricted_pod(
    *,
    lab: str,
    sandbox_id: SandboxId,
    component: names.Component,
    name: str,
    program: Program,
    addresses: Addresses,
    priority_class: str,
    volumes: Sequence[Volume] = (TMP,),
    init_containers: Sequence[Mapping[str, object]] = (),
    ports: Sequence[int] = (),
    more_labels: Mapping[str, str] | None = None,
    restart_policy: str = "Never",
    node: str = "",
    pull_secret: str = "",
) -> dict[str, Any]:
    """Compile a pod that may run in a sandbox.

    Args:
        lab: The lab's namespace, for the owner's label.
        sandbox_id: Whose it is; its namespace has that name.
        component: Notebook or probe; also the name of the main container.
        name: Of the pod.
        program: What the main container runs.
        addresses: What it may call by name.
        priority_class: One of the lab's own.
        volumes: What the main container sees, in this order.
        init_containers: Made by ``container``, so that they are as restricted.
        ports: TCP ports on which the main container listens.
        more_labels: Beside those of the owner.
        restart_policy: As Kubernetes calls them.
        node: Run on this node only; empty lets the scheduler choose.
        pull_secret: Name of a Secret of the sandbox's namespace; empty for none.
    """
    spec: dict[str, Any] = {
        "serviceAccountName": "default",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostNetwork": False,
        "hostPID": False,
        "hostIPC": False,
        "shareProcessNamespace": False,
        "dnsPolicy": "None",
        "dnsConfig": _DNS,
        "hostAliases": addresses.aliases(with_report=component is names.Component.PROBE),
        "priorityClassName": priority_class,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "restartPolicy": restart_policy,
        "securityContext": _POD_CONTEXT,
        "volumes": [{"name": volume.name, **volume.source} for volume in volumes],
        "containers": [
            container(program, name=component.value, volumes=volumes)
            | (
                {"ports": [{"containerPort": p, "protocol": "TCP"} for p in ports]}
                if ports
                else {}
            )
        ],
    }
    if init_containers:
        spec["initContainers"] = list(init_containers)
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
    if pull_secret:
        spec["imagePullSecrets"] = [{"name": pull_secret}]
    labels = names.labels(lab, sandbox_id, component) | dict(more_labels or {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": sandbox_id, "labels": labels},
        # A fresh copy: whoever adds to it adds to no other pod.
        "spec": json.loads(json.dumps(spec)),
    }


def container(
    program: Program,
    *,
    name: str,
    volumes: Sequence[Volume],
    is_read_only: bool | None = None,
) -> dict[str, Any]:
    """Compile one container, as restricted as the next.

    Args:
        program: What it runs.
        name: Its name in the pod.
        volumes: What it sees.
        is_read_only: Overrides what each volume says; the container that fills a volume
            writes where the one that uses it may not.
    """
    found: dict[str, Any] = {
        "name": name,
        "image": program.image,
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": key, "value": value} for key, value in program.env.items()],
        "resources": quota.demands(program.resources, program.ephemeral_bytes),
        "securityContext": _CONTAINER_CONTEXT,
        "volumeMounts": [volume.mount(is_read_only=is_read_only) for volume in volumes],
    }
    if program.command:
        found["command"] = list(program.command)
    if program.args:
        found["args"] = list(program.args)
    return found
