"""Suspend, stop, resume and extend a sandbox, each with a reason; stop all of the lab."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from lab.domain.errors import (
    BudgetSpentError,
    ForbiddenError,
    InvalidError,
    Problem,
    QuotaExceededError,
)
from lab.domain.ids import SandboxId
from lab.domain.member import Member, Resource, Verb, can
from lab.domain.sandbox import Sandbox
from lab.services.sandboxes import target
from lab.web.access import allowed
from lab.web.forms import Form, form_of
from lab.web.identity import Actor
from lab.web.language import msg
from lab.web.pages.sandboxes import trail_to
from lab.web.pages.showing import shown
from lab.web.problems import explain
from lab.web.rendering import page_language, render
from lab.web.wiring import Lab, lab_of

router = APIRouter(include_in_schema=False)

_DECIDE = allowed(Verb.DECIDE, Resource.SANDBOX)
_CHANGE = allowed(Verb.CHANGE, Resource.SANDBOX)
_DATE = ("ends_on_day", "ends_on_month", "ends_on_year")
_ANCHORS = {"ends_on": "ends_on-day"}
_DIGITS = 4

_KEPT = msg("Les fichiers, les données, les expériences et la part de quota restent.")
_AGAIN = msg("Les murs seront éprouvés de nouveau avant que rien ne s’ouvre.")


@dataclass(frozen=True, slots=True)
class _Page:
    """What the page of one act says; the verb of the service and of the command.

    Attributes:
        warning: Empty where nothing is taken from anybody.
    """

    verb: str
    title: str
    button: str
    warning: str
    said: tuple[str, ...]


_PAGES = {
    "suspendre": _Page(
        "suspend",
        msg("Suspendre le bac à sable %(id)s?"),
        msg("Suspendre"),
        msg("Les ateliers de toute l’équipe s’arrêtent et ne pourront pas redémarrer."),
        (
            msg("Les serveurs s’arrêtent, puis les accès cessent, puis les portes se ferment."),
            _KEPT,
        ),
    ),
    "arreter": _Page(
        "stop",
        msg("Arrêter d’urgence le bac à sable %(id)s?"),
        msg("Arrêter tout de suite"),
        msg("Les portes se ferment avant même que les serveurs s’arrêtent. Rien n’est attendu."),
        (_KEPT,),
    ),
    "reprendre": _Page(
        "resume", msg("Reprendre le bac à sable %(id)s?"), msg("Reprendre"), "", (_AGAIN,)
    ),
}


async def _one(lab: Lab, actor: Member, sandbox_id: str, verb: Verb) -> Sandbox:
    """Return a sandbox that the actor may do this to."""
    view = await lab.sandboxes.get(actor, SandboxId(sandbox_id))
    if not can(actor, verb, target(view.sandbox)):
        raise ForbiddenError(verb.value, Resource.SANDBOX.value)
    return view.sandbox


def _act_page(
    request: Request,
    sandbox: Sandbox,
    page: _Page,
    *,
    reason: str = "",
    error: InvalidError | BudgetSpentError | None = None,
) -> Response:
    language = page_language(request)
    status, problems = HTTPStatus.OK, []
    if isinstance(error, InvalidError):
        status, problems = HTTPStatus.UNPROCESSABLE_ENTITY, shown(error.problems, language)
    elif error is not None:
        failure = explain(error, language)
        status = failure.status
        problems = [{"field": "", "text": f"{failure.title}. {failure.detail}", "anchor": ""}]
    return render(
        request,
        "sandbox_act.html",
        status=status,
        trail=trail_to(request, sandbox.id),
        sandbox=sandbox,
        title=language.text(page.title, id=sandbox.id),
        warning=language.text(page.warning) if page.warning else "",
        said=[language.text(line) for line in page.said],
        button=language.text(page.button),
        line=f"lab sandbox {page.verb} {sandbox.id} --reason …",
        reason=reason,
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in problems},
    )


@router.get("/bacs/{sandbox_id}/prolonger", dependencies=[Depends(_CHANGE)])
async def show_extension(sandbox_id: str, actor: Actor, request: Request) -> Response:
    return await _extension_page(request, actor, sandbox_id, {})


@router.post("/bacs/{sandbox_id}/prolonger", dependencies=[Depends(_CHANGE)])
async def extend(sandbox_id: str, actor: Actor, request: Request) -> Response:
    form = await form_of(request)
    try:
        form.only(*_DATE, "reason")
        await lab_of(request).extensions.extend(
            actor, SandboxId(sandbox_id), ends_on=_day(form), reason=form.one("reason")
        )
    except (InvalidError, QuotaExceededError) as error:
        typed = {name: form.one(name) for name in (*_DATE, "reason")}
        return await _extension_page(request, actor, sandbox_id, typed, error=error)
    return RedirectResponse(f"/bacs/{sandbox_id}", HTTPStatus.SEE_OTHER)


async def _extension_page(
    request: Request,
    actor: Member,
    sandbox_id: str,
    typed: dict[str, str],
    *,
    error: InvalidError | QuotaExceededError | None = None,
) -> Response:
    lab, language = lab_of(request), page_language(request)
    sandbox = await _one(lab, actor, sandbox_id, Verb.CHANGE)
    reach, latest = await lab.extensions.reach(actor, sandbox.id)
    status, problems = HTTPStatus.OK, []
    if isinstance(error, InvalidError):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        problems = shown(error.problems, language, _ANCHORS)
    elif error is not None:
        failure = explain(error, language)
        status, text = failure.status, f"{failure.title}. {failure.detail}"
        problems = [{"field": "ends_on", "text": text, "anchor": "ends_on-day"}]
    return render(
        request,
        "sandbox_extend.html",
        status=status,
        trail=trail_to(request, sandbox.id),
        sandbox=sandbox,
        reach=reach,
        latest=latest,
        typed=typed,
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in reversed(problems)},
    )


def _day(form: Form) -> date:
    parts = [form.one(name).strip() for name in reversed(_DATE)]
    if not any(parts):
        raise InvalidError([Problem("ends_on", "required")])
    try:
        if all(part.isascii() and part.isdigit() and len(part) <= _DIGITS for part in parts):
            year, month, day = (int(part) for part in parts)
            return date(year, month, day)
    except ValueError:
        pass
    raise InvalidError([Problem("ends_on", "bad_date")])


def _routes_of(act: str, page: _Page) -> None:
    """Add the page that asks, and the one that does it."""
    path = f"/bacs/{{sandbox_id}}/{act}"

    @router.get(path, name=f"confirm_{page.verb}", dependencies=[Depends(_DECIDE)])
    async def confirm(sandbox_id: str, actor: Actor, request: Request) -> Response:
        sandbox = await _one(lab_of(request), actor, sandbox_id, Verb.DECIDE)
        return _act_page(request, sandbox, page)

    @router.post(path, name=f"do_{page.verb}", dependencies=[Depends(_DECIDE)])
    async def do(sandbox_id: str, actor: Actor, request: Request) -> Response:
        lab, form = lab_of(request), await form_of(request)
        does: dict[str, Callable[..., Awaitable[Sandbox]]] = {
            "suspend": lab.holds.suspend,
            "stop": lab.holds.stop,
            "resume": lab.holds.resume,
        }
        try:
            form.only("reason")
            await does[page.verb](actor, SandboxId(sandbox_id), reason=form.one("reason"))
        except (InvalidError, BudgetSpentError) as error:
            sandbox = await _one(lab, actor, sandbox_id, Verb.DECIDE)
            return _act_page(request, sandbox, page, reason=form.one("reason"), error=error)
        return RedirectResponse(f"/bacs/{sandbox_id}", HTTPStatus.SEE_OTHER)


for _act, _page in _PAGES.items():
    _routes_of(_act, _page)


@router.get("/arret", dependencies=[Depends(_DECIDE)])
async def show_stop(request: Request) -> Response:
    return await _stop_page(request, {})


@router.post("/arret", dependencies=[Depends(_DECIDE)])
async def stop_all(actor: Actor, request: Request) -> Response:
    form = await form_of(request)
    try:
        form.only("reason", "confirmation")
        await lab_of(request).holds.stop_all(
            actor, reason=form.one("reason"), confirmation=form.one("confirmation")
        )
    except InvalidError as error:
        typed = {name: form.one(name) for name in ("reason", "confirmation")}
        return await _stop_page(request, typed, error)
    return RedirectResponse("/arret", HTTPStatus.SEE_OTHER)


@router.post("/arret/lever", dependencies=[Depends(_DECIDE)])
async def lift_stop(actor: Actor, request: Request) -> Response:
    form = await form_of(request)
    try:
        form.only("reason")
        await lab_of(request).holds.lift(actor, reason=form.one("reason"))
    except InvalidError as error:
        return await _stop_page(request, {"reason": form.one("reason")}, error)
    return RedirectResponse("/bacs", HTTPStatus.SEE_OTHER)


async def _stop_page(
    request: Request, typed: dict[str, str], error: InvalidError | None = None
) -> Response:
    language = page_language(request)
    problems = shown(error.problems, language) if error else []
    return render(
        request,
        "stop.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        trail=trail_to(request),
        stop=await lab_of(request).holds.lab_stop(),
        typed=typed,
        problems=problems,
        wrong={problem["field"]: problem["text"] for problem in problems},
    )
