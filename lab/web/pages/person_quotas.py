"""Quotas of single people within their agency."""

from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from lab.domain.agency import PersonQuota
from lab.domain.errors import InvalidError, NotFoundError, Problem
from lab.domain.ids import AgencyId
from lab.domain.member import Member, Resource, Verb
from lab.web.access import allowed
from lab.web.forms import Form, form_of
from lab.web.identity import Actor
from lab.web.language import msg
from lab.web.pages import amounts
from lab.web.pages.showing import shown
from lab.web.rendering import may, page_language, render
from lab.web.wiring import lab_of

router = APIRouter(prefix="/organismes/{agency_id}/personnes", include_in_schema=False)

FIELDS = ("login", "cpu", "memory", "storage", "gpu", "sandboxes")


@router.get("", dependencies=[Depends(allowed(Verb.READ, Resource.QUOTA))])
async def list_people(
    agency_id: str, actor: Actor, request: Request, personne: str = ""
) -> Response:
    typed = dict.fromkeys(FIELDS, "")
    if personne:
        found = await lab_of(request).agencies.person_quota(actor, AgencyId(agency_id), personne)
        typed = {"login": found.member.login, **_typed_of(found.quota)}
    return await _page(request, actor, AgencyId(agency_id), typed)


@router.post("", dependencies=[Depends(allowed(Verb.CHANGE, Resource.QUOTA))])
async def set_quota(agency_id: str, actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    agency, login = AgencyId(agency_id), form.one("login")
    try:
        form.only(*FIELDS)
        wanted = _read(form)
        try:
            await lab.agencies.set_person_quota(actor, agency, login, wanted)
        except NotFoundError:
            # Of the agency itself the page below says so.
            raise InvalidError([Problem("login", "unknown", (("name", login[:64]),))]) from None
    except InvalidError as error:
        typed = {name: form.one(name) for name in FIELDS}
        return await _page(request, actor, agency, typed, error)
    return RedirectResponse(f"/organismes/{agency_id}/personnes?fait=1", HTTPStatus.SEE_OTHER)


async def _page(
    request: Request,
    actor: Member,
    agency_id: AgencyId,
    typed: dict[str, str],
    error: InvalidError | None = None,
) -> Response:
    lab, language = lab_of(request), page_language(request)
    agency = (await lab.agencies.quota(actor, agency_id)).agency
    views = await lab.agencies.person_quotas(actor, agency_id)
    can_change = may(actor, Verb.CHANGE, Resource.QUOTA)
    people = await lab.members.of(actor, agency_id) if can_change else []
    problems = shown(error.problems, language) if error else []
    return render(
        request,
        "person_quotas.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        trail=[
            (language.text(msg("Accueil")), "/"),
            (language.either(agency.name_fr, agency.name_en), f"/organismes/{agency_id}"),
        ],
        agency=agency,
        views=views,
        people=[person for person in people if person.is_active],
        typed=typed,
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in reversed(problems)},
        can_change=can_change,
        is_done=request.query_params.get("fait") == "1",
    )


def _typed_of(quota: PersonQuota) -> dict[str, str]:
    def text(amount: int | None) -> str:
        return "" if amount is None else str(amount)

    cpu, memory, storage = quota.cpu_millicores, quota.memory_bytes, quota.storage_bytes
    return {
        "cpu": "" if cpu is None else amounts.typed_cpu(cpu),
        "memory": "" if memory is None else amounts.typed_bytes(memory),
        "storage": "" if storage is None else amounts.typed_bytes(storage),
        "gpu": text(quota.gpu_count),
        "sandboxes": text(quota.sandboxes),
    }


def _read(form: Form) -> dict[str, int | None]:
    problems: list[Problem] = []
    if not form.one("login"):
        problems.append(Problem("login", "required"))
    given = {name for name in FIELDS if form.one(name).strip()}
    found: dict[str, int | None] = {}
    if "cpu" in given:
        found["cpu_millicores"] = amounts.cpu(form, "cpu", problems)
    if "memory" in given:
        found["memory_bytes"] = amounts.size(form, "memory", problems)
    if "storage" in given:
        found["storage_bytes"] = amounts.size(form, "storage", problems)
    if "gpu" in given:
        found["gpu_count"] = amounts.whole(form, "gpu", amounts.MOST_GPUS, problems)
    if "sandboxes" in given:
        found["sandboxes"] = amounts.whole(form, "sandboxes", amounts.MOST_SANDBOXES, problems)
    if problems:
        raise InvalidError(problems)
    return found
