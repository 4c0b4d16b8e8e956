"""The portal as the hub's identity provider: codes with PKCE, and who a token stands for."""

import base64
import hashlib
import hmac
import re
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from lab.domain.errors import NotSignedInError
from lab.domain.token import TokenKind
from lab.services.members import LIFETIMES
from lab.web.access import client_only, public
from lab.web.forms import Form, form_of
from lab.web.identity import caller_of
from lab.web.links import sign_in_path
from lab.web.problems import WebError
from lab.web.wiring import lab_of

router = APIRouter(prefix="/oauth", include_in_schema=False)

CLIENT_ID = "hub"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)
_BAD = WebError("bad_request", HTTPStatus.BAD_REQUEST)


def _redirect_uri(request: Request) -> str:
    return f"{lab_of(request).settings.public_url}/hub/oauth_callback"


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@router.get("/authorize", dependencies=[Depends(public())])
async def authorize(request: Request) -> Response:
    query = request.query_params
    fits = (
        query.get("client_id") == CLIENT_ID
        and query.get("redirect_uri") == _redirect_uri(request)
        and query.get("response_type") == "code"
        and query.get("code_challenge_method") == "S256"
        and _CHALLENGE.fullmatch(query.get("code_challenge", ""))
        and all(len(query.getlist(name)) == 1 for name in query)
    )
    # Nothing is ever sent to an address that is not exactly the hub's.
    if not fits:
        raise _BAD
    caller = await caller_of(request)
    if caller is None or not caller.by_cookie:
        return RedirectResponse(
            sign_in_path(f"{request.url.path}?{request.url.query}"), HTTPStatus.SEE_OTHER
        )
    facts = {
        "redirect_uri": query["redirect_uri"],
        "code_challenge": query["code_challenge"],
    }
    code = await lab_of(request).members.issue(caller.member, TokenKind.CODE, facts=facts)
    back = urlencode({"code": code, "state": query.get("state", "")})
    return RedirectResponse(f"{query['redirect_uri']}?{back}", HTTPStatus.FOUND)


@router.post("/token", dependencies=[Depends(client_only())])
async def issue_token(request: Request) -> JSONResponse:
    form = await form_of(request)
    if not _is_client(request, form):
        return _refusal("invalid_client", HTTPStatus.UNAUTHORIZED)
    if form.one("grant_type") != "authorization_code":
        return _refusal("unsupported_grant_type")
    lab = lab_of(request)
    try:
        member, code = await lab.members.holder(form.one("code"), TokenKind.CODE)
    except NotSignedInError:
        return _refusal("invalid_grant")
    verifier = form.one("code_verifier")
    fits = (
        _VERIFIER.fullmatch(verifier)
        and hmac.compare_digest(challenge_of(verifier), code.facts.get("code_challenge", ""))
        and form.one("redirect_uri") == code.facts.get("redirect_uri")
    )
    if not fits:
        return _refusal("invalid_grant")
    token = await lab.members.issue(member, TokenKind.HUB)
    seconds = int(LIFETIMES[TokenKind.HUB].total_seconds())
    return JSONResponse({"access_token": token, "token_type": "bearer", "expires_in": seconds})


@router.get("/userinfo", dependencies=[Depends(client_only())])
async def read_userinfo(request: Request) -> JSONResponse:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotSignedInError
    member, _ = await lab_of(request).members.holder(token, TokenKind.HUB)
    return JSONResponse({"sub": member.id, "name": member.name})


def _is_client(request: Request, form: Form) -> bool:
    """Check the client's secret, by HTTP Basic or in the body, in constant time."""
    name, secret = form.one("client_id"), form.one("client_secret")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(given, validate=True).decode()
        except ValueError:
            return False
        name, _, secret = text.partition(":")
    expected: bytes = request.app.state.client_secret
    return hmac.compare_digest(expected, secret.encode("utf-8", "replace")) and name == CLIENT_ID


def _refusal(error: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> JSONResponse:
    """Refuse in the words of RFC 6749."""
    headers = {"WWW-Authenticate": 'Basic realm="hub"'} if error == "invalid_client" else {}
    return JSONResponse({"error": error}, status, headers=headers)
