"""Hours of compute, by month: for programs, and for spreadsheets."""

import csv
import io
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from lab.domain.hours import Metered, Month
from lab.domain.ids import AgencyId
from lab.domain.member import Resource, Verb
from lab.web.access import allowed
from lab.web.describing import FAILURES
from lab.web.hours_words import METERED
from lab.web.identity import Actor
from lab.web.language import LANGUAGES, msg
from lab.web.schemas.common import PageOut
from lab.web.schemas.usage import MonthUsageOut
from lab.web.wiring import lab_of

router = APIRouter(prefix="/api/v1/usage", tags=["agencies"], responses=FAILURES)

_READ = allowed(Verb.READ, Resource.QUOTA)
_DAY = msg("Jour")
MonthQuery = Annotated[
    str,
    Query(
        pattern=r"^(2[0-9]{3}-(0[1-9]|1[0-2]))?$",
        description="Comme 2026-11; sinon ce mois-ci / As 2026-11; else this month",
    ),
]


def month_of(text: str) -> Month | None:
    """Return the month that was named, or nothing."""
    return Month.parse(text) if text else None


@router.get(
    "",
    summary="Lire les heures de chaque organisme / Read the hours of every agency",
    description="Ceux que l’on peut voir. / Those that the caller may see.",
    dependencies=[Depends(_READ)],
)
async def list_usage(
    actor: Actor, request: Request, month: MonthQuery = ""
) -> PageOut[MonthUsageOut]:
    views = await lab_of(request).usage.all(actor, month_of(month))
    return PageOut(items=[MonthUsageOut.of(view) for view in views])


@router.get(
    "/{agency_id}",
    summary="Lire les heures d’un organisme / Read one agency’s hours",
    dependencies=[Depends(_READ)],
)
async def read_usage(
    agency_id: str, actor: Actor, request: Request, month: MonthQuery = ""
) -> MonthUsageOut:
    view = await lab_of(request).usage.of(actor, AgencyId(agency_id), month_of(month))
    return MonthUsageOut.of(view)


@router.get(
    "/{agency_id}/days.csv",
    summary="Exporter les heures par jour / Export the hours by day",
    description=(
        "En français, « ; » et virgule décimale; en anglais, « , » et point. / "
        "In French, ; and a decimal comma; in English, a comma and a point."
    ),
    dependencies=[Depends(_READ)],
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_usage(
    agency_id: str,
    actor: Actor,
    request: Request,
    month: MonthQuery = "",
    lang: Annotated[Literal["fr", "en"], Query(description="Langue / Language")] = "fr",
) -> Response:
    view = await lab_of(request).usage.of(actor, AgencyId(agency_id), month_of(month))
    language = LANGUAGES[lang]
    between, mark = (";", ",") if lang == "fr" else (",", ".")
    out = io.StringIO()
    lines = csv.writer(out, delimiter=between, lineterminator="\r\n")
    lines.writerow([language.text(_DAY), *(language.text(METERED[m]) for m in Metered)])
    for day, hours in view.ledger.days.items():
        amounts = (hours.thousandths(metered) for metered in Metered)
        lines.writerow([day, *(f"{n // 1000}{mark}{n % 1000:03}" for n in amounts)])
    # Of an agency that exists: its code is letters, digits and hyphens.
    name = f"heures-{view.agency.id}-{view.account.month}.csv"
    return Response(
        "\ufeff" + out.getvalue(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
