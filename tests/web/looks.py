"""Every page of the portal as somebody sees it, and every form sent with something wrong in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi.routing import APIRoute

from lab.domain.draft import Step
from lab.web.draft_words import SLUG
from lab.web.pages import ROUTERS as PAGE_ROUTERS
from lab.web.routes import ROUTERS as API_ROUTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUTES = [
    route
    for router in (*API_ROUTERS, *PAGE_ROUTERS)
    for route in router.routes
    if isinstance(route, APIRoute)
]


def route_of(path: str, method: str = "GET") -> str:
    """Return the route that answers, or nothing."""
    plain = path.partition("?")[0]
    for route in ROUTES:
        if method in route.methods and route.path_regex.match(plain):
            return route.path
    return ""


@dataclass(frozen=True)
class Look:
    """One page that somebody opens; braces stand for the name of something in the scene.

    Attributes:
        form: The address that a form of this page sends to, where it is sent with ``typed``
            in its fields and nothing in the others; the page then says what is wrong.
    """

    login: str
    path: str
    form: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)


def wrong(login: str, path: str, form: str = "", **typed: str) -> Look:
    return Look(login, path, form or path, typed)


_DRAFT = "/demandes/nouvelle/{draft}"
_ADVICE = {Step.PRIVACY, Step.READINESS, Step.RELEVANCE}
LOOKS = (
    wrong("", "/entrer"),
    wrong("", "/entrer?jeton=un-jeton-qui-ne-sert-a-rien", "/entrer/lien"),
    Look("", "/api"),
    Look("", "/problemes/quota_exceeded"),
    Look("a.tremblay", "/"),
    Look("b.gagnon", "/"),
    Look("o.lavoie", "/"),
    Look("a.tremblay", "/demandes"),
    Look("r.cote", "/demandes"),
    wrong("a.tremblay", "/demandes/nouvelle", ends_on_day="40"),
    Look("o.lavoie", "/demandes/nouvelle"),
    Look("a.tremblay", "/demandes/nouvelle/guidee"),
    wrong("o.lavoie", "/demandes/nouvelle/guidee"),
    Look("a.tremblay", _DRAFT),
    *(wrong("a.tremblay", f"{_DRAFT}/{SLUG[step]}") for step in Step if step not in _ADVICE),
    *(Look("a.tremblay", f"{_DRAFT}/{SLUG[step]}") for step in Step if step in _ADVICE),
    wrong("a.tremblay", f"{_DRAFT}/verifier"),
    Look("a.tremblay", f"{_DRAFT}/supprimer"),
    wrong("r.cote", "/demandes/{asked}", "/demandes/{asked}/retourner"),
    wrong("r.cote", "/demandes/{asked}", "/demandes/{asked}/refuser"),
    wrong("r.cote", "/demandes/{asked}", "/demandes/{asked}/messages"),
    wrong("a.tremblay", "/demandes/{returned}", "/demandes/{returned}/repondre"),
    Look("c.roy", "/demandes/{review}"),
    Look("c.roy", "/demandes/{rejected}"),
    Look("c.roy", "/demandes/{review}/retirer"),
    Look("o.lavoie", "/bacs"),
    Look("a.tremblay", "/bacs/{ready}"),
    Look("o.lavoie", "/bacs/{failing}"),
    Look("a.tremblay", "/bacs/{suspended}"),
    wrong("o.lavoie", "/bacs/{suspended}/reprendre"),
    wrong("o.lavoie", "/bacs/{ready}/suspendre"),
    wrong("o.lavoie", "/bacs/{ready}/arreter"),
    wrong("a.tremblay", "/bacs/{ready}/prolonger"),
    wrong("a.tremblay", "/bacs/{ready}/equipe"),
    wrong("o.lavoie", "/arret"),
    Look("c.roy", "/bacs/{deleting}"),
    Look("a.tremblay", "/bacs/{deleted}"),
    Look("a.tremblay", "/bacs/{ready}/preuve"),
    Look("a.tremblay", "/bacs/{ready}/tentatives"),
    Look("a.tremblay", "/bacs/{ready}/supprimer"),
    Look("a.tremblay", "/bacs/{deleted}/certificat"),
    Look("a.tremblay", "/bacs/{ready}/atelier"),
    Look("a.tremblay", "/jeux"),
    Look("a.tremblay", "/jeux/demandes-prestations"),
    Look("r.cote", "/jeux/jeu-published"),
    Look("r.cote", "/dossiers"),
    Look("r.cote", "/dossiers/registre"),
    wrong("r.cote", "/dossiers/nouveau"),
    Look("r.cote", "/dossiers/{opened}"),
    wrong("r.cote", "/dossiers/{opened}/fichier"),
    wrong("r.cote", "/dossiers/{opened}/refuser"),
    wrong("r.cote", "/dossiers/{opened}/retirer"),
    wrong("r.cote", "/dossiers/{read}/colonnes"),
    wrong("r.cote", "/dossiers/{columns_confirmed}/traitement", k="un"),
    Look("s.morin", "/dossiers/{measured}"),
    Look("r.cote", "/dossiers/{measured}/mesures"),
    wrong("s.morin", "/dossiers/{measured}/signature"),
    Look("r.cote", "/dossiers/{published}"),
    Look("r.cote", "/organismes"),
    wrong("o.lavoie", "/organismes/rft"),
    wrong("o.lavoie", "/organismes/rft/personnes", cpu="beaucoup"),
    Look("a.tremblay", "/organismes/rft/usage"),
    Look("o.lavoie", "/usage"),
    wrong("o.lavoie", "/personnes"),
    wrong("o.lavoie", "/personnes/o.lavoie/desactiver"),
    Look("o.lavoie", "/journal"),
    Look("o.lavoie", "/journal?since=jamais&who=personne"),
    Look("o.lavoie", "/journal/verification"),
    wrong("a.tremblay", "/avis", "/avis/adresse", address="rien"),
    Look("a.tremblay", "/rien"),
    Look("a.tremblay", "/journal"),
)

NO_PAGE = {
    "/bacs/{sandbox_id}/atelier/etat": "the live part of a page, as data",
    "/bacs/{sandbox_id}/certificat.json": "a file",
    "/bacs/{sandbox_id}/etat": "the live part of a page, as data",
    "/bacs/{sandbox_id}/suivi": "leads to the tracking page of the sandbox",
    "/dossiers/{intake_id}/etat": "the live part of a page, as data",
    "/entrer/fournisseur": "leads to the provider",
    "/entrer/retour": "comes back from the provider; tests/web/test_provider_signin.py",
    "/langue": "leads back",
}
"""What a browser is led over, and nobody looks at."""

BUTTONS = {
    "/avis/lus",
    "/avis/{notice_id}/lu",
    "/bacs/{sandbox_id}/atelier",
    "/bacs/{sandbox_id}/atelier/arreter",
    "/bacs/{sandbox_id}/equipe/retirer",
    "/bacs/{sandbox_id}/supprimer",
    "/demandes/nouvelle/{draft_id}/supprimer",
    "/demandes/{request_id}/approuver",
    "/demandes/{request_id}/retirer",
    "/dossiers/{intake_id}/confirmer",
    "/dossiers/{intake_id}/lire",
    "/dossiers/{intake_id}/mesurer",
    "/dossiers/{intake_id}/publier",
    "/dossiers/{intake_id}/reviser",
    "/dossiers/{intake_id}/travaux/{run_id}/annuler",
    "/personnes/{login}/activer",
    "/personnes/{login}/lien",
    "/sortir",
}
"""Forms of one button: nobody types anything into them."""

AFTER_A_STOP = "/arret/lever"
"""Its form is there while all is stopped."""
