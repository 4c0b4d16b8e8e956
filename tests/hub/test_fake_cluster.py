from __future__ import annotations

import asyncio
import json
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest

from lab.domain.walls import NOTEBOOK_PORT
from lab.hub import kube_spawner, notebook
from lab.hub.front import PATH
from lab.providers.kubernetes import names
from tests.hub.cluster_stage import ClusterStage
from tests.hub.direct import free_port
from tests.hub.fake_cluster import FakeCluster
from tests.hub.stage import ANNE, BRUNO, SANDBOX, browser, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

POD = f"carnet-{ANNE}"


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[ClusterStage, FakeCluster]]:
    if lacking := missing():
        pytest.skip(f"not installed: {lacking}")
    with tempfile.TemporaryDirectory(prefix="vc-hubk-", ignore_cleanup_errors=True) as folder:
        root, cluster, port = Path(folder), FakeCluster(), free_port()
        cluster.write_kubeconfig(root / "kubeconfig", f"http://127.0.0.1:{port}")
        stage = ClusterStage(root, root / "kubeconfig")
        try:
            stage.servers.serve(cluster.app(), port)
            stage.start_hub()
            stage.start_proxy()
            yield stage, cluster
        finally:
            cluster.close(stage.servers)
            stage.close()


@pytest.fixture
def stage(world: tuple[ClusterStage, FakeCluster]) -> ClusterStage:
    return world[0]


@pytest.fixture
def cluster(world: tuple[ClusterStage, FakeCluster]) -> FakeCluster:
    return world[1]


@pytest.fixture
def running(stage: ClusterStage) -> ClusterStage:
    stage.give_order(ANNE, SANDBOX)
    if not stage.is_ready(ANNE, SANDBOX):
        stage.start_server(ANNE, SANDBOX)
    return stage


def page(stage: ClusterStage, member: str, sandbox: str = SANDBOX) -> httpx.Response:
    host = stage.config.public_url.replace("://", f"://{member}.")
    with browser() as client:
        return client.get(f"{host}/user/{member}/{sandbox}/lab")


def test_a_pod_is_what_was_ordered_with_the_hubs_own_words_and_nothing_more(
    running: ClusterStage, cluster: FakeCluster
) -> None:
    ordered = running.portal.orders[SANDBOX, ANNE]
    posted = cluster.pods[SANDBOX, POD]
    assert posted["metadata"]["labels"] == ordered["pod"]["metadata"]["labels"]
    theirs = {k: v for k, v in ordered["pod"]["spec"].items() if k != "containers"}
    assert {k: v for k, v in posted["spec"].items() if k != "containers"} == theirs
    (main,), (before,) = posted["spec"]["containers"], ordered["pod"]["spec"]["containers"]
    for key in before.keys() - {"env", "args"}:
        assert main[key] == before[key]
    assert main["args"][0].endswith("jupyterhub-singleuser")
    assert "--ServerApp.default_url=/lab/tree/01-depart/depart.ipynb" in main["args"]
    env = {entry["name"]: entry["value"] for entry in main["env"]}
    assert env["JUPYTERHUB_API_URL"] == "http://hub.lab:8081/hub/api"
    assert env["JUPYTERHUB_SERVICE_URL"].startswith("http://0.0.0.0:8888/")
    assert env["PIP_NO_INDEX"] == "1"
    assert env["LAB_IDLE_SECONDS"] == str(running.config.idle_seconds)
    assert cluster.claims[SANDBOX, f"home-{ANNE}"] == ordered["claim"]
    assert kube_spawner.POD_NAME.format(member=ANNE) == names.notebook(ANNE)  # type: ignore[arg-type]
    assert kube_spawner.CLAIM_NAME.format(member=ANNE) == names.home(ANNE)  # type: ignore[arg-type]


def test_the_front_leads_to_the_pod_as_soon_as_the_start_is_told_done(
    running: ClusterStage,
) -> None:
    answer = page(running, ANNE)
    assert answer.text.startswith(POD)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/hub/api/users", PATH, "/internal/v1/x"])
def test_what_is_not_for_browsers_stays_closed(running: ClusterStage, path: str) -> None:
    with browser() as outside:
        token = {"Authorization": f"Bearer {running.config.front_token()}"}
        answer = outside.get(running.config.public_url + path, headers=token)
    assert "routers" not in answer.text
    assert answer.status_code in {403, 404}


def test_routes_are_given_to_a_front_only(running: ClusterStage) -> None:
    url = f"{running.config.hub_url}{PATH}"
    assert httpx.get(url).status_code == 404
    wrong = {"Authorization": f"Bearer {running.token}"}
    assert httpx.get(url, headers=wrong).status_code == 404
    right = {"Authorization": f"Bearer {running.config.front_token()}"}
    given = httpx.get(url, params={"front": "test"}, headers=right).json()
    assert any(ANNE in router["rule"] for router in given["http"]["routers"].values())


def test_a_hub_that_dies_leaves_pods_and_open_connections_and_finds_them_again(
    running: ClusterStage, cluster: FakeCluster
) -> None:
    host = httpx.URL(running.config.public_url.replace("://", f"://{ANNE}."))
    url = f"ws://127.0.0.1:{host.port}/user/{ANNE}/{SANDBOX}/api/kernels/k/channels"
    before = dict(cluster.pods[SANDBOX, POD]["metadata"])

    async def talk() -> None:
        headers = {"Host": f"{host.host}:{host.port}"}
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, headers=headers) as socket,
        ):
            for how in (signal.SIGKILL, signal.SIGTERM):
                await asyncio.to_thread(running.end, "hub", how)
                await socket.send_str("sans concentrateur")
                assert (await socket.receive_str()) == "echo sans concentrateur"
                assert (await asyncio.to_thread(page, running, ANNE)).status_code == 200
                await asyncio.to_thread(running.start_hub)
                await socket.send_str("revenu")
                assert (await socket.receive_str()) == "echo revenu"

    running.servers.call(talk, 230)  # two hubs start meanwhile
    running.wait_until(lambda: running.is_ready(ANNE, SANDBOX), "the server is found again")
    assert cluster.pods[SANDBOX, POD]["metadata"] == before
    assert page(running, ANNE).text.startswith(POD)
    # And a new one is still led to; until its route is fetched, by way of the hub.
    running.give_order(BRUNO, SANDBOX)
    running.start_server(BRUNO, SANDBOX)
    there = f"carnet-{BRUNO}"
    running.wait_until(lambda: page(running, BRUNO).text.startswith(there), "it is led to")
    running.stop_server(BRUNO, SANDBOX)


def test_a_front_that_starts_anew_has_every_route(running: ClusterStage) -> None:
    running.end("front", signal.SIGTERM)
    running.start_proxy()
    assert page(running, ANNE).text.startswith(POD)


def test_a_cluster_that_is_away_for_a_while_stops_nothing(
    running: ClusterStage, cluster: FakeCluster
) -> None:
    cluster.is_down = True
    time.sleep(3 * running.config.poll_seconds)
    assert running.is_ready(ANNE, SANDBOX)
    # Not even a hub that starts meanwhile.
    running.end("hub", signal.SIGKILL)
    running.start_hub()
    running.wait_until(lambda: running.is_ready(ANNE, SANDBOX), "still there")
    cluster.is_down = False
    assert page(running, ANNE).text.startswith(POD)


def test_a_pod_that_is_taken_away_is_a_server_that_stopped(
    running: ClusterStage, cluster: FakeCluster
) -> None:
    running.servers.call(lambda: cluster.end((SANDBOX, POD)))
    running.wait_until(lambda: not running.is_ready(ANNE, SANDBOX), "seen as stopped")
    running.wait_until(lambda: page(running, ANNE).is_redirect, "the hub answers in its place")
    assert "/hub/user/" in page(running, ANNE).headers["location"]
    # The home is as it was, and the next start uses it.
    assert (SANDBOX, f"home-{ANNE}") in cluster.claims
    running.start_server(ANNE, SANDBOX)


def test_a_server_that_ended_by_itself_leaves_no_pod(
    running: ClusterStage, cluster: FakeCluster
) -> None:
    ended = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    cluster.pods[SANDBOX, POD]["status"] |= {
        "phase": "Succeeded",
        "containerStatuses": [{"name": "notebook", "state": ended}],
    }
    running.wait_until(lambda: (SANDBOX, POD) not in cluster.pods, "the pod is gone")
    running.wait_until(lambda: not running.is_ready(ANNE, SANDBOX), "seen as stopped")


def test_what_an_earlier_start_left_ends_before_the_next(
    stage: ClusterStage, cluster: FakeCluster
) -> None:
    sandbox = "sb-00000000e1"
    stage.give_order(ANNE, sandbox)
    cluster.pods[sandbox, POD] = {
        "metadata": {"name": POD, "uid": "old"},
        "status": {"phase": "Running"},
    }
    stage.start_server(ANNE, sandbox)
    assert cluster.pods[sandbox, POD]["metadata"]["uid"] != "old"
    stage.stop_server(ANNE, sandbox)
    assert (sandbox, POD) not in cluster.pods
    assert (sandbox, f"home-{ANNE}") in cluster.claims


STUCK = {
    "image": (
        {"containerStatuses": [{"name": "notebook", "state": {"waiting": {
            "reason": "ErrImagePull", "message": "manifest unknown"}}}]},
        "L’image du carnet n’existe pas.",
    ),
    "evicted": ({"phase": "Failed", "reason": "Evicted"}, "évincé"),
    "crash": (
        {"containerStatuses": [{"name": "notebook", "state": {"waiting": {
            "reason": "CrashLoopBackOff"}}}]},
        "s’arrête aussitôt démarré",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(STUCK))
def test_a_pod_that_cannot_start_says_why_and_is_not_left_there(
    stage: ClusterStage, cluster: FakeCluster, kind: str
) -> None:
    status, said = STUCK[kind]
    sandbox = f"sb-00000000{len(kind):02x}"
    stage.give_order(ANNE, sandbox)
    cluster.stuck[sandbox] = {"phase": "Pending", **status}
    last = stage.last_words(ANNE, sandbox)
    assert last["failed"]
    assert said in last["message"]
    assert (sandbox, POD) not in cluster.pods
    stage.hub("DELETE", f"/users/{ANNE}/servers/{sandbox}", {"remove": True})


@pytest.mark.parametrize(
    ("number", "status", "message", "said"),
    [
        (1, 403, 'pods "x" is forbidden: exceeded quota: quota', "quota de ce bac à sable"),
        (2, 403, "ValidatingAdmissionPolicy 'pods' denied request: image", "règles de la grappe"),
        (3, 404, 'namespaces "x" not found', "place sur la grappe"),
    ],
)
def test_a_pod_that_is_refused_says_why(
    stage: ClusterStage, cluster: FakeCluster, number: int, status: int, message: str, said: str
) -> None:
    sandbox = f"sb-0000000f0{number}"
    stage.give_order(ANNE, sandbox)
    cluster.refusals[sandbox] = [(status, message)]
    last = stage.last_words(ANNE, sandbox)
    assert last["failed"]
    assert said in last["message"]


def test_a_refusal_that_may_pass_is_waited_out(stage: ClusterStage, cluster: FakeCluster) -> None:
    sandbox = "sb-00000000f9"
    stage.give_order(ANNE, sandbox)
    cluster.refusals[sandbox] = [(500, "failed calling webhook"), (429, "slow down")]
    stage.start_server(ANNE, sandbox)
    stage.stop_server(ANNE, sandbox)


def test_an_order_for_another_place_starts_nothing(
    stage: ClusterStage, cluster: FakeCluster
) -> None:
    sandbox = "sb-00000000fa"
    order = stage.give_order(ANNE, sandbox)
    order["pod"]["metadata"]["namespace"] = SANDBOX
    last = stage.last_words(ANNE, sandbox)
    assert "un autre bac à sable" in last["message"]
    assert not [call for call in cluster.calls if sandbox in call and "POST" in call]


def test_a_start_is_told_step_by_step_in_french(stage: ClusterStage, cluster: FakeCluster) -> None:
    sandbox = "sb-00000000fb"
    stage.give_order(ANNE, sandbox)
    stage.start_server(ANNE, sandbox)
    stage.stop_server(ANNE, sandbox)
    cluster.stuck[sandbox] = {"phase": "Pending", "conditions": []}
    stage.hub("POST", f"/users/{ANNE}/servers/{sandbox}")
    said: list[dict[str, Any]] = []
    url = f"{stage.config.hub_url}/hub/api/users/{ANNE}/servers/{sandbox}/progress"
    headers = {"Authorization": f"token {stage.token}"}
    with httpx.stream("GET", url, headers=headers, timeout=60) as events:
        for line in events.iter_lines():
            if line.startswith("data:"):
                said.append(json.loads(line.removeprefix("data:")))
            if said and "nœud" in said[-1].get("message", "") and cluster.stuck.pop(sandbox, None):
                cluster.pods[sandbox, POD]["status"] = {"phase": "Failed", "reason": "NodeLost"}
    messages = [one["message"] for one in said if "message" in one]
    assert messages[0] == "Server requested" or "ordre" in messages[0]
    assert "Recherche d’un nœud" in messages
    assert said[-1]["failed"]
    assert "Le nœud du carnet a disparu." in said[-1]["message"]


def test_the_port_is_the_one_the_walls_open() -> None:
    assert notebook.INSIDE_PORT == NOTEBOOK_PORT
