"""A table of an agency, from its deposit to a sandbox that holds it, on Kubernetes.

What the API takes in waits encrypted in a bucket; the reconciler, another pod, works on it. The
tests of this module are one story and run in order.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lab.bootstrap import SystemClock
from tests.cluster.whole import WholeLab, whole_lab
from tests.e2e.a_lab import eventually
from tests.web.test_browser_intakes import table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.driver.cluster import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

REVIEWER, REQUESTER, OPERATOR = "reviseur", "demandeur", "operateur"
NAME_INSIDE = "Côté".encode("latin-1")
KEPT = """
import json
from lab.bootstrap.intakes import QUARANTINE_SECRET
from lab.bootstrap.outside import quarantine_blobs
from lab.settings import from_environment

blobs = quarantine_blobs(from_environment(), QUARANTINE_SECRET)
print(json.dumps({key: blobs.get(key).hex() for key, _ in blobs.keys("")}))
"""
"""What waits in the quarantine's bucket, every version of it, as the API's own pod reads it."""


@dataclass
class Story:
    lab: WholeLab
    mark: str = field(default_factory=lambda: secrets.token_hex(3))
    dossier: str = ""
    sandbox_id: str = ""

    @property
    def dataset(self) -> str:
        return f"prestations-{self.mark}"

    @property
    def supervisor(self) -> str:
        return f"s.morin-{self.mark}"

    def do(self, *arguments: str, login: str = REVIEWER) -> Any:
        return self.lab.as_person(login, "dataset", *arguments)

    def now(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.do("dossiers")
        return next(each for each in found if each["id"] == self.dossier)

    def waiting(self) -> dict[str, bytes]:
        said = self.lab.kubectl(
            "exec", "-i", "-n", self.lab.release.namespace, "deploy/api", "--",
            "/opt/lab/bin/python", "-", stdin=KEPT,
        )  # fmt: skip
        return {key: bytes.fromhex(value) for key, value in json.loads(said).items()}


@pytest.fixture(scope="module")
def story(cluster: Cluster) -> Iterator[Story]:
    lab = whole_lab(cluster)
    # What other files left in a lab that stays up must not be in the way.
    room = ("--sandboxes", "40", "--cpu", "80", "--memory", "160Gi", "--storage", "400Gi")
    assert lab.lab("quota", "set", "rft", *room).returncode == 0
    story = Story(lab)
    yield story
    if story.sandbox_id:
        lab.lab("sandbox", "delete", story.sandbox_id, "--yes")


def test_what_is_deposited_waits_unreadable_in_its_bucket(story: Story, tmp_path: Path) -> None:
    raw = tmp_path / "prestations été.csv"
    raw.write_bytes(table())
    assert NAME_INSIDE in raw.read_bytes()
    words = ("--name", "Sylvie Morin", "--role", "reviewer")
    done = story.lab.lab("user", "create", story.supervisor, *words)
    assert done.returncode == 0, done.stderr
    opened = story.do(
        "deposit", str(raw), "--agency=rft", f"--dataset={story.dataset}", "--title=Prestations",
        "--purposes=Prévoir les délais", f"--supervisor={story.supervisor}",
    )  # fmt: skip
    story.dossier = opened["id"]
    kept = {k: v for k, v in story.waiting().items() if story.dossier in k}
    assert sum(map(len, kept.values())) >= raw.stat().st_size
    assert [key for key, content in kept.items() if NAME_INSIDE in content] == []


def test_another_pod_reads_treats_and_measures_it(story: Story, tmp_path: Path) -> None:
    assert story.do("scan", story.dossier)["state"] == "done"
    found = story.do("columns", story.dossier)["columns"]
    assert [each["name"] for each in found if each["must_go"]] == ["nas"]
    sure = {"montant": {"role": "sensible"}}
    chosen = [
        {"name": each["name"], "role": each["proposed"], "keep": not each["drop"]}
        | {"label_fr": each["name"], "label_en": each["name"]}
        | sure.get(each["name"], {})
        for each in found
    ]
    said = tmp_path / "colonnes.json"
    said.write_text(json.dumps({"columns": chosen}), "utf-8")
    story.do("confirm", story.dossier, "--columns", str(said), "--yes")
    assert story.do("treat", story.dossier, "--k", "11")["state"] == "done"
    assert story.do("measure", story.dossier)["state"] == "done"


def test_it_takes_a_second_person_to_sign(story: Story) -> None:
    story.lab.token, operator = story.lab.token_of(REVIEWER), story.lab.token
    try:
        refused = story.lab.lab("dataset", "sign", story.dossier, "--yes")
    finally:
        story.lab.token = operator
    assert refused.returncode == 1, refused.stdout
    assert "Traceback" not in refused.stderr
    signed = story.do("sign", story.dossier, "--yes", login=story.supervisor)
    assert signed["state"] == "signed"


def test_once_published_nothing_of_the_file_is_left(story: Story) -> None:
    assert story.do("publish", story.dossier)["state"] == "done"
    assert eventually(lambda: bool(story.now()["destroyed_at"]), 60), story.now()
    assert story.now()["state"] == "published"
    assert [key for key in story.waiting() if story.dossier in key] == []


def test_a_sandbox_that_asks_for_it_is_granted_it(story: Story) -> None:
    ends = (SystemClock().now() + timedelta(days=9)).date().isoformat()
    filed = story.lab.as_person(
        REQUESTER, "request", "file", "--agency=rft", "--purpose=Les délais",
        f"--dataset={story.dataset}", "--size=petit", f"--ends-on={ends}",
    )  # fmt: skip
    # By the rules of the lab, two people look at what is anonymised.
    first = story.lab.as_person(REVIEWER, "request", "approve", filed["id"])
    assert not first["sandbox_id"]
    second = story.lab.as_person(OPERATOR, "request", "approve", filed["id"])
    story.sandbox_id = second["sandbox_id"]

    def is_granted() -> bool:
        shown = story.lab.asked(f"sandboxes/{story.sandbox_id}")
        stages = {each["stage"]: each["seen"] for each in shown["stages"]}
        return bool(stages.get("data") == "ready")

    assert eventually(is_granted, 180), story.lab.asked(f"sandboxes/{story.sandbox_id}")
