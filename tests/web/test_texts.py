from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from babel.messages.pofile import read_po

from lab.web.language import LANGUAGES, preferred
from lab.web.sentences import DETAILS, FIELDS, TITLES
from tests.web.texts import WEB, found

if TYPE_CHECKING:
    from collections.abc import Mapping

NBSP = "\u00a0"
PLACE = re.compile(r"%\((\w+)\)s|%%\{count\}")
RULES = (
    (re.compile(r"[ \u00a0\u202f][?!;,]"), "no space before ? ! ; ,"),
    (re.compile(rf"(?<!{NBSP}):(?=\s|$)"), "a no-break space before :"),
    (re.compile(rf"«(?!{NBSP})|(?<!{NBSP})»"), "no-break spaces inside « »"),
    (re.compile("'"), "the typographic apostrophe"),
    (re.compile(r"\.\.\."), "the ellipsis is one character"),
    (re.compile("  "), "one space"),
)
STRAIGHT = re.compile('"')


@pytest.fixture(scope="module")
def texts() -> Mapping[str, str | None]:
    # Not at import: every process that collects tests would read all sources and templates.
    return found()


def test_the_english_catalogue_is_complete_and_holds_nothing_else(
    texts: Mapping[str, str | None],
) -> None:
    with (WEB / "locale/en/LC_MESSAGES/messages.po").open("rb") as source:
        catalogue = read_po(source, locale="en")
    known: set[str] = set()
    for message in catalogue:
        if not message.id:
            continue
        one = message.id[0] if isinstance(message.id, tuple) else message.id
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        known.add(one)
        assert all(strings), f"not translated: {one}"
        assert not message.fuzzy, f"fuzzy: {one}"
        for string in strings:
            assert sorted(PLACE.findall(string)) == sorted(PLACE.findall(one)), one
            assert "agenc" not in PLACE.sub("", string).casefold(), "a public body, on screens"
    assert set(texts) - known == set(), "missing in English"
    assert known - set(texts) == set(), "no longer used"


def broken_rules(text: str) -> list[str]:
    plain = PLACE.sub("x", text)
    broken = [rule for pattern, rule in RULES if pattern.search(plain)]
    if STRAIGHT.search(re.sub(r"<[^>]*>", "", plain)):
        broken.append("« », not straight quotes")
    return broken


def test_french_texts_follow_quebec_typography(texts: Mapping[str, str | None]) -> None:
    every = {*texts, *filter(None, texts.values())}
    assert len(every) > 1000  # the extraction reads what it should
    assert {text: broken for text in every if (broken := broken_rules(text))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "Vraiment ?",
        "Vraiment\u00a0!",
        "Nom: x",
        "Nom : x",
        "«x»",
        "« x »",
        "l'organisme",
        'le "nom"',
        "Attendez...",
        "deux  espaces",
    ],
)
def test_each_rule_of_typography_can_be_broken(text: str) -> None:
    assert broken_rules(text) != []


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "fr"),
        ("en", "en"),
        ("en-CA,fr;q=0.5", "en"),
        ("fr-CA, en;q=0.9", "fr"),
        ("de, en;q=0.2, fr;q=0.1", "en"),
        ("de", "fr"),
        ("en;q=0", "fr"),
        ("*;q=x,,;", "fr"),
    ],
)
def test_french_comes_first_unless_asked_otherwise(header: str, code: str) -> None:
    assert preferred(header).code == code


def test_every_sentence_exists_in_both_languages() -> None:
    for table in (TITLES, DETAILS, FIELDS):
        for text in table.values():
            assert LANGUAGES["en"].text(text) != "" != LANGUAGES["fr"].text(text)


def test_amounts_are_written_as_people_read_them() -> None:
    french, english = LANGUAGES["fr"], LANGUAGES["en"]
    assert french.size(8 * 2**30) == f"8{NBSP}Go"
    assert french.size(41_500) == f"40,5{NBSP}ko"
    assert french.size(1) == f"0,1{NBSP}ko"
    assert english.size(1536 * 2**20) == f"1.5{NBSP}GB"
    assert french.cores(500) == "0,5 processeur"
    assert french.count(50_000) == f"50{NBSP}000"
