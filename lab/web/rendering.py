"""Pages from templates: in the visitor's language, everything escaped."""

from __future__ import annotations

import functools
import logging
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse

from lab.domain.member import ACCESS
from lab.web import theme
from lab.web.environments import environment
from lab.web.identity import csrf_token, keep_visit
from lab.web.language import COOKIE, LANGUAGES
from lab.web.wiring import lab_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request
    from starlette.responses import Response

    from lab.domain.member import Member, Resource, Verb
    from lab.web.language import Language

log = logging.getLogger(__name__)


def page_language(request: Request) -> Language:
    """Return the language that the visitor chose; French until then."""
    return LANGUAGES.get(request.cookies.get(COOKIE, ""), LANGUAGES["fr"])


def nonce_of(request: Request) -> str:
    """Return the one value that this page's own scripts carry."""
    if not hasattr(request.state, "nonce"):
        request.state.nonce = secrets.token_urlsafe(18)
    nonce: str = request.state.nonce
    return nonce


def policy(nonce: str, **more: str) -> str:
    """Return the content policy of a page: our own files, our own scripts, no outside."""
    directives = {
        "default-src": "'none'",
        "script-src": f"'self' 'nonce-{nonce}'",
        "style-src": "'self'",
        "img-src": "'self'",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    } | {name.replace("_", "-"): value for name, value in more.items()}
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def member_of(request: Request) -> Member | None:
    """Return who is signed in, if that was found out already."""
    caller = getattr(request.state, "caller", None)
    member: Member | None = caller.member if caller else None
    return member


def may(member: Member | None, verb: Verb, resource: Resource) -> bool:
    """Tell whether a member can ever do it: what is not possible is not shown."""
    return member is not None and any((verb, resource) in ACCESS[r] for r in member.roles)


def render(
    request: Request,
    name: str,
    /,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    directives: Mapping[str, str] | None = None,
    **context: Any,
) -> Response:
    """Answer with a page.

    Args:
        request: Whose language, session and nonce it gets.
        name: Of the template.
        status: Of the answer.
        headers: More of them.
        directives: Parts of the content policy that this page needs to be otherwise.
        context: For the template.
    """
    text = fragment(request, name, **context)
    nonce = nonce_of(request)
    response = HTMLResponse(text, status, headers=dict(headers or {}))
    response.headers["Content-Security-Policy"] = policy(nonce, **(directives or {}))
    response.headers["Content-Language"] = page_language(request).code
    keep_visit(request, response)
    return response


def fragment(request: Request, name: str, /, **context: Any) -> str:
    """Return a template's text."""
    language = page_language(request)
    settings = lab_of(request).settings
    given = _given(request, language) | context
    if theme.has_templates(settings.theme_dir):
        try:
            themed = environment(language.code, settings.theme_dir)
            return themed.get_template(name).render(given)
        except Exception as error:
            # Not with its traceback: that would write what the page was to show.
            what = f"{type(error).__name__}: {error}"
            log.error("the theme's templates are left out of a page: %s", what)  # noqa: TRY400
    return environment(language.code).get_template(name).render(given)


def _given(request: Request, language: Language) -> dict[str, Any]:
    """Return what every template may use."""
    settings, member = lab_of(request).settings, member_of(request)
    return {
        "member": member,
        "unread_count": getattr(request.state, "unread", 0),
        "may": functools.partial(may, member),
        "csrf": functools.partial(csrf_token, request),
        "cspNonce": nonce_of(request),
        "path": request.url.path,
        "moment": functools.partial(language.moment, zone=settings.zone),
        "instant": functools.partial(language.instant, zone=settings.zone),
        "last_day": functools.partial(language.last_day, zone=settings.zone),
        "now": lab_of(request).clock.now(),
        "zone": settings.zone,
        "provider": settings.oidc,
        "theme": theme.of_folder(settings.theme_dir),
    }
