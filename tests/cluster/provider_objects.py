"""Objects that the tests of the provider post, and edits by another hand."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from lab.domain.ids import MemberId
from lab.providers.kubernetes import pods, quota
from lab.providers.kubernetes.resources import POD, SERVICE, VOLUME_CLAIM

if TYPE_CHECKING:
    from lab.domain.sandbox import Sandbox
    from lab.providers.kubernetes.client import Client

MEMBER = MemberId("m-0000000001")
IMAGE = "10.98.0.1:5000/vase-clos/notebook@sha256:" + 64 * "0"
ADDRESSES = pods.Addresses(
    doors=("hub", "storage", "tracking"), gateway="10.98.64.77", hub="10.98.64.78"
)


def notebook(lab: str, box: Sandbox, member: MemberId = MEMBER) -> dict[str, Any]:
    return pods.notebook_pod(
        lab=lab,
        sandbox_id=box.id,
        member_id=member,
        image=IMAGE,
        resources=quota.share(box.spec),
        addresses=ADDRESSES,
        env={"LANG": "C.UTF-8"},
        datasets=[{"id": "demandes-prestations", "version": 1}],
        template_id="01-depart",
    )


def forbidden(what: str, lab: str, box: Sandbox) -> tuple[Any, dict[str, Any]]:
    pod = notebook(lab, box)
    container = pod["spec"]["containers"][0]
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "900Gi"}}}
    service = {"ports": [{"port": 80}], "selector": {"a": "b"}}
    match what:
        case "privileged":
            container["securityContext"] |= {"privileged": True, "allowPrivilegeEscalation": True}
        case "host network":
            pod["spec"]["hostNetwork"] = True
        case "root":
            container["securityContext"] |= {"runAsUser": 0, "runAsNonRoot": False}
        case "too much memory":
            container["resources"]["limits"]["memory"] = "900Gi"
        case "a device":
            container["resources"]["limits"]["nvidia.com/gpu"] = "1"
            container["resources"]["requests"]["nvidia.com/gpu"] = "1"
        case "a service":
            return SERVICE, named(SERVICE, box, service)
        case "a node port":
            return SERVICE, named(SERVICE, box, service | {"type": "NodePort"})
        case "a load balancer":
            return SERVICE, named(SERVICE, box, service | {"type": "LoadBalancer"})
        case "a large volume":
            return VOLUME_CLAIM, named(VOLUME_CLAIM, box, claim)
        case _:
            raise ValueError(what)
    return POD, pod


def named(resource: Any, box: Sandbox, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "essai", "namespace": box.id}
    return {**resource.header(), "metadata": metadata, "spec": spec}


async def post(client: Client, resource: Any, wanted: dict[str, Any]) -> None:
    """Make it, without the priority class, which is the chart's; wait for the account."""
    wanted = deepcopy(wanted)
    wanted["spec"].pop("priorityClassName", None)
    if resource is POD:  # never to be scheduled: only what is admitted is of interest here
        wanted["spec"]["nodeSelector"] = {"kubernetes.io/hostname": "nowhere"}
    async with asyncio.timeout(20):
        while True:
            try:
                await client.create(resource, wanted)
            except Exception as error:
                if "serviceaccount" not in str(error):
                    raise
                await asyncio.sleep(0.1)
            else:
                return


async def edit(
    client: Client,
    resource: Any,
    name: str,
    box: Sandbox | None,
    at: list[str],
    values: dict[str, Any],
) -> None:
    async with asyncio.timeout(10):
        while True:
            found = await client.get(resource, name, box.id if box else None)
            assert found is not None
            inner = found
            for word in at:
                inner = inner[word]
            inner |= values
            try:
                await put(client, resource, found)
            except Exception as error:
                if "modified" not in str(error):
                    raise
            else:
                return


async def put(client: Client, resource: Any, found: dict[str, Any]) -> None:
    metadata = found["metadata"]
    path = resource.path(metadata.get("namespace"), metadata["name"])
    await client._call("PUT", path, query={"fieldManager": "another-hand"}, body=found)
