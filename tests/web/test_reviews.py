from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lab.domain.dataset import (
    Column,
    DataClass,
    Dataset,
    DatasetFile,
    DatasetRef,
    DatasetVersion,
)
from lab.domain.ids import DatasetId
from tests.conftest import NOON
from tests.web.scenes import file

if TYPE_CHECKING:
    from tests.web.conftest import Browser, Users, WebLab

NBSP = "\u00a0"
HOSTILE = "Et <script>alert(1)</script> « pourquoi »?"


async def anonymised(lab: WebLab) -> str:
    name = DatasetId("dossiers-anonymes")
    dataset = Dataset(name, "D", "D", "d", "d", DataClass.ANONYMISED, "CC0-1.0", "tests")
    files = (DatasetFile("data.csv", 3, "0" * 64, "text/csv"),)
    columns = (Column("a", "integer", "A", "A"),)
    version = DatasetVersion(DatasetRef(name, 1), 10, columns, files, NOON)
    await lab.datasets.record(dataset, version)
    return name


async def seen(browser: Browser, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def version(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found is not None
    return found[1]


async def test_programs_return_answer_and_approve_with_the_version_they_read(
    users: Users, lab: WebLab
) -> None:
    request = await file(lab, size="moyen")
    path = f"/api/v1/requests/{request.id}"
    alice, reviewer = await users.api("a.tremblay"), await users.api("r.cote")
    first = (await reviewer.get(path)).json()
    assert first["policy"]["rule"] == "petit-et-synthetique"
    assert first["policy"]["differences"][0] == {
        "what": "cpu",
        "asked": ["2000"],
        "allowed": ["1000"],
    }
    back = await reviewer.post(f"{path}/return", json={"questions": ["Quel effet?"]})
    assert (back.status_code, back.json()["state"]) == (200, "returned")
    stale = {"If-Match": f'"{first["version"]}"'}
    late = await (await users.api("s.morin")).post(f"{path}/approve", headers=stale)
    assert late.status_code == 412
    assert [each["what"] for each in late.json()["changed"]] == ["returned"]
    draft = f"/api/v1/drafts/{back.json()['draft_id']}"
    step = {"answers": {"size": "petit", "ends_on": "2026-12-04"}}
    assert (await alice.put(f"{draft}/steps/resources", json=step)).status_code == 200
    assert (await alice.post(f"{draft}/submit")).json()["code"] == "wrong_state"
    wrong = await alice.post(f"{path}/answer", json={"answers": ["a", "b"]})
    assert wrong.json()["errors"][0]["code"] == "too_many"
    sent = await alice.post(f"{path}/answer", json={"answers": ["Dix jours de moins."]})
    # Small now, and still for a person: one had asked.
    assert (sent.status_code, sent.json()["state"]) == (200, "in_review")
    turn = sent.json()["turns"][-1]
    assert (turn["kind"], turn["by"]["login"]) == ("answered", "a.tremblay")
    assert {"step": "resources", "field": "size", "before": ["moyen"], "after": ["petit"]} in turn[
        "changes"
    ]
    done = await reviewer.post(f"{path}/approve", headers={"If-Match": sent.headers["etag"]})
    assert (done.status_code, done.json()["state"]) == (202, "approved")


async def test_pages_return_with_questions_and_lead_to_the_answers(
    users: Users, lab: WebLab
) -> None:
    request = await file(lab, size="moyen")
    where = f"/demandes/{request.id}"
    reviewer, alice = await users.browser("r.cote"), await users.browser("a.tremblay")
    page = await seen(reviewer, where)
    assert "Pourquoi une personne décide" in page
    assert f"4{NBSP}Go" in page
    assert "Petite demande sur des données synthétiques ou ouvertes" in page
    empty = await reviewer.post(f"{where}/retourner", {"version": version(page)}, page=where)
    assert empty.status_code == 422
    assert "Écrivez au moins une question" in empty.text
    long = await reviewer.post(
        f"{where}/retourner", {"questions": "é" * 1001, "version": version(page)}, page=where
    )
    assert (long.status_code, "é" * 1001 in long.text) == (422, True)
    asked = {"questions": f"Quel effet?\n\n{HOSTILE}", "version": version(page)}
    done = await reviewer.post(f"{where}/retourner", asked, page=where)
    assert done.headers["location"] == where
    late = await (await users.browser("s.morin")).post(
        f"{where}/refuser", {"reason": "Trop grand.", "version": version(page)}, page=where
    )
    assert late.status_code == 409
    assert "Retournée par Rémi Côté, avec des questions" in late.text
    assert "Trop grand." in late.text
    page = await seen(alice, where)
    assert "À compléter" in page
    assert "Et &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 'id="repondre"' in page
    assert "Approuver la demande" not in page
    draft = re.search(r'href="(/demandes/nouvelle/rd-[^"]+)"', page)
    assert draft is not None
    tasks = await seen(alice, draft[1])
    assert f"{where}#repondre" in tasks
    assert "Jeter cette demande" not in tasks
    assert f"{where}#repondre" in await seen(alice, f"{draft[1]}/verifier")
    one = await alice.post(
        f"{where}/repondre", {"answer": ["Dix jours.", " "], "version": version(page)}, page=where
    )
    assert (one.status_code, "Dix jours." in one.text) == (422, True)
    assert 'href="#answers.2"' in one.text
    both = {"answer": ["Dix jours.", "Pour <b>apprendre</b>."], "version": version(page)}
    sent = await alice.post(f"{where}/repondre", both, page=where)
    assert sent.headers["location"] == where
    page = await seen(reviewer, where)
    assert "Envoyée de nouveau par Alice Tremblay" in page
    assert "Pour &lt;b&gt;apprendre&lt;/b&gt;." in page
    approved = await reviewer.post(f"{where}/approuver", {"version": version(page)}, page=where)
    assert approved.headers["location"] == where
    assert "Approuvée" in await seen(alice, where)


async def test_two_people_approve_and_the_page_says_whose_turn_it_is(
    users: Users, lab: WebLab
) -> None:
    request = await file(lab, datasets=(await anonymised(lab),))
    where, api = f"/demandes/{request.id}", f"/api/v1/requests/{request.id}"
    reviewer, other = await users.browser("r.cote"), await users.browser("s.morin")
    page = await seen(reviewer, where)
    assert "Deux personnes doivent approuver" in page
    assert "Des données anonymisées" in page
    await reviewer.post(f"{where}/approuver", {"version": version(page)}, page=where)
    page = await seen(reviewer, where)
    assert "une deuxième personne doit l’approuver aussi" in page
    assert "Donner la" not in page
    twice = await (await users.api("r.cote")).post(f"{api}/approve")
    assert (twice.status_code, twice.json()["code"]) == (403, "second_person")
    page = await seen(other, where)
    assert "Une approbation sur deux est donnée, par Rémi Côté." in page
    assert "Donner la deuxième approbation" in page
    assert "Une approbation sur deux" in await seen(other, "/demandes?deux=oui&moi=oui")
    assert "Il n’y a aucune demande ici." in await seen(reviewer, "/demandes?moi=oui")
    await other.post(f"{where}/approuver", {"version": version(page)}, page=where)
    found = await lab.requests.get(lab.people["a.tremblay"], request.id)
    assert found.state.value == "approved"


async def test_the_queue_shows_why_and_is_narrowed_down(users: Users, lab: WebLab) -> None:
    mine = await file(lab, size="moyen")
    theirs = await file(lab, "c.roy", datasets=(await anonymised(lab),))
    reviewer = await users.browser("r.cote")
    page = await seen(reviewer, "/demandes")
    assert f"Processeurs{NBSP}: 2 processeurs (d’office{NBSP}: 1 processeur)" in page
    assert "Attend depuis moins d’un jour" in page
    for query, shown in (
        ("organisme=rft", {mine.id}),
        ("classe=anonymise", {theirs.id}),
        ("etat=in_review&deux=oui", {theirs.id}),
        ("jours=3", set()),
        ("etat=returned", set()),
        ("etat=nothing&organisme=%3Cb%3E&jours=x", {mine.id, theirs.id}),
    ):
        page = await seen(reviewer, f"/demandes?{query}")
        assert {each for each in (mine.id, theirs.id) if f"/demandes/{each}" in page} == shown
    assert "lab request list --state returned" in await seen(reviewer, "/demandes?etat=returned")
    own = await seen(await users.browser("a.tremblay"), "/demandes?organisme=sqd")
    assert mine.id in own
    assert theirs.id not in own
    program = await users.api("r.cote")
    found = await program.get("/api/v1/requests?mine=true&second=true&data_class=anonymise")
    assert [each["id"] for each in found.json()["items"]] == [theirs.id]
    bad = await program.get("/api/v1/requests?data_class=secret&waiting_days=-1")
    assert bad.status_code == 422
