"""The page of one's notices, and what is written on the page of a request."""

from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from lab.domain.errors import InvalidError
from lab.domain.letter import path_of
from lab.domain.member import Member
from lab.web.access import signed_in
from lab.web.forms import form_of
from lab.web.identity import Actor
from lab.web.language import msg
from lab.web.pages.showing import shown
from lab.web.rendering import page_language, render
from lab.web.wiring import lab_of

router = APIRouter(prefix="/avis", include_in_schema=False)

_SIGNED_IN = Depends(signed_in())


def _here() -> Response:
    return RedirectResponse("/avis", HTTPStatus.SEE_OTHER)


@router.get("", dependencies=[_SIGNED_IN])
async def show_notices(actor: Actor, request: Request) -> Response:
    return await _page(request, actor)


async def _page(
    request: Request, actor: Member, *, error: InvalidError | None = None, typed: str = ""
) -> Response:
    lab, language = lab_of(request), page_language(request)
    problems = shown(error.problems, language) if error else []
    return render(
        request,
        "notices.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        trail=[(language.text(msg("Accueil")), "/")],
        rows=[(notice, path_of(notice.subject)) for notice in await lab.notices.mine(actor)],
        unread=await lab.notices.unread(actor),
        address=typed if error else await lab.notices.address(actor),
        has_server=bool(lab.settings.mail.host),
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in problems},
    )


@router.post("/lus", dependencies=[_SIGNED_IN])
async def read_all(actor: Actor, request: Request) -> Response:
    (await form_of(request)).only()
    await lab_of(request).notices.read_all(actor)
    return _here()


@router.post("/adresse", dependencies=[_SIGNED_IN])
async def set_address(actor: Actor, request: Request) -> Response:
    form = await form_of(request)
    try:
        form.only("address")
        await lab_of(request).notices.set_address(actor, form.one("address"))
    except InvalidError as error:
        return await _page(request, actor, error=error, typed=form.one("address"))
    return _here()


@router.post("/{notice_id}/lu", dependencies=[_SIGNED_IN])
async def read_one(notice_id: str, actor: Actor, request: Request) -> Response:
    (await form_of(request)).only()
    await lab_of(request).notices.read(actor, notice_id)
    return _here()
