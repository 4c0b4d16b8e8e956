"""The main job on Kubernetes, from end to end, by its three people, in a browser.

The tests of this module are one story and run in order; each begins where the one before ended.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lab.bootstrap import SystemClock
from lab.domain.sandbox import Stage
from tests.cluster.driver.telling import say
from tests.cluster.whole import WholeLab, whole_lab
from tests.e2e.a_lab import eventually
from tests.e2e.browser import Notebook, Person, browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.cluster.driver.cluster import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

PURPOSE = "Prévoir les délais de traitement, sur la grappe <b>sans</b> « personne » 😀"
MOST_SECONDS = 10.0

ATTEMPTS = """
import json, socket, subprocess, sys, time, urllib.request
import requests

def tried(what, act):
    began = time.monotonic()
    try:
        act()
        said = "open"
    except Exception as error:
        said = type(error).__name__
    print(json.dumps([what, said, time.monotonic() - began]), flush=True)

def connect(address, port, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(5)
        sock.connect((address, port))

def pip():
    subprocess.run([sys.executable, "-m", "pip", "download", "--retries", "0", "--timeout", "3",
                    "--index-url", "https://pypi.org/simple", "six"],
                   check=True, capture_output=True, cwd="/tmp")

tried("web", lambda: requests.get("https://example.org", timeout=5))
tried("address", lambda: connect("192.0.2.10", 80))
tried("address-6", lambda: connect("2001:db8::10", 80, socket.AF_INET6))
tried("metadata", lambda: connect("169.254.169.254", 80))
tried("pip", pip)
tried("name", lambda: socket.getaddrinfo("example.org", 443))
tried("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
for name, address, port in json.loads('''@OTHERS@'''):
    tried(name, lambda address=address, port=port: connect(address, port))
"""


@dataclass
class Story:
    lab: WholeLab
    browser: Browser
    people: dict[str, Person] = field(default_factory=dict)
    sandbox_id: str = ""
    pod: str = ""

    def person(self, login: str) -> Person:
        if login not in self.people:
            person = Person(self.browser, self.lab.address)
            person.sign_in(login, self.lab.passwords[login])
            self.people[login] = person
        return self.people[login]

    def uid(self) -> str:
        """Which very pod the notebook is."""
        path = ("get", "pod", self.pod, "-n", self.sandbox_id, "-o", "jsonpath={.metadata.uid}")
        return self.lab.kubectl(*path)

    def cells(self) -> list[dict[str, Any]]:
        text = self.lab.inside(
            self.sandbox_id,
            self.pod,
            "print(open('/home/scientist/01-depart/depart.ipynb', encoding='utf-8').read())",
        )
        return [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def story(cluster: Cluster) -> Iterator[Story]:
    lab = whole_lab(cluster)
    # What earlier runs left in a lab that stays up must not be in the way.
    room = ("--sandboxes", "40", "--cpu", "80", "--memory", "160Gi", "--storage", "400Gi")
    done = lab.lab("quota", "set", "rft", *room)
    assert done.returncode == 0, done.stderr
    with browser() as launched:
        yield Story(lab, launched)


def fill_date(person: Person) -> None:
    last = SystemClock().now() + timedelta(days=14)
    person.page.fill("input[name=ends_on_day]", str(last.day))
    person.page.fill("input[name=ends_on_month]", str(last.month))
    person.page.fill("input[name=ends_on_year]", str(last.year))


def fill(person: Person, purpose: str) -> None:
    person.go("/demandes/nouvelle")
    page = person.page
    page.fill("textarea[name=purpose]", purpose)
    page.check("input[name=datasets][value=rand-hie]")
    page.check("input[name=template][value='01-depart']")
    page.check("input[name=size][value=petit]")
    page.check("input[name=profile][value=standard]")
    fill_date(person)


def test_a_request_is_approved_and_its_stages_become_ready(story: Story) -> None:
    camille = story.person("demandeur")
    fill(camille, PURPOSE)
    camille.page.check("input[name=colleagues][value=scientifique]")
    began = time.monotonic()
    camille.page.get_by_role("button", name="Envoyer").click()
    camille.page.wait_for_url("**/bacs/sb-*")
    story.sandbox_id = camille.page.url.rpartition("/")[2]
    camille.page.get_by_text("Le bac à sable est prêt").last.wait_for(timeout=300_000)
    story.lab.seconds["request to READY"] = time.monotonic() - began
    camille.keep("grappe-etat")
    camille.assert_accessible()
    shown = story.lab.json("sandbox", "show", story.sandbox_id)
    assert shown["phase"] == "ready"
    say(f"request to READY: {story.lab.seconds['request to READY']:.1f} s")


def test_the_walls_were_proved_from_both_ends(story: Story) -> None:
    proof = story.lab.json("sandbox", "proof", story.sandbox_id)
    blocked = [each for each in proof["results"] if each["expected"] == "blocked"]
    assert len(blocked) >= 80
    assert [each for each in blocked if each["outcome"] != "blocked" or each["arrivals"]] == []
    assert len([each for each in blocked if each["arrivals"] is not None]) >= 20


def test_nothing_of_the_place_is_open_before_it_is_closed(story: Story) -> None:
    namespace = json.loads(story.lab.kubectl("get", "namespace", story.sandbox_id, "-o", "json"))
    labels = namespace["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    policies = json.loads(
        story.lab.kubectl("get", "networkpolicy", "-n", story.sandbox_id, "-o", "json")
    )["items"]
    closing = next(each for each in policies if each["metadata"]["name"] == "tout-fermer")
    assert closing["spec"]["podSelector"] == {}
    assert set(closing["spec"]["policyTypes"]) == {"Ingress", "Egress"}


def test_the_scientist_runs_the_template_from_top_to_bottom(story: Story) -> None:
    noe = story.person("scientifique")
    noe.go(f"/bacs/{story.sandbox_id}")
    began = time.monotonic()
    noe.page.get_by_text("Ouvrir JupyterLab").first.click()
    notebook = Notebook(noe)
    notebook.wait()
    story.lab.seconds["click to notebook"] = time.monotonic() - began
    say(f"click to a notebook whose kernel answers: {time.monotonic() - began:.1f} s")
    noe.keep("grappe-carnet", whole=False)
    pods = story.lab.kubectl("get", "pods", "-n", story.sandbox_id, "-o", "name").split()
    story.pod = next(name for name in pods if name.startswith("pod/carnet-"))[4:]
    notebook.run_all()

    def is_done() -> bool:
        notebook.save()
        time.sleep(2)
        cells = story.cells()
        failed = [o for cell in cells for o in cell["outputs"] if o["output_type"] == "error"]
        assert not failed, failed
        return all(cell["execution_count"] for cell in cells)

    assert eventually(is_done, 300)
    noe.keep("grappe-carnet-execute", whole=False)
    said = json.dumps([cell["outputs"] for cell in story.cells()], ensure_ascii=False)
    assert "Les lectures concordent" in said
    assert "Exécution enregistrée" in said
    assert f"s3://{story.sandbox_id}/" in said


def test_from_the_notebook_every_other_way_fails_at_once(story: Story) -> None:
    lab = story.lab
    services = json.loads(
        lab.kubectl("get", "service", "-n", lab.release.namespace, "-o", "json")
    )["items"]
    others: list[tuple[str, str, int]] = [
        (f"{each['metadata']['name']}:{port['port']}", each["spec"]["clusterIP"], port["port"])
        for each in services
        if each["spec"].get("clusterIP") not in {None, "", "None"}
        and each["metadata"]["name"] not in {"hub", f"door-{story.sandbox_id}"}
        for port in each["spec"]["ports"]
        if port.get("protocol", "TCP") == "TCP"
    ]
    assert len(others) >= 5
    others += [
        ("api server", lab.cluster.plan.api, 6443),
        ("kubelet", lab.cluster.plan.api, 10250),
    ]
    program = ATTEMPTS.replace("@OTHERS@", json.dumps(others))
    answers = [
        json.loads(line) for line in lab.inside(story.sandbox_id, story.pod, program).splitlines()
    ]
    assert len(answers) == 7 + len(others)
    assert [each for each in answers if each[1] == "open"] == []
    assert [each for each in answers if each[2] > MOST_SECONDS] == []


def test_the_pod_holds_no_token_of_the_cluster_and_no_name_server(story: Story) -> None:
    program = (
        "import os, json; print(json.dumps([os.path.exists('/var/run/secrets/kubernetes.io'), "
        "[k for k in os.environ if k.endswith('_SERVICE_HOST') and 'KUBERNETES' not in k], "
        "os.getuid(), os.access('/', os.W_OK)]))"
    )
    said = json.loads(story.lab.inside(story.sandbox_id, story.pod, program))
    assert said == [False, [], 1000, False]


def test_the_scientist_sees_the_run_in_mlflow(story: Story) -> None:
    noe = story.person("scientifique")
    noe.go(f"/bacs/{story.sandbox_id}/suivi")
    noe.page.get_by_text("départ –").first.wait_for()
    noe.keep("grappe-mlflow", whole=False)


def test_what_was_refused_at_a_door_is_shown(story: Story) -> None:
    program = (
        "import urllib.request, os\n"
        "url = os.environ['MLFLOW_TRACKING_URI'] + '/graphql'\n"
        "try:\n    urllib.request.urlopen(url, timeout=5)\n"
        "except Exception as error:\n    print(error.code)\n"
    )
    assert story.lab.inside(story.sandbox_id, story.pod, program).strip() == "403"

    def is_shown() -> bool:
        seen = story.lab.json("sandbox", "attempts", story.sandbox_id)
        items = seen["items"] if isinstance(seen, dict) else seen
        return any(each["rule"] == "door_tracking" for each in items)

    assert eventually(is_shown, 30)


def test_a_second_request_over_the_quota_says_what_is_left(story: Story) -> None:
    done = story.lab.lab("quota", "set", "rft", "--sandboxes", "1")
    assert done.returncode == 0, done.stderr
    before = len(story.lab.json("request", "list"))
    camille = story.person("demandeur")
    fill(camille, "Une de trop")
    camille.page.get_by_role("button", name="Envoyer").click()
    camille.page.locator(".govuk-error-summary").wait_for()
    assert "quota" in camille.text.lower()
    assert len(story.lab.json("request", "list")) == before
    assert story.lab.lab("quota", "set", "rft", "--sandboxes", "4").returncode == 0


def test_a_restarted_hub_leaves_the_notebook_running(story: Story) -> None:
    lab = story.lab
    before = story.uid()
    namespace = lab.release.namespace
    lab.kubectl("rollout", "restart", "deployment/hub", "-n", namespace)
    status = ("rollout", "status", "deployment/hub", "-n", namespace, "--timeout=230s")
    lab.kubectl(*status, seconds=240)
    assert story.uid() == before
    noe = story.person("scientifique")
    noe.go(f"/bacs/{story.sandbox_id}")
    noe.page.get_by_text("Ouvrir JupyterLab").first.click()
    Notebook(noe).wait()
    assert story.uid() == before


def test_deletion_leaves_nothing_and_is_certified(story: Story) -> None:
    camille = story.person("demandeur")
    camille.go(f"/bacs/{story.sandbox_id}/supprimer")
    camille.page.locator("main form button").last.click()
    camille.page.wait_for_url(f"**/bacs/{story.sandbox_id}*")
    began = time.monotonic()

    def is_gone() -> bool:
        return story.lab.phase(story.sandbox_id) == "deleted"

    assert eventually(is_gone, 240)
    say(f"deletion asked to certificate: {time.monotonic() - began:.1f} s")
    camille.go(f"/bacs/{story.sandbox_id}/certificat")
    camille.keep("grappe-certificat")
    camille.assert_accessible()
    found = story.lab.json("sandbox", "certificate", story.sandbox_id)
    kinds = {(each["stage"], each["kind"]) for each in found["gone"]}
    assert {stage for stage, _ in kinds} == {stage.value for stage in Stage}
    left = story.lab.kubectl(
        "get",
        "namespace,service",
        "-A",
        "-l",
        f"vase-clos.lab/sandbox={story.sandbox_id}",
        "-o",
        "name",
    )
    assert left.strip() == ""


def test_the_audit_chain_holds(story: Story) -> None:
    done = story.lab.lab("audit", "verify")
    assert done.returncode == 0, done.stderr
