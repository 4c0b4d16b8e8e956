"""The people's side: the MLflow page of one sandbox, in a browser, behind a ticket."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web
from multidict import CIMultiDict

from lab import grants
from lab.domain.ids import SandboxId
from lab.domain.ticket import COOKIE_SECONDS, Purpose, Ticket, issue, verify
from lab.gateway import paths
from lab.gateway.office import OfficeError
from lab.gateway.pages import gone_page, refused_page
from lab.gateway.people_rules import GRAPHQL, allowed, check_graphql
from lab.gateway.refusals import RefusedError, not_allowed, problem, upstream_down
from lab.gateway.relay import Outgoing, read_document
from lab.gateway.tracking import identity_headers
from lab.gateway.tracking_rules import Body, check_document
from lab.sockets import listening

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.domain.ids import MemberId
    from lab.gateway.book import GrantBook
    from lab.gateway.config import Config
    from lab.gateway.office import Office
    from lab.gateway.relay import Relay

COOKIE = "vc-suivi"
_FILE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_MOST_NONCES = 100_000
_TRAINING = "?workflowType=machine_learning"
"""MLflow's page shows runs in this of its two modes; the other, for agents, is its default."""
_SERVER_INFO = "/ajax-api/3.0/mlflow/server-info"


def page_policy(portal: str) -> str:
    """Return the CSP of MLflow's page: nothing leads out."""
    return "; ".join((
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        f"frame-ancestors 'self' {portal}",
    ))


class People:
    """Serves ``http://<sandbox_id>.<domain>:<port>/`` to the front.

    Args:
        doors: How many doors are open.
        is_fresh: Whether the grants have been seen at least once.
        office: Knows which tickets other replicas have seen; nobody on one machine.
    """

    def __init__(
        self,
        *,
        config: Config,
        book: GrantBook,
        relay: Relay,
        key: bytes,
        doors: Callable[[], int],
        is_fresh: Callable[[], bool] = lambda: True,
        office: Office | None = None,
    ) -> None:
        self._config, self._book, self._relay = config, book, relay
        self._key, self._doors, self._is_fresh = key, doors, is_fresh
        self._used: dict[str, datetime] = {}
        self._office = office
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: The port is taken.
        """
        server = web.Server(self._guarded, access_log=None, handler_cancellation=True)
        self._runner = web.ServerRunner(server)
        await self._runner.setup()
        made = listening(self._config.people_host, self._config.port)
        await web.SockSite(self._runner, made).start()

    async def aclose(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _guarded(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer, with the headers that keep a page inside on whatever the answer is."""
        if request.raw_path == "/.lab/health":
            return web.json_response({"status": "ok", "doors": self._doors()})
        if request.raw_path in {"/live", "/ready"} and self._sandbox(request) is None:
            is_fine = request.raw_path == "/live" or self._is_fresh()
            said = {"status": "ok" if is_fine else "waiting", "doors": self._doors()}
            return web.json_response(said, status=200 if is_fine else 503)
        try:
            return await self._answer(request)
        except RefusedError as error:
            answer: web.StreamResponse = problem(error)
            if "text/html" in request.headers.get("Accept", ""):
                answer = refused_page(error)
            answer.headers.update(self._fixed(is_file=False))
            return answer

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        sandbox_id = self._sandbox(request)
        grant = None if sandbox_id is None else self._book.get(sandbox_id, grants.TRACKING)
        if sandbox_id is None or grant is None:
            return self._with_headers(gone_page(self._config.portal_origin))
        target = paths.read(request.raw_path)
        if target.path == "/entrer" and request.method == "GET":
            member_id = await self._take_ticket(sandbox_id, target.value("jeton"))
            return self._enter(sandbox_id, member_id, await self._first_page(request, grant))
        self._check_cookie(request, sandbox_id)
        if request.method not in {"GET", "HEAD"}:
            self._check_origin(request)
        said = _said_for(target.path, grant)
        if said is not None and request.method == "GET":
            return self._with_headers(web.json_response(said))
        if target.path == _SERVER_INFO and request.method == "GET":
            return await self._server_info(request, grant)
        how = allowed(request.method, target, workspace=grant["workspace"])
        headers, body = identity_headers(request, grant), None
        if how.body is Body.DOCUMENT:
            body = await self._document(request, target.path, grant["workspace"])
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(len(body))
        outgoing = Outgoing(
            method=request.method,
            url=str(grant["endpoint"]) + request.raw_path,
            headers=headers,
            body=body,
            add=self._fixed(is_file=how.is_file),
        )
        return await self._relay.pass_on(request, outgoing)

    async def _server_info(self, request: web.BaseRequest, grant: dict[str, Any]) -> web.Response:
        """Say what the server says, but for workspaces: here there is one only."""
        headers = identity_headers(request, grant)
        url = str(grant["endpoint"]) + _SERVER_INFO
        asked = Outgoing(method="GET", url=url, headers=headers)
        status, _, body = await self._relay.fetch(asked, most_bytes=64 * 1024)
        try:
            said = json.loads(body) | {"workspaces_enabled": False}
        except (ValueError, TypeError) as error:
            raise upstream_down("the service answered something else") from error
        return self._with_headers(web.json_response(said, status=status))

    def _sandbox(self, request: web.BaseRequest) -> SandboxId | None:
        """Return which sandbox the address names; nothing else is served here."""
        host = request.headers.get("Host", "").lower().partition(":")[0]
        name = host.removesuffix(f".{self._config.domain}")
        if name == host or not grants.is_sandbox_id(name):
            return None
        return SandboxId(name)

    async def _take_ticket(self, sandbox_id: SandboxId, token: str) -> MemberId:
        """Use a ticket up and return whose it is."""
        now = datetime.now(UTC)
        ticket = verify(self._key, token, now=now)
        is_mine = ticket is not None and ticket.sandbox_id == sandbox_id
        if ticket is None or not is_mine or not await self._use(ticket, now):
            raise RefusedError(
                "bad_ticket", "this link was used already, or is too old", is_attempt=False
            )
        return ticket.member_id

    async def _first_page(self, request: web.BaseRequest, grant: dict[str, Any]) -> str:
        """Return where the runs of the notebooks are: what a scientist comes for."""
        name = quote(str(grant.get("experiment", "")))
        url = f"{grant['endpoint']}/api/2.0/mlflow/experiments/get-by-name?experiment_name={name}"
        asked = Outgoing(method="GET", url=url, headers=identity_headers(request, grant))
        try:
            _, _, body = await self._relay.fetch(asked, most_bytes=64 * 1024)
            found = int(json.loads(body)["experiment"]["experiment_id"])
        except (RefusedError, ValueError, KeyError, TypeError):
            return f"/#/experiments{_TRAINING}"
        return f"/#/experiments/{found}/runs{_TRAINING}"

    def _enter(self, sandbox_id: SandboxId, member_id: MemberId, where: str) -> web.Response:
        value = issue(
            self._key,
            sandbox_id=sandbox_id,
            member_id=member_id,
            now=datetime.now(UTC),
            purpose=Purpose.COOKIE,
        )
        answer = web.Response(status=303, headers={"Location": where})
        answer.set_cookie(
            COOKIE,
            value,
            max_age=COOKIE_SECONDS,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self._config.scheme == "https",
        )
        return self._with_headers(answer)

    async def _use(self, ticket: Ticket, now: datetime) -> bool:
        """Tell whether this is the first time, at this replica and at every other."""
        self._used = {nonce: at for nonce, at in self._used.items() if at > now}
        if ticket.nonce in self._used or len(self._used) >= _MOST_NONCES:
            return False
        self._used[ticket.nonce] = ticket.expires_at
        if self._office is None:
            return True
        try:
            return await self._office.use_ticket(ticket.nonce)
        except OfficeError as error:
            raise upstream_down("tickets cannot be checked now") from error

    def _check_cookie(self, request: web.BaseRequest, sandbox_id: SandboxId) -> None:
        token = request.cookies.get(COOKIE, "")
        seen = verify(self._key, token, now=datetime.now(UTC), purpose=Purpose.COOKIE)
        if seen is None or seen.sandbox_id != sandbox_id:
            raise RefusedError(
                "not_signed_in", "open this page from the portal", status=401, is_attempt=False
            )

    def _check_origin(self, request: web.BaseRequest) -> None:
        """Let a page of another site change nothing."""
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        own = f"{self._config.scheme}://{request.headers.get('Host', '')}"
        if site not in {None, "same-origin"} or origin not in {None, own} or not (site or origin):
            raise not_allowed("a change asked for by another site")

    async def _document(self, request: web.BaseRequest, path: str, workspace: str) -> bytes:
        raw = await read_document(request, most_bytes=self._config.max_document_bytes)
        try:
            document = json.loads(raw or b"{}")
        except (ValueError, RecursionError) as error:
            raise not_allowed("a body that is no JSON") from error
        if not isinstance(document, dict):
            raise not_allowed("a body that is no plain JSON object")
        check_document(path, document, workspace=workspace)
        if path == GRAPHQL:
            check_graphql(document)
        return json.dumps(document).encode()

    def _fixed(self, *, is_file: bool) -> CIMultiDict[str]:
        policy = _FILE_POLICY if is_file else page_policy(self._config.portal_origin)
        fixed = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "X-DNS-Prefetch-Control": "off",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
        }
        if is_file:
            fixed |= {"Cache-Control": "private, no-store"}
        return CIMultiDict(fixed)

    def _with_headers(self, answer: web.Response) -> web.Response:
        answer.headers.update(self._fixed(is_file=False))
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _said_for(path: str, grant: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what we say in MLflow's place: the page asks, the sandbox's identity may not."""
    match path:
        case "/ajax-api/3.0/mlflow/ui-telemetry":
            return {
                "disable_ui_telemetry": True,
                "disable_ui_events": [],
                "ui_rollout_percentage": 0,
            }
        case "/ajax-api/2.0/mlflow/users/current":
            return {"user": {"id": 0, "username": grant["workspace"], "is_admin": False}}
        case "/ajax-api/2.0/mlflow/gateway-proxy":
            return {"endpoints": []}
        case "/ajax-api/3.0/mlflow/users/roles/list":
            return {"roles": []}
        case "/ajax-api/3.0/mlflow/users/current/permissions":
            return {"permissions": []}
        case _:
            return None
