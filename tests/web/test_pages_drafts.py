from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lab.domain.draft import Step
from lab.domain.ids import AgencyId
from lab.domain.token import TokenKind
from lab.web.draft_words import SLUG
from tests.web.scenes import file

if TYPE_CHECKING:
    from httpx import Response

    from tests.web.conftest import Browser, Users, WebLab

START = "/demandes/nouvelle/guidee"
FORMS: dict[str, dict[str, object]] = {
    "responsables": {"sponsor": "Direction <b>des</b> services"},
    "but": {"purpose": "Réduire les délais", "success": "Dix jours de moins"},
    "donnees": {"datasets": ["demandes-prestations", "rand-hie"], "legal_basis": "Loi, art. 5"},
    "cas": {"use": "predict", "template": "01-depart"},
    "ressources": {
        "size": "petit",
        "ends_on_day": "5",
        "ends_on_month": "12",
        "ends_on_year": "2026",
    },
    "sortie": {"profile": "standard", "egress_reason": "Garder les essais"},
    "equipe": {"colleagues": "b.gagnon", "support": "start"},
}


async def begun(browser: Browser) -> str:
    key = re.search(r'name="cle" value="([^"]+)"', (await browser.get(START)).text)
    assert key is not None
    return (await browser.post(START, {"cle": key[1]})).headers["location"]


async def version(browser: Browser, page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', (await browser.get(page)).text)
    assert found is not None
    return found[1]


async def save(browser: Browser, page: str, **given: object) -> Response:
    body = {"action": "save", "version": await version(browser, page)} | given
    body = {name: value for name, value in body.items() if value is not None}
    return await browser.post(page, body)


async def test_eight_steps_become_a_request_that_shows_its_answers(
    users: Users, lab: WebLab
) -> None:
    browser = await users.browser("a.tremblay")
    where = await begun(browser)
    tasks = (await browser.get(where)).text
    assert "0 étape terminée sur 7." in tasks
    page = f"{where}/responsables"
    for slug, answers in FORMS.items():
        assert page == f"{where}/{slug}"
        answer = await save(browser, page, **answers)
        assert answer.status_code == 303, answer.text
        page = answer.headers["location"]
    assert page == where
    advised = await save(browser, f"{where}/appropriation", problem="none")
    seen = (await browser.get(advised.headers["location"])).text
    assert "Commencez par mesurer pendant deux semaines" in seen
    assert "1 réponse sur 5" in seen
    tasks = (await browser.get(where)).text
    assert "7 étapes terminées sur 7." in tasks
    check = (await browser.get(f"{where}/verifier")).text
    for text in (
        "Direction &lt;b&gt;des&lt;/b&gt;",
        "5 décembre 2026",
        "Prévoir un nombre",
        "Modifier",
    ):
        assert text in check, text
    assert f"{where}/but?retour=verifier" in check
    back = await save(browser, f"{where}/but", **FORMS["but"], retour="verifier")
    assert back.headers["location"] == f"{where}/verifier"
    sent = [await save(browser, f"{where}/verifier", action=None) for _ in range(1)]
    request = sent[0].headers["location"]
    again = await browser.post(f"{where}/verifier", {"version": "1"}, page="/")
    assert again.headers["location"] == request
    assert len((await lab.requests.page(lab.people["a.tremblay"])).items) == 1
    for old in (where, f"{where}/but", f"{where}/verifier"):
        assert (await browser.get(old)).headers["location"] == request
    shown = (await (await users.browser("r.cote")).get(request)).text
    for text in (
        "Dix jours de moins",
        "Loi, art. 5",
        "Garder les essais",
        "Une rencontre au démarrage",
    ):
        assert text in shown, text
    assert "Commencez par mesurer" in shown


LONG, FOREIGN = "é" * 2001, "Σοφία 漢字 <script>alert(1)</script> & « ci »"
TEXTS = {"responsables": "sponsor", "but": "success", "donnees": "legal_basis"}
TEXTS |= {"sortie": "egress_reason", "equipe": "support_note"}


@pytest.fixture
async def browser(users: Users) -> Browser:
    return await users.browser("a.tremblay")


async def test_every_step_names_what_is_wrong_and_keeps_what_was_typed(browser: Browser) -> None:
    where = await begun(browser)
    for slug, answers in FORMS.items():
        page = f"{where}/{slug}"
        empty = await save(browser, page)
        assert empty.status_code == 422, slug
        assert "Erreur – " in empty.text
        assert 'href="#' in empty.text
        later = await save(browser, page, action="later")
        assert later.headers["location"] == where
        extra = await save(browser, page, **answers, agency_id="sqd")
        assert (extra.status_code, "Ce champ n’existe pas" in extra.text) == (422, True)
        if slug not in TEXTS:
            continue
        field = TEXTS[slug]
        long = await save(browser, page, **answers | {field: LONG})
        assert long.status_code == 422
        assert "Écrivez au plus" in long.text
        assert LONG in long.text
        odd = await save(browser, page, **answers | {field: "a\0b"})
        assert odd.status_code == 422
        assert "caractères de contrôle" in odd.text
        assert "a\N{REPLACEMENT CHARACTER}b" in odd.text
        kept = await save(browser, page, **answers | {field: FOREIGN})
        assert kept.status_code == 303
        seen = (await browser.get(page)).text
        assert "Σοφία 漢字 &lt;script&gt;alert(1)&lt;/script&gt; &amp; « ci »" in seen
    page = f"{where}/ressources"
    for day in ("31/2/2026", "٥/12/2026", "1//2026", "5/12/2020"):
        parts = dict(
            zip(("ends_on_day", "ends_on_month", "ends_on_year"), day.split("/"), strict=True)
        )
        wrong = await save(browser, page, size="petit", **parts)
        assert wrong.status_code == 422
        assert 'href="#ends_on-day"' in wrong.text
        assert f'value="{parts["ends_on_day"]}"' in wrong.text
    for slug in (SLUG[step] for step in (Step.PRIVACY, Step.READINESS, Step.RELEVANCE)):
        page = f"{where}/{slug}"
        assert (await save(browser, page)).status_code == 303
    assert (await save(browser, page, rule="peut-être")).status_code == 422


async def test_what_is_missing_leads_to_its_page(browser: Browser) -> None:
    where = await begun(browser)
    answer = await save(browser, f"{where}/verifier", action=None)
    assert answer.status_code == 422
    assert f'href="{where}/but?retour=verifier"' in answer.text
    assert "Critères de succès" in answer.text


async def test_the_effect_of_an_answer_is_shown_before_and_after_it_is_kept(
    browser: Browser, lab: WebLab
) -> None:
    where = await begun(browser)
    page = f"{where}/ressources"
    assert "Approuvée aussitôt" in (await browser.get(page)).text
    big = FORMS["ressources"] | {"size": "grand"}
    seen = await save(browser, page, **big, action="effect")
    assert seen.status_code == 200
    assert "Rien n’est encore enregistré" in seen.text
    assert "Ira au comité" in seen.text
    assert re.search(r'value="grand"[^>]*checked', seen.text)
    assert "Approuvée aussitôt" in (await browser.get(where)).text
    await save(browser, page, **big)
    assert "le format dépasse" in (await browser.get(where)).text
    await file(lab, size="moyen")
    tight = (await browser.get(page)).text
    assert "Il y aura assez de place le" not in tight  # a request in review has no end yet
    assert "n’a pas assez de place" in tight


async def test_a_stale_save_shows_what_changed_and_keeps_what_was_typed(
    users: Users, lab: WebLab, browser: Browser
) -> None:
    where = await begun(browser)
    page = f"{where}/but"
    await save(browser, page, **FORMS["but"])
    read = await version(browser, page)
    operator = await users.browser("o.lavoie")
    await save(operator, page, purpose="Autre but", success="Dix jours de moins")
    stale = await save(
        browser, page, purpose="Mon but à moi", success="Dix jours de moins", version=read
    )
    assert stale.status_code == 409
    for text in ("a changé entre-temps", "Odile Lavoie", "Autre but", "Mon but à moi"):
        assert text in stale.text, text
    kept = await lab.drafts.get(lab.people["a.tremblay"], where.rpartition("/")[2])
    assert kept.one(Step.PURPOSE, "purpose") == "Autre but"
    newer = re.search(r'name="version" value="(\d+)"', stale.text)
    assert newer is not None
    again = await save(browser, page, purpose="Mon but à moi", success="x", version=newer[1])
    assert again.status_code == 303
    stale = await save(browser, f"{where}/verifier", version=read, action=None)
    assert stale.status_code in {409, 422}


async def test_a_draft_of_another_agency_does_not_exist(
    users: Users, lab: WebLab, browser: Browser
) -> None:
    other = await lab.drafts.open(lab.people["c.roy"], AgencyId("sqd"))
    where = f"/demandes/nouvelle/{other.id}"
    for page in ("", "/verifier", "/supprimer", *(f"/{slug}" for slug in SLUG.values())):
        assert (await browser.get(f"{where}{page}")).status_code == 404, page
        if page:
            posted = await browser.post(f"{where}{page}", {"version": "1"}, page="/")
            assert posted.status_code == 404, page
    assert (await browser.get("/demandes/nouvelle/rd-rien")).status_code == 404
    own = await begun(browser)
    assert (await browser.get(f"{own}/nulle-part")).status_code == 404
    assert other.id not in (await browser.get(START)).text
    assert own in (await browser.get(START)).text
    for login in ("b.gagnon", "r.cote"):
        assert (await (await users.browser(login)).get(own)).status_code == 403


async def test_a_draft_is_thrown_away_after_a_second_look(browser: Browser) -> None:
    where = await begun(browser)
    page = f"{where}/supprimer"
    assert (await save(browser, page, version="9", action=None)).status_code == 409
    answer = await save(browser, page, action=None)
    assert answer.headers["location"] == START
    assert (await browser.get(where)).status_code == 404


async def test_an_operator_says_for_which_agency(users: Users) -> None:
    operator = await users.browser("o.lavoie")
    page = (await operator.get(START)).text
    key = re.search(r'name="cle" value="([^"]+)"', page)
    assert key is not None
    for agency in ("", "personne"):
        wrong = await operator.post(START, {"cle": key[1], "agency_id": agency})
        assert wrong.status_code == 422
        assert 'href="#agency_id"' in wrong.text
    answer = await operator.post(START, {"cle": key[1], "agency_id": "sqd"})
    again = await operator.post(START, {"cle": key[1], "agency_id": "sqd"})
    assert answer.headers["location"] == again.headers["location"]


async def test_the_session_of_another_person_is_not_needed_to_go_on(
    users: Users, lab: WebLab, browser: Browser
) -> None:
    where = await begun(browser)
    await save(browser, f"{where}/but", **FORMS["but"])
    token = await lab.members.issue(lab.people["a.tremblay"], TokenKind.SESSION)
    another_day = users.nobody()
    another_day.cookies.set("vaseclos-session", token, domain="vaseclos.localhost")
    assert "Réduire les délais" in (await another_day.get(f"{where}/but")).text
