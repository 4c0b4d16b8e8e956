"""Names that are safe everywhere, from names as people write them."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from lab.data.ingest.model import Sentence, Warned

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 63  # of an identifier in PostgreSQL, the shortest among the tools that will read this
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ß": "ss"})
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


def safe_names(given: Sequence[str]) -> tuple[str, ...]:
    """Give each name a unique one of a-z, 0-9 and _, which begins with a letter."""
    taken: set[str] = set()
    names: list[str] = []
    for place, name in enumerate(given, start=1):
        stem = _slug(name) or f"colonne_{place}"
        unique, copy = stem, 1
        while unique in taken:
            copy += 1
            unique = f"{stem[: _LONGEST - len(str(copy)) - 1]}_{copy}"
        taken.add(unique)
        names.append(unique)
    return tuple(names)


def header_warnings(given: Sequence[str], names: Sequence[str]) -> list[Warned]:
    """Say which names were empty, given twice, or look like data."""
    warned: list[Warned] = []
    seen: dict[str, int] = {}
    for place, (name, safe) in enumerate(zip(given, names, strict=True), start=1):
        if not name.strip():
            says = Sentence(
                f"La colonne {place} n’a pas de nom : elle s’appelle « {safe} ».",
                f"Column {place} has no name: it is called “{safe}”.",
            )
            warned.append(Warned("empty_header", safe, says))
        elif name in seen:
            says = Sentence(
                f"Les colonnes {seen[name]} et {place} ont le même nom, « {name} » : "
                f"la seconde s’appelle « {safe} ».",
                f"Columns {seen[name]} and {place} share the name “{name}”: "
                f"the second is called “{safe}”.",
            )
            warned.append(Warned("duplicate_header", safe, says))
        seen.setdefault(name, place)
    if any(_NUMBER.fullmatch(name.strip()) for name in given):
        says = Sentence(
            "La première ligne contient des nombres : si ce sont des données, "
            "indiquez que le fichier n’a pas d’en-tête.",
            "The first row holds numbers: if they are data, say that the file has no header.",
        )
        warned.append(Warned("header_looks_like_data", None, says))
    return warned


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.translate(_LIGATURES))
    ascii_only = plain.encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", ascii_only).strip("_")
    if slug and not slug[0].isalpha():
        slug = f"c_{slug}"
    return slug[:_LONGEST].rstrip("_")
