"""What breaks on a real cluster while the lab works: nothing is lost, nothing is doubled.

The steered server of ``tests/providers/kubernetes/test_faults.py`` breaks every single await;
here the real parts break, and the whole lab lives through it.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lab.bootstrap import SystemClock
from lab.domain.sandbox import Stage
from tests.cluster.whole import WholeLab, whole_lab
from tests.e2e.a_lab import eventually
from tests.e2e.browser import Notebook, Person, browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.driver.cluster import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

MARK = "vase-clos.lab/sandbox"
COMPONENT = "vase-clos.lab/component"
OUTAGE_SECONDS = 60
TRIES = 4
SLOW_SECONDS = (1.2, 0.4)
"""How long the database of the cluster stands still, and how long it then works."""
NO_ANSWER = 3
"""How the command ends where the lab does not answer."""
PATIENCE_SECONDS = 240
KEPT = "/home/scientist/gardé.txt"


@dataclass
class Breaking:
    lab: WholeLab
    noe: Person
    requester: str
    sandbox_id: str = ""
    asked: list[str] = field(default_factory=list)

    def said(self, *arguments: str, token: str = "") -> Any:
        """Run the command; where the lab does not answer, again and again as a person would."""
        kept = self.lab.token
        self.lab.token = token or kept
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while True:
                done = self.lab.lab(*arguments, "-o", "json")
                if done.returncode != NO_ANSWER or time.monotonic() > deadline:
                    break
                time.sleep(1)
        finally:
            self.lab.token = kept
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def ask(self) -> str:
        """File a small request, and return its sandbox without waiting for it."""
        ends = (SystemClock().now() + timedelta(days=9)).date().isoformat()
        filed = self.said(
            "request", "file", "--agency", "rft", "--purpose", "Pendant une panne",
            "--dataset", "rand-hie", "--template", "01-depart", "--size", "petit",
            "--profile", "standard", "--ends-on", ends, "--colleague", "scientifique",
            "--key", secrets.token_hex(8), token=self.requester,
        )  # fmt: skip
        return str(filed["sandbox_id"])

    def show(self, sandbox_id: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.said("sandbox", "show", sandbox_id)
        return shown

    def wait(self, sandbox_id: str, phase: str, seconds: float = 300) -> None:
        assert eventually(lambda: self.show(sandbox_id)["phase"] == phase, seconds), (
            self.show(sandbox_id),
            self.lab.release.unready(),
        )

    def is_ready(self, sandbox_id: str, stage: str) -> bool:
        stages = self.lab.asked(f"sandboxes/{sandbox_id}")["stages"]
        return any(each["stage"] == stage and each["seen"] == "ready" for each in stages)

    def wait_for_stage(self, sandbox_id: str, stage: str) -> None:
        """Return once all stages before it have ended."""
        before = [each.value for each in Stage][: [each.value for each in Stage].index(stage)]
        assert eventually(lambda: all(self.is_ready(sandbox_id, each) for each in before), 300)

    def delete(self, sandbox_id: str) -> None:
        self.said("sandbox", "delete", sandbox_id, "--yes")

    def named(self, kind: str, namespace: str = "") -> list[dict[str, Any]]:
        where = ("-n", namespace) if namespace else ("-A",)
        found: list[dict[str, Any]] = json.loads(
            self.lab.kubectl("get", kind, *where, "-l", MARK, "-o", "json")
        )["items"]
        return found

    def places(self) -> set[str]:
        """Return the namespaces of sandboxes; the network is tried in others, now and then."""
        found = (each["metadata"] for each in self.named("namespace"))
        return {each["name"] for each in found if each["labels"].get(COMPONENT) != "probe"}

    def node_of_database(self) -> str:
        pod = json.loads(
            self.lab.kubectl("get", "pod", "database-0", "-n", "vase-clos", "-o", "json")
        )
        return str(pod["spec"]["nodeName"])

    def notebook(self) -> str:
        """Return the name of the notebook's pod once it runs."""

        def running() -> list[str]:
            return [
                pod["metadata"]["name"]
                for pod in self.named("pod", self.sandbox_id)
                if pod["metadata"]["name"].startswith("carnet-")
                and pod["status"].get("phase") == "Running"
                and "deletionTimestamp" not in pod["metadata"]
            ]

        assert eventually(lambda: bool(running()), 180)
        return running()[0]

    def open(self) -> str:
        """Open the notebook as the person does, and return its pod."""
        self.noe.go(f"/bacs/{self.sandbox_id}")
        self.noe.page.get_by_text("Ouvrir JupyterLab").first.click()
        Notebook(self.noe).wait()
        return self.notebook()


@pytest.fixture(scope="module")
def breaking(cluster: Cluster) -> Iterator[Breaking]:
    lab = whole_lab(cluster)
    room = ("--sandboxes", "40", "--cpu", "80", "--memory", "160Gi", "--storage", "400Gi")
    done = lab.lab("quota", "set", "rft", *room)
    assert done.returncode == 0, done.stderr
    with browser() as launched:
        noe = Person(launched, lab.address)
        noe.sign_in("scientifique", lab.passwords["scientifique"])
        yield Breaking(lab, noe, lab.token_of("demandeur"))


@contextmanager
def outage(cluster: Cluster, part: str) -> Iterator[None]:
    cluster.act_on(part, "kill")
    try:
        yield
    finally:
        cluster.act_on(part, "start")


@contextmanager
def slow(cluster: Cluster, part: str) -> Iterator[None]:
    """Let a part stand still again and again, as on a disk that cannot follow."""
    ended = threading.Event()

    def stutter() -> None:
        while not ended.is_set():
            cluster.act_on(part, "pause")
            time.sleep(SLOW_SECONDS[0])
            cluster.act_on(part, "resume")
            ended.wait(SLOW_SECONDS[1])

    working = threading.Thread(target=stutter)
    working.start()
    try:
        yield
    finally:
        ended.set()
        working.join(10)


@pytest.mark.parametrize("stage", [stage.value for stage in Stage])
def test_an_api_server_that_is_away_for_a_minute_in_a_stage_delays_a_sandbox_and_no_more(
    breaking: Breaking, cluster: Cluster, stage: str
) -> None:
    for _ in range(TRIES):
        asked = breaking.ask()
        breaking.wait_for_stage(asked, stage)
        with outage(cluster, "apiserver"):
            # The portal goes on answering from its own database.
            if breaking.is_ready(asked, stage):
                continue  # too late for this one: the stage ended in the same moment
            time.sleep(OUTAGE_SECONDS)
            assert breaking.show(asked)["phase"] in {"pending", "ready"}
            break
    else:
        pytest.fail(f"{stage} was never caught under way")
    breaking.wait(asked, "ready")
    places = [each for each in breaking.named("namespace") if each["metadata"]["name"] == asked]
    assert len(places) == 1
    breaking.asked.append(asked)
    breaking.sandbox_id = asked


def test_an_evicted_notebook_is_opened_again_with_its_home(breaking: Breaking) -> None:
    pod = breaking.open()
    program = f"open({KEPT!r}, 'w', encoding='utf-8').write('là')"
    breaking.lab.inside(breaking.sandbox_id, pod, program)
    path = f"/api/v1/namespaces/{breaking.sandbox_id}/pods/{pod}"
    before = breaking.lab.cluster.api().get(path)["metadata"]["uid"]
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": breaking.sandbox_id},
    }
    breaking.lab.kubectl(
        "create", "--raw", f"{path}/eviction", "-f", "-", stdin=json.dumps(eviction)
    )
    assert eventually(
        lambda: (
            before
            not in {p["metadata"]["uid"] for p in breaking.named("pod", breaking.sandbox_id)}
        ),
        90,
    )
    assert breaking.show(breaking.sandbox_id)["phase"] == "ready"
    again = breaking.open()
    assert breaking.lab.cluster.api().get(path.replace(pod, again))["metadata"]["uid"] != before
    said = breaking.lab.inside(
        breaking.sandbox_id, again, f"print(open({KEPT!r}, encoding='utf-8').read())"
    )
    assert said.strip() == "là"


def test_a_node_that_disappears_holds_up_a_removal_that_then_ends(
    breaking: Breaking, cluster: Cluster
) -> None:
    second = cluster.a_node("node2")
    is_away = breaking.node_of_database() == second.name
    cluster.nodes().fail(second)
    try:
        if is_away:
            # Its one database went with the node: the lab says so, and does nothing by halves.
            time.sleep(20)
            assert breaking.lab.lab("sandbox", "list").returncode == NO_ANSWER
        else:
            breaking.delete(breaking.sandbox_id)
            time.sleep(20)
            # It is asked for, whatever is down: the person is not told that it is gone.
            assert breaking.show(breaking.sandbox_id)["phase"] in {"deleting", "deleted"}
    finally:
        cluster.nodes().recover(second)
    if is_away:
        breaking.delete(breaking.sandbox_id)
    breaking.wait(breaking.sandbox_id, "deleted", 400)
    assert breaking.named("pod", breaking.sandbox_id) == []
    certificate = breaking.said("sandbox", "certificate", breaking.sandbox_id)
    assert certificate["gone"]


def test_a_slow_database_of_the_cluster_slows_and_breaks_nothing(
    breaking: Breaking, cluster: Cluster
) -> None:
    with slow(cluster, "etcd"):
        asked = breaking.ask()
        breaking.wait(asked, "ready", 420)
    breaking.delete(asked)
    with outage(cluster, "apiserver"):
        time.sleep(15)
    breaking.wait(asked, "deleted", 300)
    assert [
        each for each in breaking.named("namespace") if each["metadata"]["name"] == asked
    ] == []


def test_nothing_is_left_of_all_of_them_and_the_chain_is_whole(breaking: Breaking) -> None:
    left = breaking.places()
    for sandbox_id in left:
        breaking.delete(sandbox_id)
    assert left >= set(breaking.asked) - {breaking.sandbox_id}
    assert eventually(lambda: not breaking.places(), 300)
    assert breaking.said("audit", "verify")["holds"]
