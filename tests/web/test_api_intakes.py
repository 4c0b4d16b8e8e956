from __future__ import annotations

import csv
import io
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from lab.domain.intake_states import IntakeState
from tests.intakes import CHOICES, RAW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.web.conftest import Users, WebLab

PATH = "/api/v1/intakes"
BODY = {
    "agency_id": "rft",
    "dataset": "prestations-2026",
    "title_fr": "Prestations",
    "title_en": "Benefits",
    "description_fr": "=1+1",
    "description_en": "d",
    "purposes": "Prévoir les délais.",
    "licence": "interne",
    "source": "Régie",
    "asked": "anonymise",
    "supervisor": "s.morin",
    "requester": "a.tremblay",
}
BYTES = {"Content-Type": "application/octet-stream"}
COLUMNS = {"columns": [asdict(choice) | {"role": choice.role.value} for choice in CHOICES]}


async def streamed(data: bytes = RAW) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 11):
        yield data[start : start + 11]


async def opened(client: httpx.AsyncClient, **changes: object) -> str:
    answer = await client.post(PATH, json=BODY | changes)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{PATH}/{answer.json()['id']}"
    return str(answer.headers["location"])


async def ran(client: httpx.AsyncClient, lab: WebLab, path: str, **body: object) -> str:
    answer = await client.post(f"{path}/runs", json=body)
    assert answer.status_code == 202, answer.text
    await lab.intake_work.work()
    run = (await client.get(answer.headers["location"])).json()
    assert run["state"] == "done", run
    return str(run["id"])


async def published(users: Users, lab: WebLab) -> str:
    reviewer, supervisor = await users.api("r.cote"), await users.api("s.morin")
    path = await opened(reviewer)
    put = await reviewer.put(f"{path}/raw?name=p.csv", content=streamed(), headers=BYTES)
    assert (put.status_code, put.json()["raw"]["size_bytes"]) == (200, len(RAW))
    await ran(reviewer, lab, path, step="read")
    found = (await reviewer.get(f"{path}/columns")).json()["columns"]
    assert (found[0]["name"], found[0]["proposed"], found[0]["role"]) == (
        "nas",
        "identifiant",
        None,
    )
    assert (await reviewer.put(f"{path}/columns", json=COLUMNS)).status_code == 200
    await ran(reviewer, lab, path, step="treat", technique="k-anonymat", k=11)
    await ran(reviewer, lab, path, step="measure")
    mine = await reviewer.post(f"{path}/signature")
    assert (mine.status_code, mine.json()["code"]) == (403, "forbidden")
    signed = await supervisor.post(f"{path}/signature")
    assert (signed.status_code, signed.json()["signed_by"]["login"]) == (200, "s.morin")
    asked = await reviewer.post(f"{path}/publication")
    assert asked.status_code == 202
    await lab.intake_work.work()
    assert (await reviewer.get(asked.headers["location"])).json()["state"] == "done"
    return path


async def test_a_reviewer_brings_a_table_in_and_a_scientist_sees_the_card_only(
    users: Users, lab: WebLab
) -> None:
    path = await published(users, lab)
    reviewer, scientist = await users.api("r.cote"), await users.api("b.gagnon")
    dossier = (await reviewer.get(path)).json()
    assert (dossier["state"], dossier["passes"], dossier["failures"]) == ("published", True, [])
    assert dossier["destroyed_at"] is not None
    page = await reviewer.get(f"{path}/report.html")
    assert "Rapport d’anonymisation" in page.text
    assert "default-src 'none'; style-src 'sha256-" in page.headers["content-security-policy"]
    english = await reviewer.get(f"{path}/report.html?lang=en")
    assert (english.headers["content-language"], "Sylvie Morin" in english.text) == ("en-CA", True)
    pdf = await reviewer.get(f"{path}/report.pdf")
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert (await reviewer.get(f"{path}/report.pdf?lang=de")).status_code == 422
    report = (await reviewer.get(f"{path}/report")).json()
    assert report["thresholds"]["k_between"] == 11
    assert len(report["signature"]["value"]) == len(report["destruction"]["value"]) == 64
    card = (await scientist.get("/api/v1/datasets/prestations-2026")).json()
    assert (card["versions"][0]["status"], card["data_class"]) == ("active", "anonymise")
    version = "/api/v1/datasets/prestations-2026/versions"
    croissant = await scientist.get(f"{version}/1/croissant.json")
    assert (croissant.status_code, croissant.json()) == (200, {"@type": "sc:Dataset"})
    assert croissant.headers["content-type"] == "application/ld+json"
    assert croissant.headers["etag"].strip('"') == card["versions"][0]["files"][1]["sha256"]
    for missing in (f"{version}/1/dcat.json", f"{version}/2/croissant.json"):
        assert (await scientist.get(missing)).status_code == 404, missing
    assert (await scientist.get(f"{version}/1/data.parquet")).status_code == 422
    papers = (f"{path}/report", f"{path}/report.html", f"{path}/report.pdf")
    for where in (PATH, path, *papers, f"{path}/columns", f"{PATH}/register"):
        assert (await scientist.get(where)).status_code == 403, where


async def test_a_review_is_in_the_evidence_and_in_the_register(users: Users, lab: WebLab) -> None:
    path = await published(users, lab)
    reviewer, supervisor = await users.api("r.cote"), await users.api("s.morin")
    refused = await reviewer.post(f"{path}/runs", json={"step": "review"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    await ran(supervisor, lab, path, step="review")
    (review,) = (await supervisor.get(f"{path}/report")).json()["reviews"]
    assert (review["by"]["login"], review["passes"], review["k"]) == ("s.morin", True, 11)
    assert "attacks" in review["not_repeated"]
    row = (await supervisor.get(f"{PATH}/register")).json()["items"][0]
    assert row["reviewed_at"] == review["at"]


async def test_what_the_lab_analysed_by_itself_waits_on_the_home_page_of_who_answers_for_it(
    users: Users, lab: WebLab
) -> None:
    path = await published(users, lab)
    due = datetime.fromisoformat(
        (await (await users.api("s.morin")).get(path)).json()["next_review_at"]
    )
    lab.clock.time = due - timedelta(days=30)
    await lab.intake_work.keep_up()
    await lab.intake_work.work()
    supervisor, reviewer = await users.browser("s.morin"), await users.browser("r.cote")
    banner = "1 analyse refaite attend votre confirmation."
    assert banner in (await supervisor.get("/")).text
    assert banner not in (await reviewer.get("/")).text
    here = "/dossiers/" + path.rpartition("/")[2]
    shown = (await supervisor.get(here)).text
    assert "La date n’avance qu’avec l’accord de Sylvie Morin" in shown
    assert f"lab dataset review {here[10:]} --confirm" in shown
    assert f'action="{here}/confirmer"' not in (await reviewer.get(here)).text
    refused = await reviewer.post(f"{here}/confirmer", {}, page=here)
    assert refused.status_code == 403
    answer = await supervisor.post(f"{here}/confirmer", {}, page=here)
    assert (answer.status_code, answer.headers["location"]) == (303, here)
    assert "Analyse refaite confirmée" in (await supervisor.get(here)).text
    assert banner not in (await supervisor.get("/")).text
    api = await users.api("s.morin")
    again = await api.post(f"{path}/review-confirmation")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    (review,) = (await api.get(f"{path}/report")).json()["reviews"]
    assert (review["by"], review["is_answered_for"]) == (None, True)
    assert review["confirmed_by"]["login"] == "s.morin"
    moved = datetime.fromisoformat((await api.get(path)).json()["next_review_at"])
    assert moved > due + timedelta(days=300)


async def test_the_register_is_a_list_and_a_csv_that_no_spreadsheet_runs(
    users: Users, lab: WebLab
) -> None:
    await published(users, lab)
    reviewer = await users.api("r.cote")
    rows = (await reviewer.get(f"{PATH}/register")).json()["items"]
    assert [(r["dataset"], r["version"], r["supervisor"]) for r in rows] == [
        ("prestations-2026", 1, "Sylvie Morin")
    ]
    answer = await reviewer.get(f"{PATH}/register.csv?agency_id=rft")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")), delimiter=";"))
    assert lines[0]["Fins prévues"] == "Prévoir les délais."
    # The four items of section 9.
    described = "Prestations. =1+1 Colonnes\u00a0: Sexe, Montant."
    assert lines[0]["Description des renseignements"] == described
    assert lines[0]["Technique d’anonymisation"] == "k-anonymat"
    assert lines[0]["Mesures de protection et de sécurité"].startswith("Dépôt chiffré")
    assert lines[0]["Date de l’analyse des risques de réidentification (art. 7)"]
    assert lines[0]["Date de la mise à jour de l’analyse (art. 8)"] == ""
    assert (await reviewer.get(f"{PATH}/register?agency_id=sqd")).json()["items"] == []


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"supervisor": "r.cote"}, "supervisor", "not_apart"),
        ({"supervisor": "a.tremblay"}, "supervisor", "not_apart"),
        ({"supervisor": "b.gagnon"}, "supervisor", "unknown"),
        ({"purposes": ""}, "purposes", "required"),
        ({"dataset": "../x"}, "dataset", "bad_format"),
        ({"dataset": "rand-hie"}, "dataset", "taken"),
        ({"asked": "secret"}, "asked", "bad_value"),
        ({"state": "signed"}, "state", "unknown_field"),
    ],
)
async def test_a_bad_field_is_named(
    users: Users, change: dict[str, object], field: str, code: str
) -> None:
    answer = await (await users.api("r.cote")).post(PATH, json=BODY | change)
    assert answer.status_code == 422
    found = {(e["field"], e["code"]): e["detail"] for e in answer.json()["errors"]}
    assert found[field, code]


async def test_a_run_is_followed_and_cancelled_and_keys_and_versions_count(
    users: Users, lab: WebLab
) -> None:
    reviewer = await users.api("r.cote")
    path = await opened(reviewer)
    await reviewer.put(f"{path}/raw?name=p.csv", content=streamed(), headers=BYTES)
    key = {"Idempotency-Key": "k"}
    first, again = [
        await reviewer.post(f"{path}/runs", json={"step": "read"}, headers=key) for _ in "ab"
    ]
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"
    busy = await reviewer.post(f"{path}/runs", json={"step": "read"})
    assert (busy.status_code, busy.json()["state"]) == (409, "busy")
    gone = await reviewer.delete(first.headers["location"])
    assert (gone.status_code, gone.json()["state"]) == (202, "cancelled")
    assert (await reviewer.delete(first.headers["location"])).status_code == 409
    listed = (await reviewer.get(f"{path}/runs")).json()["items"]
    assert [run["state"] for run in listed] == ["cancelled"]
    stale = await reviewer.post(f"{path}/runs", json={"step": "read"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await reviewer.get(f"{path}/runs/run-0")).status_code == 404
    assert await lab.intake_work.work() == 0


async def test_a_file_is_bytes_and_not_too_many_of_them(users: Users, lab: WebLab) -> None:
    reviewer = await users.api("r.cote")
    path = await opened(reviewer)
    wrong = await reviewer.put(f"{path}/raw?name=p.csv", json={})
    assert (wrong.status_code, wrong.json()["code"]) == (415, "unsupported_media_type")
    empty = await reviewer.put(f"{path}/raw?name=p.csv", content=b"", headers=BYTES)
    assert empty.json()["errors"][0]["code"] == "empty"
    large = b"0" * (3 * 1024**2)
    kept = await reviewer.put(
        f"{path}/raw?name=grand.csv", content=streamed_large(large), headers=BYTES
    )
    assert kept.json()["raw"]["size_bytes"] == len(large)
    assert lab.dossiers.files() == [f"{path.rpartition('/')[2]}/raw.sealed"]
    scientist = await users.api("b.gagnon")
    assert (
        await scientist.put(f"{path}/raw?name=p.csv", content=b"x", headers=BYTES)
    ).status_code == 403


async def streamed_large(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 65_536):
        yield data[start : start + 65_536]


async def test_whoever_may_not_decide_is_told_and_a_refusal_needs_a_reason(users: Users) -> None:
    reviewer, requester = await users.api("r.cote"), await users.api("a.tremblay")
    path = await opened(reviewer)
    assert (await requester.get(path)).status_code == 200
    assert (await (await users.api("c.roy")).get(path)).status_code == 404
    empty = await reviewer.post(f"{path}/refusal", json={"reason": " "})
    assert empty.json()["errors"][0]["field"] == "reason"
    done = await reviewer.post(f"{path}/withdrawal", json={"reason": "Mauvais fichier"})
    assert done.json()["state"] == IntakeState.WITHDRAWN.value
    late = await reviewer.post(f"{path}/runs", json={"step": "treat", "technique": "aucune"})
    assert (late.status_code, late.json()["code"]) == (409, "wrong_state")


async def test_an_unpublished_version_is_refused_saying_why(users: Users) -> None:
    reviewer, requester = await users.api("r.cote"), await users.api("a.tremblay")
    await opened(reviewer)
    body = {
        "agency_id": "rft",
        "purpose": "Essai",
        "datasets": ["prestations-2026"],
        "template": "01-depart",
        "size": "petit",
        "profile": "standard",
        "ends_on": "2026-12-05",
    }
    answer = await requester.post("/api/v1/requests", json=body)
    error = answer.json()["errors"][0]
    assert (error["code"], "n’est pas encore publié" in error["detail"]) == ("unpublished", True)
