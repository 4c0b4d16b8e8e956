"""Failures as people and programs are told of them: RFC 9457 documents, and the same in words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from lab.domain.errors import (
    BudgetSpentError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    KeyReusedError,
    NotFoundError,
    NotReadyError,
    NotSignedInError,
    ProviderError,
    QuotaExceededError,
    RequestError,
    StateError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    TerminalProviderError,
)
from lab.domain.federation import SignInError
from lab.web.hours_words import spent_facts
from lab.web.sentences import DETAILS, TITLES, of_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.agency import Usage
    from lab.domain.errors import LabError
    from lab.web.language import Language

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[type[LabError], HTTPStatus] = {
    RequestError: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFoundError: HTTPStatus.NOT_FOUND,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    NotSignedInError: HTTPStatus.UNAUTHORIZED,
    SignInError: HTTPStatus.FORBIDDEN,
    ConflictError: HTTPStatus.CONFLICT,
    StateError: HTTPStatus.CONFLICT,
    NotReadyError: HTTPStatus.CONFLICT,
    QuotaExceededError: HTTPStatus.FORBIDDEN,
    BudgetSpentError: HTTPStatus.CONFLICT,
    KeyReusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProviderError: HTTPStatus.SERVICE_UNAVAILABLE,
    TerminalProviderError: HTTPStatus.BAD_GATEWAY,
    StoreUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreFullError: HTTPStatus.INSUFFICIENT_STORAGE,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The nearest class in an error's own order of classes counts."""

RETRY_SECONDS = "2"
_NO_BREAK = "\N{NO-BREAK SPACE}"


class WebError(Exception):
    """The edge itself refuses, before any use case is asked.

    Args:
        code: Stable; has a title and a sentence.
        status: Of the answer.
        facts: For the sentence.
        headers: For the answer.
    """

    def __init__(
        self,
        code: str,
        status: HTTPStatus,
        *,
        facts: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code, self.status = code, status
        self.facts, self.headers = facts or {}, headers or {}


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure in one language.

    Attributes:
        errors: One entry for each wrong field.
        more: What a program needs besides, for example what is left of a quota.
    """

    status: HTTPStatus
    code: str
    title: str
    detail: str
    errors: tuple[Mapping[str, str], ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Write it as a problem document."""
        body: dict[str, Any] = {
            "type": f"/problemes/{self.code}",
            "code": self.code,
            "title": self.title,
            "status": int(self.status),
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        return body | dict(self.more)

    def response(self, language: Language) -> Response:
        """Answer with the document."""
        text = json.dumps(self.document(), ensure_ascii=False)
        headers = {"Content-Language": language.code, **self.headers}
        return Response(
            text.encode("utf-8", "replace"), self.status, media_type=MEDIA_TYPE, headers=headers
        )


def usage_document(usage: Usage) -> dict[str, int]:
    """Write an amount in machine form."""
    return {
        "cpu_millicores": usage.resources.cpu_millicores,
        "memory_bytes": usage.resources.memory_bytes,
        "storage_bytes": usage.resources.storage_bytes,
        "gpu_count": usage.resources.gpu_count,
        "sandboxes": usage.sandboxes,
    }


def usage_words(usage: Usage, language: Language) -> str:
    """Write an amount for a person."""
    parts = (
        language.cores(usage.resources.cpu_millicores),
        language.text("%(size)s de mémoire", size=language.size(usage.resources.memory_bytes)),
        language.text("%(size)s de stockage", size=language.size(usage.resources.storage_bytes)),
        *((f"{usage.resources.gpu_count}{_NO_BREAK}GPU",) if usage.resources.gpu_count else ()),
        language.plural("%(n)s bac à sable", "%(n)s bacs à sable", usage.sandboxes),
    )
    return ", ".join(parts)


def explain(error: Exception, language: Language, *, has_precondition: bool = False) -> Failure:
    """Say what a deliberate error means.

    Args:
        error: A ``WebError`` or a ``LabError``.
        language: To say it in.
        has_precondition: Whether the caller sent ``If-Match``.
    """
    if isinstance(error, WebError):
        more = {"id": error.facts["id"]} if "id" in error.facts else {}
        return named(
            error.code, error.status, language, error.facts, more=more, headers=error.headers
        )
    status = next(s for kind in type(error).mro() if (s := STATUS.get(kind)))
    code = str(getattr(error, "code", "internal"))
    if isinstance(error, BudgetSpentError):
        facts, more = spent_facts(error.account, error.metered, language), _spent(error)
    else:
        facts, more = _facts(error, language)
    headers: dict[str, str] = {}
    errors: tuple[Mapping[str, str], ...] = ()
    match error:
        case InvalidError():
            errors = tuple(
                {"field": p.field, "code": p.code, "detail": of_problem(p, language)}
                for p in error.problems
            )
        case NotSignedInError():
            headers["WWW-Authenticate"] = 'Bearer realm="vase-clos"'
        case ConflictError() if has_precondition:
            status = HTTPStatus.PRECONDITION_FAILED
        case _:
            if status is HTTPStatus.SERVICE_UNAVAILABLE:
                headers["Retry-After"] = RETRY_SECONDS
    return named(code, status, language, facts, errors=errors, more=more, headers=headers)


def _facts(error: Exception, language: Language) -> tuple[dict[str, str], dict[str, Any]]:
    match error:
        case ConflictError():
            versions = {"expected": error.expected, "found": error.found}
            facts = {name: str(value) for name, value in versions.items()}
            changed = {"changed": list(error.changed)} if error.changed else {}
            return facts, {**versions, **changed}
        case QuotaExceededError():
            facts = {"left": usage_words(error.left, language)}
            amounts = {"asked": usage_document(error.asked), "left": usage_document(error.left)}
            return facts, amounts
        case StateError():
            return {}, {"state": error.state, "wanted": error.wanted}
        case NotReadyError():
            return {}, {"why": error.why}
        case ProviderError():
            return {"stage": error.stage.value}, {"stage": error.stage.value}
        case _:
            return {}, {}


def _spent(error: BudgetSpentError) -> dict[str, Any]:
    account, metered = error.account, error.metered
    return {
        "resource": metered.value,
        "month": str(account.month),
        "budget_hours": account.budget.of(metered),
        "used_hours": account.used.thousandths(metered) / 1000,
        "next_month_at": account.next_month_at.isoformat(),
    }


def named(
    code: str,
    status: HTTPStatus,
    language: Language,
    facts: Mapping[str, str] | None = None,
    *,
    errors: tuple[Mapping[str, str], ...] = (),
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Failure:
    """Make a failure from its code."""
    return Failure(
        status=status,
        code=code,
        title=language.text(TITLES.get(code, TITLES["bad_request"])),
        detail=language.text(DETAILS.get(code, DETAILS["bad_request"]), **(facts or {})),
        errors=errors,
        more=more or {},
        headers=headers or {},
    )
