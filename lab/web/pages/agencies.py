"""Agencies and quotas, for those who run the lab."""

from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from lab.domain.agency import Usage
from lab.domain.errors import InvalidError, Problem
from lab.domain.ids import AgencyId
from lab.domain.member import Member, Resource, Verb
from lab.domain.quantity import GIB, Resources, format_bytes, parse_bytes, parse_cpu
from lab.services.agencies import QuotaView
from lab.web.access import allowed
from lab.web.forms import Form, form_of
from lab.web.identity import Actor
from lab.web.language import msg
from lab.web.pages.showing import shown
from lab.web.rendering import may, page_language, render
from lab.web.schemas.common import MOST
from lab.web.wiring import lab_of

router = APIRouter(prefix="/organismes", include_in_schema=False)

FIELDS = ("cpu", "memory", "storage", "sandboxes", "max_days", "version")
_MOST_SANDBOXES = 100_000


@router.get("", dependencies=[Depends(allowed(Verb.LIST, Resource.AGENCY))])
async def list_agencies(actor: Actor, request: Request) -> Response:
    lab = lab_of(request)
    views = [await lab.agencies.quota(actor, a.id) for a in await lab.agencies.all(actor)]
    return render(request, "agencies.html", views=views)


@router.get("/{agency_id}", dependencies=[Depends(allowed(Verb.READ, Resource.QUOTA))])
async def show_agency(agency_id: str, actor: Actor, request: Request) -> Response:
    view = await lab_of(request).agencies.quota(actor, AgencyId(agency_id))
    return _page(request, actor, view, typed=_typed_of(view))


@router.post("/{agency_id}", dependencies=[Depends(allowed(Verb.CHANGE, Resource.QUOTA))])
async def set_quota(agency_id: str, actor: Actor, request: Request) -> Response:
    lab, form = lab_of(request), await form_of(request)
    try:
        form.only(*FIELDS)
        quota, max_days, version = _read(form)
        await lab.agencies.set_quota(
            actor, AgencyId(agency_id), quota, max_days=max_days, version=version
        )
    except InvalidError as error:
        view = await lab.agencies.quota(actor, AgencyId(agency_id))
        typed = {name: form.one(name) for name in FIELDS}
        return _page(request, actor, view, typed=typed, error=error)
    return RedirectResponse(f"/organismes/{agency_id}?fait=1", HTTPStatus.SEE_OTHER)


def _page(
    request: Request,
    actor: Member,
    view: QuotaView,
    *,
    typed: dict[str, str],
    error: InvalidError | None = None,
) -> Response:
    language = page_language(request)
    problems = shown(error.problems, language) if error else []
    return render(
        request,
        "agency.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        trail=[
            (language.text(msg("Accueil")), "/"),
            (language.text(msg("Organismes")), "/organismes"),
        ],
        view=view,
        typed=typed,
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in problems},
        can_change=may(actor, Verb.CHANGE, Resource.QUOTA),
        is_done=request.query_params.get("fait") == "1",
    )


def _typed_of(view: QuotaView) -> dict[str, str]:
    quota = view.agency.quota
    cpu = quota.resources.cpu_millicores
    return {
        "cpu": f"{cpu / 1000:g}",
        "memory": format_bytes(quota.resources.memory_bytes),
        "storage": format_bytes(quota.resources.storage_bytes),
        "sandboxes": str(quota.sandboxes),
        "max_days": str(view.agency.max_days),
        "version": str(view.agency.version),
    }


def _read(form: Form) -> tuple[Usage, int, int | None]:
    problems: list[Problem] = []
    cpu = memory = storage = 0
    try:
        cpu = parse_cpu(form.one("cpu").replace(",", "."))
    except ValueError:
        problems.append(Problem("cpu", "bad_amount"))
    try:
        memory = _bytes(form.one("memory"))
    except ValueError:
        problems.append(Problem("memory", "bad_amount"))
    try:
        storage = _bytes(form.one("storage"))
    except ValueError:
        problems.append(Problem("storage", "bad_amount"))
    sandboxes = _whole(form, "sandboxes", _MOST_SANDBOXES, problems)
    max_days = _whole(form, "max_days", 366, problems)
    version = form.one("version")
    if problems:
        raise InvalidError(problems)
    known = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None  # noqa: PLR2004 -- no version is larger
    return Usage(Resources(cpu, memory, storage), sandboxes), max_days, known


def _bytes(text: str) -> int:
    """Read ``8Gi``; a number alone means gigabytes, as people say it."""
    plain = text.strip()
    count = int(plain) * GIB if plain.isascii() and plain.isdigit() else parse_bytes(plain)
    if count > MOST:
        raise ValueError(plain)
    return count


def _whole(form: Form, name: str, most: int, problems: list[Problem]) -> int:
    text = form.one(name).strip()
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most:  # noqa: PLR2004 -- int() of what is short
        return int(text)
    problems.append(Problem(name, "out_of_range", (("most", str(most)),)))
    return 0
