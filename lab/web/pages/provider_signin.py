"""Sign in by the identity provider: the way there, the way back, and what went wrong on it."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from lab.domain.federation import Fault, SignInError
from lab.services.federation import Answer, FederationService
from lab.web.access import public
from lab.web.identity import browser_of, caller_of, keep_visit, open_session
from lab.web.language import msg
from lab.web.links import own_path
from lab.web.problems import WebError
from lab.web.rendering import page_language, render
from lab.web.wiring import lab_of

router = APIRouter(include_in_schema=False)

_STAFF = msg("Prévenez la personne qui exploite le laboratoire.")
_AGAIN = msg("Rien n’a été ouvert. Recommencez la connexion.")

SAID: Mapping[Fault, tuple[HTTPStatus, str, str]] = {
    Fault.FOREIGN_STATE: (
        HTTPStatus.BAD_REQUEST,
        msg("Cette connexion n’a pas été commencée dans ce navigateur, ou elle a trop attendu"),
        _AGAIN,
    ),
    Fault.REPLAYED_STATE: (
        HTTPStatus.BAD_REQUEST,
        msg("Cette adresse de retour a déjà servi"),
        _AGAIN,
    ),
    Fault.CANCELLED: (
        HTTPStatus.FORBIDDEN,
        msg("La connexion a été annulée ou refusée chez le fournisseur d’identité"),
        _AGAIN,
    ),
    Fault.REFUSED_CODE: (
        HTTPStatus.BAD_REQUEST,
        msg("Le fournisseur d’identité refuse ce code : il a déjà servi ou il est trop vieux"),
        _AGAIN,
    ),
    Fault.WRONG_ISSUER: (
        HTTPStatus.BAD_GATEWAY,
        msg("La réponse ne vient pas du fournisseur d’identité que le laboratoire connaît"),
        _STAFF,
    ),
    Fault.WRONG_AUDIENCE: (
        HTTPStatus.BAD_GATEWAY,
        msg("L’attestation du fournisseur d’identité est faite pour un autre service"),
        _STAFF,
    ),
    Fault.WRONG_NONCE: (
        HTTPStatus.BAD_GATEWAY,
        msg("L’attestation du fournisseur d’identité est celle d’une autre connexion"),
        _AGAIN,
    ),
    Fault.UNKNOWN_KEY: (
        HTTPStatus.BAD_GATEWAY,
        msg("L’attestation est signée d’une clé que le fournisseur d’identité ne publie plus"),
        _STAFF,
    ),
    Fault.BAD_SIGNATURE: (
        HTTPStatus.BAD_GATEWAY,
        msg("La signature du fournisseur d’identité n’est pas valide"),
        _STAFF,
    ),
    Fault.EXPIRED: (
        HTTPStatus.BAD_GATEWAY,
        msg("L’attestation du fournisseur d’identité est périmée"),
        _AGAIN,
    ),
    Fault.CLOCK_SKEW: (
        HTTPStatus.BAD_GATEWAY,
        msg("L’horloge du fournisseur d’identité et celle du laboratoire ne s’accordent pas"),
        _STAFF,
    ),
    Fault.BAD_ANSWER: (
        HTTPStatus.BAD_GATEWAY,
        msg("La réponse du fournisseur d’identité ne peut pas être lue"),
        _STAFF,
    ),
    Fault.AWAY: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        msg("Le fournisseur d’identité ne répond pas"),
        msg(
            "Réessayez dans un instant. Un compte local, si vous en avez un, fonctionne toujours."
        ),
    ),
    Fault.REFUSED_CLIENT: (
        HTTPStatus.BAD_GATEWAY,
        msg("Le fournisseur d’identité ne reconnaît pas le laboratoire"),
        _STAFF,
    ),
    Fault.NO_SECOND_FACTOR: (
        HTTPStatus.FORBIDDEN,
        msg("Votre rôle demande une authentification à deux facteurs"),
        msg(
            "Reconnectez-vous chez le fournisseur d’identité avec votre second facteur. "
            "Pour en obtenir un, demandez à %(contact)s."
        ),
    ),
    Fault.UNKNOWN_GROUP: (
        HTTPStatus.FORBIDDEN,
        msg("Votre compte n’est dans aucun groupe qui donne accès au laboratoire"),
        msg("Demandez à %(contact)s de vous ajouter au groupe de votre organisme."),
    ),
    Fault.TWO_AGENCIES: (
        HTTPStatus.FORBIDDEN,
        msg("Vos groupes vous rattachent à deux organismes à la fois"),
        msg("Demandez à %(contact)s de n’en garder qu’un."),
    ),
    Fault.UNKNOWN_AGENCY: (
        HTTPStatus.FORBIDDEN,
        msg("Votre organisme n’est pas encore inscrit au laboratoire"),
        msg("Demandez son inscription à %(contact)s."),
    ),
    Fault.LOGIN_TAKEN: (
        HTTPStatus.CONFLICT,
        msg("Un compte local porte déjà votre identifiant"),
        msg("Demandez à %(contact)s de le renommer ou de le fermer."),
    ),
    Fault.MOVED: (
        HTTPStatus.FORBIDDEN,
        msg("Votre organisme a changé, et vous êtes encore dans un bac à sable de l’ancien"),
        msg(
            "Votre compte s’ouvrira de nouveau quand ce bac sera supprimé. Demandez à %(contact)s."
        ),
    ),
    Fault.CLOSED: (
        HTTPStatus.FORBIDDEN,
        msg("Votre compte au laboratoire est fermé"),
        msg("Demandez à %(contact)s pourquoi, et s’il peut être ouvert de nouveau."),
    ),
}
"""For each fault: the status, what happened, and what to do or whom to ask."""


@router.get("/entrer/fournisseur", dependencies=[Depends(public())])
async def go_to_provider(request: Request, suite: str = "/") -> Response:
    federation = _federation(request)
    if await caller_of(request) is not None:
        return RedirectResponse(own_path(suite), HTTPStatus.SEE_OTHER)
    try:
        url = await federation.start(browser_of(request), own_path(suite))
    except SignInError as error:
        return _refused(request, federation, error.fault)
    response = RedirectResponse(url, HTTPStatus.SEE_OTHER)
    keep_visit(request, response)
    return response


@router.get("/entrer/retour", dependencies=[Depends(public())])
async def come_back(request: Request) -> Response:
    federation, query = _federation(request), request.query_params
    if any(len(query.getlist(name)) > 1 for name in query):
        return _refused(request, federation, Fault.BAD_ANSWER)
    answer = Answer(
        state=query.get("state", ""),
        code=query.get("code", ""),
        error=query.get("error", ""),
        issuer=query.get("iss", ""),
    )
    try:
        token, next_path = await federation.finish(browser_of(request), answer)
    except SignInError as error:
        return _refused(request, federation, error.fault)
    response = RedirectResponse(own_path(next_path), HTTPStatus.SEE_OTHER)
    open_session(request, response, token)
    return response


def _federation(request: Request) -> FederationService:
    federation = lab_of(request).federation
    if federation is None:
        raise WebError("not_found", HTTPStatus.NOT_FOUND)
    return federation


def _refused(request: Request, federation: FederationService, fault: Fault) -> Response:
    """Say what happened on the sign-in page, where one may try again or another way."""
    language, policy = page_language(request), federation.policy
    status, happened, advice = SAID[fault]
    contact = policy.contact_en if language.code == "en" else policy.contact_fr
    # A sentence that names nobody has nothing to fill in.
    text = language.text(advice, contact=contact)
    return render(
        request,
        "sign_in.html",
        status=status,
        problems=[{"text": f"{language.text(happened)}. {text}", "anchor": "fournisseur"}],
        wrong={},
        fault=fault.value,
        next_path="/",
    )
