from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from lab.domain.errors import ProviderError
from lab.domain.sandbox import Seen, Stage
from lab.providers.kubernetes import names
from lab.providers.kubernetes.enforcement_verdict import Decoys
from lab.providers.kubernetes.pulling import PullSecret
from tests.providers.kubernetes_proof.cluster import KEY
from tests.providers.kubernetes_proof.test_containment_provider import BOX, placed, proved, until

if TYPE_CHECKING:
    from tests.providers.kubernetes_proof.cluster import Cluster

NAME = "registre"
THERE, COPY = ("secrets", "vase-clos", NAME), ("secrets", BOX.id, NAME)
TYPE = "kubernetes.io/dockerconfigjson"


def give(cluster: Cluster, content: str = "e30=", kind: str = TYPE) -> None:
    metadata = {"name": NAME, "namespace": "vase-clos"}
    data = {".dockerconfigjson": content, "more": "bm8="}
    cluster.server.put("secrets", {"metadata": metadata, "type": kind, "data": data})


def secrets_asked(cluster: Cluster) -> list[tuple[str, str]]:
    return [(verb, path) for verb, path in cluster.server.log if "/secrets/" in path]


@pytest.fixture
def pulling(cluster: Cluster) -> Cluster:
    cluster.probes = replace(cluster.probes, pull_secret=NAME)
    cluster.containment = cluster.provider(KEY)
    return cluster


async def test_the_secret_is_in_the_sandbox_before_its_first_pod(pulling: Cluster) -> None:
    give(pulling)
    before = len(pulling.server.log)
    await proved(pulling)
    copy = pulling.server.objects[COPY]
    assert (copy["type"], copy["data"]) == (TYPE, {".dockerconfigjson": "e30="})
    assert names.is_ours(copy, "vase-clos", BOX.id)
    written = [path for verb, path in pulling.server.log[before:] if verb in {"PATCH", "POST"}]
    first, then = ("secrets" in path for path in written[-2:])
    assert (first, then) == (True, False)
    assert written[-1].endswith("/jobs")
    (job,) = pulling.pods.jobs
    assert job["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": NAME}]


async def test_where_none_is_named_none_is_read_or_written(cluster: Cluster) -> None:
    give(cluster)
    await proved(cluster)
    assert secrets_asked(cluster) == []
    assert COPY not in cluster.server.objects


async def test_another_secret_makes_a_new_proof_due_which_brings_it(
    pulling: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(pulling)
    await proved(pulling)
    before = secrets_asked(pulling)
    for _ in range(3):
        assert (await pulling.containment.observe(BOX)).seen is Seen.READY
    assert secrets_asked(pulling) == before, "it is believed for a while"
    give(pulling, "bmV3")
    monkeypatch.setattr(pulling.containment._canary._pulling, "_kept_seconds", 0)
    monkeypatch.setattr(pulling.containment._canary._pulling, "_until", 0)
    assert (await pulling.containment.observe(BOX)).seen is Seen.DUE
    await pulling.containment.ensure(BOX)
    await until(pulling, Seen.READY)
    assert pulling.server.objects[COPY]["data"] == {".dockerconfigjson": "bmV3"}


@pytest.mark.parametrize("kind", ["", "Opaque"])
async def test_a_secret_that_is_not_there_is_named(pulling: Cluster, kind: str) -> None:
    if kind:
        give(pulling, kind=kind)
    await placed(pulling)
    await pulling.containment.ensure(BOX)
    found = await until(pulling, Seen.ABSENT, Seen.READY)
    assert found.seen is Seen.ABSENT
    assert f"secrets/{NAME}: sandbox.pullSecret names it" in found.detail
    assert COPY not in pulling.server.objects
    assert pulling.pods.jobs == []
    with pytest.raises(ProviderError, match="the namespace vase-clos has none"):
        await pulling.containment.ensure(BOX)
    give(pulling)
    await pulling.containment.ensure(BOX)
    assert (await until(pulling, Seen.READY, Seen.ABSENT)).seen is Seen.READY


async def test_a_secret_that_goes_shuts_no_door_that_is_proved(pulling: Cluster) -> None:
    give(pulling)
    await proved(pulling)
    pulling.server.delete(THERE)
    pulling.containment._canary._pulling._until = 0
    assert (await pulling.containment.observe(BOX)).seen is Seen.DUE


async def test_decoys_have_it_too(pulling: Cluster) -> None:
    give(pulling)
    made: list[str] = []

    async def see(request: web.Request) -> web.StreamResponse | None:
        if request.method == "PATCH" and "/secrets/" in request.path:
            made.append(request.path.split("/")[4])
        return None

    pulling.server.faults.append(see)
    gate = pulling.gate()
    await gate.try_now()
    await gate.aclose()
    assert sorted(made) == sorted(Decoys.of("vase-clos").both())


async def test_what_may_not_be_read_is_told_by_the_stage(pulling: Cluster) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse | None:
        said: dict[str, Any] = {"kind": "Status", "message": "secrets is forbidden"}
        is_it = request.path.endswith(f"/secrets/{NAME}")
        return web.json_response(said, status=403) if is_it else None

    pulling.server.faults.append(refuse)
    secret = PullSecret(pulling.session.client, pulling.session.lab, NAME)
    with pytest.raises(ProviderError, match="secrets is forbidden"):
        await secret.mark(Stage.CONTAINMENT)
    with pytest.raises(ProviderError, match="secrets is forbidden"):
        await secret.put(BOX.id, Stage.CONTAINMENT)
