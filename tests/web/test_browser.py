from __future__ import annotations

from typing import TYPE_CHECKING, Self

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from lab.domain.agency import Usage
from lab.domain.quantity import GIB, Resources
from lab.domain.token import TokenKind
from tests.chromium import program
from tests.web.fakes import make_ready
from tests.web.looks import AFTER_A_STOP, LOOKS
from tests.web.scenes import file
from tests.web.staging import stage_more
from tests.web.thread import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Locator, Page

pytestmark = pytest.mark.real

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

SEND = """(at) => {
  const forms = [...document.querySelectorAll("main form")];
  const to = each => (each.getAttribute("action") ?? location.pathname).split("?")[0];
  const form = forms.find(each => each.method === "post" && to(each) === at.to);
  for (const box of form.querySelectorAll("input, textarea, select")) {
    if (["hidden", "radio", "checkbox", "file", "submit"].includes(box.type)) continue;
    box.value = at.typed[box.name] ?? "";
  }
  form.submit();
}"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("browser"), as_front=True).running() as running:
        lab = running.lab
        roomy = Usage(Resources(64_000, 256 * GIB, 999 * GIB), 99)
        for code in ("rft", "sqd"):
            running.call(lab.agencies.set_quota(lab.people["o.lavoie"], code, roomy))
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        yield browser
        browser.close()


def follow(page: Page, to: Locator) -> None:
    """Click on what leads to another page, and wait until that is the one that is read."""
    with page.expect_navigation():
        to.click()


class Person:
    """Somebody at a browser; notes every address asked for and every complaint."""

    def __init__(self, chromium: Browser, served: Served, login: str, **options: object) -> None:
        self.context: BrowserContext = chromium.new_context(locale="fr-CA", **options)
        self.served, self.asked, self.complaints = served, [], []
        if login:
            lab = served.lab
            token = served.call(lab.members.issue(lab.people[login], TokenKind.SESSION))
            self.cookie("vaseclos-session", token)
        self.page: Page = self.context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text))

    def cookie(self, name: str, value: str) -> None:
        self.context.add_cookies([{"name": name, "value": value, "url": self.served.url}])

    def goto(self, path: str) -> None:
        self.page.goto(self.served.url + path)

    def violations(self, *, colours: bool = True) -> list[str]:
        """Return what axe finds, by WCAG 2.2 too; looking at colours takes most of its time."""
        rules = {"target-size": {"enabled": True}, "color-contrast": {"enabled": colours}}
        options = {"resultTypes": ["violations"], "rules": rules}
        found = Axe().run(self.page, options=options).response["violations"]
        return [f"{v['id']}: {v['nodes'][0]['html'][:150]}" for v in found]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()
        outside = [url for url in self.asked if not url.startswith((self.served.url, "data:"))]
        assert outside == []
        policy = [said for said in self.complaints if "Content Security Policy" in said]
        assert policy == []


@pytest.fixture(scope="module")
def names(served: Served) -> dict[str, str]:
    return vars(served.scene) | served.call(stage_more(served.lab))


def complaints(person: Person, language: str, *, colours: bool = True) -> object:
    """Return what is wrong with the page that somebody has open."""
    found = person.violations(colours=colours)
    wider = person.page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    spoken = person.page.get_attribute("html", "lang")
    return (found, wider, spoken) if found or wider > 0 or spoken != f"{language}-CA" else None


@pytest.mark.parametrize(("language", "width"), [("fr", 1200), ("en", 360)])
def test_every_page_and_every_error_passes_axe_and_asks_nothing_outside(
    served: Served, chromium: Browser, names: dict[str, str], language: str, width: int
) -> None:
    wrong: dict[str, object] = {}
    people: dict[str, Person] = {}
    for login in dict.fromkeys(look.login for look in LOOKS):
        viewport = {"width": width, "height": 800}
        people[login] = Person(chromium, served, login, viewport=viewport)
        people[login].cookie("langue", language)
        # A page that looks again by itself may leave for the next one before it has been read.
        people[login].context.route("**/etat", lambda route: route.abort())
    before, is_first = "", language == "fr"
    for look in LOOKS:
        person, path = people[look.login], look.path.format(**names)
        person.goto(path)
        if path != before:
            # The colours of a page are one style sheet's, whatever its language and width; those
            # of errors are looked at in tests of their own.
            wrong[f"{look.login} {look.path}"] = complaints(person, language, colours=is_first)
        if look.form and not is_first:
            with person.page.expect_navigation():
                at = {"to": look.form.format(**names).partition("?")[0], "typed": dict(look.typed)}
                person.page.evaluate(SEND, at)
            assert person.page.locator(".govuk-error-summary").count() == 1, look
            assert person.page.title().startswith("Error"), look
            wrong[f"{look.login} {look.form}, sent"] = complaints(person, language, colours=False)
        before = path
    for person in people.values():
        person.__exit__()
    assert {name: what for name, what in wrong.items() if what} == {}


def test_errors_are_announced_and_pass_axe(served: Served, chromium: Browser) -> None:
    with Person(chromium, served, "a.tremblay") as person:
        person.goto("/demandes/nouvelle")
        person.page.fill("#ends_on-day", "40")
        follow(person.page, person.page.get_by_role("button", name="Envoyer la demande"))
        assert person.page.locator(".govuk-error-summary").count() == 1
        assert person.violations() == []
        person.page.wait_for_function("document.activeElement.matches('.govuk-error-summary')")
        person.page.get_by_role("link", name="Écrivez une date qui existe").click()
        assert person.page.evaluate("document.activeElement.id") == "ends_on-day"
        assert person.page.input_value("#ends_on-day") == "40"
    with Person(chromium, served, "") as person:
        person.goto("/entrer")
        person.page.fill("#login", "a.tremblay")
        follow(person.page, person.page.get_by_role("button", name="Se connecter"))
        assert person.violations() == []


def test_the_status_page_follows_the_stages_and_reads_them_out(
    served: Served, chromium: Browser
) -> None:
    lab = served.lab
    request = served.call(file(lab, "c.roy"))
    with Person(chromium, served, "c.roy") as person:
        person.goto(f"/bacs/{request.sandbox_id}")
        assert person.page.get_by_text("0 étape prête sur 5").count() == 1
        served.call(make_ready(lab.store, request.sandbox_id))
        person.page.get_by_role("button", name="Ouvrir JupyterLab").wait_for(timeout=15_000)
        announced = person.page.locator("#annonce")
        assert announced.inner_text() == "Le bac à sable est prêt."
        assert person.page.locator(".vc-stage--done").count() == 5
        assert person.violations() == []


def test_the_main_journey_works_without_javascript(served: Served, chromium: Browser) -> None:
    lab = served.lab
    with Person(chromium, served, "", java_script_enabled=False) as person:
        page = person.page
        person.goto("/demandes/nouvelle")
        page.fill("#login", "c.roy")
        page.fill("#password", "un long mot de passe")
        follow(page, page.get_by_role("button", name="Se connecter"))
        page.fill("#purpose", "Sans script")
        page.check("#datasets")
        follow(page, page.get_by_role("button", name="Envoyer la demande"))
        if page.get_by_text("Il y a un problème").count():
            pytest.fail(page.locator(".govuk-error-summary").inner_text())
        sandbox_id = page.url.rpartition("/")[2]
        served.call(make_ready(lab.store, sandbox_id))
        follow(page, page.get_by_role("link", name="Actualiser cette page"))
        follow(page, page.get_by_role("button", name="Ouvrir JupyterLab"))
        assert page.get_by_text("L’atelier démarre").count() == 1
        person.goto(f"/bacs/{sandbox_id}")
        follow(page, page.get_by_role("link", name="Supprimer"))
        follow(page, page.get_by_role("button", name="Oui, tout supprimer"))
        assert page.get_by_text("Suppression en cours").count() >= 1


def test_the_keyboard_is_enough(served: Served, chromium: Browser) -> None:
    with Person(chromium, served, "a.tremblay") as person:
        person.goto("/")
        person.page.keyboard.press("Tab")
        assert person.page.evaluate("document.activeElement.innerText") == (
            "Passer au contenu principal"
        )
        seen = set()
        for _ in range(40):
            person.page.keyboard.press("Tab")
            seen.add(person.page.evaluate("document.activeElement.innerText.trim()"))
        assert {"Demander un bac à sable", "Se déconnecter", "English", "Demandes"} <= seen


def test_the_workshop_frame_can_only_hold_the_members_own_server(
    served: Served, chromium: Browser
) -> None:
    lab = served.lab
    member = lab.people["a.tremblay"]
    sandbox_id = str(served.scene.ready)
    lab.notebooks.finish(member.id, sandbox_id)
    person = Person(chromium, served, "a.tremblay")
    person.goto(f"/bacs/{sandbox_id}/atelier")
    assert person.violations() == []
    own = served.url.replace("://", f"://{member.id}.")
    assert f"{own}/user/{member.id}/{sandbox_id}/" in person.asked
    person.page.evaluate("document.querySelector('iframe').src = '/bacs'")
    person.page.wait_for_timeout(300)
    assert not [url for url in person.asked if url == f"{served.url}/bacs"]
    person.context.close()
    lab.notebooks.states.clear()


PAYLOADS = [
    "<script>window.bad=1</script>",
    '"><img src=x onerror=window.bad=1>',
    "'\"></textarea><svg onload=window.bad=1>",
    "{{ 7*7 }}${7*7}{% raw %}",
    "javascript:window.bad=1",
    "</title><script>window.bad=1</script>",
]


def test_nothing_that_a_person_typed_runs(served: Served, chromium: Browser) -> None:
    with Person(chromium, served, "a.tremblay") as person:
        for payload in PAYLOADS:
            person.goto("/demandes/nouvelle")
            person.page.fill("#purpose", payload)
            person.page.get_by_role("button", name="Voir d’abord").click()
            assert person.page.input_value("#purpose") == payload
            assert person.page.evaluate("window.bad") is None


def test_a_purpose_is_shown_as_it_was_typed(served: Served, chromium: Browser) -> None:
    lab = served.lab
    text = "\n".join(PAYLOADS)
    request = served.call(file(lab, "c.roy", purpose=text, size="moyen"))
    with Person(chromium, served, "r.cote") as person:
        person.goto(f"/demandes/{request.id}")
        assert person.page.evaluate("window.bad") is None
        assert PAYLOADS[0] in person.page.locator("main").inner_text()


def test_while_all_is_stopped_the_pages_say_so_and_pass_axe(
    served: Served, chromium: Browser
) -> None:
    lab = served.lab
    stopped = lab.holds.stop_all(
        lab.people["o.lavoie"], reason="Exercice.", confirmation="tout arrêter"
    )
    served.call(stopped)
    with Person(chromium, served, "o.lavoie") as person:
        for path in ("/", "/arret"):
            person.goto(path)
            assert complaints(person, "fr") is None
        with person.page.expect_navigation():
            person.page.evaluate(SEND, {"to": AFTER_A_STOP, "typed": {}})
        assert person.page.locator(".govuk-error-summary").count() == 1
        assert complaints(person, "fr") is None
