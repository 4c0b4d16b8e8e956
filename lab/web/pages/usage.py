"""Hours of compute as charts, with the same figures as tables."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from lab.domain.agency import Usage
from lab.domain.hours import Metered, Month
from lab.domain.ids import AgencyId
from lab.domain.member import Member, Resource, Verb
from lab.services.agencies import QuotaView
from lab.services.budgets import UsageView
from lab.web.access import allowed
from lab.web.day_plot import Day, columns
from lab.web.hours_words import METERED, hour_lines
from lab.web.identity import Actor
from lab.web.language import Language, msg
from lab.web.pages.intake_figures import Figure
from lab.web.plots import Bar, bars
from lab.web.rendering import may, page_language, render
from lab.web.wiring import lab_of

router = APIRouter(include_in_schema=False)

_READ = allowed(Verb.READ, Resource.QUOTA)


@router.get("/usage", dependencies=[Depends(_READ)])
async def show_all(actor: Actor, request: Request) -> Response:
    lab, language = lab_of(request), page_language(request)
    if actor.agency_id and not may(actor, Verb.LIST, Resource.AGENCY):
        return RedirectResponse(f"/organismes/{actor.agency_id}/usage")
    views = await lab.usage.all(actor)
    return render(
        request,
        "usages.html",
        month=lab.usage.this_month,
        views=views,
        figures=[f for m in Metered if (f := _budgets(views, m, language)) is not None],
    )


@router.get("/organismes/{agency_id}/usage", dependencies=[Depends(_READ)])
async def show_usage(agency_id: str, actor: Actor, request: Request, mois: str = "") -> Response:
    lab, language = lab_of(request), page_language(request)
    this_month, is_wrong = lab.usage.this_month, False
    try:
        month = Month.parse(mois) if mois else this_month
    except ValueError:
        month, is_wrong = this_month, True
    view = await lab.usage.of(actor, AgencyId(agency_id), month)
    quota = await lab.agencies.quota(actor, AgencyId(agency_id))
    counted = [line.metered for line in hour_lines(view.account, language)]
    return render(
        request,
        "usage.html",
        trail=_trail(request, actor),
        view=view,
        before=month.shifted(-1),
        after=month.shifted(1) if month < this_month else None,
        is_wrong=is_wrong,
        figures=[
            *(_by_day(view, metered, language) for metered in counted),
            *([_used(view, language)] if _has_budget(view) else []),
            *([_held(quota, language)] if month == this_month else []),
        ],
        labels=[language.text(METERED[metered]) for metered in counted],
        sandboxes=[
            (sandbox_id, [language.hours(hours.thousandths(m)) for m in counted])
            for sandbox_id, hours in view.ledger.sandboxes.items()
        ],
    )


def _trail(request: Request, actor: Member) -> list[tuple[str, str]]:
    language = page_language(request)
    home = [(language.text(msg("Accueil")), "/")]
    if may(actor, Verb.LIST, Resource.AGENCY):
        home.append((language.text(msg("Usage")), "/usage"))
    return home


def _has_budget(view: UsageView) -> bool:
    return any(view.account.budget.of(metered) is not None for metered in Metered)


def _by_day(view: UsageView, metered: Metered, language: Language) -> Figure:
    title = language.text(
        msg("%(resource)s par jour, %(month)s"),
        resource=language.text(METERED[metered]),
        month=language.month(view.account.month.first_day),
    )
    amounts = {day: hours.thousandths(metered) for day, hours in view.ledger.days.items()}
    peak = max(amounts, key=lambda day: amounts[day])
    said = language.text(
        msg("Total %(total)s; le plus en un jour %(peak)s, le %(day)s"),
        total=language.hours(view.account.used.thousandths(metered)),
        peak=language.hours(amounts[peak]),
        day=language.day(peak),
    )
    days = [Day(day.day, amount / 1000) for day, amount in amounts.items()]
    return Figure(
        title=title,
        picture=Markup(columns(title, said, days, decimal=_mark(language))),  # noqa: S704 -- all of it is escaped there
        head=(language.text(msg("Jour")), language.text(METERED[metered])),
        rows=tuple((language.day(day), language.hours(amount)) for day, amount in amounts.items()),
    )


def _used(view: UsageView, language: Language) -> Figure:
    """Say how much of each budget is used."""
    lines = [line for line in hour_lines(view.account, language) if line.share is not None]
    title = language.text(msg("Part du budget du mois"))
    rows = [
        Bar(line.label, line.share or 0.0, language.percent(line.share or 0)) for line in lines
    ]
    return Figure(
        title=title,
        picture=_bars(title, rows, language, msg("Budget")),
        head=(title, language.text(msg("Part")), language.text(msg("Heures"))),
        rows=tuple((line.label, language.percent(line.share or 0), line.text) for line in lines),
    )


def _held(quota: QuotaView, language: Language) -> Figure:
    """Say how much of the quota is held now."""
    title = language.text(msg("Part du quota tenue maintenant"))
    most, held = quota.agency.quota, quota.held
    named = zip(_amounts(most, language), _amounts(held, language), strict=True)
    rows = [
        (label, is_held / limit if limit else 0.0, shown_held, shown_limit)
        for (label, limit, shown_limit), (_, is_held, shown_held) in named
        if limit or is_held
    ]
    drawn = [Bar(label, share, language.percent(share)) for label, share, _, _ in rows]
    return Figure(
        title=title,
        picture=_bars(title, drawn, language, msg("Quota")),
        head=(
            title,
            language.text(msg("Part")),
            language.text(msg("Tenu")),
            language.text(msg("Quota")),
        ),
        rows=tuple(
            (label, language.percent(share), shown_held, shown_limit)
            for label, share, shown_held, shown_limit in rows
        ),
    )


def _amounts(usage: Usage, language: Language) -> list[tuple[str, int, str]]:
    have = usage.resources
    return [
        (
            language.text(msg("Processeurs")),
            have.cpu_millicores,
            language.count(have.cpu_millicores / 1000),
        ),
        (language.text(msg("Mémoire")), have.memory_bytes, language.size(have.memory_bytes)),
        (language.text(msg("Stockage")), have.storage_bytes, language.size(have.storage_bytes)),
        (language.text(msg("GPU")), have.gpu_count, language.count(have.gpu_count)),
        (language.text(msg("Bacs à sable")), usage.sandboxes, language.count(usage.sandboxes)),
    ]


def _budgets(views: Sequence[UsageView], metered: Metered, language: Language) -> Figure | None:
    """Set the agencies side by side; nothing where none has such a budget."""
    rows = []
    for view in views:
        for line in hour_lines(view.account, language):
            if line.metered is metered and line.share is not None:
                name = language.either(view.agency.name_fr, view.agency.name_en)
                rows.append((name, line.share, line.text))
    if not rows:
        return None
    resource = language.text(METERED[metered])
    title = language.text(msg("Part du budget du mois, %(resource)s"), resource=resource)
    drawn = [Bar(name, share, language.percent(share)) for name, share, _ in rows]
    return Figure(
        title=title,
        picture=_bars(title, drawn, language, msg("Budget")),
        head=(
            language.text(msg("Organisme")),
            language.text(msg("Part")),
            language.text(msg("Heures")),
        ),
        rows=tuple((name, language.percent(share), text) for name, share, text in rows),
    )


def _bars(title: str, rows: list[Bar], language: Language, limit: str) -> Markup:
    drawn = bars(title, rows, limit=1.0, limit_label=language.text(limit), decimal=_mark(language))
    return Markup(drawn)  # noqa: S704 -- all of it is escaped there


def _mark(language: Language) -> str:
    return "," if language.code == "fr" else "."
