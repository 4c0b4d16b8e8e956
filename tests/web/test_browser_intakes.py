"""One table from its upload to its publication, in a browser without JavaScript; each state
is looked at by a second browser that has it. ``LAB_SCREENSHOTS`` names a folder for pictures.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.data.pipeline import TablePipeline
from tests.web.test_browser import Person, chromium, follow
from tests.web.thread import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.real
__all__ = ["chromium"]
WIDE = {"width": 1200, "height": 900}


def table(rows: int = 900) -> bytes:
    """Return people who never were, as a spreadsheet of Quebec saves them."""
    rng = random.Random(5)
    lines = ["NAS;Nom;Âge;Région;Sexe;Montant"]
    for _ in range(rows):
        first = f"{rng.randint(1, 7)}{rng.randint(0, 9_999_999):07d}"
        doubled = [int(d) * (1 + n % 2) for n, d in enumerate(first)]
        check = -sum(d - 9 if d > 9 else d for d in doubled) % 10
        name = rng.choice(["Élise Côté", "Noël Bélanger", "Zoé Lévesque", "Hugo Roy"])
        region = rng.choice(["Montréal", "Québec", "Gaspésie", "Estrie"])
        lines.append(
            f"{first}{check};{name};{rng.randint(18, 89)};{region};{rng.choice('FH')};"
            f"{rng.randint(200, 2400)}"
        )
    return "\r\n".join(lines).encode("latin-1")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(
        tmp_path_factory.mktemp("dossiers"), as_front=True, is_staged=False
    ).running() as running:
        running.lab.dossiers.pipeline = TablePipeline()
        yield running


class Looker:
    """Looks at every state with a script: axe, nothing wider than the screen, a picture."""

    def __init__(self, person: Person) -> None:
        self.person, self.wrong = person, {}
        self._folder = os.environ.get("LAB_SCREENSHOTS", "")
        self._count = 0

    def at(self, path: str, name: str) -> None:
        self.person.goto(path)
        self.here(name)

    def here(self, name: str) -> None:
        page = self.person.page
        found = self.person.violations()
        wider = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if found or wider > 0:
            self.wrong[name] = (found, wider)
        self._count += 1
        if self._folder:
            path = Path(self._folder) / f"{self._count:02d}-{name}.png"
            page.screenshot(path=path, full_page=True)


class Journey:
    """A reviewer without a script, a supervisor with one, and the dossier between them."""

    def __init__(self, served: Served, reviewer: Person, other: Person) -> None:
        self.served, self.reviewer, self.other = served, reviewer, other
        self.look, self.page, self.here = Looker(other), reviewer.page, ""

    def press(self, name: str) -> None:
        follow(self.page, self.page.get_by_role("button", name=name))

    def work(self) -> None:
        assert self.served._loop is not None
        running = self.served.lab.intake_work.work()
        asyncio.run_coroutine_threadsafe(running, self.served._loop).result(100)

    def refresh(self) -> None:
        follow(self.page, self.page.get_by_role("link", name="Actualiser cette page"))

    def open(self) -> None:
        self.reviewer.goto("/dossiers")
        self.press("Ouvrir un dossier")
        self.page.fill("#purposes", "Prévoir les délais de traitement.")
        self.press("Ouvrir le dossier")
        assert self.page.input_value("#purposes") == "Prévoir les délais de traitement."
        assert self.page.get_by_text("Nommez la personne compétente").count() == 2
        for name, value in TYPED.items():
            self.page.fill(f"#{name}", value)
        self.page.select_option("#agency_id", "rft")
        self.press("Ouvrir le dossier")
        self.here = self.page.url.removeprefix(self.served.url)
        self.look.at("/dossiers/nouveau", "ouvrir")

    def deposit(self, raw: Path) -> None:
        self.press("Déposer le fichier")
        self.press("Déposer et lire")
        assert self.page.get_by_role("link", name="Choisissez un fichier").count() == 1
        self.page.set_input_files("#fichier", raw)
        self.press("Déposer et lire")
        self.look.at(self.here, "lecture")
        self.work()
        # The page with a script follows by itself; the other one is asked to.
        button = self.other.page.get_by_role("button", name="Confirmer les colonnes")
        button.wait_for(timeout=20_000)
        assert self.other.page.locator("#annonce").inner_text() == "3 étapes faites sur 8."
        self.refresh()

    def confirm(self) -> None:
        self.press("Confirmer les colonnes")
        assert "046" not in self.page.locator("main").inner_text()
        assert self.page.get_by_text("numéro d’assurance sociale (NAS) – 100").count() == 1
        self.page.select_option("#role-5", "sensible")
        self.press("Confirmer les colonnes")
        assert self.page.get_by_role("link", name="Confirmez la colonne").count() == 5
        assert self.page.input_value("#role-5") == "sensible"
        self.look.at(f"{self.here}/colonnes", "colonnes")
        for n in range(5):
            self.page.check(f"#ok-{n}")
        self.press("Confirmer les colonnes")

    def treat(self) -> None:
        self.press("Choisir le traitement")
        assert self.page.input_value("#k") == "11"
        self.look.at(f"{self.here}/traitement", "traitement")
        self.press("Lancer le traitement")
        self.work()
        self.refresh()

    def measure(self) -> None:
        self.press("Mesurer les risques")
        self.work()
        self.refresh()
        self.press("Lire les mesures")
        assert self.page.locator("svg.vc-plot").count() >= 5
        self.look.at(f"{self.here}/mesures", "mesures")

    def sign(self) -> None:
        self.reviewer.goto(f"{self.here}/signature")
        assert self.page.get_by_text("Vous ne pouvez pas signer ce dossier.").count() == 1
        page = self.other.page
        self.other.goto(self.here)
        follow(page, page.get_by_role("button", name="Lire les mesures et signer"))
        follow(page, page.get_by_role("button", name="Signer"))
        assert page.locator(".govuk-error-summary").count() == 1
        self.look.here("signer")
        page.check("#statement")
        page.fill("#reason", "Toutes les bornes sont sous le seuil.")
        follow(page, page.get_by_role("button", name="Signer"))
        assert page.get_by_role("button", name="Publier").count() == 1

    def publish(self) -> None:
        self.reviewer.goto(self.here)
        self.press("Publier")
        self.work()
        self.refresh()
        assert self.page.get_by_text("Certificat de destruction").count() == 1
        self.look.at(self.here, "publie")
        self.other.cookie("langue", "en")
        self.look.at("/dossiers/registre", "registre")
        self.press("Voir le jeu de données")
        assert self.page.get_by_role("link", name="Dossier in-").count() == 1
        assert self.served.lab.dossiers.files() == []


TYPED = {
    "supervisor": "s.morin",
    "requester": "a.tremblay",
    "dataset": "prestations-2026",
    "title_fr": "Prestations de 2026",
    "title_en": "Benefits of 2026",
    "description_fr": "Une ligne par demande.",
    "description_en": "One row for each claim.",
    "licence": "Usage interne",
    "source": "Régie fictive",
}


def test_a_latin_1_table_goes_from_upload_to_publication_without_a_script(
    served: Served, chromium: Browser, tmp_path: Path
) -> None:
    raw = tmp_path / "prestations été.csv"
    raw.write_bytes(table())
    with (
        Person(chromium, served, "r.cote", java_script_enabled=False, viewport=WIDE) as reviewer,
        Person(chromium, served, "s.morin", viewport=WIDE) as other,
    ):
        journey = Journey(served, reviewer, other)
        journey.open()
        journey.deposit(raw)
        journey.confirm()
        journey.treat()
        journey.measure()
        journey.sign()
        journey.publish()
        assert journey.look.wrong == {}
