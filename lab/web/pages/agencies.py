"""Agencies and quotas, for those who run the lab."""

from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from lab.domain.agency import Usage
from lab.domain.errors import InvalidError, Problem
from lab.domain.hours import Budget
from lab.domain.ids import AgencyId
from lab.domain.member import Member, Resource, Verb
from lab.domain.quantity import Resources
from lab.services.agencies import QuotaView
from lab.web.access import allowed
from lab.web.forms import Form, form_of
from lab.web.identity import Actor
from lab.web.language import msg
from lab.web.pages import amounts
from lab.web.pages.showing import shown
from lab.web.rendering import may, page_language, render
from lab.web.schemas.usage import MOST_HOURS
from lab.web.wiring import lab_of

router = APIRouter(prefix="/organismes", include_in_schema=False)

FIELDS = (
    "cpu",
    "memory",
    "storage",
    "gpu",
    "sandboxes",
    "cpu_hours",
    "gpu_hours",
    "max_days",
    "version",
)


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
        wanted = _read(form)
        await lab.agencies.set_quota(
            actor,
            AgencyId(agency_id),
            wanted.quota,
            max_days=wanted.max_days,
            budget=wanted.budget,
            version=wanted.version,
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
            *(
                [(language.text(msg("Organismes")), "/organismes")]
                if may(actor, Verb.LIST, Resource.AGENCY)
                else []
            ),
        ],
        view=view,
        typed=typed,
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in problems},
        can_change=may(actor, Verb.CHANGE, Resource.QUOTA),
        is_done=request.query_params.get("fait") == "1",
    )


def _typed_of(view: QuotaView) -> dict[str, str]:
    quota, budget = view.agency.quota, view.agency.budget
    return {
        "cpu": amounts.typed_cpu(quota.resources.cpu_millicores),
        "memory": amounts.typed_bytes(quota.resources.memory_bytes),
        "storage": amounts.typed_bytes(quota.resources.storage_bytes),
        "gpu": str(quota.resources.gpu_count),
        "sandboxes": str(quota.sandboxes),
        "cpu_hours": "" if budget.cpu_hours is None else str(budget.cpu_hours),
        "gpu_hours": "" if budget.gpu_hours is None else str(budget.gpu_hours),
        "max_days": str(view.agency.max_days),
        "version": str(view.agency.version),
    }


@dataclass(frozen=True, slots=True)
class _Typed:
    """What the form asks for."""

    quota: Usage
    budget: Budget
    max_days: int
    version: int | None


def _read(form: Form) -> _Typed:
    problems: list[Problem] = []
    resources = Resources(
        amounts.cpu(form, "cpu", problems),
        amounts.size(form, "memory", problems),
        amounts.size(form, "storage", problems),
        amounts.whole(form, "gpu", amounts.MOST_GPUS, problems),
    )
    sandboxes = amounts.whole(form, "sandboxes", amounts.MOST_SANDBOXES, problems)
    budget = Budget(
        amounts.hours(form, "cpu_hours", MOST_HOURS, problems),
        amounts.hours(form, "gpu_hours", MOST_HOURS, problems),
    )
    max_days = amounts.whole(form, "max_days", 366, problems)
    version = form.one("version")
    if problems:
        raise InvalidError(problems)
    known = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None  # noqa: PLR2004 -- no version is larger
    return _Typed(Usage(resources, sandboxes), budget, max_days, known)
