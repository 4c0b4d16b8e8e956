"""What a stage waits for, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import waits
from lab.domain.waits import WaitsFor
from lab.web.language import msg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.web.language import Language

_SENTENCES: Mapping[WaitsFor, str] = {
    WaitsFor.PLACE_GONE: msg("La grappe efface ce que le bac à sable contenait."),
    WaitsFor.QUOTA: msg("La grappe compte le quota du bac à sable."),
    WaitsFor.PROBES: msg("Les sondes éprouvent les murs."),
}
_LEFT = msg("Il attend encore : %(what)s.")
_HELD = msg("Retenu par %(what)s.")

_KINDS: Mapping[str, str] = {
    "pods": msg("programmes"),
    "persistentvolumeclaims": msg("dossiers personnels"),
    "jobs.batch": msg("preuves"),
    "secrets": msg("clés"),
}
"""What people call what a cluster counts; anything else keeps the cluster's own word."""


def sentence(detail: str, language: Language) -> str:
    """Return what to tell a person; empty where the detail says nothing of a wait."""
    waiting = waits.read(detail)
    if waiting is None:
        return ""
    said = [language.text(_SENTENCES[waiting.reason])]
    if waiting.left:
        said.append(language.text(_LEFT, what=_listed(waiting.left, language)))
    if waiting.held_by:
        said.append(language.text(_HELD, what=_listed(waiting.held_by, language)))
    return " ".join(said)


def _listed(counted: tuple[tuple[str, int], ...], language: Language) -> str:
    named = ((language.text(_KINDS[kind]) if kind in _KINDS else kind, n) for kind, n in counted)
    return ", ".join(f"{name} ({number})" for name, number in named)
