"""The audit log: search, export, verify."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from lab.domain.audit import AuditEvent, AuditOutcome
from lab.domain.member import Resource, Verb
from lab.web.access import allowed
from lab.web.audit_search import LONGEST, Search, csv_lines, logins
from lab.web.conditions import Part, link_next
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.schemas.audit import AuditEventOut, VerificationOut
from lab.web.schemas.common import Day, PageOut
from lab.web.wiring import Lab, lab_of

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], responses=FAILURES)

_LIST = allowed(Verb.LIST, Resource.EVENT)
_CSV, _LINES = "text/csv", "application/jsonl"


class ExportForm(Enum):
    """What an export is written as."""

    CSV = "csv"
    JSONL = "jsonl"


def _text(description: str) -> Any:
    return Query(max_length=LONGEST, description=description)


def _search(  # noqa: PLR0917 -- FastAPI gives them by name
    who: Annotated[str, _text("Identifiant, lab ou - / Login, member id, lab or -")] = "",
    action: Annotated[str, _text("request.approve, ou / or request")] = "",
    object: Annotated[str, _text("Identifiant de l’objet / Id of what it was done to")] = "",  # noqa: A002 -- the name on the wire
    agency_id: Annotated[str, _text("Code de l’organisme / Public body's code")] = "",
    since: Annotated[Day | None, Query(description="Premier jour / First day")] = None,
    until: Annotated[Day | None, Query(description="Dernier jour / Last day")] = None,
    outcome: Annotated[AuditOutcome | None, Query()] = None,
) -> Search:
    return Search(
        who=who,
        action=action,
        object=object,
        agency_id=agency_id,
        since=since,
        until=until,
        outcome=outcome,
    )


Wanted = Annotated[Search, Depends(_search)]


@router.get(
    "", summary="Chercher dans le journal / Search the audit log", dependencies=[Depends(_LIST)]
)
async def search_events(
    actor: Actor, part: Part, wanted: Wanted, request: Request, response: Response
) -> PageOut[AuditEventOut]:
    lab = lab_of(request)
    which = wanted.filter(lab.settings.zone)
    page = await lab.audit.page(actor, which, after=part.after, limit=part.limit)
    link_next(request, response, page.next_cursor)
    return PageOut(items=await _written(lab, page.items), next=page.next_cursor)


@router.get(
    "/export",
    summary="Exporter le journal / Export the audit log",
    description="Première ligne d’abord, en flux; l’export est lui-même au journal. / First row "
    "first, streamed; the export is in the log itself.",
    dependencies=[Depends(_LIST)],
    response_class=Response,
    responses={
        200: {
            "content": {
                _CSV: {"schema": {"type": "string"}},
                _LINES: {"schema": {"type": "string"}},
            }
        }
    },
)
async def export_events(
    actor: Actor,
    wanted: Wanted,
    request: Request,
    form: Annotated[ExportForm, Query(alias="format")] = ExportForm.JSONL,
) -> Response:
    lab = lab_of(request)
    which = wanted.filter(lab.settings.zone)
    parts = await lab.audit.export(actor, which, form=form.value)
    rows = _rows(lab, parts)
    day = lab.clock.now().astimezone(lab.settings.zone).date()
    shown = f'attachment; filename="journal-{day}.{form.value}"'
    kind = _CSV if form is ExportForm.CSV else _LINES
    return StreamingResponse(
        csv_lines(rows) if form is ExportForm.CSV else _json_lines(rows),
        media_type=f"{kind}; charset=utf-8",
        headers={"Content-Disposition": shown},
    )


@router.get(
    "/verification",
    summary="Vérifier la chaîne / Verify the chain",
    dependencies=[Depends(_LIST)],
)
async def verify_events(actor: Actor, request: Request) -> VerificationOut:
    return VerificationOut.of(await lab_of(request).audit.chain(actor))


async def _written(lab: Lab, events: Sequence[AuditEvent]) -> list[AuditEventOut]:
    people = await logins(lab, events)
    return [AuditEventOut.of(event, people) for event in events]


async def _rows(
    lab: Lab, parts: AsyncIterator[Sequence[AuditEvent]]
) -> AsyncIterator[list[Mapping[str, object]]]:
    async for part in parts:
        yield [row.model_dump(mode="json") for row in await _written(lab, part)]


async def _json_lines(
    parts: AsyncIterator[Sequence[Mapping[str, object]]],
) -> AsyncIterator[bytes]:
    async for rows in parts:
        yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
