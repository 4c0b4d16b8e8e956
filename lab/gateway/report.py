"""The report door: what the probes of one run say, on its way to the control plane."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from lab.domain.attempt import Rule
from lab.gateway import paths, refusals
from lab.gateway.refusals import RefusedError, not_allowed
from lab.gateway.relay import go_on, read_document

if TYPE_CHECKING:
    from lab.domain.ids import SandboxId
    from lab.gateway.office import Office
    from lab.gateway.relay import Relay

MOST_BYTES = 256 * 1024
_PATH = re.compile(r"/report/([a-z0-9][a-z0-9-]{0,62})", re.ASCII)


class ReportDoor:
    """Takes one JSON object for each run; whose it is, the door knows."""

    rule = Rule.DOOR_REPORT
    refusal = staticmethod(refusals.problem)

    def __init__(self, *, relay: Relay, office: Office) -> None:
        self._relay, self._office = relay, office

    async def handle(self, request: web.BaseRequest, sandbox_id: SandboxId) -> web.StreamResponse:
        """Hand one report over, or refuse it.

        Raises:
            RefusedError: It is refused, or the control plane does not answer.
        """
        target = paths.read(request.raw_path)
        run = _PATH.fullmatch(target.path)
        if request.method not in {"PUT", "POST"} or run is None or target.query:
            raise not_allowed("no rule of the report door allows this method and path")
        if request.headers.get("Content-Encoding"):
            raise not_allowed("a compressed document")
        go_on(request)
        raw = await read_document(request, most_bytes=MOST_BYTES)
        try:
            document = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise not_allowed("a body that is no JSON") from error
        if not isinstance(document, dict):
            raise not_allowed("a body that is no JSON object")
        try:
            outgoing = self._office.report(sandbox_id, run[1], raw)
        except (OSError, ValueError) as error:
            raise refusals.upstream_down("the control plane cannot be spoken to") from error
        status, _, _ = await self._relay.fetch(outgoing, most_bytes=MOST_BYTES)
        match status:
            case HTTPStatus.NO_CONTENT:
                return web.Response(status=HTTPStatus.NO_CONTENT)
            case HTTPStatus.CONFLICT:
                raise RefusedError("already_reported", "this run has reported before", status=409)
            case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise refusals.upstream_down("the control plane does not answer")
            case _:
                raise not_allowed("the control plane does not take this report")
