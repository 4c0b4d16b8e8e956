from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lab.domain import walls
from lab.domain.egress import DOOR_PORTS, Door
from lab.domain.ids import MemberId
from lab.domain.quantity import GIB, MIB, Resources, parse_bytes, parse_cpu
from lab.providers.kubernetes import comparing, mould, names, objects, pods, quota
from lab.providers.kubernetes.waiting import going
from lab.providers.kubernetes.wanted import WantedObjects
from tests.providers.kubernetes.golden_files import (
    ADDRESSES,
    LAB,
    PODS,
    SLOT,
    WALLS,
    all_files,
    sandbox,
)

if TYPE_CHECKING:
    from pathlib import Path

FILES = all_files()
BOX = sandbox()
doors_of = st.frozensets(st.sampled_from(list(Door)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_compiled_is_what_was_reviewed(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == FILES[path], (
        "if it is meant: python -m tests.providers.kubernetes.golden_files"
    )


def test_no_reviewed_file_is_left_over() -> None:
    assert {*WALLS.glob("*"), *PODS.glob("*")} == FILES.keys()


@pytest.mark.parametrize("version", ["1.34", "1.37"])
@pytest.mark.parametrize(
    "path", [p for p in FILES if "machine" not in p.name], ids=lambda p: p.name
)
def test_every_object_has_the_schema_of_its_kind(path: Path, version: str) -> None:
    for found in yaml.safe_load_all(FILES[path]):
        kubernetes_validate.validate(found, version, strict=True)


@pytest.mark.parametrize(
    "path", [p for p in FILES if "machine" not in p.name], ids=lambda p: p.name
)
def test_every_object_carries_the_label_of_its_lab_and_sandbox(path: Path) -> None:
    for found in yaml.safe_load_all(FILES[path]):
        assert names.is_ours(found, "vase-clos", BOX.id)
        assert not names.is_ours(found, "another", BOX.id)


@given(doors_of)
def test_only_the_doors_of_the_profile_are_open(doors: frozenset[Door]) -> None:
    opened = {way.name for way in walls.ways(doors) if way.direction is walls.Direction.OUT}
    assert opened == {door.value for door in doors} | {walls.REPORT}
    assert {name for _, name in walls.sockets(doors)} == {door.value for door in doors}
    assert all(port == DOOR_PORTS[Door(name)] for port, name in walls.sockets(doors))


@given(doors_of, st.integers(0, names.SLOTS - 1), st.integers(0, names.SLOTS - 1))
def test_no_policy_opens_anything_but_the_labs_own_pods_by_port(
    doors: frozenset[Door], slot: int, other: int
) -> None:
    spec = objects.door_policy(LAB, BOX.id, slot, doors)["spec"]
    rules = [(rule["to"], rule["ports"]) for rule in spec["egress"]]
    rules += [(rule["from"], rule["ports"]) for rule in spec["ingress"]]
    for peers, ports in rules:
        assert ports
        for peer in peers:
            assert peer.keys() == {"namespaceSelector", "podSelector"}
            assert peer["namespaceSelector"]["matchLabels"] == {
                "kubernetes.io/metadata.name": "vase-clos"
            }
            assert peer["podSelector"]["matchLabels"]
    out = {port["port"] for _, ports in rules[: len(spec["egress"])] for port in ports}
    at_gateway = names.gateway_ports(slot)
    allowed = {at_gateway[d.value] for d in doors if d is not Door.HUB} | {at_gateway["report"]}
    assert out == allowed | ({8081} if Door.HUB in doors else set())
    if other != slot:
        assert not set(at_gateway.values()) & set(names.gateway_ports(other).values())


def test_no_slot_has_a_port_that_a_kernel_gives_to_what_goes_out() -> None:
    assert max(names.gateway_ports(names.SLOTS - 1).values()) < 32768


def test_every_service_leads_to_the_wall_and_no_slot_or_policy_does() -> None:
    wall = walls.WALL_PORT_AT_GATEWAY
    last = max(names.gateway_ports(names.SLOTS - 1).values())
    assert last < wall < 32768
    assert walls.WALL_PORT not in {*DOOR_PORTS.values(), walls.REPORT_PORT, walls.NOTEBOOK_PORT}
    for slot in (0, SLOT, names.SLOTS - 1):
        ports = objects.door_service(LAB, BOX.id, slot)["spec"]["ports"]
        (mine,) = (port for port in ports if port["name"] == "mur")
        assert (mine["port"], mine["targetPort"]) == (walls.WALL_PORT, wall)
        policy = objects.door_policy(LAB, BOX.id, slot, list(Door))
        opened = {p["port"] for rule in policy["spec"]["egress"] for p in rule["ports"]}
        assert not opened & {wall, walls.WALL_PORT}


def test_what_was_proved_before_services_led_to_the_wall_still_is() -> None:
    *_, service = WantedObjects(LAB).walls(BOX.id, SLOT, frozenset(Door))
    before = objects.door_service(LAB, BOX.id, SLOT, with_wall=False)
    assert [port["name"] for port in before["spec"]["ports"]] == ["storage", "tracking", "report"]
    assert service.proved == comparing.stamp_of(before) != service.stamp


def test_every_notebook_waits_for_its_walls_before_anything_else() -> None:
    for datasets, names_of in (((), ["murs"]), ([{"id": "a", "version": 1}], ["murs", "donnees"])):
        pod = pods.notebook_pod(
            lab="vase-clos",
            sandbox_id=BOX.id,
            member_id=BOX.spec.members[0],
            image="i",
            resources=quota.share(BOX.spec),
            addresses=ADDRESSES,
            env={"LANG": "C.UTF-8"},
            datasets=datasets,
        )
        firsts = pod["spec"]["initContainers"]
        assert [each["name"] for each in firsts] == names_of
        assert firsts[0]["command"] == ["/opt/lab/lab-wait-for-walls"]
        # Nothing that is a person's is near it: no home, no keys, no environment.
        assert firsts[0]["volumeMounts"] == []
        assert {e["name"]: e["value"] for e in firsts[0]["env"]} == {
            "LAB_GATEWAY": ADDRESSES.gateway,
            "LAB_OPEN_PORT": str(walls.REPORT_PORT),
            "LAB_SHUT_PORT": str(walls.WALL_PORT),
        }


def test_notebook_and_probe_come_out_of_one_mould() -> None:
    notebook = yaml.safe_load(FILES[PODS / "notebook.yaml"])["spec"]
    probe = yaml.safe_load(FILES[PODS / "probe.yaml"])["spec"]["template"]["spec"]
    same = (
        "serviceAccountName automountServiceAccountToken enableServiceLinks hostNetwork hostPID "
        "hostIPC shareProcessNamespace dnsPolicy dnsConfig securityContext"
    )
    for field in same.split():
        assert notebook[field] == probe[field], field
    contexts = [c["securityContext"] for c in notebook["containers"] + notebook["initContainers"]]
    contexts += [c["securityContext"] for c in probe["containers"]]
    assert all(context == contexts[0] for context in contexts)
    assert contexts[0]["capabilities"] == {"drop": ["ALL"]}
    assert contexts[0]["readOnlyRootFilesystem"]
    assert notebook["automountServiceAccountToken"] is False
    assert notebook["enableServiceLinks"] is False


def test_a_pod_writes_to_its_home_and_to_what_has_a_size_and_reads_the_rest() -> None:
    notebook = yaml.safe_load(FILES[PODS / "notebook.yaml"])["spec"]
    volumes = {volume["name"]: volume for volume in notebook["volumes"]}
    writable = {
        mount["name"]
        for mount in notebook["containers"][0]["volumeMounts"]
        if not mount["readOnly"]
    }
    assert writable == {"tmp", "memoire", "maison"}
    for volume in volumes.values():
        assert "emptyDir" not in volume or "sizeLimit" in volume["emptyDir"]
    assert volumes["acces"]["projected"]["sources"] == [{"secret": {"name": "acces"}}]


def test_a_pod_knows_the_names_of_its_doors_and_no_other() -> None:
    assert ADDRESSES.aliases() == [
        {"ip": "10.96.0.77", "hostnames": ["donnees.lab", "suivi.lab"]},
        {"ip": "10.96.0.8", "hostnames": ["hub.lab"]},
    ]
    data_only = replace(ADDRESSES, doors=("hub", "storage"))
    assert data_only.aliases(with_report=True)[0]["hostnames"] == ["donnees.lab", "temoin.lab"]
    grant = {"doors": ["storage"], "address": "10.1.1.1", "hub_address": "10.1.1.2"}
    assert mould.Addresses.from_grant(grant).doors == ("storage",)
    with pytest.raises(KeyError):
        mould.Addresses.from_grant({"doors": ["storage"]})


@given(
    st.builds(
        Resources,
        st.integers(100, 64_000),
        st.integers(256 * MIB, 512 * GIB),
        st.integers(GIB, 900 * GIB),
        st.integers(0, 4),
    ),
    st.integers(1, 12),
)
def test_all_notebooks_and_a_probe_fit_in_the_quota_and_no_more_is_granted(
    granted: Resources, people: int
) -> None:
    members = tuple(MemberId(f"m-{n:010x}") for n in range(people))
    spec = replace(BOX.spec, resources=granted, members=members)
    one, hard = quota.share(spec), quota.hard(spec)
    assert one.cpu_millicores * people <= granted.cpu_millicores
    assert one.memory_bytes * people <= granted.memory_bytes
    assert one.storage_bytes * people <= parse_bytes(hard["requests.storage"])
    assert parse_cpu(hard["limits.cpu"]) == granted.cpu_millicores + quota.PROBE.cpu_millicores
    asked = people * one.memory_bytes + quota.PROBE.memory_bytes
    assert asked <= parse_bytes(hard["requests.memory"])
    assert int(hard["pods"]) > people
    assert int(hard["persistentvolumeclaims"]) == people
    for kind in ("services", "services.loadbalancers", "services.nodeports"):
        assert hard[kind] == "0"
    assert hard["requests.nvidia.com/gpu"] == str(granted.gpu_count)
    most = quota.limits(spec)[0]["max"]
    assert isinstance(most, dict)
    assert one.memory_bytes <= parse_bytes(most["memory"])


def _compiled() -> list[dict[str, Any]]:
    return [
        objects.namespace(LAB, BOX, SLOT),
        objects.closed(LAB, BOX.id),
        objects.resource_quota(LAB, BOX),
        objects.door_service(LAB, BOX.id, SLOT),
        objects.door_policy(LAB, BOX.id, SLOT, list(Door)),
        objects.hub_rights(LAB, BOX.id),
    ]


@pytest.mark.parametrize("made", _compiled(), ids=lambda made: made["metadata"]["name"])
def test_a_fingerprint_ignores_what_is_not_ours_to_say(made: dict[str, Any]) -> None:
    kind = made["kind"]
    metadata = made["metadata"]
    labels = {**metadata["labels"], "monitoring": "yes"}
    more = {"uid": "1", "resourceVersion": "2", "labels": labels, "managedFields": []}
    filled = {"clusterIP": "10.0.0.1", "finalizers": ["kubernetes"]}
    seen = made | {"metadata": metadata | more, "status": {"phase": "Active"}}
    if kind in {"Service", "Namespace"}:
        key = "clusterIP" if kind == "Service" else "finalizers"
        seen["spec"] = {**made.get("spec", {}), key: filled[key]}
    assert comparing.fingerprint(kind, seen) == comparing.stamp_of(made)
    assert comparing.differences(kind, made, seen) == []
    assert comparing.correction(kind, made, seen) == {}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"egress": [{}]}, "spec.egress"),
        ({"podSelector": {"matchLabels": {"a": "b"}}}, "spec.podSelector"),
        ({"policyTypes": ["Ingress"]}, "spec.policyTypes"),
    ],
)
def test_a_wall_that_was_opened_is_seen_named_and_corrected(
    change: dict[str, Any], path: str
) -> None:
    made = objects.closed(LAB, BOX.id)
    seen = made | {"spec": made["spec"] | change}
    assert comparing.fingerprint("NetworkPolicy", seen) != comparing.stamp_of(made)
    assert comparing.differences("NetworkPolicy", made, seen) == [path]
    correction = comparing.correction("NetworkPolicy", made, seen)["spec"]
    assert correction.keys() == change.keys()
    merged = {k: v for k, v in (seen["spec"] | correction).items() if v is not None}
    fixed = made | {"spec": merged | {"podSelector": {}}}
    assert comparing.fingerprint("NetworkPolicy", fixed) == comparing.stamp_of(made)


def test_amounts_are_compared_and_not_the_way_they_are_written() -> None:
    made = objects.resource_quota(LAB, BOX)
    hard = made["spec"]["hard"]
    hard = hard | {"limits.cpu": "4500m", "requests.cpu": "4.5", "requests.storage": "20480Mi"}
    seen = made | {"spec": {"hard": hard}}
    assert comparing.fingerprint("ResourceQuota", seen) == comparing.stamp_of(made)


def test_what_a_namespace_waits_for_is_one_line() -> None:
    told = (
        "Some resources are remaining: persistentvolumeclaims. has 1 resource instances, "
        "pods. has 2 resource instances; Some content in the namespace has finalizers remaining: "
        "kubernetes.io/pvc-protection in 1 resource instances"
    )
    assert going(told) == (
        "place-gone: persistentvolumeclaims=1, pods=2; held by kubernetes.io/pvc-protection=1"
    )
    assert going("") == "place-gone"
    assert going("no discovery") == "being deleted; no discovery"


def test_the_key_of_a_door_is_no_part_of_a_pod() -> None:
    text = FILES[PODS / "notebook.yaml"]
    assert "SECRET" not in text
    assert pods.ACCESS in text
