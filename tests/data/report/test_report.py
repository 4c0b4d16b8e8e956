from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from lab.data.report import Report, report_of, write_html
from lab.data.report.pdf import write_pdf
from lab.domain.evidence import Analysis, ColumnChoice, Figures
from lab.domain.intake_states import IntakeState
from lab.domain.privacy import Role
from tests.conftest import NOON
from tests.data.report.evidence import dossier, report, subject
from tests.store.samples import intake

SECTIONS = 8


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def count(self, tag: str) -> int:
        return sum(each == tag for each, _ in self.tags)


def of(*, is_french: bool = True, **changes: object) -> Report:
    return report_of(subject(dossier(**changes)), is_french=is_french)


def pages_of(content: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", content))


def test_the_page_has_one_title_and_tables_that_are_read_aloud() -> None:
    text = write_html(of())
    page = Page(text)
    assert ('<html lang="fr-CA">' in text, page.count("h1"), page.count("main")) == (True, 1, 1)
    assert page.count("h2") == SECTIONS
    assert page.count("table") == page.count("caption") == 3
    scopes = [attributes.get("scope") for tag, attributes in page.tags if tag == "th"]
    assert set(scopes) == {"col", "row"}


def test_nothing_of_the_page_is_fetched_and_nothing_typed_becomes_code() -> None:
    evil = "<script>alert(1)</script><img src=//x.test>"
    text = write_html(of(purposes=evil, title_fr=evil, licence=evil))
    page = Page(text)
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "main", "footer"}
    allowed |= {"section", "h1", "h2", "p", "dl", "dt", "dd", "table", "caption", "thead"}
    assert {tag for tag, _ in page.tags} <= allowed | {"tbody", "tr", "th", "td"}
    assert not [a for _, a in page.tags if {"src", "href", "onload", "style"} & set(a)]
    for fetched in ("url(", "@import", "http:", "https:"):
        assert fetched not in text
    assert "&lt;script&gt;" in text


def test_it_says_all_that_the_regulation_asks_for() -> None:
    text = write_html(of())
    for said in (
        "très faible, mais n’est pas nul",
        "Prévoir les délais.",
        "Sylvie Morin",
        "nas (nas)",
        "k = 11; l = 3; suppression d’au plus 4\u00a0%",
        "niveaux de généralisation\u00a0: âge 2; 37 lignes supprimées",
        "62\u00a0% [60,3\u00a0%; 63,9\u00a0%]",
        "1\u00a0% [0\u00a0%; 5,1\u00a0%]",
        "≤ 9\u00a0%",
        "deviner un renseignement (secret 1)",
        "Témoin positif",
        "pMSE",
        "21 novembre 2026, 7\u00a0h\u00a012",
        "Les attaques ne sont pas refaites",
        *("ab" * 32, "12" * 32, "cd" * 32, "ef" * 32),
    ):
        assert said in text, said


def test_what_does_not_pass_is_said_first_and_why() -> None:
    found = of(final=Analysis(NOON, Figures(), report(), ("k_too_small", "control_failed")))
    assert found.is_shown is False
    assert "classe trop petite; témoin positif échoué" in found.conclusion


@pytest.mark.parametrize("is_french", [True, False])
@pytest.mark.parametrize("state", list(IntakeState))
def test_a_dossier_that_is_not_there_yet_says_so(*, is_french: bool, state: IntakeState) -> None:
    found = report_of(subject(intake(state=state)), is_french=is_french)
    assert found.is_shown is None
    assert len(found.sections) == SECTIONS
    assert ("Rien n’est encore démontré." in write_html(found)) is is_french


def test_english_is_english() -> None:
    text = write_html(of(is_french=False))
    assert '<html lang="en-CA">' in text
    assert "very low, not zero" in text
    for french in ("Fins", "Personne", "Avant", "colonne", " et ", "novembre", "\u00a0%"):
        assert french not in text.replace("Demandes", ""), french


def test_french_is_typeset_as_in_quebec() -> None:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", "", write_html(of()), flags=re.DOTALL)
    for wrong in (" ;", "\u00a0;", " ?", " !", " : ", "'", " %"):
        assert wrong not in text, wrong


def test_the_pdf_is_tagged_titled_and_the_same_each_time() -> None:
    content = write_pdf(of())
    assert content == write_pdf(of())
    assert pages_of(content) <= 2
    for part in (b"/Lang (fr-CA)", b"/MarkInfo", b"/StructTreeRoot", b"/DisplayDocTitle true"):
        assert part in content, part
    for role in (b"/S /H1", b"/S /H2", b"/S /TH", b"/Scope /Column", b"/S /Caption"):
        assert role in content, role
    assert content.count(b"/FontFile2") == 2
    assert b"/Lang (en-CA)" in write_pdf(of(is_french=False))


def test_the_largest_dossier_is_on_two_pages() -> None:
    long = "Une très longue phrase que personne ne lira jusqu’au bout. " * 60
    names = [f"colonne au nom interminable numéro {n} {'x' * 40}" for n in range(1200)]
    roles = (Role.QUASI_IDENTIFIER, Role.SENSITIVE, Role.OTHER, Role.IDENTIFIER)
    choices = tuple(
        ColumnChoice(name, roles[n % 4], keep=roles[n % 4] is not Role.IDENTIFIER)
        for n, name in enumerate(names)
    )
    good = dossier()
    assert good.treatment is not None
    large = replace(
        good,
        title_fr=long[:200],
        description_fr=long,
        purposes=long,
        licence=long[:200],
        source=long[:200],
        choices=choices,
        findings=(),
        treatment=replace(good.treatment, outcome={"levels": dict.fromkeys(names, 3)}),
        final=Analysis(NOON, Figures(), report(secrets=400), ("k_too_small",)),
        reviews=good.reviews * 40,
    )
    found = report_of(subject(large), is_french=True)
    assert pages_of(write_pdf(found)) == 2
    assert "et 288 autres" in write_html(found)


def test_what_the_fonts_cannot_draw_does_not_stop_it() -> None:
    content = write_pdf(of(title_fr="Inuktitut ᐃᓄᒃᑎᑐᑦ 漢字 ε\u202f🙂"))
    assert pages_of(content) <= 2
