from __future__ import annotations

import re

import pytest
from babel.messages.pofile import read_po

from lab.web.language import LANGUAGES, preferred
from lab.web.sentences import DETAILS, FIELDS, TITLES
from tests.web.texts import WEB, found

NBSP = "\u00a0"
PLACE = re.compile(r"%\((\w+)\)s|%%\{count\}")
TEXTS = found()


def test_the_english_catalogue_is_complete_and_holds_nothing_else() -> None:
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
    assert set(TEXTS) - known == set(), "missing in English"
    assert known - set(TEXTS) == set(), "no longer used"


@pytest.mark.parametrize("text", sorted({*TEXTS, *filter(None, TEXTS.values())}))
def test_french_texts_follow_quebec_typography(text: str) -> None:
    plain = PLACE.sub("x", text)
    assert not re.search(r"[ \u00a0\u202f][?!;,]", plain), "no space before ? ! ; ,"
    assert not re.search(rf"(?<!{NBSP}):(?=\s|$)", plain), "a no-break space before :"
    assert not re.search(rf"«(?!{NBSP})|(?<!{NBSP})»", plain), "no-break spaces inside « »"
    assert '"' not in re.sub(r"<[^>]*>", "", plain), "« », not straight quotes"
    assert "'" not in plain, "the typographic apostrophe"
    assert "..." not in plain
    assert "  " not in plain


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
