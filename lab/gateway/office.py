"""The control plane, as the gateway of a cluster speaks to it: a few calls, one token."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
from multidict import CIMultiDict

from lab.domain.secret import Secret
from lab.gateway.relay import Outgoing

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.ids import SandboxId

_SECONDS = 10
_NOT_FINE = 300


class OfficeError(Exception):
    """The control plane did not answer, or not with what was asked."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_final(self) -> bool:
        """Tell whether the same would be refused again."""
        return self.status in {400, 413, 415, 422}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        etag: Names this state of the grants; give it back to learn whether it changed.
        content: ``None`` where nothing changed.
    """

    etag: str
    content: Any


class Office:
    """Speaks as the gateway. The token is read anew at each call, so that it can be replaced."""

    def __init__(self, *, url: str, token_file: Path) -> None:
        self._url, self._token_file = url.rstrip("/"), token_file

    async def grants(self, etag: str) -> Answer:
        """Return all grants.

        Raises:
            OfficeError: It did not answer as it should.
        """
        more = {"If-None-Match": etag} if etag else {}
        status, headers, content = await self._call("GET", "/internal/v1/grants", None, more)
        if status == HTTPStatus.NOT_MODIFIED:
            return Answer(etag, None)
        return Answer(headers.get("ETag", ""), content)

    async def send_attempts(self, batch: str, attempts: list[dict[str, Any]]) -> None:
        """Hand refused attempts over. The same batch may be sent again.

        Raises:
            OfficeError: It did not take them.
        """
        body = {"batch": batch, "attempts": attempts}
        await self._call("POST", "/internal/v1/attempts", body, {})

    async def use_ticket(self, nonce: str) -> bool:
        """Use a ticket up; ``False`` where another replica of the gateway has.

        Raises:
            OfficeError: It is not known.
        """
        try:
            await self._call("POST", f"/internal/v1/tickets/{nonce}/use", None, {})
        except OfficeError as error:
            if error.status == HTTPStatus.CONFLICT:
                return False
            raise
        return True

    def report(self, sandbox_id: SandboxId, run: str, body: bytes) -> Outgoing:
        """Return what hands a run's report over, for the relay to send."""
        headers = self._headers() | {"Content-Type": "application/json"}
        return Outgoing(
            method="PUT",
            url=f"{self._url}/internal/v1/sandboxes/{sandbox_id}/report?run={run}",
            headers=CIMultiDict(headers),
            body=body,
        )

    def _headers(self) -> dict[str, str]:
        text = self._token_file.read_text(encoding="utf-8")
        token = Secret.checked(text, name=self._token_file.name).reveal()
        return {"Authorization": f"Bearer {token}"}

    async def _call(
        self, method: str, path: str, body: Any, more: dict[str, str]
    ) -> tuple[int, dict[str, str], Any]:
        timeout = aiohttp.ClientTimeout(total=_SECONDS, sock_connect=3)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.request(
                    method, self._url + path, json=body, headers=self._headers() | more
                ) as answer,
            ):
                status = answer.status
                raw = await answer.read()
            content = json.loads(raw) if raw and status < _NOT_FINE else None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise OfficeError(f"the control plane does not answer: {error}") from error
        if status >= _NOT_FINE and status != HTTPStatus.NOT_MODIFIED:
            raise OfficeError(f"the control plane answered {status}", status=status)
        return status, dict(answer.headers), content
