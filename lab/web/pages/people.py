"""People with an account, and their sign-in links, for those who run the lab."""

from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from lab.domain.errors import InvalidError
from lab.domain.ids import AgencyId
from lab.domain.member import Member, Resource, Role, Verb
from lab.services.members import NewMember
from lab.web.access import allowed
from lab.web.forms import form_of
from lab.web.identity import Actor
from lab.web.language import msg
from lab.web.links import sign_in_url
from lab.web.pages.showing import shown
from lab.web.rendering import page_language, render
from lab.web.wiring import lab_of

router = APIRouter(prefix="/personnes", include_in_schema=False)

_CHANGE = allowed(Verb.CHANGE, Resource.MEMBER)


@router.get("", dependencies=[Depends(_CHANGE)])
async def list_people(actor: Actor, request: Request) -> Response:
    return await _page(request, actor)


@router.post("", dependencies=[Depends(allowed(Verb.CREATE, Resource.MEMBER))])
async def add_person(actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    typed = {name: form.one(name) for name in ("login", "name", "agency_id")}
    roles = frozenset(role for role in Role if role.value in form.many("roles"))
    try:
        form.only("login", "name", "agency_id", "roles")
        agency_id = AgencyId(typed["agency_id"]) if typed["agency_id"] else None
        new = NewMember(typed["login"], typed["name"], agency_id, roles)
        member = await lab.members.create(actor, new)
    except InvalidError as error:
        return await _page(request, actor, typed=typed, roles=roles, error=error)
    return await _with_link(request, actor, member.login)


@router.post("/{login}/lien", dependencies=[Depends(_CHANGE)])
async def make_link(login: str, actor: Actor, request: Request) -> Response:
    (await form_of(request)).only()
    return await _with_link(request, actor, login)


@router.get("/{login}/desactiver", dependencies=[Depends(_CHANGE)])
async def show_closing(login: str, actor: Actor, request: Request) -> Response:
    return await _closing(request, actor, login)


@router.post("/{login}/desactiver", dependencies=[Depends(_CHANGE)])
async def close_account(login: str, actor: Actor, request: Request) -> Response:
    form = await form_of(request)
    try:
        form.only()
        await lab_of(request).accounts.deactivate(actor, login)
    except InvalidError as error:
        return await _closing(request, actor, login, error=error)
    return RedirectResponse("/personnes", HTTPStatus.SEE_OTHER)


@router.post("/{login}/activer", dependencies=[Depends(_CHANGE)])
async def open_account(login: str, actor: Actor, request: Request) -> Response:
    (await form_of(request)).only()
    await lab_of(request).accounts.activate(actor, login)
    return RedirectResponse("/personnes", HTTPStatus.SEE_OTHER)


async def _closing(
    request: Request, actor: Member, login: str, *, error: InvalidError | None = None
) -> Response:
    language = page_language(request)
    person = await lab_of(request).members.by_login(actor, login)
    return render(
        request,
        "person_close.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        trail=[(language.text(msg("Personnes")), "/personnes")],
        title=language.text(msg("Désactiver le compte de %(name)s?"), name=person.name),
        person=person,
        problems=shown(error.problems, language, {"login": ""}) if error else [],
    )


async def _with_link(request: Request, actor: Member, login: str) -> Response:
    lab = lab_of(request)
    token = await lab.members.link(actor, login, facts={"next": "/"})
    member = await lab.members.by_login(actor, login)
    return render(
        request,
        "person_link.html",
        person=member,
        url=sign_in_url(lab.settings.public_url, token),
    )


async def _page(
    request: Request,
    actor: Member,
    *,
    typed: dict[str, str] | None = None,
    roles: frozenset[Role] = frozenset(),
    error: InvalidError | None = None,
) -> Response:
    lab, language = lab_of(request), page_language(request)
    agencies = await lab.agencies.all(actor)
    groups = [(a, await lab.members.of(actor, a.id)) for a in agencies]
    problems = shown(error.problems, language) if error else []
    return render(
        request,
        "people.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        groups=[(None, await lab.members.of(actor, None)), *groups],
        agencies=agencies,
        typed=typed or {},
        roles=roles,
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in problems},
    )
