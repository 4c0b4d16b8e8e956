"""Sign in, by password or by a link that works once; sign out; choose a language."""

from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from lab.domain.errors import InvalidError, NotSignedInError, Problem
from lab.domain.token import TokenKind
from lab.web.access import public
from lab.web.forms import form_of
from lab.web.identity import caller_of, close_session, open_session
from lab.web.language import COOKIE, LANGUAGES, msg
from lab.web.links import own_path
from lab.web.pages.showing import shown
from lab.web.problems import WebError, explain
from lab.web.rendering import page_language, render
from lab.web.wiring import lab_of

router = APIRouter(include_in_schema=False, dependencies=[])

_YEAR = 365 * 24 * 3600
_WRONG = msg("L’identifiant ou le mot de passe n’est pas le bon")
_USED = msg("Ce lien a déjà servi ou n’est plus valide. Demandez-en un nouveau.")
LONGEST_TOKEN = 100


@router.get("/entrer", dependencies=[Depends(public())])
async def show_sign_in(request: Request, jeton: str = "", suite: str = "/") -> Response:
    if jeton:
        # Only shown: a mail program that previews the address must not use it up.
        return render(request, "sign_in.html", token=jeton[:LONGEST_TOKEN], wrong={})
    if await caller_of(request) is not None:
        return RedirectResponse(own_path(suite), HTTPStatus.SEE_OTHER)
    return _form(request, next_path=own_path(suite))


@router.post("/entrer", dependencies=[Depends(public())])
async def sign_in(request: Request) -> Response:
    form = await form_of(request)
    login, password = form.one("login").strip(), form.one("password")
    next_path = own_path(form.one("suite") or "/")
    try:
        form.only("login", "password", "suite")
    except InvalidError as error:
        return _form(request, next_path=next_path, login=login, error=error)
    missing = [
        Problem(n, "required") for n, v in (("login", login), ("password", password)) if not v
    ]
    if missing:
        return _form(request, next_path=next_path, login=login, error=InvalidError(missing))
    throttle, address = request.app.state.throttle, request.client.host if request.client else ""
    try:
        throttle.check(login, address)
        token = await lab_of(request).members.sign_in(login, password)
    except WebError as error:
        return _form(request, next_path=next_path, login=login, error=error)
    except NotSignedInError as error:
        throttle.failed(login, address)
        return _form(request, next_path=next_path, login=login, error=error)
    throttle.succeeded(login)
    return _enter(request, token, next_path)


@router.post("/entrer/lien", dependencies=[Depends(public())])
async def sign_in_by_link(request: Request) -> Response:
    form = (await form_of(request)).only("jeton")
    members = lab_of(request).members
    try:
        member, link = await members.holder(form.one("jeton")[:LONGEST_TOKEN], TokenKind.LINK)
    except NotSignedInError:
        text = page_language(request).text(_USED)
        problems = [{"text": text, "anchor": "login"}]
        return render(
            request,
            "sign_in.html",
            status=HTTPStatus.UNAUTHORIZED,
            problems=problems,
            wrong={},
            next_path="/",
        )
    token = await members.issue(member, TokenKind.SESSION)
    return _enter(request, token, own_path(link.facts.get("next", "/")))


@router.post("/sortir", dependencies=[Depends(public())])
async def sign_out(request: Request) -> Response:
    caller = await caller_of(request)
    if caller is not None:
        await lab_of(request).members.sign_out(caller.member)
    response = RedirectResponse("/entrer", HTTPStatus.SEE_OTHER)
    close_session(request, response)
    return response


@router.get("/langue", dependencies=[Depends(public())])
async def choose_language(choix: str = "fr", retour: str = "/") -> Response:
    response = RedirectResponse(own_path(retour), HTTPStatus.SEE_OTHER)
    if choix in LANGUAGES:
        response.set_cookie(COOKIE, choix, max_age=_YEAR, path="/", samesite="lax", httponly=True)
    return response


def _enter(request: Request, token: str, next_path: str) -> Response:
    response = RedirectResponse(next_path, HTTPStatus.SEE_OTHER)
    open_session(request, response, token)
    return response


def _form(
    request: Request, *, next_path: str, login: str = "", error: Exception | None = None
) -> Response:
    language = page_language(request)
    status, wrong, headers = HTTPStatus.OK, {}, {}
    problems: list[dict[str, str]] = []
    match error:
        case InvalidError():
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            problems = shown(error.problems, language, {"suite": ""})
            wrong = {problem["field"]: problem["text"] for problem in problems}
        case NotSignedInError():
            status = HTTPStatus.UNAUTHORIZED
            wrong = {"password": language.text(_WRONG)}
            problems = [{"text": wrong["password"], "anchor": "login"}]
        case WebError():
            failure = explain(error, language)
            status, headers = failure.status, dict(failure.headers)
            text = f"{failure.title}. {failure.detail}"
            problems = [{"text": text, "anchor": "login"}]
        case _:
            pass
    return render(
        request,
        "sign_in.html",
        status=status,
        headers=headers,
        # Signing in is where a visit to a notebook's own address may begin: the way
        # back leads over the hub to that address, and a form's redirects are watched.
        directives={"form_action": f"'self' {_notebooks(request)}"},
        problems=problems,
        wrong=wrong,
        login=login,
        next_path=next_path,
    )


def _notebooks(request: Request) -> str:
    scheme, _, authority = lab_of(request).settings.public_url.partition("://")
    return f"{scheme}://*.{authority}"
