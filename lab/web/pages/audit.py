"""The audit log: search it, take it away, verify it."""

import shlex
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from lab.domain.audit import AuditEvent
from lab.domain.errors import InvalidError
from lab.domain.ids import MemberId
from lab.domain.member import Resource, Verb
from lab.ports import Page
from lab.web.access import allowed
from lab.web.audit_search import FIELDS, logins, typed
from lab.web.identity import Actor
from lab.web.language import msg
from lab.web.pages.showing import shown
from lab.web.rendering import page_language, render
from lab.web.wiring import lab_of

router = APIRouter(prefix="/journal", include_in_schema=False)

_LIST = allowed(Verb.LIST, Resource.EVENT)
_OPTIONS = {"agency_id": "agency"}
"""Options of the command that are not called like the field."""


@router.get("", dependencies=[Depends(_LIST)])
async def list_events(actor: Actor, request: Request, apres: str = "") -> Response:
    lab, language = lab_of(request), page_language(request)
    asked = {name: request.query_params.get(name, "").strip() for name in FIELDS}
    given = {name: value for name, value in asked.items() if value}
    page: Page[AuditEvent] = Page([])
    problems: list[dict[str, str]] = []
    try:
        which = typed(asked).filter(lab.settings.zone)
        page = await lab.audit.page(actor, which, after=apres, limit=50)
    except InvalidError as error:
        problems = shown(error.problems, language)
    people = await logins(lab, page.items)
    rows = [(e, m.name if (m := people.get(MemberId(e.actor))) else e.actor) for e in page.items]
    return render(
        request,
        "audit.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        rows=rows,
        agencies=await lab.agencies.all(actor),
        typed=asked,
        query=urlencode(given),
        options=" ".join(
            f"--{_OPTIONS.get(name, name)} {shlex.quote(given[name])}" for name in given
        ),
        more=urlencode(given | {"apres": page.next_cursor}) if page.next_cursor else "",
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in problems},
    )


@router.get("/verification", dependencies=[Depends(_LIST)])
async def verify_events(actor: Actor, request: Request) -> Response:
    chain = await lab_of(request).audit.chain(actor)
    trail = [(page_language(request).text(msg("Journal")), "/journal")]
    return render(request, "audit_chain.html", chain=chain, trail=trail)
