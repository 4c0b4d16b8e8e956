from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lab.data.errors import DataError
from lab.domain.evidence import Figures
from lab.domain.privacy import Criterion
from tests.intakes import RAW

if TYPE_CHECKING:
    import httpx

    from tests.web.conftest import Browser, Users, WebLab

NEW = "/dossiers/nouveau"
OPENING = {
    "agency_id": "rft",
    "dataset": "prestations-2026",
    "title_fr": "Prestations",
    "title_en": "Benefits",
    "description_fr": "Une ligne par demande.",
    "description_en": "One row for each claim.",
    "purposes": "Prévoir les délais.",
    "licence": "interne",
    "source": "Régie",
    "asked": "anonymise",
    "scope": "entre-organismes",
    "supervisor": "s.morin",
    "requester": "a.tremblay",
}
COLUMNS = {
    "name-0": "nas",
    "role-0": "identifiant",
    "drop-0": "1",
    "ok-0": "1",
    "name-1": "sexe",
    "role-1": "quasi-identifiant",
    "fr-1": "Sexe",
    "en-1": "Sex",
    "name-2": "montant",
    "role-2": "sensible",
    "fr-2": "Montant",
    "en-2": "Amount",
}
K = {"technique": "k-anonymat", "k": "11", "suppression": "4"}
SYNTHESIS = {
    "technique": "synthese",
    "epsilon": "0,5",
    "kind-0": "categories",
    "values-0": "F\nH",
    "kind-1": "numbers",
    "lower-1": "1",
    "upper-1": "2,5",
}


class Dossier:
    """A dossier as people at their browsers take it from step to step."""

    def __init__(self, users: Users, lab: WebLab) -> None:
        self._users, self._lab = users, lab
        self.path = ""
        self._people: dict[str, Browser] = {}

    async def person(self, login: str) -> Browser:
        if login not in self._people:
            self._people[login] = await self._users.browser(login)
        return self._people[login]

    async def page(self, below: str = "", login: str = "r.cote") -> str:
        answer = await (await self.person(login)).get(self.path + below)
        assert answer.status_code == 200, (below, answer.text[-2000:])
        return answer.text

    async def post(
        self, below: str, data: dict[str, str], login: str = "r.cote", *, page: str = ""
    ) -> httpx.Response:
        browser = await self.person(login)
        shown = await browser.get(self.path + (page or below))
        version = re.search(r'name="version" value="([0-9]+)"', shown.text)
        kept = {"version": version[1]} if version else {}
        where = self.path + (page or below)
        return await browser.post(self.path + below, {**kept, **data}, page=where)

    async def work(self) -> None:
        await self._lab.intake_work.work()

    async def opened(self, **changes: str) -> None:
        browser = await self.person("r.cote")
        answer = await browser.post(NEW, OPENING | changes)
        assert answer.status_code == 303, answer.text[-3000:]
        self.path = answer.headers["location"]

    async def send(self, data: bytes = RAW, name: str = "p.csv") -> httpx.Response:
        return await sent(await self.person("r.cote"), self.path, data, name)

    async def read(self) -> None:
        await self.opened()
        assert (await self.send()).status_code == 303
        await self.work()

    async def confirmed(self) -> None:
        await self.read()
        answer = await self.post("/colonnes", COLUMNS)
        assert answer.status_code == 303, answer.text[-3000:]

    async def measured(self) -> None:
        await self.confirmed()
        assert (await self.post("/traitement", K)).status_code == 303
        await self.work()
        await self.button("/mesurer")
        await self.work()

    async def button(self, below: str, login: str = "r.cote") -> None:
        browser = await self.person(login)
        shown = (await browser.get(self.path)).text
        assert f'action="{self.path}{below}"' in shown, below
        version = re.search(r'name="version" value="([0-9]+)"', shown)
        assert version is not None
        data = {"version": version[1]}
        answer = await browser.post(self.path + below, data, page=self.path)
        assert answer.status_code == 303, answer.text[-2000:]


async def sent(
    browser: Browser, path: str, data: bytes, name: str = "p.csv", *, query: str = ""
) -> httpx.Response:
    shown = (await browser.get(f"{path}/fichier")).text
    where = f"{path}/fichier?{query}" if query else _action(shown)
    if name:
        return await browser.client.post(where, files={"fichier": (name, data, "text/csv")})
    body = (
        b'--x\r\nContent-Disposition: form-data; name="fichier"; filename=""\r\n\r\n\r\n--x--\r\n'
    )
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    return await browser.client.post(where, content=body, headers=kind)


def _action(shown: str) -> str:
    action = re.search(r'action="([^"]+)" enctype="multipart/form-data"', shown)
    assert action is not None
    return action[1].replace("&amp;", "&")


@pytest.fixture
def dossier(users: Users, lab: WebLab) -> Dossier:
    return Dossier(users, lab)


def words(page: str) -> str:
    main = page.split("<main", 1)[1].split("</main", 1)[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", main))


async def test_a_reviewer_and_a_supervisor_take_a_table_to_its_publication(
    dossier: Dossier, lab: WebLab
) -> None:
    await dossier.opened()
    browser = await dossier.person("r.cote")
    for below in ("/traitement", "/mesures"):
        early = await browser.get(dossier.path + below)
        assert (early.status_code, "dans l’état actuel" in early.text) == (409, True), below
    assert "pas encore lu" in await dossier.page("/colonnes")
    assert "rien à signer" in await dossier.page("/signature", "s.morin")
    page = await dossier.page()
    assert "Déposer le fichier" in page
    assert f"lab dataset deposit FICHIER --dataset {OPENING['dataset']}" in page
    assert (await dossier.send()).status_code == 303
    page = await dossier.page()
    assert "data-live=" in page
    assert "Actualiser cette page" in page
    assert "Annuler ce travail" in page
    await dossier.work()
    page = await dossier.page()
    assert "data-live=" not in page
    assert "Confirmer les colonnes" in page
    assert (await dossier.post("/colonnes", COLUMNS)).status_code == 303
    assert "Choisir le traitement" in await dossier.page()
    assert "La politique demande au moins 11" in await dossier.page("/traitement")
    assert (await dossier.post("/traitement", K)).status_code == 303
    await dossier.work()
    await dossier.button("/mesurer")
    await dossier.work()
    page = await dossier.page()
    assert "c’est à Sylvie Morin de signer" in page
    assert "Lire les mesures et signer" in await dossier.page(login="s.morin")
    said = {"statement": "1", "reason": "k et attaques sous les seuils."}
    answer = await dossier.post("/signature", said, "s.morin")
    assert answer.status_code == 303
    await dossier.button("/publier")
    await dossier.work()
    page = await dossier.page()
    for text in (
        "Les huit étapes sont faites",
        "Certificat de destruction du fichier déposé",
        "k et attaques sous les seuils.",
        "/jeux/prestations-2026",
        "Prochaine évaluation",
    ):
        assert text in page, text
    assert lab.dossiers.files() == []
    report = re.search(r'href="(/api/v1/intakes/[^"]+/report.html[^"]*)"', page)
    assert report is not None
    answer = await browser.get(report[1])
    assert (answer.status_code, answer.headers["content-language"]) == (200, "fr-CA")
    jeu = (await (await dossier.person("r.cote")).get("/jeux/prestations-2026")).text
    assert f'href="{dossier.path}"' in jeu
    public = (await (await dossier.person("b.gagnon")).get("/jeux/prestations-2026")).text
    assert "/dossiers/" not in public.split("<main")[1]
    register = (await (await dossier.person("r.cote")).get("/dossiers/registre")).text
    assert "Prévoir les délais." in register
    assert "/api/v1/intakes/register.csv" in register
    api = await dossier._users.api("r.cote")
    report = (await api.get(f"/api/v1/intakes/{dossier.path.rpartition('/')[2]}/report")).json()
    assert report["signature"]["reason"] == "k et attaques sous les seuils."


async def test_a_wrong_opening_names_every_field_and_keeps_what_was_typed(
    dossier: Dossier,
) -> None:
    browser = await dossier.person("r.cote")
    wrong = {"supervisor": "r.cote", "purposes": "", "dataset": "../x", "title_fr": "<b>Été"}
    answer = await browser.post(NEW, OPENING | wrong)
    assert answer.status_code == 422
    for text in (
        "La personne compétente ne peut être ni celle qui dépose",
        "Décrivez les fins prévues",
        'href="#dataset"',
        "&lt;b&gt;Été",
        'value="../x"',
        "Erreur",
    ):
        assert text in answer.text, text
    more = await browser.post(NEW, OPENING | {"asked": "secret", "scope": "tous"})
    assert more.status_code == 422
    assert 'value="prestations-2026"' in more.text
    assert (await browser.post(NEW, OPENING | {"state": "signed"})).status_code == 422
    first = await browser.post(NEW, OPENING | {"cle": "abc"})
    second = await browser.post(NEW, OPENING | {"cle": "abc"})
    assert first.headers["location"] == second.headers["location"]


async def test_a_file_that_cannot_be_taken_says_why_where_it_was_chosen(
    dossier: Dossier, lab: WebLab
) -> None:
    await dossier.opened()
    for data, name, said in (
        (b"", "vide.csv", "Le fichier est vide"),
        (b"", '"', "Choisissez un fichier"),
        (RAW, "n" * 201, "au plus 200 caractères"),
    ):
        answer = await dossier.send(data, "" if name == '"' else name)
        assert (answer.status_code, said in answer.text) == (422, True), said
        assert 'href="#fichier"' in answer.text
    browser = await dossier.person("r.cote")
    shown = (await browser.get(f"{dossier.path}/fichier")).text
    stale = re.sub(r"version=\d+", "version=77", _action(shown))
    answer = await browser.client.post(stale, files={"fichier": ("p.csv", RAW, "text/csv")})
    assert (answer.status_code, "a changé entre-temps" in answer.text) == (409, True)
    kind = {"Content-Type": "application/octet-stream"}
    answer = await browser.client.post(_action(shown), content=RAW, headers=kind)
    assert answer.status_code == 415
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    cut = b'--x\r\nContent-Disposition: form-data; name="fichier"; filename="a"\r\n\r\nhalf'
    answer = await browser.client.post(_action(shown), content=cut, headers=kind)
    assert answer.status_code == 400
    plain = re.search(r'name="csrf" value="([0-9a-f]{64})"', shown)
    assert plain is not None
    # The proof of any other form does not stand in an address.
    for query in ("x=1", "csrf=" + "0" * 64, f"csrf={plain[1]}"):
        answer = await sent(browser, dossier.path, RAW, query=query)
        assert (answer.status_code, "bad_csrf" in answer.text) == (403, True), query
    assert lab.dossiers.files() == []
    assert "Déposer le fichier" in await dossier.page()


async def test_a_file_that_mixes_encodings_is_told_with_its_lines(
    dossier: Dossier, lab: WebLab
) -> None:
    await dossier.opened()
    lab.dossiers.pipeline.raises = DataError(
        "mixed_encoding", fr="Lignes en UTF-8 : 3 et 7.", en="Lines in UTF-8: 3 and 7."
    )
    await dossier.send()
    await dossier.work()
    page = await dossier.page()
    assert "Lignes en UTF-8 : 3 et 7." in page
    assert "Lecture du fichier : échec." in words(page).replace("\xa0", " ")
    (await dossier.person("r.cote")).client.cookies.set("langue", "en")
    assert "Lines in UTF-8: 3 and 7." in await dossier.page()
    lab.dossiers.pipeline.raises = None
    await dossier.button("/lire")
    await dossier.work()
    assert "Confirm the columns" in await dossier.page()


async def test_a_column_with_a_hit_is_confirmed_by_hand_and_the_rest_is_kept(
    dossier: Dossier,
) -> None:
    await dossier.read()
    page = await dossier.page("/colonnes")
    assert "numéro d’assurance sociale" in page
    assert "046…" in page
    unsaid = {k: v for k, v in COLUMNS.items() if k != "ok-0"} | {"fr-2": "Le montant versé"}
    answer = await dossier.post("/colonnes", unsaid)
    assert answer.status_code == 422
    assert "Confirmez la colonne" in answer.text
    assert 'href="#role-0"' in answer.text
    assert "Le montant versé" in answer.text
    assert (await dossier.post("/colonnes", COLUMNS | {"role-2": "?"})).status_code == 422
    nothing = {f"drop-{n}": "1" for n in range(3)}
    answer = await dossier.post("/colonnes", COLUMNS | nothing)
    assert "Gardez au moins une colonne" in answer.text
    stale = await dossier.post("/colonnes", COLUMNS | {"version": "1", "fr-1": "Sexe inscrit"})
    assert stale.status_code == 409
    assert "Sexe inscrit" in stale.text


WRONG = [
    ({"k": "4"}, "La politique de l’organisme demande au moins 11"),
    ({"k": "beaucoup"}, "Le nombre doit être de 2 à 10000"),
    ({"t": "3"}, "Le nombre doit être de 0 à 1"),
    ({"suppression": "120"}, "Le nombre doit être de 0 à 100"),
    ({"technique": ""}, "Ce renseignement est obligatoire"),
    ({"technique": "aucune"}, "Cette technique ne mène pas au statut demandé"),
    ({"technique": "synthese", "epsilon": "x"}, "Écrivez un nombre"),
    ({"technique": "synthese", "epsilon": "1"}, "Déclarez ce que la colonne"),
    ({**SYNTHESIS, "epsilon": "9"}, "Il reste ε"),
    ({**SYNTHESIS, "lower-1": "7"}, "La fin de l’intervalle"),
    ({"version": "1"}, "L’objet a changé entre-temps"),
]


async def test_a_treatment_that_cannot_be_says_why_and_keeps_what_was_typed(
    dossier: Dossier, lab: WebLab
) -> None:
    await dossier.confirmed()
    assert "La politique demande au moins 11" in await dossier.page("/traitement")
    for typed, said in WRONG:
        answer = await dossier.post("/traitement", K | {"l": "3"} | typed)
        assert answer.status_code == (409 if "version" in typed else 422), typed
        assert said in answer.text.replace("\xa0", " "), typed
        for name, value in ({"l": "3"} | typed).items():
            if name not in {"version", "technique"} and "\n" not in value:
                assert not value or f'"{value}"' in answer.text, (typed, name)
    assert (await dossier.post("/traitement", SYNTHESIS)).status_code == 303
    await dossier.work()
    actor = lab.people["r.cote"]
    intake = await lab.intakes.get(actor, dossier.path.rpartition("/")[2])
    assert intake.treatment is not None
    assert intake.treatment.parameters["domain"] == {
        "sexe": {"kind": "categories", "values": ["F", "H"]},
        "montant": {"kind": "numbers", "lower": 1.0, "upper": 2.5},
    }
    assert "il en reste 2,5" in (await dossier.page("/traitement")).replace("2.5", "2,5")


async def test_who_has_a_part_in_it_cannot_sign_and_is_told_why(dossier: Dossier) -> None:
    await dossier.measured()
    for login, why in (("a.tremblay", "Vous l’avez demandé."), ("r.cote", "Vous l’avez ouvert")):
        page = await dossier.page("/signature", login)
        assert why in page
        assert 'name="statement"' not in page
        said = {"statement": "1", "reason": "Moi."}
        answer = await dossier.post("/signature", said, login, page="/refuser")
        assert answer.status_code == 403
        assert "C’est à Sylvie Morin de signer" in answer.text
    empty = await dossier.post("/signature", {"reason": ""}, "s.morin")
    assert empty.status_code == 422
    assert "Confirmez la déclaration" in empty.text
    kept = await dossier.post("/signature", {"reason": "Seuils respectés"}, "s.morin")
    assert "Seuils respectés" in kept.text
    old = {"statement": "1", "reason": "Relu hier", "version": "2"}
    stale = await dossier.post("/signature", old, "s.morin")
    assert stale.status_code == 409
    assert "Relu hier" in stale.text


async def test_an_analysis_that_does_not_pass_is_said_so_and_cannot_be_signed(
    dossier: Dossier, lab: WebLab
) -> None:
    lab.dossiers.pipeline.figures = Figures(4, {Criterion.LINKING: 0.2}, control_held=False)
    await dossier.measured()
    page = await dossier.page()
    assert "Lire pourquoi l’analyse n’est pas concluante" in page
    measures = await dossier.page("/mesures")
    for text in (
        "Pas concluante",
        "La plus petite classe est sous le seuil",
        "Le risque du critère «\xa0Corrélation\xa0» dépasse le seuil.",
        "Le critère «\xa0Inférence\xa0» n’a pas été mesuré.",
        "Traiter autrement",
    ):
        assert text in measures, text
    assert 'name="statement"' not in await dossier.page("/signature", "s.morin")


async def test_the_home_page_tells_who_signs_while_there_is_something_to_sign(
    dossier: Dossier,
) -> None:
    await dossier.measured()

    async def home(login: str) -> str:
        return (await (await dossier.person(login)).get("/")).text

    shown = await home("s.morin")
    assert "1 dossier attend votre signature" in shown
    assert f'href="{dossier.path}"' in shown
    assert "attend votre signature" not in await home("r.cote")
    said = {"statement": "1", "reason": "Tout est sous les seuils."}
    assert (await dossier.post("/signature", said, "s.morin")).status_code == 303
    assert "attend votre signature" not in await home("s.morin")


async def test_a_run_is_followed_and_cancelled(dossier: Dossier) -> None:
    await dossier.opened()
    await dossier.send()
    browser = await dossier.person("r.cote")
    state = (await browser.get(f"{dossier.path}/etat")).json()
    assert state["is_final"] is False
    assert "Lecture du fichier" in state["announcement"]
    action = re.search(r'action="([^"]+/annuler)"', state["html"])
    assert action is not None
    answer = await browser.post(action[1], page=dossier.path)
    assert answer.status_code == 303
    assert (await browser.get(f"{dossier.path}/etat")).json()["is_final"] is True
    again = await browser.post(action[1], page=dossier.path)
    assert again.status_code == 409


async def test_a_dossier_is_refused_or_withdrawn_with_a_reason(dossier: Dossier) -> None:
    await dossier.read()
    missing = await dossier.post("/refuser", {"reason": " "}, "s.morin")
    assert missing.status_code == 422
    assert 'href="#reason"' in missing.text
    done = await dossier.post("/refuser", {"reason": "Trop de\nrisque"}, "s.morin")
    assert done.status_code == 303
    page = await dossier.page()
    assert "Trop de<br>risque" in page
    assert "N’aura pas lieu" in page
    late = await dossier.post("/retirer", {"reason": "Erreur"}, page="/retirer")
    assert late.status_code == 409
    assert ">Erreur<" in late.text
    await dossier.opened(dataset="autre-2026")
    done = await dossier.post("/retirer", {"reason": "Erreur de source"})
    assert done.status_code == 303
    assert "Ce dossier est retiré" in await dossier.page()


async def test_dossiers_are_listed_by_state_for_whom_they_concern(dossier: Dossier) -> None:
    await dossier.read()
    browser = await dossier.person("r.cote")
    every = (await browser.get("/dossiers")).text
    assert dossier.path in every
    assert "Colonnes à confirmer" in every
    assert dossier.path in (await browser.get("/dossiers?etat=read")).text
    assert dossier.path not in (await browser.get("/dossiers?etat=signed")).text.split("<main")[1]
    mine = await (await dossier.person("a.tremblay")).get("/dossiers")
    assert dossier.path in mine.text
    assert "Ouvrir un dossier" not in mine.text
    other = await dossier.person("c.roy")
    assert "aucun dossier ici" in (await other.get("/dossiers")).text
    assert (await other.get(dossier.path)).status_code in {403, 404}
    assert (await other.get("/dossiers/in-0000000000")).status_code == 404
    scientist = await dossier.person("b.gagnon")
    for path in ("/dossiers", dossier.path, "/dossiers/registre", NEW):
        assert (await scientist.get(path)).status_code == 403, path
    assert 'href="/dossiers"' not in (await scientist.get("/")).text
    requester = await dossier.person("a.tremblay")
    for below in ("/fichier", "/traitement", "/retirer"):
        assert (await requester.get(dossier.path + below)).status_code == 403, below
    assert (await requester.get(dossier.path + "/colonnes")).status_code == 200
    assert 'name="role-0"' not in (await requester.get(dossier.path + "/colonnes")).text
