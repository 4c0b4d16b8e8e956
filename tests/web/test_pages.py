from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from lab.domain.ticket import verify
from tests.web.conftest import SECRETS
from tests.web.scenes import file, ready_sandbox, stage_everything

if TYPE_CHECKING:
    from tests.web.conftest import Users, WebLab

FORM = "/demandes/nouvelle"


def filled(text: str, **changes: object) -> dict[str, object]:
    key = re.search(r'name="cle" value="([^"]+)"', text)
    assert key is not None
    return {
        "cle": key[1],
        "agency_id": "rft",
        "purpose": "Réduire les délais",
        "datasets": "demandes-prestations",
        "template": "01-depart",
        "size": "petit",
        "profile": "standard",
        "ends_on_day": "5",
        "ends_on_month": "12",
        "ends_on_year": "2026",
        "action": "file",
    } | changes


async def test_a_form_becomes_a_sandbox_and_its_page_shows_the_stages(users: Users) -> None:
    browser = await users.browser("a.tremblay")
    body = filled((await browser.get(FORM)).text, colleagues="b.gagnon")
    answer = await browser.post(FORM, body)
    assert answer.status_code == 303
    page = (await browser.get(answer.headers["location"])).text
    for label in ("Isolement", "Confinement", "Données", "Suivi des expériences", "Atelier"):
        assert label in page
    assert "Alice Tremblay, Bernard Gagnon" in page
    state = (await browser.get(f"{answer.headers['location']}/etat")).json()
    assert state["announcement"] == "0 étape prête sur 5."
    assert state["is_final"] is False


async def test_a_form_sent_twice_makes_one_request(users: Users, lab: WebLab) -> None:
    browser = await users.browser("a.tremblay")
    body = filled((await browser.get(FORM)).text)
    first, second = await browser.post(FORM, body), await browser.post(FORM, body)
    assert first.headers["location"] == second.headers["location"]
    page = await lab.requests.page(lab.people["a.tremblay"])
    assert len(page.items) == 1


async def test_a_wrong_form_names_every_field_and_keeps_what_was_typed(users: Users) -> None:
    browser = await users.browser("a.tremblay")
    typed = '<b>"But"</b> & question 🏖'
    body = filled((await browser.get(FORM)).text, purpose=typed, ends_on_day="31", datasets="x")
    body |= {"ends_on_month": "2"}
    answer = await browser.post(FORM, body)
    assert answer.status_code == 422
    assert "<title>" in answer.text
    assert "Erreur – Demander" in answer.text
    assert 'href="#ends_on-day"' in answer.text
    assert "&lt;b&gt;&#34;But&#34;&lt;/b&gt; &amp; question 🏖" in answer.text
    assert f'value="{body["cle"]}"' in answer.text
    body = filled(answer.text, purpose="", datasets="rien", ends_on_year="2020")
    answer = await browser.post(FORM, body)
    for anchor in ("#purpose", "#datasets", "#ends_on-day"):
        assert f'href="{anchor}"' in answer.text


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"purpose": "é" * 10_000}, 422, "au plus 2000 caractères"),
        ({"purpose": "a\0b"}, 422, "caractères de contrôle"),
        ({"template": "../.."}, 422, "n’existe pas"),
        ({"colleagues": "c.roy"}, 422, "personne active de votre organisme"),
        ({"state": "approved"}, 422, "Ce champ n’existe pas"),
        ({"cle": "é"}, 422, ""),
        ({"size": "grand"}, 303, ""),
        ({"ends_on_day": "٥"}, 422, "date qui existe"),
    ],
)
async def test_bad_input_never_breaks_the_form(
    users: Users, change: dict[str, object], status: int, said: str
) -> None:
    browser = await users.browser("a.tremblay")
    body = filled((await browser.get(FORM)).text, **change)
    answer = await browser.post(FORM, body)
    assert answer.status_code == status
    assert said in answer.text


async def test_the_agency_is_ones_own_whatever_the_form_says(users: Users) -> None:
    browser = await users.browser("a.tremblay")
    body = filled((await browser.get(FORM)).text, agency_id="sqd")
    answer = await browser.post(FORM, body)
    assert answer.status_code == 303
    sandbox = await (await users.api("a.tremblay")).get(f"/api/v1{_as_api(answer)}")
    assert sandbox.json()["agency_id"] == "rft"


def _as_api(answer: object) -> str:
    return answer.headers["location"].replace("/bacs/", "/sandboxes/")  # type: ignore[attr-defined]


async def test_a_quota_that_is_full_says_what_is_left(users: Users, lab: WebLab) -> None:
    browser = await users.browser("a.tremblay")
    await file(lab, size="grand")
    body = filled((await browser.get(FORM)).text)
    answer = await browser.post(FORM, body)
    assert answer.status_code == 403
    assert "Rien n’a été accordé" in answer.text
    assert "0 processeur" in answer.text


async def test_a_preview_says_what_would_happen_and_files_nothing(
    users: Users, lab: WebLab
) -> None:
    browser = await users.browser("a.tremblay")
    body = filled((await browser.get(FORM)).text, action="preview")
    assert "sera approuvée aussitôt" in (await browser.post(FORM, body)).text
    answer = await browser.post(FORM, body | {"size": "moyen"})
    assert "ira à une personne" in answer.text
    assert "le format dépasse" in answer.text
    assert (await lab.requests.page(lab.people["a.tremblay"])).items == []


async def test_a_reviewer_approves_and_refuses_on_the_page(users: Users, lab: WebLab) -> None:
    browser = await users.browser("r.cote")
    first, second = await file(lab, size="moyen"), await file(lab, "c.roy", size="moyen")
    page = f"/demandes/{first.id}"
    answer = await browser.post(f"{page}/approuver", {"version": str(first.version)}, page=page)
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert "Approuvée par Rémi Côté" in (await browser.get(page)).text
    page = f"/demandes/{second.id}"
    empty = await browser.post(f"{page}/refuser", {"version": "", "reason": " "}, page=page)
    assert empty.status_code == 422
    assert 'href="#reason"' in empty.text
    stale = await browser.post(f"{page}/refuser", {"version": "9", "reason": "Non"}, page=page)
    assert stale.status_code == 409
    assert "version 9" in stale.text
    await browser.post(f"{page}/refuser", {"version": "", "reason": "Trop <vague>"}, page=page)
    seen = await (await users.browser("c.roy")).get(page)
    assert "Trop &lt;vague&gt;" in seen.text


async def test_one_withdraws_and_deletes_after_a_second_look(users: Users, lab: WebLab) -> None:
    browser = await users.browser("a.tremblay")
    asked, sandbox_id = await file(lab, size="moyen"), await ready_sandbox(lab)
    page = f"/demandes/{asked.id}/retirer"
    assert "Oui, retirer" in (await browser.get(page)).text
    assert (await browser.post(page)).headers["location"] == f"/demandes/{asked.id}"
    page = f"/bacs/{sandbox_id}/supprimer"
    assert (await browser.post(page)).headers["location"] == f"/bacs/{sandbox_id}"
    assert "Suppression en cours" in (await browser.get(f"/bacs/{sandbox_id}")).text
    assert (await browser.get(page)).status_code == 303


async def test_pages_of_another_agency_do_not_exist(users: Users, lab: WebLab) -> None:
    scene = await stage_everything(lab)
    browser = await users.browser("a.tremblay")
    assert (await browser.get(f"/demandes/{scene.review}")).status_code == 404
    other = await users.browser("c.roy")
    for path in ("", "/preuve", "/tentatives", "/supprimer", "/etat", "/atelier", "/suivi"):
        assert (await other.get(f"/bacs/{scene.ready}{path}")).status_code == 404, path
    assert (await other.get(f"/bacs/{scene.deleted}/certificat")).status_code == 404
    assert (await other.get("/organismes/rft")).status_code in {403, 404}


async def test_the_workshop_frames_only_ones_own_server(users: Users, lab: WebLab) -> None:
    sandbox_id, member = await ready_sandbox(lab), lab.people["a.tremblay"]
    browser = await users.browser("a.tremblay")
    page = f"/bacs/{sandbox_id}/atelier"
    assert "Démarrer l’atelier" in (await browser.get(page)).text
    await browser.post(page, page=page)
    assert "L’atelier démarre" in (await browser.get(page)).text
    lab.notebooks.finish(member.id, sandbox_id)
    assert (await browser.get(f"{page}/etat")).json()["go"] == page
    answer = await browser.get(page)
    own = f"http://{member.id}.vaseclos.localhost:8000/user/{member.id}/{sandbox_id}/"
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["frame-src"].split() == [
        own,
        "http://vaseclos.localhost:8000/hub/",
        "http://vaseclos.localhost:8000/oauth/",
    ]
    assert f'src="{own}"' in answer.text
    assert 'sandbox="allow-scripts allow-same-origin allow-forms allow-modals"' in answer.text
    await browser.post(f"{page}/arreter", page=page)
    assert "Démarrer l’atelier" in (await browser.get(page)).text
    operator = await users.browser("o.lavoie")
    assert (await operator.get(page)).status_code == 403


async def test_the_tracking_page_is_reached_with_a_ticket(users: Users, lab: WebLab) -> None:
    sandbox_id, member = await ready_sandbox(lab), lab.people["b.gagnon"]
    answer = await (await users.browser("b.gagnon")).get(f"/bacs/{sandbox_id}/suivi")
    where = urlsplit(answer.headers["location"])
    assert (where.netloc, where.path) == (f"{sandbox_id}.vaseclos.localhost:8000", "/entrer")
    ticket = verify(
        SECRETS["gateway-key"].encode(),
        parse_qs(where.query)["jeton"][0],
        now=lab.clock.now(),
    )
    assert ticket is not None
    assert (ticket.sandbox_id, ticket.member_id) == (sandbox_id, member.id)
    assert (await (await users.browser("o.lavoie")).get(f"/bacs/{sandbox_id}/suivi")).is_error


async def test_an_operator_sets_a_quota_on_the_page(users: Users) -> None:
    browser, page = await users.browser("o.lavoie"), "/organismes/rft"
    body = {"cpu": "2,5", "memory": "16", "storage": "50Gi", "gpu": "0", "sandboxes": "4"}
    body |= {"max_days": "30"}
    answer = await browser.post(page, body | {"version": "1"})
    assert answer.status_code == 303
    said = (await browser.get(page)).text
    assert "2,5 processeurs" in said
    assert "16\xa0Go de mémoire" in said
    bad = await browser.post(page, body | {"cpu": "beaucoup", "max_days": "400", "version": ""})
    assert bad.status_code == 422
    assert 'href="#cpu"' in bad.text
    assert 'href="#max_days"' in bad.text
    assert 'value="beaucoup"' in bad.text
    stale = await browser.post(page, body | {"version": "1"})
    assert stale.status_code == 409


async def test_an_operator_adds_a_person_and_gets_their_link(users: Users) -> None:
    browser = await users.browser("o.lavoie")
    body = {"login": "e.morin", "name": "Ève Morin", "agency_id": "rft", "roles": "scientist"}
    answer = await browser.post("/personnes", body)
    assert answer.status_code == 200
    link = re.search(r"http://vaseclos\.localhost:8000/entrer\?jeton=[\w-]+", answer.text)
    assert link is not None
    again = await browser.post("/personnes", body)
    assert again.status_code == 422
    assert "déjà pris" in again.text


async def test_the_language_is_kept_and_french_comes_first(users: Users) -> None:
    browser = await users.browser("a.tremblay")
    first = await browser.get("/", headers={"Accept-Language": "en"})
    assert '<html lang="fr-CA"' in first.text
    answer = await browser.get("/langue?choix=en&retour=/bacs")
    assert answer.headers["location"] == "/bacs"
    assert '<html lang="en-CA"' in (await browser.get("/bacs")).text
    assert "Ask for a sandbox" in (await browser.get("/")).text
    await browser.get("/langue?choix=xx")
    assert '<html lang="en-CA"' in (await browser.get("/")).text


async def test_error_pages_speak_the_readers_language(users: Users) -> None:
    browser = await users.browser("a.tremblay")
    assert "Page ou objet introuvable" in (await browser.get("/rien")).text
    await browser.get("/langue?choix=en")
    assert "Page or object not found" in (await browser.get("/rien")).text
