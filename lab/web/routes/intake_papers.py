"""What a dossier leaves on paper: the register (art. 9), the evidence and its report."""

import csv
import io
import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from lab.domain.ids import AgencyId, IntakeId
from lab.domain.member import Resource, Verb
from lab.web.access import allowed
from lab.web.conditions import set_etag
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.routes.intakes import ROOT, people_of
from lab.web.schemas.common import PageOut
from lab.web.schemas.intakes import ReportOut
from lab.web.schemas.register import REGISTER_HEADERS, RegisterOut
from lab.web.wiring import lab_of

router = APIRouter(prefix=ROOT, tags=["intakes"], responses=FAILURES)

_LIST = allowed(Verb.LIST, Resource.INTAKE)
_READ = allowed(Verb.READ, Resource.INTAKE)
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@router.get(
    "/register",
    summary="Lire le registre (art. 9) / Read the register",
    dependencies=[Depends(_LIST)],
)
async def read_register(
    actor: Actor, request: Request, agency_id: Annotated[str, Query(max_length=20)] = ""
) -> PageOut[RegisterOut]:
    return PageOut(items=await _register(actor, request, agency_id))


@router.get(
    "/register.csv",
    summary="Exporter le registre / Export the register",
    dependencies=[Depends(_LIST)],
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_register(
    actor: Actor, request: Request, agency_id: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    rows = [row.model_dump(mode="json") for row in await _register(actor, request, agency_id)]
    out = io.StringIO()
    lines = csv.writer(out, delimiter=";", lineterminator="\r\n")
    lines.writerow(REGISTER_HEADERS.values())
    lines.writerows([_cell(row[name]) for name in REGISTER_HEADERS] for row in rows)
    return Response(
        "\ufeff" + out.getvalue(),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="registre.csv"'},
    )


@router.get(
    "/{intake_id}/report",
    summary="Lire la preuve / Read the evidence",
    dependencies=[Depends(_READ)],
)
async def read_report(
    intake_id: str, actor: Actor, request: Request, response: Response
) -> ReportOut:
    lab = lab_of(request)
    intake = await lab.intakes.get(actor, IntakeId(intake_id))
    set_etag(response, intake.version)
    return ReportOut.of(intake, await lab.members.names(sorted(people_of(intake))))


async def _register(actor: Actor, request: Request, agency_id: str) -> list[RegisterOut]:
    lab = lab_of(request)
    found = await lab.intakes.register(actor, AgencyId(agency_id) if agency_id else None)
    people = await lab.members.names(sorted({p for i in found for p in people_of(i)}))
    return [RegisterOut.of(intake, people) for intake in found]


def _cell(value: object) -> str:
    """Write a cell that a spreadsheet shows and does not run."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text
