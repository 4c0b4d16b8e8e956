"""Volumes made ahead on each node, wiped and offered again once their claim is gone.

python -m tests.cluster.driver.volumes STATE     the loop, a part of the cluster
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.driver.api import Api, ApiError
from tests.cluster.driver.plan import Plan
from tests.cluster.driver.telling import say

if TYPE_CHECKING:
    from tests.cluster.driver.api import Json

CLASS = "vase-clos-local"
SIZES_GIB = (*(20,) * 24, *(100,) * 6)
VOLUMES = "/api/v1/persistentvolumes"
WATCH_SECONDS = 60


def storage_class() -> Json:
    """Volumes are bound once a pod says on which node it runs."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Retain",
    }


def folders(plan: Plan) -> dict[str, tuple[str, Path, int]]:
    """Every volume to be: its node, its folder and its size in GiB, by name."""
    return {
        f"{node.name}-{index:02}": (
            node.name,
            plan.state / "volumes" / f"{node.name}-{index:02}",
            size,
        )
        for node in plan.nodes
        for index, size in enumerate(SIZES_GIB)
    }


def ensure(plan: Plan, api: Api) -> None:
    """Make the volumes that are missing."""
    known = {each["metadata"]["name"] for each in api.get(VOLUMES)["items"]}
    wanted = folders(plan)
    for _, folder, _ in wanted.values():
        folder.mkdir(parents=True, exist_ok=True)
    api.apply_many([
        _volume(name, node=node, folder=folder, size=size)
        for name, (node, folder, size) in wanted.items()
        if name not in known
    ])


def recycle(plan: Plan, api: Api, volume: Json) -> bool:
    """Wipe a volume whose claim is gone, and offer it again; says whether it was one."""
    name = volume["metadata"]["name"]
    place = folders(plan).get(name)
    if place is None or volume["status"].get("phase") != "Released":
        return False
    for entry in place[1].iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    # The version: a claim bound by hand meanwhile must not lose its volume.
    version = volume["metadata"]["resourceVersion"]
    body = {"metadata": {"resourceVersion": version}, "spec": {"claimRef": None}}
    api.patch(f"{VOLUMES}/{name}", body)
    return True


def keep_recycling(plan: Plan) -> None:
    """List, recycle, watch for the next; forever, whatever happens to the API server."""
    while True:
        try:
            api = Api(plan)
            ensure(plan, api)
            found = api.get(VOLUMES)
            for volume in found["items"]:
                if recycle(plan, api, volume):
                    say("recycled", volume["metadata"]["name"])
            version = found["metadata"]["resourceVersion"]
            watched = f"{VOLUMES}?resourceVersion={version}"
            for event in api.watch(watched, seconds=WATCH_SECONDS):
                phase = event.get("object", {}).get("status", {}).get("phase")
                if event.get("type") in {"ERROR", "DELETED"} or phase == "Released":
                    break
        except (ApiError, OSError, ValueError) as error:
            say("again in 2 s:", error)
            time.sleep(2)


def _volume(name: str, *, node: str, folder: Path, size: int) -> Json:
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": f"{size}Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
            "local": {"path": str(folder)},
            "nodeAffinity": {
                "required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
            },
        },
    }


if __name__ == "__main__":
    the_plan = Plan.saved(Path(sys.argv[1]))
    if the_plan:
        keep_recycling(the_plan)
