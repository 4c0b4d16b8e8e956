"""What the compilers make, as files that people review.

``python -m tests.providers.kubernetes.golden_files`` writes them anew.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lab.catalogue import FileCatalogue
from lab.domain import walls
from lab.domain.dataset import DatasetRef
from lab.domain.ids import DatasetId, MemberId
from lab.domain.quantity import GIB, Resources
from lab.providers.kubernetes import objects, pods, quota
from tests.conftest import make_sandbox

if TYPE_CHECKING:
    from lab.domain.sandbox import Sandbox

ROOT = Path(__file__).parents[3]
WALLS, PODS = ROOT / "policies" / "golden", Path(__file__).parent / "golden"
LAB = objects.Lab(namespace="vase-clos", selectors=objects.DEFAULT_SELECTORS)
SLOT = 7
IMAGE = "registry.example/vase-clos/{}@sha256:" + 64 * "0"
ADDRESSES = pods.Addresses(
    doors=("hub", "storage", "tracking"), gateway="10.96.0.77", hub="10.96.0.8"
)


def sandbox() -> Sandbox:
    made = make_sandbox("sb-0123456789")
    spec = replace(
        made.spec,
        resources=Resources(4000, 8 * GIB, 20 * GIB),
        members=(MemberId("m-0000000001"), MemberId("m-0000000002")),
        datasets=(DatasetRef(DatasetId("demandes-prestations"), 1),),
    )
    return replace(made, spec=spec)


def all_files() -> dict[Path, str]:
    catalogue = FileCatalogue(
        policies_dir=ROOT / "policies", templates_dir=ROOT / "notebooks-templates"
    ).catalogue()
    found: dict[Path, str] = {}
    for profile in catalogue.profiles.values():
        doors = profile.doors
        machine = [{"port": port, "socket": name} for port, name in walls.sockets(doors)]
        found[WALLS / f"{profile.id}.machine.yaml"] = _text([{"doors": machine}])
        found[WALLS / f"{profile.id}.kubernetes.yaml"] = _text(_walls(doors))
    return found | {PODS / f"{name}.yaml": _text([made]) for name, made in _objects().items()}


def _walls(doors: frozenset[walls.Door]) -> list[dict[str, Any]]:
    box = sandbox()
    return [
        objects.closed(LAB, box.id),
        objects.door_policy(LAB, box.id, SLOT, doors),
        objects.door_service(LAB, box.id, SLOT),
    ]


def _objects() -> dict[str, dict[str, Any]]:
    box = sandbox()
    member, one = box.spec.members[0], quota.share(box.spec)
    return {
        "namespace": objects.namespace(LAB, box, SLOT),
        "quota": objects.resource_quota(LAB, box),
        "limits": objects.limit_range(LAB, box),
        "hub-rights": objects.hub_rights(LAB, box.id),
        "access": objects.access(LAB, box.id, {"AWS_ACCESS_KEY_ID": "DOOR0000"}),
        "notebook": pods.notebook_pod(
            lab="vase-clos",
            sandbox_id=box.id,
            member_id=member,
            image=IMAGE.format("notebook"),
            resources=one,
            addresses=ADDRESSES,
            env={"LANG": "C.UTF-8"},
            datasets=[{"id": "demandes-prestations", "version": 1}],
            template_id="01-depart",
            entry="depart.ipynb",
        ),
        "home": pods.home_claim(
            lab="vase-clos",
            sandbox_id=box.id,
            member_id=member,
            storage_bytes=one.storage_bytes,
            storage_class="local",
        ),
        "probe": pods.probe_job(
            lab="vase-clos",
            sandbox_id=box.id,
            name="preuve-0123456789",
            image=IMAGE.format("probe"),
            addresses=ADDRESSES,
            env={"LAB_RUN": "0123456789"},
            node="node2",
        ),
    }


class _Plain(yaml.SafeDumper):
    """Writes what is said twice twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(documents: list[dict[str, Any]]) -> str:
    return yaml.dump_all(documents, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=99)


if __name__ == "__main__":
    for path, text in all_files().items():
        path.write_text(text, encoding="utf-8")
