from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from lab.domain.agency import Usage
from lab.domain.ids import AgencyId
from lab.domain.quantity import GIB, Resources
from tests.chromium import program
from tests.web.fakes import make_ready
from tests.web.test_browser import ARGUMENTS, Person, follow
from tests.web.thread import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.real

KEPT = os.environ.get("LAB_SCREENSHOTS", "")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("drafts"), as_front=True).running() as running:
        roomy = Usage(Resources(64_000, 256 * GIB, 999 * GIB), 99)
        for code in ("rft", "sqd"):
            running.call(
                running.lab.agencies.set_quota(running.lab.people["o.lavoie"], code, roomy)
            )
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        yield browser
        browser.close()


def keep(page: Page, name: str) -> None:
    if KEPT:
        page.screenshot(path=str(Path(KEPT) / f"{name}.png"), full_page=True)


def is_narrow_enough(page: Page) -> bool:
    return bool(
        page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
    )


def test_a_journey_in_french_without_javascript(served: Served, chromium: Browser) -> None:
    with Person(chromium, served, "a.tremblay", java_script_enabled=False) as person:
        page = person.page
        person.goto("/")
        follow(page, page.get_by_role("button", name="Demander un bac à sable"))
        follow(page, page.get_by_role("button", name="Commencer une demande"))
        tasks = page.url
        follow(page, page.get_by_role("link", name="1. Organisme et responsables"))

        def go_on() -> None:
            follow(page, page.get_by_role("button", name="Enregistrer et continuer"))
            assert page.get_by_text("Il y a un problème").count() == 0, page.inner_text("main")

        follow(page, page.get_by_role("button", name="Enregistrer et continuer"))
        assert page.get_by_text("Il y a un problème").count() == 1
        page.fill("#sponsor", "Direction des services")
        go_on()
        page.fill("#purpose", "Réduire les délais de réponse")
        page.fill("#success", "Huit demandes sur dix bien classées")
        go_on()
        page.check("#datasets")
        page.fill("#legal_basis", "Loi sur la Régie, article 5")
        go_on()
        page.check("#use")
        page.check("#template")
        go_on()
        page.get_by_label("Moyen").check()
        for part, value in (("day", "5"), ("month", "12"), ("year", "2026")):
            page.fill(f"#ends_on-{part}", value)
        follow(page, page.get_by_role("button", name="Voir l’effet de cette réponse"))
        assert "Ira au comité" in page.inner_text("#effet")
        assert page.get_by_label("Moyen").is_checked()
        page.get_by_label("Petit").check()
        go_on()
        page.check("#profile")
        page.fill("#egress_reason", "Garder la trace des essais")
        go_on()
        page.check("#support")
        follow(page, page.get_by_role("button", name="Enregistrer et revenir plus tard"))
        assert page.url == tasks
        assert page.get_by_text("7 étapes terminées sur 7.").count() == 1
        follow(page, page.get_by_role("link", name="8. Vérifier et envoyer"))
        follow(page, page.get_by_role("link", name="Modifier Critères de succès"))
        page.fill("#success", "Neuf demandes sur dix")
        go_on()
        assert "Neuf demandes sur dix" in page.inner_text("main")
        follow(page, page.get_by_role("button", name="Envoyer la demande"))
        assert page.locator("[aria-current=step]").inner_text().startswith("Provisionnement")
        keep(page, "suivi-fr")
        sandbox = str(
            page.get_by_role("button", name="Suivre la préparation").get_attribute("href")
        )
        served.call(make_ready(served.lab.store, sandbox.rpartition("/")[2]))
        page.reload()
        assert page.get_by_role("button", name="Ouvrir le bac à sable").count() == 1


def test_the_keyboard_is_enough_in_english_on_a_narrow_screen(
    served: Served, chromium: Browser
) -> None:
    lab = served.lab
    draft = served.call(lab.drafts.open(lab.people["a.tremblay"], AgencyId("rft")))
    where = f"/demandes/nouvelle/{draft.id}"
    narrow = {"width": 360, "height": 740}
    wrong: dict[str, object] = {}
    with Person(chromium, served, "a.tremblay", viewport=narrow) as person:
        person.cookie("langue", "en")
        page = person.page

        def look(name: str) -> None:
            found = person.violations()
            if found or not is_narrow_enough(page):
                wrong[name] = (found, is_narrow_enough(page))
            keep(page, f"{name}-en-360")

        person.goto(where)
        look("etapes")

        # By the keyboard alone: a line, then the button, with Enter.
        person.goto(f"{where}/responsables")
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "sponsor":
                break
        page.keyboard.type("Customer services")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/but")
        assert "Public purpose" in page.inner_text("h1")

        page.fill("#purpose", "Shorter delays")
        page.get_by_role("button", name="Save and continue").click()
        page.wait_for_selector(".govuk-error-summary")
        page.wait_for_function("document.activeElement.matches('.govuk-error-summary')")
        look("but-erreur")
        page.locator(".govuk-error-summary a").click()
        assert page.evaluate("document.activeElement.id") == "success"
        assert page.input_value("#purpose") == "Shorter delays"

        person.goto(f"{where}/appropriation")
        page.check("#problem-3")
        page.get_by_role("button", name="Save and see our advice").click()
        page.get_by_text("Begin by measuring for two weeks").wait_for()
        look("appropriation-conseils")
    assert wrong == {}
