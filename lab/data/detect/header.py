"""What a column's header says by itself."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from lab.data.detect.kinds import IDENTIFYING, Kind
from lab.data.detect.lexicon import (
    HEADERS,
    IGNORED,
    NOT_THE_THING,
    PEOPLE,
    SAME,
    SURE_NAME_HEADERS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_HUMP = re.compile(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])")
_DATA_ABOUT_IT = frozenset({Kind.DATE, Kind.AGE, Kind.BIRTH_DATE, Kind.FAMILY})


def fold(text: str) -> str:
    """Give the text in lower case and without accents."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(c for c in apart if not unicodedata.combining(c)).lower()


def tokens(header: str) -> tuple[str, ...]:
    """Cut a header into folded words: camelCase, underscores, spaces, apostrophes, ``n°``."""
    cut = _HUMP.sub(" ", header.replace("№", " no ").replace("n°", "no ").replace("N°", "no "))
    words = re.split(r"[^a-z0-9]+", fold(cut))
    return tuple(SAME.get(w, w) for w in words if w and w not in IGNORED)


def kinds_of(header: str) -> frozenset[Kind]:
    """Say which kinds a header names; empty when it says nothing known."""
    words = tokens(header)
    said = {kind for kind, phrases in HEADERS.items() if _holds_any(words, phrases)}
    if _names_a_person(words):
        said.add(Kind.NAME)
    if NOT_THE_THING & set(words):
        said -= IDENTIFYING
        said &= {Kind.FAMILY, Kind.ORIGIN, Kind.HEALTH, Kind.OFFENCE, Kind.INCOME}
    return frozenset(_settled(said, words))


def is_key(header: str) -> bool:
    """Say whether the whole header is *id*, *no*, *key*: a number of each row."""
    return tokens(header) in {("id",), ("no",), ("key",), ("cle",), ("identifiant",), ("index",)}


def _holds_any(words: Sequence[str], phrases: Sequence[str]) -> bool:
    spaced = f" {' '.join(words)} "
    return any(f" {phrase} " in spaced for phrase in phrases)


def _names_a_person(words: Sequence[str]) -> bool:
    if _holds_any(words, SURE_NAME_HEADERS):
        return True
    bare = [w for w in words if not w.isdigit()]
    return bool(bare) and set(bare) <= PEOPLE


def _settled(said: set[Kind], words: Sequence[str]) -> set[Kind]:
    """Take out what a longer phrase of the same header explains better."""
    better: list[tuple[Kind, set[Kind]]] = [
        (Kind.EMAIL, {Kind.ADDRESS}),
        (Kind.IP, {Kind.ADDRESS}),
        (Kind.NAM, {Kind.HEALTH, Kind.CARD}),
        (Kind.LICENCE, {Kind.FILE_NUMBER}),
        (Kind.BIRTH_DATE, {Kind.DATE, Kind.NAME}),
        (Kind.POSTAL_PREFIX, {Kind.POSTAL_CODE, Kind.REGION}),
        (Kind.POSTAL_CODE, {Kind.ADDRESS}),
        (Kind.ORIENTATION, {Kind.SEX}),
        (Kind.PHONE, {Kind.NAME}),
        (Kind.PLATE, {Kind.LICENCE}),
        (Kind.FILE_NUMBER, {Kind.NAME, Kind.CARD, Kind.OCCUPATION}),
    ]
    out = set(said)
    for kind, lesser in better:
        if kind in out:
            out -= lesser
    if "date" in words and out - _DATA_ABOUT_IT:
        # "date_ouverture_dossier" is a date, "date_diagnostic" too.
        out &= _DATA_ABOUT_IT
    if {"pays", "country", "lieu", "poids", "rang"} & set(words):
        out.discard(Kind.BIRTH_DATE)
    return out
