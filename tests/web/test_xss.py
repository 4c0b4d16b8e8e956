"""What people write is text, on every page that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from jinja2 import Environment
from playwright.sync_api import sync_playwright

from lab.domain.agency import Usage
from lab.domain.attempt import Rule
from lab.domain.ids import AgencyId
from lab.domain.quantity import GIB, Resources
from lab.domain.token import TokenKind
from tests.chromium import program
from tests.web.looks import LOOKS
from tests.web.payloads import ALL, PAYLOADS
from tests.web.staging import stage_more
from tests.web.test_browser import ARGUMENTS
from tests.web.thread import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.real

WATCH = """
document.addEventListener("securitypolicyviolation", event =>
  reported(location.pathname + ": " + event.violatedDirective + " " + event.blockedURI));
"""
FILL = """(at) => {
  const forms = [...document.querySelectorAll("main form")];
  const to = each => (each.getAttribute("action") ?? location.pathname).split("?")[0];
  const form = forms.find(each => each.method === "post" && to(each) === at.to);
  const names = [];
  for (const field of form.querySelectorAll("input, textarea, select")) {
    if (["hidden", "file", "submit"].includes(field.type)) continue;
    if (["radio", "checkbox", "select-one"].includes(field.type)) {
      if (!at.chosen) continue;
      if (field.type === "select-one") field.options[field.selectedIndex].value = at.text;
      else [field.value, field.checked] = [at.text, true];
    } else field.value = at.text;
    names.push(field.name);
  }
  form.submit();
  return names;
}"""
OPEN = Environment(autoescape=False).from_string(
    '<!DOCTYPE html>{% for text in texts %}<iframe srcdoc="{{ page(text) | e }}"></iframe>'
    "{% endfor %}"
)
PAGE = Environment(autoescape=False).from_string(
    "<!DOCTYPE html><p>{{ text }}</p><input value=\"{{ text }}\"><input value='{{ text }}'>"
    "<textarea>{{ text }}</textarea>"
)


class Watcher:
    """One browser; notes each payload that ran, and each that a content policy had to stop."""

    def __init__(self, context: BrowserContext, served: Served) -> None:
        self.context, self.served = context, served
        self.ran: set[int] = set()
        self.reports: list[str] = []
        self.visited: list[str] = []
        context.expose_binding("xss", lambda _source, number: self.ran.add(int(number)))
        context.expose_binding("reported", lambda _source, text: self.reports.append(text))
        context.add_init_script(WATCH)
        self.page: Page = context.new_page()
        self.page.on("dialog", lambda dialog: (self.ran.add(-1), dialog.dismiss()))
        self.page.on("pageerror", lambda error: self.reports.append(str(error)))

    def be(self, login: str) -> None:
        lab = self.served.lab
        token = self.served.call(lab.members.issue(lab.people[login], TokenKind.SESSION))
        cookie = {"name": "vaseclos-session", "value": token, "url": self.served.url}
        self.context.add_cookies([cookie])

    def look(self, path: str) -> int:
        """Visit a page; return how often it shows a payload as text."""
        answer = self.page.goto(self.served.url + path)
        assert answer is not None
        assert answer.status < 500, path
        self.visited.append(path)
        return self.page.locator("html").inner_html().count("xss(")

    def send(self, to: str, *, chosen: bool) -> list[str]:
        """Send a form of the page that is open, all payloads in each field; return their names.

        Args:
            to: Where the form sends to.
            chosen: In what one chooses too, as a program would that wrote the form itself.
        """
        at = {"to": to.partition("?")[0], "chosen": chosen, "text": ALL.replace("\n", " ")}
        with self.page.expect_navigation(wait_until="load", timeout=10_000) as came:
            names = list(self.page.evaluate(FILL, at))
        assert came.value is not None
        assert came.value.status < 500, to
        return names


@pytest.fixture(scope="module")
def watcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watcher]:
    with (
        Served(tmp_path_factory.mktemp("xss"), as_front=True).running() as served,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        yield Watcher(browser.new_context(locale="fr-CA"), served)
        browser.close()


def test_without_escaping_and_without_a_policy_every_payload_runs(watcher: Watcher) -> None:
    def bare(text: str) -> str:
        return PAGE.render(text=text)

    html = OPEN.render(texts=PAYLOADS, page=bare)
    url = f"{watcher.served.url}/sans-murs"
    watcher.page.route(url, lambda route: route.fulfill(body=html, content_type="text/html"))
    watcher.page.goto(url)
    watcher.page.wait_for_timeout(300)
    silent = [PAYLOADS[number] for number in range(30) if number not in watcher.ran]
    watcher.ran.clear()
    watcher.reports.clear()
    assert silent == []
    assert len(PAYLOADS) == 30


def test_nothing_that_is_typed_in_any_form_runs_when_it_comes_back(watcher: Watcher) -> None:
    served = watcher.served
    roomy = Usage(Resources(64_000, 256 * GIB, 999 * GIB), 99)
    served.call(
        served.lab.agencies.set_quota(served.lab.people["o.lavoie"], AgencyId("rft"), roomy)
    )
    names = vars(served.scene) | served.call(stage_more(served.lab))
    typed: list[tuple[str, str]] = []
    shown = 0
    forms = list({look.form: look for look in LOOKS if look.form}.values())
    for look in forms:
        path, to = look.path.format(**names), look.form.format(**names)
        watcher.context.clear_cookies()
        if look.login:
            watcher.be(look.login)
        for chosen in (False, True):
            watcher.look(path)
            typed += [(look.form, name) for name in watcher.send(to, chosen=chosen)]
            shown += watcher.page.locator("html").inner_html().count("xss(") > 0
    assert watcher.ran == set()
    assert watcher.reports == []
    # Forms that came back without a word of it would prove nothing.
    assert shown > len(forms)
    assert len(set(typed)) > 110


def _api(served: Served, login: str) -> httpx.Client:
    import httpx  # noqa: PLC0415 -- only here

    token = served.call(served.lab.members.issue(served.lab.people[login], TokenKind.API))
    host = served.url.partition("//")[2]
    return httpx.Client(
        base_url=f"http://127.0.0.1:{served.lab.settings.port}",
        headers={"Authorization": f"Bearer {token}", "Host": host},
        timeout=20,
    )


def _write(served: Served) -> dict[str, str]:
    """File every payload wherever the API takes text; return names of what holds them."""
    scene, lab = served.scene, served.lab
    with _api(served, "o.lavoie") as operator, _api(served, "c.roy") as asker:

        def post(client: httpx.Client, path: str, body: object) -> dict[str, str]:
            answer = client.post(f"/api/v1/{path}", json=body)
            assert answer.is_success, (path, answer.text)
            return dict(answer.json())

        quota = {"cpu_millicores": 1, "memory_bytes": 1, "storage_bytes": 1, "sandboxes": 1}
        for number, three in enumerate(zip(*[iter(PAYLOADS)] * 3, strict=True)):
            text = " ".join(three)
            agency = {"id": f"x{number}", "name_fr": text, "name_en": text, "max_days": 9}
            post(operator, "agencies", agency | {"quota": quota})
            person = {"login": f"x{number}", "name": text, "roles": ["requester"]}
            post(operator, "members", person | {"agency_id": f"x{number}"})
            for one in three:
                operator.delete(f"/api/v1/sandboxes/{quote(one, safe='')}")
        intake = {name: PAYLOADS[at] for at, name in enumerate(("title_fr", "title_en"))}
        intake |= dict.fromkeys(("description_fr", "description_en", "purposes"), ALL)
        intake |= {"licence": PAYLOADS[10], "source": PAYLOADS[11], "dataset": "x-1"}
        intake |= {"agency_id": "sqd", "asked": "anonymise", "supervisor": "c.roy"}
        made = {"intake": post(operator, "intakes", intake)["id"]}
        draft = post(asker, "drafts", {"agency_id": "sqd"})["id"]
        for step, names in {
            "people": ("sponsor", "contact"),
            "purpose": ("purpose", "success"),
            "data": ("legal_basis",),
            "egress": ("egress_reason",),
            "team": ("support_note",),
        }.items():
            longest = 100 if step == "people" else len(ALL)
            text = ALL.replace("\n", " ")[:longest]
            body = {"answers": dict.fromkeys(names, text), "partial": True}
            answer = asker.put(f"/api/v1/drafts/{draft}/steps/{step}", json=body)
            assert answer.status_code == 200, answer.text
        made["draft"] = draft
        extended = {"reason": ALL[:900], "ends_on": "2026-12-20"}
        post(operator, f"sandboxes/{scene.ready}/extend", extended)
        post(operator, f"sandboxes/{scene.ready}/suspend", {"reason": ALL[:900]})
        post(operator, f"requests/{scene.review}/reject", {"reason": ALL[:900]})
        lab.attempts.add(scene.failing, lab.people["a.tremblay"].id, Rule.NO_NAMES, ALL)
        post(operator, "stop", {"reason": ALL[:900], "confirmation": "tout arrêter"})
    return made


def test_nothing_that_people_write_runs_on_any_page(watcher: Watcher) -> None:
    served, scene = watcher.served, watcher.served.scene
    made = _write(served)
    shown: dict[str, int] = {}
    where = f"/demandes/nouvelle/{made['draft']}"
    steps = ("responsables", "but", "donnees", "sortie", "equipe", "verifier")
    for login, paths in {
        "o.lavoie": (
            *("/", "/arret", "/bacs", f"/bacs/{scene.ready}", f"/bacs/{scene.failing}/tentatives"),
            *("/organismes", "/organismes/x0", "/personnes", "/personnes/x4/desactiver"),
            *("/dossiers", f"/dossiers/{made['intake']}", "/journal", "/demandes/nouvelle"),
            *("/journal?who=%22%3E%3Cimg%20src%3Dx%20onerror%3Dxss(0)%3E",),
            *("/problemes/%3Csvg%20onload=xss(0)%3E", "/%3Csvg%20onload=xss(0)%3E"),
        ),
        "c.roy": (
            f"/demandes/{scene.review}",
            *(f"{where}/{step}" for step in steps),
            *("/demandes", "/demandes/nouvelle/guidee"),
        ),
    }.items():
        watcher.be(login)
        for path in paths:
            shown[path] = watcher.look(path)
    silent = [path for path, times in shown.items() if not times]
    assert watcher.ran == set()
    assert watcher.reports == []
    # A page that shows none of it would prove nothing.
    assert len(silent) < len(shown) / 3, silent
