"""What a door answers instead of passing a request on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping


class RefusedError(Exception):
    """A request that goes no further.

    Attributes:
        code: Stable word: ``door_not_granted``, ``not_allowed``, ``too_large``, ``upstream_down``.
        is_attempt: Whether it is noted among the sandbox's blocked attempts.
    """

    def __init__(
        self, code: str, detail: str, *, status: int = 403, is_attempt: bool = True
    ) -> None:
        super().__init__(detail)
        self.code, self.detail, self.status, self.is_attempt = code, detail, status, is_attempt


def not_granted(door: str) -> RefusedError:
    """Return the refusal of a door that was never granted, is revoked, or has expired."""
    return RefusedError("door_not_granted", f"this sandbox has no {door} grant")


def not_allowed(detail: str) -> RefusedError:
    """Return the refusal of something that no rule of the door allows."""
    return RefusedError("not_allowed", detail)


def upstream_down(detail: str) -> RefusedError:
    """Return the answer when the service behind the door does not answer."""
    return RefusedError("upstream_down", detail, status=502, is_attempt=False)


def problem(error: RefusedError, *, extra: Mapping[str, str] | None = None) -> web.Response:
    """Write a refusal as a problem document (RFC 9457)."""
    body = {
        "type": "about:blank",
        "title": "The door refused this request",
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        **(extra or {}),
    }
    return _closing(
        web.Response(
            status=error.status,
            body=json.dumps(body).encode(),
            content_type="application/problem+json",
        )
    )


def mlflow_problem(error: RefusedError) -> web.Response:
    """Write it so that MLflow's client shows the reason too."""
    word = "TEMPORARILY_UNAVAILABLE" if error.status >= 500 else "PERMISSION_DENIED"  # noqa: PLR2004
    answer = problem(error, extra={"error_code": word, "message": f"{error.code}: {error.detail}"})
    answer.content_type = "application/json"
    return answer


def s3_problem(error: RefusedError) -> web.Response:
    """Write it in S3's own form, so that every client shows the reason."""
    word = "ServiceUnavailable" if error.status >= 500 else "AccessDenied"  # noqa: PLR2004
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<Error><Code>{word}</Code>"
        f"<Message>{escape(error.code)}: {escape(error.detail)}</Message></Error>"
    )
    return _closing(
        web.Response(status=error.status, body=text.encode(), content_type="application/xml")
    )


def _closing(answer: web.Response) -> web.Response:
    # What is left of a refused body is not read: the connection ends instead.
    answer.force_close()
    answer.headers["Cache-Control"] = "no-store"
    return answer
