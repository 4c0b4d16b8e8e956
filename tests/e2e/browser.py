"""A person at a browser: headless Chromium, French, and what is on the screen kept."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from tests.chromium import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, FrameLocator, Locator, Page

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The browser's own look-ups are not the lab's: only names of this machine exist for it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
)
SHOTS = Path(__file__).resolve().parent.parent / "artifacts"


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program(), args=list(ARGUMENTS))
        try:
            yield launched
        finally:
            launched.close()


class Person:
    """One signed-in person with a window of their own."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.address = address.rstrip("/")
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 1280, "height": 900}, locale="fr-CA"
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(60_000)

    def sign_in(self, login: str, password: str) -> None:
        self.go("/entrer")
        self.page.fill("input[name=login]", login)
        self.page.fill("input[name=password]", password)
        self.page.get_by_role("button", name="Se connecter").click()
        self.page.get_by_role("button", name="Se déconnecter").wait_for()

    def go(self, path: str) -> None:
        self.page.goto(f"{self.address}{path}")

    def keep(self, name: str, *, whole: bool = True, document: bool = False) -> None:
        """Keep what is on the screen; with LAB_DOCS_IMAGES set, also for the documents."""
        SHOTS.mkdir(exist_ok=True)
        path = SHOTS / f"{name}.png"
        self.page.screenshot(path=path, full_page=whole)
        documents = os.environ.get("LAB_DOCS_IMAGES")
        if document and documents:
            shutil.copyfile(path, Path(documents) / f"{name}.png")

    def assert_accessible(self) -> None:
        found = Axe().run(self.page).response["violations"]
        assert not found, [(each["id"], [n["html"] for n in each["nodes"]]) for each in found]

    @property
    def text(self) -> str:
        return self.page.inner_text("main").replace("\xa0", " ")


class Notebook:
    """The JupyterLab that the workshop page frames."""

    def __init__(self, person: Person) -> None:
        self._page = person.page
        self._frame: FrameLocator = person.page.frame_locator("iframe")

    def wait(self) -> None:
        """Wait for the page, and for a kernel that answers: idle is also what a dead one shows."""
        self._frame.locator(".jp-NotebookPanel").wait_for(timeout=180_000)
        self._status().wait_for(timeout=120_000)

    def open(self, name: str) -> None:
        """Open a file of the folder that is shown, and wait for its kernel."""
        self._frame.get_by_role("button", name="Actualiser l'explorateur de fichiers").or_(
            self._frame.locator("[data-command='filebrowser:refresh']")
        ).first.click()
        self._frame.locator(".jp-DirListing-item", has_text=name).first.dblclick()
        self._frame.locator(".lm-TabBar-tab.lm-mod-current", has_text=name).first.wait_for()
        self._status().wait_for(timeout=120_000)

    def _status(self) -> Locator:
        return self._frame.locator("#jp-main-statusbar").get_by_text("Inactif").first

    def menu(self, *names: str) -> None:
        for name in names:
            self._frame.get_by_role("menuitem", name=name, exact=True).click()

    def run_all(self) -> None:
        self.menu("Exécution", "Exécuter toutes les cellules")

    def save(self) -> None:
        self._frame.locator(".jp-Notebook").first.press("Control+s")
