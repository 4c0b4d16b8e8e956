"""RBAC, asked of the API server: every verb on every resource an identity must not have."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.cluster.chart.asking import Who

if TYPE_CHECKING:
    from tests.cluster.chart.asking import Api
    from tests.cluster.chart.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
MORE_VERBS = {
    "clusterroles": ("bind", "escalate"),
    "roles": ("bind", "escalate"),
    "users": ("impersonate",),
    "groups": ("impersonate",),
    "serviceaccounts": ("impersonate",),
    "certificatesigningrequests": ("approve", "sign"),
}
QUESTIONS = frozenset({
    ("authorization.k8s.io", "selfsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"),
    ("authentication.k8s.io", "selfsubjectreviews"),
})
WALLS = ("get", "list", "watch", "create", "patch", "delete")

RECONCILER_EVERYWHERE: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "namespaces"): WALLS,
    ("", "resourcequotas"): WALLS,
    ("", "limitranges"): WALLS,
    ("networking.k8s.io", "networkpolicies"): WALLS,
    ("rbac.authorization.k8s.io", "rolebindings"): WALLS,
    ("batch", "jobs"): WALLS,
    ("", "secrets"): ("create", "patch", "delete"),
    ("", "nodes"): ("get", "list", "watch"),
}
NOBODIES = ("api", "gateway", "witness", "front", "tracking", "seeding", "storage", "database")
LEASES = ("coordination.k8s.io", "leases")
RECONCILER_AT_HOME: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "services"): WALLS,
    ("discovery.k8s.io", "endpointslices"): ("get", "list", "watch"),
    LEASES: ("create",),
}
HUB_IN_SANDBOX: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "pods"): ("get", "create", "delete"),
    ("", "persistentvolumeclaims"): ("get", "create"),
    ("", "events"): ("list",),
}


def resources(api: Api) -> set[tuple[str, str]]:
    """Return every resource and subresource that is served, and what only RBAC knows."""
    found = {("", "users"), ("", "groups")}
    core = api.must("GET", "/api/v1")["resources"]
    found |= {("", each["name"]) for each in core}
    for group in api.must("GET", "/apis")["groups"]:
        version = group["preferredVersion"]["groupVersion"]
        listed = api.must("GET", f"/apis/{version}")["resources"]
        found |= {(group["name"], each["name"]) for each in listed}
    return found - QUESTIONS


def too_much(
    api: Api, who: Who, namespace: str, allowed: dict[tuple[str, str], tuple[str, ...]]
) -> tuple[list[str], Counter[bool]]:
    """Ask everything; return what is allowed and should not be, and how much was asked."""
    wrong: list[str] = []
    asked: Counter[bool] = Counter()
    for group, name in sorted(resources(api)):
        resource, _, sub = name.partition("/")
        for verb in (*VERBS, *MORE_VERBS.get(name, ())):
            expected = verb in allowed.get((group, name), ())
            attributes = {
                "namespace": namespace,
                "verb": verb,
                "group": group,
                "resource": resource,
                "subresource": sub,
            }
            may = api.may(who, attributes)
            asked[may] += 1
            if may != expected:
                wrong.append(f"{'may' if may else 'may not'} {verb} {group}/{name}")
    return wrong, asked


def rules(api: Api, who: Who, namespace: str) -> set[str]:
    """Return what an identity may do in a namespace, questions about itself apart."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    status = api.must("POST", path, review, who=who)["status"]
    assert not status["incomplete"]
    return {
        f"{verb} {group}/{resource}"
        for rule in status["resourceRules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        if (group, resource) not in QUESTIONS
    }


def written(allowed: dict[tuple[str, str], tuple[str, ...]]) -> set[str]:
    return {f"{verb} {group}/{name}" for (group, name), verbs in allowed.items() for verb in verbs}


@pytest.mark.parametrize("account", NOBODIES)
@pytest.mark.parametrize("where", ["lab", "sandbox", "default", "kube-system"])
def test_the_other_accounts_may_do_nothing(world: World, account: str, where: str) -> None:
    who = Who.account(world.lab, account)

    assert not rules(world.api, who, _place(world, where))


@pytest.mark.parametrize("where", ["lab", "default", "kube-system"])
def test_the_hub_has_no_rule_elsewhere(world: World, where: str) -> None:
    assert not rules(world.api, world.hub, _place(world, where))


@pytest.mark.parametrize("where", ["lab", "sandbox", "default", "kube-system"])
def test_the_reconcilers_rules_are_those_written_down(world: World, where: str) -> None:
    more = RECONCILER_AT_HOME | {LEASES: ("create", "get", "update", "patch")}
    allowed = RECONCILER_EVERYWHERE | (more if where == "lab" else {})
    found = rules(world.api, world.reconciler, _place(world, where))

    assert found == written(allowed) | {"bind rbac.authorization.k8s.io/clusterroles"}


def test_every_verb_on_every_resource_is_refused_to_the_api(world: World) -> None:
    wrong, asked = too_much(world.api, Who.account(world.lab, "api"), world.lab, {})

    assert not wrong
    assert asked[False] > 400


def test_every_verb_but_those_of_its_three_things_is_refused_to_the_hub(world: World) -> None:
    wrong, asked = too_much(world.api, world.hub, world.sandbox, HUB_IN_SANDBOX)

    assert not wrong
    assert asked[True] == sum(map(len, HUB_IN_SANDBOX.values()))


def test_every_verb_but_those_of_places_is_refused_to_the_reconciler(world: World) -> None:
    wrong, asked = too_much(world.api, world.reconciler, world.sandbox, RECONCILER_EVERYWHERE)

    assert not wrong
    assert asked[False] > 400


def test_the_reconciler_binds_one_role_and_holds_one_lease(world: World) -> None:
    def may(verb: str, group: str, resource: str, name: str) -> bool:
        attributes = {
            "namespace": world.lab,
            "verb": verb,
            "group": group,
            "resource": resource,
            "name": name,
        }
        return world.api.may(world.reconciler, attributes)

    roles = "rbac.authorization.k8s.io"
    assert may("bind", roles, "clusterroles", "vase-clos-hub-in-sandbox")
    assert not may("bind", roles, "clusterroles", "cluster-admin")
    assert may("update", "coordination.k8s.io", "leases", "reconciler")
    assert not may("update", "coordination.k8s.io", "leases", "autre")


def _place(world: World, where: str) -> str:
    return {"lab": world.lab, "sandbox": world.sandbox}.get(where, where)
