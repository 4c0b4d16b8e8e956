"""The provider contract, over a real API server: the same suite as memory and local."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from lab.domain.egress import Door
from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.ids import MemberId
from lab.domain.sandbox import Seen, Stage
from lab.grants import STORAGE, FileGrants
from lab.providers import kubernetes
from lab.providers.kubernetes import doors, names, pods, quota
from lab.providers.kubernetes.access import GRANT
from lab.providers.kubernetes.failures import RefusedError
from lab.providers.kubernetes.resources import (
    JOB,
    LIMIT_RANGE,
    NAMESPACE,
    NETWORK_POLICY,
    POD,
    RESOURCE_QUOTA,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    VOLUME_CLAIM,
)
from tests.cluster.provider_objects import (
    ADDRESSES,
    IMAGE,
    MEMBER,
    edit,
    forbidden,
    notebook,
    post,
    put,
)
from tests.conftest import NOON, make_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.domain.sandbox import Observation, Sandbox
    from lab.ports import Provider
    from lab.providers.kubernetes.apply import ForeignEdit
    from lab.providers.kubernetes.session import Session
    from tests.cluster.driver.cluster import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.real]
ALL = frozenset(Door)


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    if found := os.environ.get("LAB_TEST_KUBECONFIG"):
        return Path(found)
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.plan.kubeconfig


@pytest.fixture
async def lab(kubeconfig: Path) -> AsyncIterator[str]:
    """The namespace of a lab of this test's own, with a hub's Service in it."""
    session = kubernetes.open_session({"kubeconfig": kubeconfig})
    name = f"test-a1-{uuid4().hex[:8]}"
    spec = {"ports": [{"port": 8081}], "selector": {"app": "hub"}}
    hub = {"metadata": {"name": "hub", "namespace": name}, "spec": spec}
    await session.client.create(NAMESPACE, {**NAMESPACE.header(), "metadata": {"name": name}})
    await session.client.create(SERVICE, {**SERVICE.header(), **hub})
    yield name
    mine, _ = await session.client.list(NAMESPACE, selector=f"{names.LAB}={name}")
    for found in [*mine, {"metadata": {"name": name}}]:
        await session.client.delete(NAMESPACE, found["metadata"]["name"])
    await session.aclose()


@pytest.fixture
def told() -> list[ForeignEdit]:
    return []


@pytest.fixture
async def session(kubeconfig: Path, lab: str, told: list[ForeignEdit]) -> AsyncIterator[Session]:
    async def tell(edit: ForeignEdit) -> None:
        told.append(edit)

    made = kubernetes.open_session({
        "kubeconfig": kubeconfig,
        "namespace": lab,
        "on_foreign_edit": tell,
    })
    yield made
    await made.aclose()


@pytest.fixture
def place(session: Session) -> Provider:
    return kubernetes.build(Stage.ISOLATION, {"session": session})


@pytest.fixture
def box() -> Sandbox:
    return make_sandbox(f"sb-a1{uuid4().hex[:8]}")


async def until(provider: Provider, sandbox: Sandbox, *seen: Seen) -> Observation:
    async with asyncio.timeout(90):
        while (found := await provider.observe(sandbox)).seen not in seen:
            await asyncio.sleep(0.05)
    return found


async def test_ensure_revoke_and_remove_are_idempotent(
    kubeconfig: Path, place: Provider, box: Sandbox, lab: str
) -> None:
    assert (await place.observe(box)).seen is Seen.ABSENT
    await place.revoke(box.id)
    await place.remove(box.id)
    assert await place.owned() == frozenset()
    for _ in range(2):
        await place.ensure(box)
    await until(place, box, Seen.READY)
    # A provider made anew, as after a crash, sees the same.
    again = kubernetes.open_session({"kubeconfig": kubeconfig, "namespace": lab})
    anew = kubernetes.build(Stage.ISOLATION, {"session": again})
    assert (await anew.observe(box)).seen is Seen.READY
    assert await anew.owned() == {box.id}
    for _ in range(2):
        await anew.revoke(box.id)
    assert (await anew.observe(box)).seen is Seen.REVOKED
    await anew.ensure(box)
    await until(anew, box, Seen.READY)
    for _ in range(2):
        await anew.remove(box.id)
    gone = box.with_deletion(NOON, "asked")
    last = await until(anew, gone, Seen.ABSENT)
    assert last.facts
    assert not any(fact.is_present for fact in last.facts)
    assert await anew.owned() == frozenset()
    await again.aclose()


async def test_keys_are_written_once_and_go_with_the_stage(
    session: Session, place: Provider, box: Sandbox, tmp_path: Path
) -> None:
    keys = kubernetes.build(Stage.WORKSPACE, {"session": session, "grants_dir": tmp_path})
    grants = FileGrants(tmp_path)
    assert (await keys.observe(box)).seen is Seen.ABSENT
    await keys.revoke(box.id)
    await keys.remove(box.id)
    with pytest.raises(ProviderError):
        await keys.ensure(box)
    values = {
        "door_access_key": "DOOR0123",
        "door_secret_key": "not-a-real-one",
        "secret_key": "x",
    }
    await grants.write(box.id, STORAGE, values)
    with pytest.raises(ProviderError, match="no place"):
        await keys.ensure(box)
    await place.ensure(box)
    before = session.client.counts.copy()
    for _ in range(3):
        await keys.ensure(box)
    assert session.client.counts - before == Counter({"PATCH": 1})
    assert (await keys.observe(box)).seen is Seen.READY
    assert await keys.owned() == {box.id}
    found = await session.client.get(SECRET, names.ACCESS, box.id)
    assert found is not None
    assert set(found["data"]) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert "not-a-real-one" not in json.dumps(await grants.read(box.id, GRANT))

    await grants.write(box.id, STORAGE, values | {"door_secret_key": "another"})
    assert (await keys.observe(box)).seen is Seen.REVOKED
    await keys.ensure(box)
    assert (await keys.observe(box)).seen is Seen.READY
    for _ in range(2):
        await keys.remove(box.id)
    last = await keys.observe(box)
    assert last.seen is Seen.ABSENT
    assert [fact.is_present for fact in last.facts] == [False]
    assert await session.client.get(SECRET, names.ACCESS, box.id) is None
    assert await keys.owned() == frozenset()


async def test_keys_that_went_with_their_namespace_are_written_again(
    session: Session, place: Provider, box: Sandbox, tmp_path: Path
) -> None:
    keys = kubernetes.build(Stage.WORKSPACE, {"session": session, "grants_dir": tmp_path})
    values = {"door_access_key": "DOOR0123", "door_secret_key": "not-a-real-one"}
    await FileGrants(tmp_path).write(box.id, STORAGE, values)
    await place.ensure(box)
    await keys.ensure(box)
    await place.remove(box.id)
    await until(place, box, Seen.ABSENT)
    assert (await keys.observe(box)).seen is Seen.REVOKED
    await place.ensure(box)
    assert (await keys.observe(box)).seen is Seen.REVOKED
    await keys.ensure(box)
    assert (await keys.observe(box)).seen is Seen.READY
    assert await session.client.get(SECRET, names.ACCESS, box.id) is not None


async def test_doors_are_made_seen_and_shut_each_as_often_as_one_likes(
    session: Session, place: Provider, box: Sandbox
) -> None:
    other = make_sandbox(f"sb-a1{uuid4().hex[:8]}")
    for each in (box, other):
        await place.ensure(each)
    mine = await doors.ensure_doors(session, box, ALL)
    assert mine == await doors.ensure_doors(session, box, ALL)
    theirs = await doors.ensure_doors(session, other, ALL - {Door.TRACKING})
    assert mine.address != theirs.address
    assert not set(mine.ports.values()) & set(theirs.ports.values())
    assert mine.hub_address == theirs.hub_address
    assert mine.grant(box)["doors"] == ["storage", "tracking"]
    assert doors.see_doors(session, box, ALL).wrong == ()
    assert doors.see_doors(session, box, ALL - {Door.TRACKING}).wrong == ("policy portes",)
    assert doors.with_doors(session) == {box.id, other.id}
    for _ in range(2):
        await doors.shut_doors(session, box.id)
    shut = doors.see_doors(session, box, ALL)
    assert set(shut.wrong) == {"policy portes", "service of the doors"}
    assert not any(fact.is_present for fact in shut.facts)
    assert doors.with_doors(session) == {other.id}


async def test_a_whole_sandbox_costs_at_most_nine_writes_and_a_second_pass_none(
    session: Session, place: Provider, box: Sandbox, lab: str, tmp_path: Path
) -> None:
    values = {"door_access_key": "DOOR0123", "door_secret_key": "not-a-real-one"}
    await FileGrants(tmp_path).write(box.id, STORAGE, values)
    keys = kubernetes.build(Stage.WORKSPACE, {"session": session, "grants_dir": tmp_path})
    await place.observe(box)
    await session.hub_address()
    before = session.client.counts.copy()

    async def whole() -> None:
        await place.ensure(box)
        await doors.ensure_doors(session, box, ALL)
        await keys.ensure(box)

    await whole()
    job = pods.probe_job(
        lab=lab, sandbox_id=box.id, name="preuve-1", image=IMAGE, addresses=ADDRESSES, env={}
    )
    await session.client.create(JOB, job)
    spent = session.client.counts - before
    assert spent["PATCH"] + spent["POST"] == 9
    assert not spent["DELETE"]
    await until(place, box, Seen.READY)
    before = session.client.counts.copy()
    for _ in range(3):
        await whole()
        assert (await place.observe(box)).seen is Seen.READY
    assert session.client.counts - before == Counter()


async def test_the_policy_that_closes_is_older_than_the_right_to_make_pods(
    session: Session, place: Provider, box: Sandbox
) -> None:
    await place.ensure(box)
    closed = await session.client.get(NETWORK_POLICY, names.CLOSED, box.id)
    rights = await session.client.get(ROLE_BINDING, names.HUB_RIGHTS, box.id)
    assert closed is not None
    assert rights is not None
    versions = [int(found["metadata"]["resourceVersion"]) for found in (closed, rights)]
    assert versions == sorted(versions)
    assert closed["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


async def test_a_name_that_another_has_is_an_error_and_is_left_alone(
    session: Session, place: Provider, box: Sandbox
) -> None:
    client = session.client
    metadata = {"name": box.id, "labels": {"team": "other"}}
    made = await client.create(NAMESPACE, {**NAMESPACE.header(), "metadata": metadata})
    try:
        with pytest.raises(TerminalProviderError, match="does not carry the label"):
            await place.ensure(box)
        await place.revoke(box.id)
        await place.remove(box.id)
        assert (await place.observe(box)).seen is Seen.ABSENT
        found = await client.get(NAMESPACE, box.id)
        assert found is not None
        assert found["metadata"]["labels"] == made["metadata"]["labels"]
        assert "deletionTimestamp" not in found["metadata"]
    finally:
        await client.delete(NAMESPACE, box.id)


async def test_what_another_hand_changed_is_put_back_and_told(
    session: Session, place: Provider, box: Sandbox, told: list[ForeignEdit]
) -> None:
    client = session.client
    await place.ensure(box)
    await until(place, box, Seen.READY)
    await edit(client, NETWORK_POLICY, names.CLOSED, box, ["spec"], {"egress": [{}]})
    await edit(client, RESOURCE_QUOTA, names.QUOTA, box, ["spec", "hard"], {"pods": "99"})
    await edit(client, RESOURCE_QUOTA, names.QUOTA, box, ["spec", "hard"], {"configmaps": "0"})
    await edit(client, LIMIT_RANGE, names.LIMITS, box, ["metadata"], {"labels": {"a": "b"}})
    await client.delete(ROLE_BINDING, names.HUB_RIGHTS, namespace=box.id)
    label = {f"{names.POD_SECURITY_PREFIX}enforce": "privileged", "team": "kept"}
    await edit(client, NAMESPACE, box.id, None, ["metadata", "labels"], label)
    await until(place, box, Seen.REVOKED)
    async with asyncio.timeout(20):
        while len({edit.kind for edit in told}) < 5:
            await place.ensure(box)
            await asyncio.sleep(0.05)
    await until(place, box, Seen.READY)
    fields = {edit.kind: set(edit.fields) for edit in told}
    assert fields["NetworkPolicy"] == {"spec.egress"}
    assert fields["ResourceQuota"] == {"spec.hard.pods", "spec.hard.configmaps"}
    assert f"labels.{names.LAB}" in fields["LimitRange"]
    assert fields["RoleBinding"] == set()
    assert fields["Namespace"] == {"labels.pod-security.kubernetes.io/enforce"}
    found = await client.get(NAMESPACE, box.id)
    assert found is not None
    assert found["metadata"]["labels"]["team"] == "kept"
    policy = await client.get(NETWORK_POLICY, names.CLOSED, box.id)
    assert policy is not None
    assert "egress" not in policy["spec"]
    before = session.client.counts.copy()
    await place.ensure(box)
    assert session.client.counts == before


async def test_a_role_binding_to_another_role_is_made_anew(
    session: Session, place: Provider, box: Sandbox
) -> None:
    await place.ensure(box)
    client = session.client
    rights = await client.get(ROLE_BINDING, names.HUB_RIGHTS, box.id)
    assert rights is not None
    await client.delete(ROLE_BINDING, names.HUB_RIGHTS, namespace=box.id)
    metadata = {key: rights["metadata"][key] for key in ("name", "namespace", "labels")}
    metadata["annotations"] = rights["metadata"]["annotations"]
    other = deepcopy(rights) | {"metadata": metadata}
    other["roleRef"]["name"] = "view"
    await client.create(ROLE_BINDING, other)
    await until(place, box, Seen.REVOKED)
    await place.ensure(box)
    await until(place, box, Seen.READY)
    made = await client.get(ROLE_BINDING, names.HUB_RIGHTS, box.id)
    assert made is not None
    assert made["roleRef"]["name"] == names.HUB_ROLE


async def test_a_namespace_that_does_not_end_says_what_it_waits_for(
    session: Session, place: Provider, box: Sandbox, lab: str
) -> None:
    client = session.client
    await place.ensure(box)
    claim = pods.home_claim(
        lab=lab,
        sandbox_id=box.id,
        member_id=MEMBER,
        storage_bytes=2**20,
        storage_class="",
    )
    claim["metadata"]["finalizers"] = ["vase-clos.lab/test-holds"]
    await client.create(VOLUME_CLAIM, claim)
    await place.remove(box.id)
    async with asyncio.timeout(60):
        while "test-holds" not in (seen := await place.observe(box)).detail:
            assert seen.seen is Seen.CONVERGING
            await asyncio.sleep(0.1)
    assert "persistentvolumeclaims=1" in seen.detail
    # The same name is wanted again before it is free: nothing is made, nothing is lost.
    with pytest.raises(ProviderError, match="still being deleted"):
        await place.ensure(box)
    held = await client.get(VOLUME_CLAIM, claim["metadata"]["name"], box.id)
    assert held is not None
    held["metadata"]["finalizers"] = []
    await put(client, VOLUME_CLAIM, held)
    await until(place, box, Seen.ABSENT)
    await place.ensure(box)
    await until(place, box, Seen.READY)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("privileged", "violates PodSecurity|disallowed by cluster policy"),
        ("host network", "violates PodSecurity"),
        ("root", "violates PodSecurity"),
        ("too much memory", "maximum memory usage"),
        ("a device", "exceeded quota"),
        ("a service", "exceeded quota"),
        ("a node port", "exceeded quota"),
        ("a load balancer", "exceeded quota"),
        ("a large volume", "maximum storage usage"),
    ],
)
async def test_the_place_refuses(
    session: Session, place: Provider, box: Sandbox, lab: str, what: str, why: str
) -> None:
    await place.ensure(box)
    await until(place, box, Seen.READY)
    with pytest.raises(Exception, match=why):
        await post(session.client, *forbidden(what, lab, box))


async def test_all_members_notebooks_a_probe_and_their_homes_fit_at_once(
    session: Session, place: Provider, box: Sandbox, lab: str
) -> None:
    members = tuple(MemberId(f"m-000000000{n}") for n in range(3))
    box = replace(box, spec=replace(box.spec, members=members))
    await place.ensure(box)
    await until(place, box, Seen.READY)
    one = quota.share(box.spec)
    for member in members:
        claim = pods.home_claim(
            lab=lab,
            sandbox_id=box.id,
            member_id=member,
            storage_bytes=one.storage_bytes,
            storage_class="",
        )
        await session.client.create(VOLUME_CLAIM, claim)
        await post(session.client, POD, notebook(lab, box, member))
    probe = pods.probe_job(
        lab=lab, sandbox_id=box.id, name="preuve-1", image=IMAGE, addresses=ADDRESSES, env={}
    )
    template = probe["spec"]["template"]
    pod = {**POD.header(), **template}
    pod["metadata"] = {**template["metadata"], "name": "preuve-1", "namespace": box.id}
    await post(session.client, POD, pod)
    with pytest.raises(Exception, match="exceeded quota"):
        await post(session.client, POD, notebook(lab, box, MemberId("m-00000000ff")))


async def test_admission_says_no_and_it_is_an_operators_matter(
    session: Session, box: Sandbox
) -> None:
    await session.ready()
    wrong = {**NAMESPACE.header(), "metadata": {"name": box.id, "labels": {"a b": "c"}}}
    with pytest.raises(RefusedError, match="Invalid value"):
        await session.client.apply(NAMESPACE, wrong)
