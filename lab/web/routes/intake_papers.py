"""What a dossier leaves on paper: the register (art. 9), the evidence and its report."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from lab.data.report import STYLE_HASH, Report, Subject, report_of, write_html
from lab.domain.ids import AgencyId, IntakeId
from lab.domain.member import Resource, Verb
from lab.web.access import allowed
from lab.web.conditions import set_etag
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.problems import WebError
from lab.web.routes.intakes import ROOT
from lab.web.schemas.common import PageOut
from lab.web.schemas.intakes import ReportOut
from lab.web.schemas.register import REGISTER_HEADERS, RegisterOut
from lab.web.spreadsheet import CsvLines
from lab.web.wiring import lab_of

ReportLanguage = Annotated[Literal["fr", "en"], Query(description="Langue / Language")]
router = APIRouter(prefix=ROOT, tags=["intakes"], responses=FAILURES)

_LIST = allowed(Verb.LIST, Resource.INTAKE)
_READ = allowed(Verb.READ, Resource.INTAKE)
_PDF = "application/pdf"


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
    lines = CsvLines()
    head = [list(REGISTER_HEADERS.values())]
    content = lines.of(head + [[row[name] for name in REGISTER_HEADERS] for row in rows])
    return Response(
        b"\xef\xbb\xbf" + content,
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
    paper = await lab_of(request).intakes.paper(actor, IntakeId(intake_id))
    set_etag(response, paper.intake.version)
    return ReportOut.of(paper.intake, paper.people)


@router.get(
    "/{intake_id}/report.html",
    summary="Lire le rapport / Read the report",
    description="Deux pages, sans rien à aller chercher ailleurs. / Two pages, self-contained.",
    dependencies=[Depends(_READ)],
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def read_report_page(
    intake_id: str, actor: Actor, request: Request, lang: ReportLanguage = "fr"
) -> Response:
    report = await _written(intake_id, actor, request, lang)
    policy = f"default-src 'none'; style-src '{STYLE_HASH}'; frame-ancestors 'none'"
    headers = _headers(intake_id, report, "html") | {"Content-Security-Policy": policy}
    return Response(write_html(report), media_type="text/html; charset=utf-8", headers=headers)


@router.get(
    "/{intake_id}/report.pdf",
    summary="Télécharger le rapport / Download the report",
    description="Deux pages au plus. / Two pages at most.",
    dependencies=[Depends(_READ)],
    response_class=Response,
    responses={200: {"content": {_PDF: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def download_report(
    intake_id: str, actor: Actor, request: Request, lang: ReportLanguage = "fr"
) -> Response:
    report = await _written(intake_id, actor, request, lang)
    try:
        # Here: a process that does no work on data may lack what draws pages.
        from lab.data.report.pdf import write_pdf  # noqa: PLC0415
    except ModuleNotFoundError:
        raise WebError("not_found", HTTPStatus.NOT_FOUND, facts={"name": "report.pdf"}) from None
    content = await asyncio.to_thread(write_pdf, report)
    return Response(content, media_type=_PDF, headers=_headers(intake_id, report, "pdf"))


async def _written(intake_id: str, actor: Actor, request: Request, lang: str) -> Report:
    lab, is_french = lab_of(request), lang == "fr"
    paper = await lab.intakes.paper(actor, IntakeId(intake_id))
    agency = paper.agency
    name = (agency.name_fr if is_french else agency.name_en) if agency else paper.intake.agency_id
    subject = Subject(
        intake=paper.intake,
        agency=name,
        people={member_id: member.name for member_id, member in paper.people.items()},
        zone=lab.settings.zone,
    )
    return report_of(subject, is_french=is_french)


def _headers(intake_id: str, report: Report, extension: str) -> dict[str, str]:
    # The id is the lab's own: letters, digits and hyphens.
    name = "rapport" if report.language.startswith("fr") else "report"
    shown = f'inline; filename="{name}-{intake_id}.{extension}"'
    return {"Content-Disposition": shown, "Content-Language": report.language}


async def _register(actor: Actor, request: Request, agency_id: str) -> list[RegisterOut]:
    lab = lab_of(request)
    found = await lab.intakes.register(actor, AgencyId(agency_id) if agency_id else None)
    people = await lab.members.names(sorted({p for i in found for p in i.named}))
    return [RegisterOut.of(intake, people) for intake in found]
