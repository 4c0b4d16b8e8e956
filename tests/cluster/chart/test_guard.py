"""Who may change a sandbox, and what even the reconciler and the hub may not."""

from __future__ import annotations

import contextlib
import copy
import functools
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.chart.asking import Who, path_of
from tests.cluster.chart.bad_pods import put
from tests.cluster.chart.test_admission import let_in, refused
from tests.cluster.chart.world import JOBS, MEMBER, OPERATOR, PERSON
from tests.parts_fixtures import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.chart.world import World

pytestmark = pytest.mark.cluster

Json = dict[str, Any]
OPEN = {"ingress": [{}], "egress": [{}]}
ANYWHERE = [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 443}]}]
EVERY_POD = [{"to": [{"namespaceSelector": {}}], "ports": [{"port": 80}]}]
NO_PORT = [{"to": [{"podSelector": {"matchLabels": {"a": "b"}}}]}]
SUBJECT = {"kind": "ServiceAccount", "name": "hub", "namespace": "autre"}

SPOILT = (
    ("NetworkPolicy/tout-fermer", "reconciler-closed", put("spec/egress", [{}])),
    ("NetworkPolicy/tout-fermer", "reconciler-closed", put("spec/policyTypes", ["Ingress"])),
    (
        "NetworkPolicy/tout-fermer",
        "reconciler-closed",
        put("spec/podSelector", {"matchLabels": {"a": "b"}}),
    ),
    ("NetworkPolicy/portes", "reconciler-way", put("spec/egress", ANYWHERE)),
    ("NetworkPolicy/portes", "reconciler-way", put("spec/egress", EVERY_POD)),
    ("NetworkPolicy/portes", "reconciler-way", put("spec/egress", NO_PORT)),
    ("NetworkPolicy/portes", "reconciler-way", put("spec/ingress", [{}])),
    (
        "NetworkPolicy/portes",
        "reconciler-peer",
        put("spec/egress/0/to/0/podSelector/matchLabels/app.kubernetes.io~component", "database"),
    ),
    (
        "NetworkPolicy/portes",
        "reconciler-peer",
        put("spec/egress/0/to/0/namespaceSelector/matchLabels/kubernetes.io~metadata.name", "x"),
    ),
    ("Service/door-", "reconciler-door-target", put("spec/type", "NodePort")),
    ("Service/door-", "reconciler-door-target", put("spec/externalIPs", ["192.0.2.1"])),
    (
        "Service/door-",
        "reconciler-door-target",
        put("spec/selector", {"app.kubernetes.io/component": "database"}),
    ),
    ("Service/door-", "reconciler-door-target", put("spec/ports/0/targetPort", 5432)),
    ("Service/door-", "reconciler-door", put("metadata/name", "api")),
    ("Secret/acces", "reconciler-secret", put("metadata/name", "autre")),
    ("RoleBinding/hub", "reconciler-rights", put("metadata/name", "autre")),
    ("RoleBinding/hub", "reconciler-rights", put("subjects", [SUBJECT])),
)


@pytest.mark.parametrize(("which", "rule", "spoil"), SPOILT)
def test_the_reconciler_may_not_widen_a_wall(
    world: World, which: str, rule: str, spoil: Callable[[Json], None]
) -> None:
    found = next(body for name, body in world.place().items() if name.startswith(which))
    body = copy.deepcopy(found)
    spoil(body)

    refused(world.api.apply(body, who=world.reconciler, dry=True), rule)


def test_the_reconciler_may_not_take_the_deny_all_away(world: World) -> None:
    path = f"/apis/networking.k8s.io/v1/namespaces/{world.sandbox}/networkpolicies/tout-fermer"

    refused(world.api.ask("DELETE", path, who=world.reconciler, dry=True), "reconciler-open")


def test_the_reconciler_may_not_run_another_job(world: World) -> None:
    body = world.probe()
    body["metadata"]["name"] = "calcul"

    refused(world.api.create(body, who=world.reconciler), "reconciler-job")


@pytest.mark.parametrize("namespace", ["default", "kube-system"])
def test_the_reconciler_may_not_touch_what_is_no_sandbox(world: World, namespace: str) -> None:
    for kind in ("NetworkPolicy/tout-fermer", "Secret/acces", "ResourceQuota/quota"):
        body = copy.deepcopy(world.place()[kind])
        body["metadata"]["namespace"] = namespace
        refused(world.api.apply(body, who=world.reconciler, dry=True), "reconciler-place")


def test_the_reconciler_may_not_read_the_labs_secrets_by_patching_them(world: World) -> None:
    own = {"name": "lab-secrets", "namespace": world.lab}
    world.api.apply({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": own,
        "stringData": {"a": "b"},
    })
    path = f"/api/v1/namespaces/{world.lab}/secrets/lab-secrets"
    kind = "application/merge-patch+json"

    answer = world.api.ask("PATCH", path, {}, who=world.reconciler, kind=kind)
    assert answer.status_code in {403, 422}
    assert "Yg==" not in answer.text


@pytest.mark.parametrize("who", [OPERATOR, PERSON], ids=["operator", "somebody with rights"])
def test_people_may_not_change_a_sandbox(world: World, who: Who) -> None:
    made = [b for b in world.place().values() if b["metadata"]["namespace"] == world.sandbox]
    with granted(world, who):
        for body in made:
            refused(world.api.apply(body, who=who, dry=True), "guard-others")
            if world.api.ask("GET", path_of(body)).is_success:
                refused(world.api.ask("DELETE", path_of(body), who=who, dry=True), "guard-others")


def test_nobody_puts_anything_else_in_a_sandbox(world: World) -> None:
    for kind, version, spec in (
        ("Service", "v1", {"ports": [{"port": 80}]}),
        ("ConfigMap", "v1", None),
        ("ServiceAccount", "v1", None),
        ("Secret", "v1", None),
    ):
        metadata = {"name": "autre", "namespace": world.sandbox}
        body = {"apiVersion": version, "kind": kind, "metadata": metadata}
        body |= {"spec": spec} if spec else {}
        refused(world.api.create(body, who=OPERATOR), "guard-others")


def test_a_deployment_is_refused_too(world: World) -> None:
    pod = world.notebook()
    labels = pod["metadata"]["labels"]
    spec = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod["spec"]},
    }
    spec["template"]["spec"]["restartPolicy"] = "Always"
    metadata = {"name": "autre", "namespace": world.sandbox}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}

    refused(world.api.create(body, who=OPERATOR), "guard-others")


def test_even_the_good_pod_is_for_the_hub_alone_to_post(world: World) -> None:
    for who in (OPERATOR, JOBS):
        refused(world.api.create(world.notebook(), who=who), "who|guard-others")
    refused(world.api.create(world.probe_pod(), who=OPERATOR), "who|guard-others")


def test_somebody_who_may_do_anything_may_still_not_run_a_bad_pod(world: World) -> None:
    body = world.notebook()
    put("spec/hostNetwork", value=True)(body)

    refused(world.api.create(body, who=OPERATOR), "who|host|guard-others")


def test_no_account_gets_a_token_in_a_sandbox(world: World) -> None:
    path = f"/api/v1/namespaces/{world.sandbox}/serviceaccounts/default/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}

    refused(world.api.ask("POST", path, body, who=OPERATOR), "guard-others")


@pytest.mark.parametrize(
    ("who", "rule"),
    [("operator", "guard-look|guard-others"), ("hub", "hub-verb|guard-hub|guard-look")],
)
@pytest.mark.parametrize("way", ["exec?command=id", "attach", "portforward", "proxy/"])
def test_nobody_enters_a_pod(world: World, who: str, rule: str, way: str) -> None:
    identity = {"operator": OPERATOR, "hub": world.hub}[who]
    _post_notebook(world)
    path = f"/api/v1/namespaces/{world.sandbox}/pods/carnet-{MEMBER}/{way}"

    with granted(world, identity):
        refused(world.api.ask("POST", path, who=identity), rule)


def test_no_container_is_added_to_a_running_pod(world: World) -> None:
    _post_notebook(world)
    path = f"/api/v1/namespaces/{world.sandbox}/pods/carnet-{MEMBER}/ephemeralcontainers"
    image = world.images["notebook"]
    body = {"spec": {"ephemeralContainers": [{"name": "x", "image": image}]}}
    kind = "application/strategic-merge-patch+json"

    refused(
        world.api.ask("PATCH", path, body, who=OPERATOR, kind=kind, dry=True),
        "ephemeral|guard-others",
    )


def test_labels_of_a_pod_do_not_change(world: World) -> None:
    _post_notebook(world)
    path = f"/api/v1/namespaces/{world.sandbox}/pods/carnet-{MEMBER}"
    body = {"metadata": {"labels": {"vase-clos.lab/member": "m-ffffffffff"}}}
    kind = "application/merge-patch+json"

    refused(world.api.ask("PATCH", path, body, who=JOBS, kind=kind, dry=True), "relabel|name")


def test_the_image_of_a_running_pod_does_not_change(world: World) -> None:
    _post_notebook(world)
    path = f"/api/v1/namespaces/{world.sandbox}/pods/carnet-{MEMBER}"
    containers = [{"name": "notebook", "image": "registry.example.org/autre:1"}]
    kind = "application/strategic-merge-patch+json"
    body = {"spec": {"containers": containers}}

    refused(world.api.ask("PATCH", path, body, who=JOBS, kind=kind, dry=True), "image")


def test_the_hub_may_not_delete_a_probe(world: World) -> None:
    job = world.probe()
    job["spec"]["suspend"] = True
    made = world.api.create(job, who=world.reconciler, dry=False).json()
    body = world.probe_pod()
    # Owned by a Job that is there, and run by none: nobody but the hub comes to delete it.
    body["metadata"]["ownerReferences"][0] |= {"uid": made["metadata"]["uid"], "controller": False}
    let_in(world.api.create(body, who=JOBS, dry=False))
    path = path_of(body)

    with granted(world, world.hub):
        refused(world.api.ask("DELETE", path, who=world.hub, dry=True), "hub-name")


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("hub-name", put("metadata/name", "home-m-ffffffffff")),
        ("hub-name", put("metadata/labels/vase-clos.lab~sandbox", "sb-ffffffffff")),
        ("hub-volume", put("spec/volumeName", "pv-d-un-autre")),
        ("hub-volume", put("spec/volumeMode", "Block")),
        ("hub-volume", put("spec/accessModes", ["ReadWriteMany"])),
        (
            "hub-volume",
            put("spec/dataSource", {"kind": "PersistentVolumeClaim", "name": "home-m-ffffffffff"}),
        ),
    ],
)
def test_the_hub_may_not_make_another_volume(
    world: World, rule: str, spoil: Callable[[Json], None]
) -> None:
    body = world.home()
    spoil(body)

    refused(world.api.create(body, who=world.hub), rule)


def test_the_hub_may_do_nothing_where_there_is_no_sandbox(world: World) -> None:
    body = world.notebook()
    body["metadata"]["namespace"] = world.lab
    account = {"name": "default", "namespace": world.lab}
    world.api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})

    with granted(world, world.hub):
        refused(world.api.create(body, who=world.hub), "hub-place")


def _post_notebook(world: World) -> None:
    answer = world.api.create(world.notebook(), who=world.hub, dry=False)
    assert answer.status_code in {201, 409}, answer.text


def may_patch(world: World, who: Who, namespace: str) -> bool:
    """Tell whether the API server has heard of a binding: it does a moment after it is written."""
    what = {"namespace": namespace, "verb": "patch", "group": "", "resource": "resourcequotas"}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": what},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    return bool(world.api.ask("POST", path, review, who=who).json()["status"]["allowed"])


@contextlib.contextmanager
def granted(world: World, who: Who) -> Iterator[None]:
    """Give somebody every right that RBAC knows: what is left is what admission says."""
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": who.name}
    role = {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "cluster-admin",
    }
    bindings: list[Json] = []
    for namespace in (world.lab, world.sandbox):
        metadata = {"name": f"tout-{abs(hash(who.name))}", "namespace": namespace}
        body = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": role,
            "subjects": [subject],
        }
        bindings.append(body)
    # As one of the cluster's own controllers: the guard lets nobody else.
    for body in bindings:
        let_in(world.api.apply(body, who=JOBS_WITH_RIGHTS))
    for body in bindings:
        assert eventually(functools.partial(may_patch, world, who, body["metadata"]["namespace"]))
    try:
        yield
    finally:
        for body in bindings:
            let_in(world.api.ask("DELETE", path_of(body), who=JOBS_WITH_RIGHTS))


JOBS_WITH_RIGHTS = Who(JOBS.name, (*JOBS.groups, "system:masters"))
