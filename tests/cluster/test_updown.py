"""A second, small cluster from nothing to nothing, beside whichever runs already."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.cluster.conftest import can_run
from tests.cluster.driver import binaries, outside, volumes
from tests.cluster.driver.api import ApiError
from tests.cluster.driver.cluster import Cluster
from tests.cluster.driver.plan import Plan
from tests.cluster.driver.telling import CannotDoError, until
from tests.cluster.kwok.crowd import Crowd
from tests.cluster.small import (
    PORT,
    Pods,
    Small,
    everything,
    link_local_kubelet,
    nothing_left_of,
    pods_seen_outside,
    populate,
    rules_of_the_machine,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE_MORE = "198.51.100.7"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    state = tmp_path_factory.mktemp("updown")
    plan = Plan(name="updown", octet=131, state=state, docker=False, outside=(ONE_MORE,))
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


def test_a_port_of_this_machine_leads_to_a_service(small: Small) -> None:
    meta = {"name": "near", "namespace": "other"}
    spec = {"selector": {"name": "near"}, "ports": [{"port": 80, "targetPort": PORT}]}
    small.pods.api.apply({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
    port = a_free_port()
    small.cluster.forward(port, "other/near:80")
    until("an answer", lambda: answers(port) == b"open", seconds=30)
    small.cluster.forward(port, "")
    assert answers(port) == b""


def a_free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def answers(port: int) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(16)
    except OSError:
        return b""


def test_a_port_that_is_taken_is_said_in_a_line(small: Small) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CannotDoError, match="in use"):
            small.cluster.forward(taken.getsockname()[1], "other/near:80")


def test_simulated_nodes_and_pods_come_and_go_beside_the_real_ones(small: Small) -> None:
    crowd = Crowd(small.cluster)
    crowd.start(5)
    crowd.pods(20, namespace="crowded")
    assert (crowd.ready(), crowd.running("crowded")) == (5, 20)
    crowd.stop()
    names = [each["metadata"]["name"] for each in small.pods.api.get("/api/v1/nodes")["items"]]
    assert names == ["node1", "node2"]
    assert small.cluster.failing() == []


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
    try:
        # The API server says for a moment what it found last.
        until("its silence", lambda: not small.cluster.api().is_ready(seconds=3), seconds=30)
    finally:
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
