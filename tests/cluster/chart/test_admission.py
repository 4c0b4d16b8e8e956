"""What the admission policies let in, and the bad pods that they refuse to the hub."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

from tests.cluster.chart import bad_pods
from tests.cluster.chart.world import JOBS

if TYPE_CHECKING:
    import httpx

    from tests.cluster.chart.bad_pods import Bad
    from tests.cluster.chart.world import World

pytestmark = pytest.mark.cluster


def refused(answer: httpx.Response, rule: str) -> None:
    assert answer.status_code in {403, 422}, (answer.status_code, answer.text[:400])
    rules = [f"vase-clos/{each}:" for each in rule.split("|")]
    assert any(each in answer.text for each in rules), (rules, answer.text[:600])


def let_in(answer: httpx.Response) -> None:
    assert answer.is_success, (answer.status_code, answer.text[:800])


def test_the_notebook_that_the_control_plane_compiles_is_let_in(world: World) -> None:
    let_in(world.api.create(world.notebook(), who=world.hub))


def test_the_home_that_the_control_plane_compiles_is_let_in(world: World) -> None:
    let_in(world.api.create(world.home(), who=world.hub))


def test_the_proof_and_its_pod_are_let_in(world: World) -> None:
    let_in(world.api.create(world.probe(), who=world.reconciler))
    let_in(world.api.create(world.probe_pod(), who=JOBS))


def test_all_that_a_sandbox_is_made_of_is_let_in(world: World) -> None:
    for body in world.place().values():
        let_in(world.api.apply(body, who=world.reconciler, dry=True))
    let_in(world.api.create(world.namespace("sb-e5eeeeeeee"), who=world.reconciler))


def test_there_are_enough_bad_pods() -> None:
    assert len(bad_pods.PODS) >= 60
    assert len({bad.name for bad in bad_pods.PODS}) == len(bad_pods.PODS)


@pytest.mark.parametrize("bad", bad_pods.PODS, ids=lambda bad: bad.name)
def test_a_bad_pod_is_refused_to_the_hub(world: World, bad: Bad) -> None:
    body = copy.deepcopy(world.notebook())
    bad.spoil(body)

    refused(world.api.create(body, who=world.hub), bad.rule)
