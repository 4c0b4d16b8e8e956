"""What a proof has found open, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import holes
from lab.domain.holes import Hole
from lab.web.language import msg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.web.language import Language

_OPEN = msg("Les murs ne tiennent pas : %(what)s")

WORDS: Mapping[Hole, str] = {
    Hole.LINK_LOCAL: msg("les adresses IPv6 de lien local mènent au nœud et à d’autres bacs"),
    Hole.MULTICAST: msg("la multidiffusion passe"),
    Hole.METADATA: msg("l’adresse de métadonnées du nuage répond"),
    Hole.NODE: msg("un nœud de la grappe répond"),
    Hole.API: msg("l’API de Kubernetes répond"),
    Hole.NAMES: msg("un serveur de noms répond"),
    Hole.INTERNET: msg("Internet répond"),
    Hole.OTHER_SANDBOXES: msg("les programmes d’autres bacs répondent"),
    Hole.OTHER_DOORS: msg("les portes d’autres bacs répondent"),
    Hole.LAB_SERVICES: msg("un service interne du laboratoire répond"),
    Hole.OWN_DOORS: msg("une porte du bac n’est pas comme elle doit"),
    Hole.SEEN_BY_WITNESSES: msg("un témoin a vu des connexions"),
    Hole.LATE_WALLS: msg("les règles du réseau n’entrent pas en vigueur"),
    Hole.POD: msg("le programme peut plus qu’il ne doit sur son nœud"),
    Hole.UNENFORCED: msg("la grappe n’applique pas les règles du réseau (NetworkPolicy)"),
}


def sentence(detail: str, language: Language) -> str:
    """Return what to tell a person, without a full stop; empty where nothing is named."""
    found = [language.text(WORDS[hole]) for hole in holes.read(detail)]
    return language.text(_OPEN, what=", ".join(found)) if found else ""
