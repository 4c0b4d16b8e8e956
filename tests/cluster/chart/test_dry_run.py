"""The API server's own word on all that the chart renders, for three value sets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.helm.rendering import SETS, documents, values

if TYPE_CHECKING:
    from tests.cluster.chart.world import World

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("name", SETS)
def test_everything_is_taken(world: World, name: str) -> None:
    # What another lab on this cluster has is not to be made anew, nor its port of the nodes taken.
    shared = {"create": world.has_made_shared}
    front = {"service": {"nodePort": None}}
    given = values(name, sharedObjects=shared, front=front)
    rendered = documents(given, namespace=world.lab)
    said = {}
    for body in rendered:
        answer = world.api.apply(body, dry=True)
        if not answer.is_success:
            said[f"{body['kind']}/{body['metadata']['name']}"] = answer.text[:400]

    assert not said
    assert len(rendered) > 45


@pytest.mark.parametrize("policy", ["pods", "guard", "hub", "namespaces", "reconciler"])
def test_the_expressions_of_every_policy_are_of_the_right_types(world: World, policy: str) -> None:
    path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
    deadline = time.monotonic() + 30
    status: dict[str, object] = {}
    while "observedGeneration" not in status:
        if time.monotonic() > deadline:
            pytest.skip("nothing checks types here: an API server without its controllers")
        status = world.api.must("GET", f"{path}/{world.lab}-{policy}").get("status", {})
        time.sleep(0.2)

    assert status.get("typeChecking", {}) == {}


def test_a_route_is_left_out_where_its_kind_is_unknown(world: World) -> None:
    if world.api.ask("GET", "/apis/gateway.networking.k8s.io/v1").is_success:
        pytest.skip("this cluster knows HTTPRoute")
    kinds = {body["kind"] for body in documents(values("gateway"), namespace=world.lab)}

    assert "HTTPRoute" not in kinds
