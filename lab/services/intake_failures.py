"""What a run that failed says to people, in French and in English, with a stable code.

It is kept with the run and read later, by anybody, in their language: so both are written down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lab.domain.errors import InvalidError, RequestError, StateError

if TYPE_CHECKING:
    from lab.domain.errors import Problem

SAID: Final = {
    "cancelled": ("Annulé.", "Cancelled."),
    "interrupted": (
        "Le laboratoire a redémarré pendant ce travail. Lancez-le de nouveau.",
        "The lab was restarted during this work. Start it again.",
    ),
    "not_ready": (
        "La quarantaine ne répond pas ou n’a plus de place. Relancez ce travail plus tard.",
        "The quarantine does not answer, or is full. Start this work again later.",
    ),
    "provider_failed": (
        "Le stockage des données ne répond pas. Relancez ce travail plus tard.",
        "The data store does not answer. Start this work again later.",
    ),
    "internal": (
        "Une erreur inattendue s’est produite. Prévenez la personne qui exploite le laboratoire.",
        "Something unexpected went wrong. Tell whoever operates the lab.",
    ),
    "not_the_deposited": (
        "Ce fichier n’est pas celui qui a été déposé; déposez-le de nouveau.",
        "This file is not the one that was deposited; deposit it again.",
    ),
    "over_budget": (
        "Il reste ε = {left} à cette source pour toute sa vie.",
        "This source has ε = {left} left for its whole life.",
    ),
    "over_memory": (
        (
            "Traiter cette table peut prendre {needed} Mio de mémoire; le laboratoire en a "
            "{limit}. Gardez moins de colonnes que {columns}, déposez au plus {rows} lignes, ou "
            "demandez plus de mémoire à la personne qui exploite le laboratoire."
        ),
        (
            "Treating this table may take {needed} MiB of memory; the lab has {limit}. Keep "
            "fewer columns than {columns}, deposit at most {rows} rows, or ask whoever operates "
            "the lab for more memory."
        ),
    ),
    "changed": (
        "Le dossier a changé pendant ce travail; rien n’en est gardé. Lancez-le de nouveau.",
        "The dossier changed during this work; nothing of it is kept. Start it again.",
    ),
    "altered": (
        (
            "Ce qui est gardé n’est plus ce dont les preuves parlent. Traitez de nouveau, "
            "ou prévenez la personne qui exploite le laboratoire."
        ),
        (
            "What is kept is no longer what the evidence speaks of. Treat it again, "
            "or tell whoever operates the lab."
        ),
    ),
    "wrong_state": (
        "Le dossier n’est plus à l’étape que ce travail demande. Relisez son état.",
        "The dossier is no longer at the step that this work needs. Read its state again.",
    ),
    "failed": (
        "Ce travail n’a pas pu se faire. Prévenez la personne qui exploite le laboratoire.",
        "This work could not be done. Tell whoever operates the lab.",
    ),
}
"""By code: of the run's end, of a problem that an ``InvalidError`` names, of a state."""


def said_of(error: RequestError) -> tuple[str, str, str]:
    """Return the code of a refused run and its sentences, French first."""
    french, english = getattr(error, "fr", ""), getattr(error, "en", "")
    if french and english:  # what is wrong with data says so itself
        return str(getattr(error, "reason", error.code)), french, english
    match error:
        case InvalidError(problems=[problem, *_]):
            return _of_problem(problem)
        case StateError(state=state) if state in SAID:
            return state, *SAID[state]
        case _:
            return error.code, *SAID.get(error.code, SAID["failed"])


def _of_problem(problem: Problem) -> tuple[str, str, str]:
    french, english = SAID.get(problem.code, SAID["failed"])
    facts = dict(problem.facts)
    return problem.code, french.format_map(facts), english.format_map(facts)
