"""The main job, from end to end, by its three people, on real parts, in a closed network.

The tests of this module are one story and run in order; each begins where the
one before ended.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from lab import grants
from lab.bootstrap import SystemClock
from lab.bootstrap.signing import CertificateSigner
from lab.domain.certificate import DeletionCertificate, Gone
from lab.domain.containment import Expected
from lab.domain.ids import SandboxId
from lab.domain.sandbox import Stage
from tests.e2e import inside
from tests.e2e.a_lab import RunningLab, a_lab, eventually
from tests.e2e.browser import Notebook, Person, browser
from tests.e2e.own_network import Watcher, own_network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.real, pytest.mark.timeout(420)]

PURPOSE = "Prévoir les délais de traitement <b>sans</b> « personne » 😀"


@dataclass
class Tour:
    lab: RunningLab
    browser: Browser
    watcher: Watcher
    people: dict[str, Person] = field(default_factory=dict)
    sandbox_id: str = ""
    storage: dict[str, Any] = field(default_factory=dict)
    tracking: dict[str, Any] = field(default_factory=dict)

    def person(self, login: str) -> Person:
        if login not in self.people:
            person = Person(self.browser, self.lab.address)
            person.sign_in(login, self.lab.accounts[login].password)
            self.people[login] = person
        return self.people[login]

    def member_home(self) -> Path:
        homes = self.lab.settings.state_dir / "sandboxes" / self.sandbox_id / "homes"
        return next(home for home in homes.iterdir() if (home / "01-depart").exists())

    def notebook(self) -> dict[str, Any]:
        path = self.member_home() / "01-depart" / "depart.ipynb"
        return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    with (
        own_network() as watcher,
        a_lab(tmp_path_factory.mktemp("tour")) as lab,
        browser() as launched,
    ):
        yield Tour(lab, launched, watcher)


def test_up_prints_one_address_and_a_ready_sandbox(tour: Tour) -> None:
    assert tour.lab.address == f"http://vaseclos.localhost:{tour.lab.settings.port}/"
    assert set(tour.lab.accounts) >= {"demandeur", "scientifique", "operateur", "reviseur"}
    shown = tour.lab.json("sandbox", "show", tour.lab.sandbox_id)
    assert shown["phase"] == "ready"


def test_requester_asks_with_a_mistake_and_keeps_what_was_typed(tour: Tour) -> None:
    camille = tour.person("demandeur")
    camille.go("/demandes/nouvelle")
    camille.assert_accessible()
    page = camille.page
    page.fill("textarea[name=purpose]", PURPOSE)
    page.check("input[name=datasets][value=rand-hie]")
    page.check("input[name=template][value='01-depart']")
    page.check("input[name=size][value=petit]")
    page.check("input[name=profile][value=standard]")
    page.check("input[name=colleagues][value=scientifique]")
    fill_date(camille)
    camille.keep("formulaire", document=True)
    fill_date(camille, year="2020")
    page.get_by_role("button", name="Envoyer").click()
    summary = page.locator(".govuk-error-summary")
    summary.wait_for()
    assert "date" in summary.inner_text().lower()
    assert page.input_value("textarea[name=purpose]") == PURPOSE
    assert page.is_checked("input[name=datasets][value=rand-hie]")
    camille.keep("formulaire-erreur")
    camille.assert_accessible()


def fill_date(person: Person, *, year: str = "") -> None:
    last = SystemClock().now() + timedelta(days=14)
    person.page.fill("input[name=ends_on_day]", str(last.day))
    person.page.fill("input[name=ends_on_month]", str(last.month))
    person.page.fill("input[name=ends_on_year]", year or str(last.year))


def test_small_request_is_approved_at_once_and_its_stages_become_ready(tour: Tour) -> None:
    camille = tour.person("demandeur")
    page = camille.page
    fill_date(camille)
    page.get_by_role("button", name="Envoyer").click()
    page.wait_for_url("**/bacs/sb-*")
    tour.sandbox_id = page.url.rpartition("/")[2]
    camille.keep("etat-en-cours")
    page.get_by_text("Le bac à sable est prêt").last.wait_for(timeout=120_000)
    camille.keep("etat", document=True)
    camille.assert_accessible()
    text = camille.text
    for words in ("Isolement", "Confinement", "Données", "Suivi des expériences", "Atelier"):
        assert words in text
    shown = tour.lab.json("sandbox", "show", tour.sandbox_id)
    assert shown["phase"] == "ready"
    proof = tour.lab.json("sandbox", "proof", tour.sandbox_id)
    assert len(proof["results"]) >= 40


def test_scientist_runs_the_template_from_top_to_bottom(tour: Tour) -> None:
    noe = tour.person("scientifique")
    noe.go(f"/bacs/{tour.sandbox_id}")
    noe.page.get_by_text("Ouvrir JupyterLab").first.click()
    notebook = Notebook(noe)
    notebook.wait()
    noe.keep("carnet", whole=False, document=True)
    notebook.run_all()

    def is_done() -> bool:
        notebook.save()
        time.sleep(1)
        try:
            cells = code_cells(tour)
        except json.JSONDecodeError:
            return False  # JupyterLab is writing it this moment
        failed = [o for cell in cells for o in cell["outputs"] if o["output_type"] == "error"]
        assert not failed, failed
        return all(cell["execution_count"] for cell in cells)

    assert eventually(is_done, 200)
    noe.keep("carnet-execute", whole=False)
    outputs = [output for cell in code_cells(tour) for output in cell["outputs"]]
    # The first run in a new home, when nothing is cached: no warning may greet the person.
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    said = json.dumps(outputs, ensure_ascii=False)
    assert "Les lectures concordent" in said
    assert "Exécution enregistrée" in said
    assert f"s3://{tour.sandbox_id}/" in said


def code_cells(tour: Tour) -> list[dict[str, Any]]:
    return [cell for cell in tour.notebook()["cells"] if cell["cell_type"] == "code"]


def test_probes_from_the_running_notebook_find_every_wall(tour: Tour) -> None:
    noe = tour.person("scientifique")
    home, opened = tour.member_home(), Notebook(noe)

    def run(name: str) -> None:
        opened.open(name)
        opened.run_all()
        written = home / "01-depart" / "reponses.jsonl"
        assert eventually(lambda: written.exists() and '"end"' in written.read_text(), 60)

    results = inside.probe(tour.lab.settings, SandboxId(tour.sandbox_id), home, run)
    assert [result for result in results if not result.holds] == []
    blocked = [result for result in results if result.expected is Expected.BLOCKED]
    assert len(blocked) >= 40
    assert [result for result in blocked if result.took_ms > 1000] == []
    assert [result for result in blocked if result.arrivals is not None] != []


def test_scientist_sees_the_run_in_mlflow(tour: Tour) -> None:
    noe = tour.person("scientifique")
    noe.go(f"/bacs/{tour.sandbox_id}/suivi")

    noe.page.get_by_text("départ –").first.wait_for()
    assert noe.page.url.startswith(f"http://{tour.sandbox_id}.vaseclos.localhost:")
    noe.keep("mlflow", whole=False)


def test_what_was_tried_is_shown_with_its_rule(tour: Tour) -> None:
    noe = tour.person("scientifique")
    noe.go(f"/bacs/{tour.sandbox_id}/tentatives")
    assert "192.0.2.10" in noe.text
    assert "nom" in noe.text.lower()
    noe.keep("tentatives")
    noe.assert_accessible()
    seen = tour.lab.json("sandbox", "attempts", tour.sandbox_id)
    rules = {each["rule"] for each in (seen["items"] if isinstance(seen, dict) else seen)}
    assert {"no_network", "no_names"} <= rules


def test_operator_sets_a_quota_and_the_next_request_says_what_is_left(tour: Tour) -> None:
    done = tour.lab.lab("quota", "set", "rft", "--cpu", "4", "--memory", "8Gi", "--sandboxes", "2")
    assert done.returncode == 0, done.stderr
    before = len(tour.lab.json("request", "list"))
    camille = tour.person("demandeur")
    camille.go("/demandes/nouvelle")
    page = camille.page
    page.fill("textarea[name=purpose]", "Une de trop")
    page.check("input[name=datasets][value=rand-hie]")
    page.check("input[name=template][value='01-depart']")
    page.check("input[name=size][value=petit]")
    page.check("input[name=profile][value=standard]")
    fill_date(camille)
    page.get_by_role("button", name="Envoyer").click()
    page.locator(".govuk-error-summary").wait_for()
    assert "quota" in camille.text.lower()
    camille.keep("quota-depasse")
    assert len(tour.lab.json("request", "list")) == before


def test_larger_request_waits_for_a_person_who_may_refuse(tour: Tour) -> None:
    done = tour.lab.lab("quota", "set", "rft", "--sandboxes", "4")
    assert done.returncode == 0, done.stderr
    camille = tour.person("demandeur")
    camille.page.check("input[name=size][value=moyen]")
    camille.page.get_by_role("button", name="Envoyer").click()
    camille.page.wait_for_url("**/demandes/rq-*")
    request_id = camille.page.url.rpartition("/")[2]
    remi = tour.person("reviseur")
    remi.go(f"/demandes/{request_id}")
    remi.keep("revision")
    remi.assert_accessible()
    refused = tour.lab.lab("request", "reject", request_id, "--reason", "Hors du but")
    assert refused.returncode == 0, refused.stderr
    camille.go(f"/demandes/{request_id}")
    assert "Hors du but" in camille.text
    camille.keep("refus")


def test_deletion_ends_servers_credentials_and_data_and_is_certified(tour: Tour) -> None:
    root = tour.lab.settings.state_dir / "grants"
    tour.storage = grants.read(root, tour.sandbox_id, grants.STORAGE) or {}  # type: ignore[arg-type]
    tour.tracking = grants.read(root, tour.sandbox_id, grants.TRACKING) or {}  # type: ignore[arg-type]
    assert tour.storage
    assert tour.tracking
    assert storage_answers(tour) == 200
    assert tracking_answers(tour) == 200
    camille = tour.person("demandeur")
    camille.go(f"/bacs/{tour.sandbox_id}/supprimer")
    camille.keep("supprimer")
    camille.page.locator("main form button").last.click()
    camille.page.wait_for_url(f"**/bacs/{tour.sandbox_id}*")

    def is_gone() -> bool:
        return bool(tour.lab.json("sandbox", "show", tour.sandbox_id)["phase"] == "deleted")

    assert eventually(is_gone, 90)
    camille.go(f"/bacs/{tour.sandbox_id}/certificat")
    camille.keep("certificat")
    camille.assert_accessible()
    assert storage_answers(tour) == 403
    assert tracking_answers(tour) == 401
    assert not (tour.lab.settings.state_dir / "sandboxes" / tour.sandbox_id).exists()
    assert not (root / tour.sandbox_id).exists() or not list((root / tour.sandbox_id).iterdir())


def storage_answers(tour: Tour) -> int:
    from minio import Minio  # noqa: PLC0415
    from minio.error import S3Error  # noqa: PLC0415

    client = Minio(
        endpoint=tour.storage["endpoint"].partition("://")[2],
        access_key=tour.storage["access_key"],
        secret_key=tour.storage["secret_key"],
        secure=False,
        region="us-east-1",
    )
    try:
        list(client.list_objects(tour.storage["bucket"]))
    except S3Error as error:
        return 403 if error.code in {"AccessDenied", "InvalidAccessKeyId"} else 500
    return 200


def tracking_answers(tour: Tour) -> int:
    reply = httpx.get(
        f"{tour.tracking['endpoint']}/api/2.0/mlflow/users/get",
        params={"username": tour.tracking["username"]},
        auth=(tour.tracking["username"], tour.tracking["password"]),
        timeout=20,
        trust_env=False,
    )
    return reply.status_code


def test_certificate_lists_what_was_seen_gone_and_its_signature_holds(tour: Tour) -> None:
    found = tour.lab.json("sandbox", "certificate", tour.sandbox_id)
    kinds = {(each["stage"], each["kind"]) for each in found["gone"]}
    assert {stage for stage, _ in kinds} == {stage.value for stage in Stage}
    assert {("data", "bucket"), ("isolation", "folder"), ("workspace", "server")} <= kinds
    certificate = DeletionCertificate(
        sandbox_id=found["sandbox_id"],
        request_id=found["request_id"],
        agency_id=found["agency_id"],
        reason=found["reason"],
        asked_at=moment(found["asked_at"]),
        completed_at=moment(found["completed_at"]),
        gone=tuple(
            Gone(Stage(g["stage"]), g["kind"], g["name"], moment(g["seen_at"]))
            for g in found["gone"]
        ),
        signature=found["signature"],
    )
    signer = CertificateSigner(tour.lab.settings.secret("certificate-key"))
    assert signer.is_genuine(certificate)


def moment(text: str) -> Any:
    from datetime import datetime  # noqa: PLC0415

    return datetime.fromisoformat(text)


def test_audit_chain_holds(tour: Tour) -> None:
    done = tour.lab.lab("audit", "verify")
    assert done.returncode == 0, done.stderr


def test_nothing_called_outside_by_itself_during_the_whole_tour(tour: Tour) -> None:
    assert tour.watcher.seen == []


def test_the_counter_would_have_seen_a_call(tour: Tour) -> None:
    import socket  # noqa: PLC0415

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("203.0.113.9", 53))
    assert eventually(lambda: (17, "203.0.113.9", 53) in tour.watcher.seen, 5)
