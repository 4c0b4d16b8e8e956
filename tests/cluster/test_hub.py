"""The hub with nothing but the hub's rights, on a real cluster, starting the real notebook."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from lab.domain.quantity import GIB, MIB, Resources
from lab.domain.walls import Peer
from lab.providers.kubernetes import objects, pods
from tests.cluster.chart.asking import Api
from tests.conftest import make_sandbox
from tests.hub.cluster_stage import ClusterStage
from tests.hub.direct import free_port
from tests.hub.fake_store import KEYS, Store, dataset
from tests.hub.stage import ANNE, ROOT, browser, missing
from tests.hub.test_end_to_end import Kernel, calculates, new_kernel, opened, prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.driver.cluster import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.real, pytest.mark.timeout(600)]

RUN = secrets.token_hex(3)
LAB = f"test-c3-hub-{RUN}"
SANDBOX, SMALL, ABSENT, STUCK = (f"sb-c3{RUN}0{number}" for number in range(4))
POD, HOME = f"carnet-{ANNE}", f"home-{ANNE}"
RECORDS = b"numero,montant\n1,120\n2,80\n"
STARTED_SECONDS = 240


@pytest.fixture(scope="module")
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    if found := os.environ.get("LAB_TEST_KUBECONFIG"):
        return Path(found)
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.plan.kubeconfig


@pytest.fixture(scope="module")
def image() -> str:
    """The notebook image, as it lies in the cluster's registry."""
    try:
        digests = json.loads((ROOT / "images" / "digests.json").read_text())
        return str(digests["images"]["notebook"]["reference"])
    except (FileNotFoundError, KeyError):
        pytest.skip("the notebook image is not built (lab images build notebook)")


@pytest.fixture(scope="module")
def api(kubeconfig: Path) -> Iterator[Api]:
    with Api(kubeconfig) as api:
        yield api


@pytest.fixture(scope="module")
def here(kubeconfig: Path) -> str:
    """This machine's address, as pods see it."""
    server = urlsplit(yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((server.hostname, server.port))
        return str(probe.getsockname()[0])


def place(api: Api, sandbox: str, hub: str, ports: list[int]) -> None:
    """What the reconciler makes before any notebook, with this machine as hub and gateway."""
    box = make_sandbox(sandbox)
    lab = objects.Lab(namespace=LAB, selectors={peer: {"x": "x"} for peer in Peer})
    account = {"kind": "ServiceAccount", "name": "hub", "namespace": LAB}
    header = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    peer = [{"ipBlock": {"cidr": f"{hub}/32"}}]
    doors = {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": peer, "ports": [{"protocol": "TCP", "port": p} for p in ports]}],
        "ingress": [{"from": peer, "ports": [{"protocol": "TCP", "port": 8888}]}],
    }
    for manifest in (
        objects.namespace(lab, box, 1),
        objects.closed(lab, box.id),
        objects.resource_quota(lab, box),
        objects.limit_range(lab, box),
        objects.hub_rights(lab, box.id)
        | {"subjects": [account], "roleRef": {"kind": "ClusterRole", "name": LAB}},
        header | {"metadata": {"name": "portes", "namespace": sandbox}, "spec": doors},
        objects.access(lab, box.id, KEYS),
    ):
        made = api.apply(manifest)
        assert made.is_success, made.text


def rights(api: Api, admin: Path, written: Path) -> None:
    """A kubeconfig of an account that may do in sandboxes what the chart gives the hub."""
    rules = [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "create", "delete"]},
        {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["get", "create"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]},
    ]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    core = {"apiVersion": "v1"}
    for manifest in (
        core | {"kind": "Namespace", "metadata": {"name": LAB}},
        core | {"kind": "ServiceAccount", "metadata": {"name": "hub", "namespace": LAB}},
        role | {"metadata": {"name": LAB}, "rules": rules},
    ):
        assert api.apply(manifest).is_success
    for name in (pods.NOTEBOOK_PRIORITY, pods.PROBE_PRIORITY):
        path = f"/apis/scheduling.k8s.io/v1/priorityclasses/{name}"
        if api.ask("GET", path).status_code == 404:
            header = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
            assert api.apply(header | {"metadata": {"name": name}, "value": 0}).is_success
    path = f"/api/v1/namespaces/{LAB}/serviceaccounts/hub/token"
    spec = {"spec": {"expirationSeconds": 7200}}
    token = api.must("POST", path, spec)["status"]["token"]
    config = yaml.safe_load(admin.read_text())
    config["users"][0]["user"] = {"token": token}
    written.write_text(yaml.safe_dump(config))


@pytest.fixture(scope="module")
def stage(kubeconfig: Path, api: Api, here: str, image: str) -> Iterator[ClusterStage]:
    if lacking := missing():
        pytest.skip(f"not installed: {lacking}")
    with tempfile.TemporaryDirectory(prefix="vc-hubr-", ignore_cleanup_errors=True) as folder:
        root, port, store, wall = Path(folder), free_port(), Store(free_port()), free_port()
        rights(api, kubeconfig, root / "kubeconfig")
        pods_hub_url, timeout = f"http://hub.lab:{port}", STARTED_SECONDS
        stage = ClusterStage(
            root,
            root / "kubeconfig",
            hub_port=port,
            hub_service_url=f"http://127.0.0.1:{port}",
            pods_hub_url=pods_hub_url,
            start_timeout_seconds=timeout,
        )
        try:
            stage.servers.serve(store.app(), store.port, here)
            stage.servers.serve(Store(wall).app(), wall, here)
            store.objects["/jeux/prestations/v1/data.csv"] = RECORDS
            for sandbox in (SANDBOX, SMALL, STUCK):
                place(api, sandbox, here, [port, store.port])
                addresses = pods.Addresses(doors=("storage",), gateway=here, hub=here)
                env = {"AWS_ENDPOINT_URL": f"http://donnees.lab:{store.port}"}
                order = stage.give_order(
                    ANNE,
                    sandbox,
                    image=image,
                    addresses=addresses,
                    env=env,
                    resources=Resources(500, 1536 * MIB, GIB),
                    datasets=[dataset("prestations", 1, "data.csv", RECORDS)],
                    lab=LAB,
                )
                tried = {"LAB_OPEN_PORT": str(store.port), "LAB_SHUT_PORT": str(wall)}
                for entry in order["pod"]["spec"]["initContainers"][0]["env"]:
                    entry["value"] = tried.get(entry["name"], entry["value"])
            stage.start_hub()
            stage.start_proxy()
            yield stage
        finally:
            stage.close()
            for sandbox in (SANDBOX, SMALL, STUCK, LAB):
                api.ask("DELETE", f"/api/v1/namespaces/{sandbox}")
            api.ask("DELETE", f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{LAB}")
            api.ask("DELETE", f"/apis/storage.k8s.io/v1/storageclasses/{LAB}")


@pytest.fixture(scope="module")
def running(stage: ClusterStage) -> ClusterStage:
    stage.start_server(ANNE, SANDBOX, STARTED_SECONDS)
    return stage


@pytest.fixture(scope="module")
def anne(running: ClusterStage) -> Iterator[httpx.Client]:
    with closing(opened(running, ANNE, SANDBOX)) as client:
        yield client


@pytest.fixture(scope="module")
def channel(running: ClusterStage, anne: httpx.Client) -> Iterator[Kernel]:
    kernel = Kernel(running, anne, ANNE, new_kernel(running, anne, ANNE, SANDBOX), SANDBOX)
    running.servers.call(kernel.__aenter__)
    yield kernel
    running.servers.call(kernel.__aexit__)


def pod_of(api: Api, sandbox: str) -> dict[str, Any]:
    return api.must("GET", f"/api/v1/namespaces/{sandbox}/pods/{POD}")


def says(running: ClusterStage, channel: Kernel, code: str) -> str:
    return str(running.servers.call(lambda: channel.run(code)))


def test_the_real_notebook_runs_restricted_behind_the_front(
    running: ClusterStage, anne: httpx.Client, channel: Kernel, api: Api
) -> None:
    assert calculates(running, channel)
    template = anne.get(prefix(running, ANNE, SANDBOX) + "api/contents/01-depart").json()
    assert "depart.ipynb" in {entry["name"] for entry in template["content"]}
    spec = pod_of(api, SANDBOX)["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["dnsPolicy"] == "None"


def test_the_data_are_there_checked_and_read_only(running: ClusterStage, channel: Kernel) -> None:
    read = "open('/home/scientist/donnees/prestations/data.csv').read()"
    assert says(running, channel, read) == repr(RECORDS.decode())
    write = (
        "import os\n"
        "try:\n    open('/home/scientist/donnees/x', 'w'); said = 'written'\n"
        "except OSError as error:\n    said = type(error).__name__ + str(error.errno)\nsaid"
    )
    assert says(running, channel, write) == "'OSError30'"


def test_keys_are_in_the_environment_and_no_other_name_is_known(
    running: ClusterStage, channel: Kernel
) -> None:
    key = says(running, channel, "__import__('os').environ['AWS_ACCESS_KEY_ID']")
    assert key == repr(KEYS["AWS_ACCESS_KEY_ID"])
    look_up = (
        "import socket\n"
        "try:\n    said = socket.gethostbyname('kubernetes.default.svc.cluster.local')\n"
        "except OSError as error:\n    said = 'unknown'\nsaid"
    )
    assert says(running, channel, look_up) == "'unknown'"


def test_a_hub_that_dies_leaves_the_notebook_and_its_kernel(
    running: ClusterStage, channel: Kernel, api: Api
) -> None:
    before = pod_of(api, SANDBOX)["metadata"]["uid"]
    says(running, channel, "kept = 41\nkept")
    running.end("hub", signal.SIGKILL)
    assert says(running, channel, "kept + 1") == "42"
    running.start_hub()
    running.wait_until(lambda: running.is_ready(ANNE, SANDBOX), "found again", 120)
    assert says(running, channel, "kept + 1") == "42"
    assert pod_of(api, SANDBOX)["metadata"]["uid"] == before
    with closing(opened(running, ANNE, SANDBOX)) as again:
        assert again.get(prefix(running, ANNE, SANDBOX) + "api/status").status_code == 200


def test_what_was_written_outlives_the_pod_and_stopping_leaves_none(
    running: ClusterStage, channel: Kernel, api: Api
) -> None:
    says(running, channel, "open('/home/scientist/garde.txt', 'w').write('gardé')")
    running.stop_server(ANNE, SANDBOX)
    gone = api.ask("GET", f"/api/v1/namespaces/{SANDBOX}/pods/{POD}")
    assert gone.status_code == 404
    assert api.must("GET", f"/api/v1/namespaces/{SANDBOX}/persistentvolumeclaims/{HOME}")
    running.start_server(ANNE, SANDBOX, STARTED_SECONDS)
    with closing(opened(running, ANNE, SANDBOX)) as client:
        kept = client.get(prefix(running, ANNE, SANDBOX) + "api/contents/garde.txt").json()
    assert kept["content"] == "gardé"
    running.stop_server(ANNE, SANDBOX)


def bad(stage: ClusterStage, **more: Any) -> dict[str, Any]:
    """Order something that cannot start in the other sandbox; return the last word said of it."""
    order = stage.portal.orders[SMALL, ANNE]
    kept = json.loads(json.dumps(order))
    spec = order["pod"]["spec"]
    for container in spec["containers"] + spec["initContainers"]:
        container.update(more.get("container", {}))
        env = {each["name"]: each for each in container.get("env", []) + more.get("env", [])}
        container["env"] = list(env.values())
    spec.update(more.get("spec", {}))
    order["claim"]["spec"].update(more.get("claim", {}))
    try:
        return stage.last_words(ANNE, SMALL)
    finally:
        stage.portal.orders[SMALL, ANNE] = kept


def test_an_image_that_is_not_there_is_told_and_nothing_is_left(
    stage: ClusterStage, image: str, api: Api
) -> None:
    absent = f"{image.partition('@')[0]}@sha256:{'0' * 64}"
    last = bad(stage, container={"image": absent})
    assert last["failed"]
    assert "L’image du carnet n’existe pas." in last["message"]
    stage.wait_until(
        lambda: api.ask("GET", f"/api/v1/namespaces/{SMALL}/pods/{POD}").status_code == 404,
        "no pod is left",
        90,
    )


def test_more_than_the_quota_is_told(stage: ClusterStage) -> None:
    amounts = {"cpu": "900m", "memory": "64Gi", "ephemeral-storage": "1Gi"}
    last = bad(stage, container={"resources": {"requests": amounts, "limits": amounts}})
    assert last["failed"]
    assert "quota" in last["message"] or "règles" in last["message"]


def test_what_the_cluster_does_not_admit_is_told(stage: ClusterStage) -> None:
    last = bad(stage, spec={"hostNetwork": True})
    assert last["failed"]
    assert "Les règles de la grappe refusent ce carnet." in last["message"]


def test_data_that_are_not_what_was_published_are_told(stage: ClusterStage) -> None:
    wrong = json.dumps([dataset("prestations", 1, "data.csv", b"something else")])
    last = bad(stage, env=[{"name": "LAB_DATASETS", "value": wrong}])
    assert last["failed"]
    assert "Les jeux de données n’ont pas pu être copiés." in last["message"]


def until_said(stage: ClusterStage, sandbox: str, word: str) -> list[str]:
    """Start a server; return what the person is told, up to what has this word in it."""
    stage.hub("POST", f"/users/{ANNE}")
    stage.hub("POST", f"/users/{ANNE}/servers/{sandbox}")
    url = f"{stage.config.hub_url}/hub/api/users/{ANNE}/servers/{sandbox}/progress"
    headers, said = {"Authorization": f"token {stage.token}"}, []
    with httpx.stream("GET", url, headers=headers, timeout=STARTED_SECONDS) as events:
        for line in events.iter_lines():
            if line.startswith("data:"):
                said.append(str(json.loads(line.removeprefix("data:")).get("message")))
            if said and word in said[-1]:
                break
    return said


def test_a_home_whose_volume_never_comes_is_told_of_and_its_place_still_goes(
    stage: ClusterStage, api: Api
) -> None:
    header = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": LAB}}
    never = {"provisioner": "kubernetes.io/no-provisioner"}
    assert api.apply(header | never | {"volumeBindingMode": "WaitForFirstConsumer"}).is_success
    stage.portal.orders[STUCK, ANNE]["claim"]["spec"]["storageClassName"] = LAB

    said = until_said(stage, STUCK, "volume")

    assert "Le volume du dossier personnel n’est pas disponible." in said[-1]
    claim = api.must("GET", f"/api/v1/namespaces/{STUCK}/persistentvolumeclaims/{HOME}")
    assert claim["status"]["phase"] == "Pending"
    stage.stop_server(ANNE, STUCK)
    path = f"/api/v1/namespaces/{STUCK}"
    assert api.ask("GET", f"{path}/pods/{POD}").status_code == 404
    api.must("DELETE", path)
    stage.wait_until(lambda: api.ask("GET", path).status_code == 404, "the place is gone", 90)


def test_a_pod_that_is_evicted_is_a_server_that_stopped(running: ClusterStage, api: Api) -> None:
    running.start_server(ANNE, SANDBOX, STARTED_SECONDS)
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": POD, "namespace": SANDBOX},
    }
    api.must("POST", f"/api/v1/namespaces/{SANDBOX}/pods/{POD}/eviction", eviction)
    running.wait_until(lambda: not running.is_ready(ANNE, SANDBOX), "seen as stopped", 60)
    with browser() as client:
        running.wait_until(
            lambda: client.get(prefix(running, ANNE, SANDBOX) + "lab").status_code == 302, "led on"
        )


def test_a_namespace_that_is_gone_is_told(stage: ClusterStage) -> None:
    order = stage.portal.orders[SMALL, ANNE]
    moved = json.loads(json.dumps(order).replace(SMALL, ABSENT))
    stage.portal.orders[ABSENT, ANNE] = moved
    last = stage.last_words(ANNE, ABSENT)
    assert last["failed"]
    assert "Le concentrateur n’a pas de droits dans ce bac à sable." in last["message"]
