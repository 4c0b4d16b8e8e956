"""What is wrong with the theme, and what to do about it, in English and in French."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.web.environments import theme_faults

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ToldFault:
    """One fault: what it is and what to do, each in English and in French."""

    what: tuple[str, str]
    remedy: tuple[str, str]


def faults(folder: Path) -> list[ToldFault]:
    """Look at the whole folder."""
    found = []
    for fault in theme_faults(folder):
        what, remedy = _WORDS[fault.why]
        facts = {"file": folder / fault.file, "detail": fault.detail}
        english, french = (text.format_map(facts) for text in what)
        found.append(ToldFault((english, french), remedy))
    return found


def words() -> frozenset[str]:
    """Return every reason that there are words for."""
    return frozenset(_WORDS)


_UNTIL = (
    "Correct it; until then the portal shows its own page.",
    "Corrigez-le; d’ici là, le portail montre sa propre page.",
)
_WORDS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "syntax": (
        ("{file} cannot be used: {detail}", "{file} ne peut pas servir : {detail}"),
        _UNTIL,
    ),
    "not_ours": (
        (
            "{file} stands in the place of no template of the portal",
            "{file} ne remplace aucun gabarit du portail",
        ),
        (
            "Name it as the one it replaces, in lab/web/templates.",
            "Donnez-lui le nom de celui qu’il remplace, dans lab/web/templates.",
        ),
    ),
    "no_template": (
        (
            "{file} names a template that there is none of: {detail}",
            "{file} nomme un gabarit qui n’existe pas : {detail}",
        ),
        _UNTIL,
    ),
    "type": (
        (
            "{file} is of a type that is not served: {detail}",
            "{file} est d’un type qui n’est pas servi : {detail}",
        ),
        (
            "Served are css, gif, ico, jpeg, jpg, png, svg, webp and woff2.",
            "Sont servis : css, gif, ico, jpeg, jpg, png, svg, webp et woff2.",
        ),
    ),
    "elsewhere": (
        (
            "{file} names something outside of the portal, which no browser will load",
            "{file} nomme quelque chose hors du portail, qu’aucun navigateur ne chargera",
        ),
        (
            "Put the file itself into the folder, and name it as url(name).",
            "Mettez le fichier lui-même dans le dossier, et nommez-le comme url(nom).",
        ),
    ),
    "writable": (
        (
            "{file} can be written by others than its owner",
            "{file} peut être écrit par d’autres que son propriétaire",
        ),
        (
            "chmod -R go-w: whoever writes there writes what people see.",
            "chmod -R go-w : qui peut y écrire écrit ce que les gens voient.",
        ),
    ),
    "unreadable": (
        ("{file} cannot be read: {detail}", "{file} ne peut pas être lu : {detail}"),
        (
            "Let the user who runs the lab read it.",
            "Permettez à l’utilisateur du laboratoire de le lire.",
        ),
    ),
}
