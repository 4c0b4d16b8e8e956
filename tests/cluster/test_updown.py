"""A second, small cluster from nothing to nothing, beside whichever runs already."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.conftest import can_run
from tests.cluster.driver import binaries, outside, volumes
from tests.cluster.driver.api import ApiError
from tests.cluster.driver.cgroups import left
from tests.cluster.driver.cluster import Cluster
from tests.cluster.driver.commands import inside
from tests.cluster.driver.network import BRIDGE
from tests.cluster.driver.plan import Plan
from tests.cluster.driver.telling import CannotDoError, until
from tests.cluster.small import PORT, Pods

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.small import Ask

KUBELET = 10250


@dataclass(kw_only=True)
class Small:
    cluster: Cluster
    pods: Pods
    first_seconds: float
    rules: str
    listeners: dict[str, tuple[str, str]] = field(default_factory=dict)


def rules_of_the_machine() -> str:
    commands = (["iptables-save"], ["ip6tables-save"], ["nft", "list", "ruleset"], ["ip", "rule"])
    found = [subprocess.run(each, capture_output=True, text=True, check=True) for each in commands]
    lines = "".join(each.stdout for each in found).splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    state = tmp_path_factory.mktemp("updown")
    plan = Plan(name="updown", octet=131, state=state, docker=False)
    why_not = can_run(plan)
    if why_not:
        pytest.skip(why_not)
    rules, cluster, began = rules_of_the_machine(), Cluster(plan), time.monotonic()
    try:
        cluster.up()
        took = time.monotonic() - began
        pods = Pods(cluster, str(binaries.known()["kubectl"]))
        found = Small(cluster=cluster, pods=pods, first_seconds=took, rules=rules)
        populate(found)
        yield found
    finally:
        cluster.down(purge=True)


def populate(small: Small) -> None:
    small.pods.namespace("open")
    small.pods.namespace("closed", closed=True)
    small.pods.namespace("other")
    for namespace, name, node in (
        ("open", "dialer", "node1"),
        ("closed", "dialer", "node1"),
        ("other", "near", "node1"),
        ("other", "far", "node2"),
    ):
        small.pods.start(namespace, name, node)
    for namespace in ("open", "closed"):
        small.pods.addresses(namespace, "dialer")
    small.listeners = {name: small.pods.addresses("other", name) for name in ("near", "far")}
    # The policies of a pod are in force a moment after it runs.
    until("deny-all in force", lambda: all_closed(small), seconds=30)


def all_closed(small: Small) -> bool:
    asks = everything(small).values()
    return all(small.pods.dial("closed", "dialer", ask).startswith("closed") for ask in asks)


def everything(small: Small) -> dict[str, Ask]:
    found: dict[str, Ask] = {}
    for name, (address4, address6) in small.listeners.items():
        for protocol in ("tcp", "udp"):
            found[f"{name} {protocol} 4"] = (protocol, f"{address4}:{PORT}")
            found[f"{name} {protocol} 6"] = (protocol, f"[{address6}]:{PORT}")
    for node in small.cluster.plan.nodes:
        found[f"{node.name}'s kubelet"] = ("tcp", f"{node.address}:{KUBELET}")
    found["API server"] = ("tcp", f"{small.cluster.plan.api_service}:443")
    for address in small.cluster.plan.outside_addresses:
        host = f"[{address}]" if ":" in address else address
        found[f"outside {address} tcp"] = ("tcp", f"{host}:443")
        found[f"outside {address} udp"] = ("udp", f"{host}:53")
    return found


def link_local_kubelet(small: Small) -> Ask:
    namespace = small.cluster.plan.nodes[0].namespace
    shown = inside(namespace, "ip", "-6", "-j", "address", "show", "dev", BRIDGE, "scope", "link")
    entries = [entry for device in json.loads(shown) for entry in device["addr_info"]]
    address = next(entry["local"] for entry in entries if entry.get("scope") == "link")
    return "tcp", f"[{address}%eth0]:{KUBELET}"


def pods_seen_outside(small: Small, address: str) -> list[dict[str, Any]]:
    arrivals = outside.ask(small.cluster.plan)["arrivals"]
    return [each for each in arrivals if each["source"] == address]


def test_both_nodes_are_ready_and_everything_runs(small: Small) -> None:
    assert small.cluster.nodes_are_ready()
    assert small.cluster.failing() == []


def test_without_a_policy_every_door_is_seen_open(small: Small) -> None:
    said = {
        what: small.pods.dial("open", "dialer", ask) for what, ask in everything(small).items()
    }
    assert {what: word for what, word in said.items() if word != "open"} == {}


def test_what_an_open_pod_sends_outside_is_counted_there(small: Small) -> None:
    outside.ask(small.cluster.plan, "reset")
    address = small.pods.addresses("open", "dialer")[0]
    small.pods.dial("open", "dialer", ("tcp", "192.0.2.10:443"))
    small.pods.dial("open", "dialer", ("udp", "192.0.2.10:7777"))
    seen = {(each["protocol"], each["port"]) for each in pods_seen_outside(small, address)}
    assert seen == {("tcp", 443), ("udp", 7777)}


def test_under_deny_all_every_door_is_closed_across_nodes_and_families(small: Small) -> None:
    outside.ask(small.cluster.plan, "reset")
    said = {
        what: small.pods.dial("closed", "dialer", ask) for what, ask in everything(small).items()
    }
    assert {what: word for what, word in said.items() if not word.startswith("closed")} == {}
    for address in small.pods.addresses("closed", "dialer"):
        assert pods_seen_outside(small, address) == []


def test_a_pod_under_deny_all_gets_nothing_out_in_its_first_moments(small: Small) -> None:
    outside.ask(small.cluster.plan, "reset")
    names = [f"rusher-{index}" for index in range(4)]
    for index, name in enumerate(names):
        target = "[2001:db8::10]:443" if index % 2 else "192.0.2.10:443"
        small.pods.start("closed", name, f"node{index // 2 + 1}", do=f"rush tcp {target}")
    addresses = {name: small.pods.addresses("closed", name) for name in names}
    until("their end", lambda: all(small.pods.said("closed", name) for name in names))
    assert {small.pods.said("closed", name) for name in names} == {"0 times through"}
    for pair in addresses.values():
        assert [seen for each in pair for seen in pods_seen_outside(small, each)] == []


def test_deny_all_keeps_others_out_too(small: Small) -> None:
    for address in small.pods.addresses("closed", "dialer"):
        host = f"[{address}]" if ":" in address else address
        for protocol in ("tcp", "udp"):
            said = small.pods.dial("open", "dialer", (protocol, f"{host}:{PORT}"))
            assert said.startswith("closed"), (protocol, address)


def test_the_hole_over_link_local_is_there_when_leaky_and_gone_when_tight(small: Small) -> None:
    ask = link_local_kubelet(small)
    assert small.pods.dial("closed", "dialer", ask).startswith("closed")
    small.cluster.set_leaky(leaky=True)
    try:
        assert small.pods.dial("closed", "dialer", ask) == "open"
    finally:
        small.cluster.set_leaky(leaky=False)
    assert small.pods.dial("closed", "dialer", ask).startswith("closed")


def test_a_volume_is_wiped_and_offered_again_when_its_claim_is_gone(small: Small) -> None:
    api = small.pods.api
    claim = "/api/v1/namespaces/open/persistentvolumeclaims/kept"
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "30Gi"}}}
    meta = {"name": "kept", "namespace": "open"}
    manifest = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta}
    api.apply(manifest | {"spec": spec})
    small.pods.start("open", "keeper", "node2", claim="kept")
    small.pods.addresses("open", "keeper")
    name = api.get(claim)["spec"]["volumeName"]
    node, folder, size = volumes.folders(small.cluster.plan)[name]
    assert (node, size) == ("node2", 100)
    (folder / "secret").write_text("of the claim")
    api.delete("/api/v1/namespaces/open/pods/keeper")
    api.delete(claim)
    path = f"{volumes.VOLUMES}/{name}"
    until("offered", lambda: api.get(path)["status"]["phase"] == "Available", seconds=60)
    assert list(folder.iterdir()) == []


def test_a_second_up_changes_nothing_and_starts_again_what_ended(small: Small) -> None:
    before = {part.name: part.pid for part in small.cluster.parts.all()}
    small.cluster.act_on("scheduler", "stop")
    small.cluster.up()
    after = {part.name: part.pid for part in small.cluster.parts.all()}
    assert {name for name in before if before[name] != after[name]} == {"scheduler"}


def test_without_an_api_server_pods_keep_running_and_its_return_is_noticed(small: Small) -> None:
    small.cluster.act_on("apiserver", "stop")
    with pytest.raises(ApiError):
        small.pods.api.get("/api/v1/nodes")
    small.cluster.act_on("apiserver", "start")
    until("nodes", small.cluster.nodes_are_ready, seconds=60)
    assert small.pods.dial("open", "dialer", everything(small)["near tcp 4"]) == "open"


def test_a_paused_etcd_stops_answers_until_it_goes_on(small: Small) -> None:
    small.cluster.act_on("etcd", "pause")
    assert not small.cluster.api().is_ready(seconds=3)
    small.cluster.act_on("etcd", "resume")
    until("the API server", small.cluster.api().is_ready, seconds=30)


def test_a_node_that_disappears_is_not_ready_and_comes_back(small: Small) -> None:
    node = small.cluster.a_node("node2")
    small.cluster.nodes().fail(node)
    far = everything(small)["far tcp 4"]
    assert small.pods.dial("open", "dialer", far).startswith("closed")
    until("its loss", lambda: not small.cluster.nodes_are_ready(), seconds=60)
    small.cluster.nodes().recover(node)
    until("its return", small.cluster.nodes_are_ready, seconds=60)
    until("its pod", lambda: reaches_far(small), seconds=90)


def reaches_far(small: Small) -> bool:
    status = small.pods.api.get("/api/v1/namespaces/other/pods/far")["status"]
    addresses = [each["ip"] for each in status.get("podIPs", [])]
    return (
        bool(addresses)
        and small.pods.dial("open", "dialer", ("tcp", f"{addresses[0]}:{PORT}")) == "open"
    )


def test_the_node_of_the_control_plane_is_not_to_be_lost(small: Small) -> None:
    with pytest.raises(CannotDoError, match="control plane"):
        small.cluster.nodes().fail(small.cluster.a_node("node1"))


def test_another_start_with_its_name_from_elsewhere_is_refused(
    small: Small, tmp_path: Path
) -> None:
    plan = Plan(name="updown", octet=140, state=tmp_path / "other", docker=False)
    with pytest.raises(CannotDoError, match="runs from"):
        Cluster(plan).up()
    assert not plan.state.exists()
    assert small.cluster.failing() == []


def test_down_leaves_nothing_and_the_next_start_finds_its_images(small: Small) -> None:
    plan = small.cluster.plan
    parts = small.cluster.parts.all()
    small.cluster.down()
    assert [part.name for part in parts if part.alive] == []
    assert nothing_left_of(plan) == []
    assert rules_of_the_machine() == small.rules
    assert [entry.name for entry in plan.state.iterdir()] == ["images"]

    began = time.monotonic()
    small.cluster.up()
    assert small.cluster.nodes_are_ready()
    assert time.monotonic() - began < 60
    small.cluster.down(purge=True)
    assert nothing_left_of(plan) == []
    assert not plan.state.exists()


def nothing_left_of(plan: Plan) -> list[str]:
    found = [f"namespace {each}" for each in plan.namespaces if Path("/run/netns", each).exists()]
    found += [f"group {path}" for name in plan.cgroups for path in left(name)]
    found += [f"mount {target}" for target in Cluster(plan).mounts_left()]
    found += [str(path) for path in Path("/run").glob(f"*{plan.name}*")]
    shown = {
        "link": ["ip", "-o", "link"],
        "route": ["ip", "route"],
        "route6": ["ip", "-6", "route"],
        "process": ["ps", "-eo", "pid,args"],
    }
    own = (f"{plan.name}-", f"10.{plan.octet}.", f"fd{plan.octet:02x}:", str(plan.state))
    for what, command in shown.items():
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found += [f"{what} {each}" for each in lines.splitlines() if any(o in each for o in own)]
    return found
