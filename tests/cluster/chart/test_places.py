"""The namespaces of sandboxes: made, changed and deleted by the reconciler alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.chart.asking import Who
from tests.cluster.chart.bad_pods import drop, put
from tests.cluster.chart.test_admission import let_in, refused
from tests.cluster.chart.world import JOBS, OPERATOR

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.chart.world import World

pytestmark = pytest.mark.cluster

Json = dict[str, Any]
NEW = "sb-e5eeeeee01"
MERGE = "application/merge-patch+json"


def labels(world: World, changes: dict[str, str | None], *, who: Who, name: str = "") -> Any:
    """Change labels of a namespace, without doing it."""
    body = {"metadata": {"labels": changes}}
    path = f"/api/v1/namespaces/{name or world.sandbox}"
    return world.api.ask("PATCH", path, body, who=who, kind=MERGE, dry=True)


def test_people_and_the_hub_may_not_make_one(world: World) -> None:
    refused(world.api.create(world.namespace(NEW), who=OPERATOR), "place-create")
    assert world.api.create(world.namespace(NEW), who=world.hub).status_code == 403


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("place-name", put("metadata/name", "kube-system-2")),
        ("place-name", put("metadata/name", "sb-e5eeeeee02")),
        ("place-label", drop("metadata/labels/vase-clos.lab~sandbox")),
        ("place-label", put("metadata/labels/vase-clos.lab~lab", "autre")),
        (
            "place-security",
            put("metadata/labels/pod-security.kubernetes.io~enforce", "privileged"),
        ),
        ("place-security", drop("metadata/labels/pod-security.kubernetes.io~enforce")),
        (
            "place-security",
            put("metadata/labels/pod-security.kubernetes.io~enforce-version", "latest"),
        ),
        ("place-security", put("metadata/labels/app.kubernetes.io~managed-by", "moi")),
    ],
)
def test_the_reconciler_may_not_make_a_bad_one(
    world: World, rule: str, spoil: Callable[[Json], None]
) -> None:
    body = world.namespace(NEW)
    spoil(body)

    refused(world.api.create(body, who=world.reconciler), rule)


@pytest.mark.parametrize("label", ["vase-clos.lab/sandbox", "vase-clos.lab/lab"])
def test_nobody_takes_the_label_away(world: World, label: str) -> None:
    for who in (OPERATOR, JOBS_MASTER):
        refused(labels(world, {label: None}, who=who), "place-label")
    refused(labels(world, {label: None}, who=world.reconciler), "place-label")


def test_people_may_not_change_labels(world: World) -> None:
    refused(labels(world, {"a": "b"}, who=OPERATOR), "place-labels|place-security")
    weaker = {"pod-security.kubernetes.io/enforce": "privileged"}
    refused(labels(world, weaker, who=OPERATOR), "place-labels|place-security")


def test_no_namespace_becomes_a_sandbox(world: World) -> None:
    ours = {"vase-clos.lab/sandbox": "default", "vase-clos.lab/lab": world.lab}
    for who in (OPERATOR, world.reconciler):
        refused(labels(world, ours, who=who, name="default"), "place-adopt|place-name")


def test_the_reconciler_may_not_touch_another_namespace(world: World) -> None:
    refused(labels(world, {"a": "b"}, who=world.reconciler, name="default"), "place-adopt")
    answer = world.api.ask(
        "DELETE", f"/api/v1/namespaces/{world.lab}", who=world.reconciler, dry=True
    )
    refused(answer, "place-delete")


def test_only_the_reconciler_may_delete_one(world: World) -> None:
    path = f"/api/v1/namespaces/{world.sandbox}"
    refused(world.api.ask("DELETE", path, who=OPERATOR, dry=True), "place-delete")
    let_in(world.api.ask("DELETE", path, who=world.reconciler, dry=True))


def test_other_namespaces_are_nobodys_business(world: World) -> None:
    let_in(labels(world, {"a": "b"}, who=OPERATOR, name="default"))


JOBS_MASTER = Who(JOBS.name, (*JOBS.groups, "system:masters"))
