"""Cases made from the API's own description, sent, and held to that description."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fuzz.stage import SPEAKERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis.schemas import APIOperation

    from tests.fuzz.stage import Stage

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
_LONGEST_TOLD = 1200


class OutOfTimeError(Exception):
    """The time that was given is over."""


@dataclass
class Tally:
    """What was sent for one operation, and what was found."""

    name: str
    cases: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)


class Fuzz:
    """One run over every operation.

    Args:
        examples: Cases of each operation in each of the two modes.
        number: Of the seed; the same number makes the same cases.
        seconds: After which the run ends, wherever it is.
        only: Methods, in small letters; none for all.
        under: Where the paths begin.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        examples: int,
        number: int,
        seconds: float,
        only: tuple[str, ...] = (),
        under: str = "",
    ) -> None:
        self._only, self._under = only, under
        self._stage, self._examples, self._number = stage, examples, number
        self._until = time.monotonic() + seconds
        self.is_complete = False

    def operations(self) -> list[APIOperation]:
        schema = schemathesis.openapi.from_dict(self._stage.get("/api/v1/openapi.json"))
        every = [result.ok() for result in schema.get_all_operations()]
        found = [
            one
            for one in every
            if one.path.startswith(self._under) and (not self._only or one.method in self._only)
        ]
        return sorted(found, key=lambda one: (one.method == "delete", one.path))

    def run(self) -> Iterator[Tally]:
        """Yield each operation once it is done; ends early when the time is over."""
        for operation in self.operations():
            tally = Tally(f"{operation.method.upper()} {operation.path}")
            self._stage.fresh()
            try:
                for mode in GenerationMode:
                    self._one(operation, mode, tally)
            except OutOfTimeError:
                yield tally
                return
            finally:
                # The case may have ended them, and they are nobody's to use after this.
                self._stage.tokens.clear()
            yield tally
        self.is_complete = True

    def _one(self, operation: APIOperation, mode: GenerationMode, tally: Tally) -> None:
        try:
            strategy = operation.as_strategy(generation_mode=mode)
        except schemathesis.errors.SchemathesisError:
            return  # there is nothing to be negative about
        is_negative = mode is GenerationMode.NEGATIVE

        def check(case: schemathesis.Case, pick: int) -> None:
            if time.monotonic() > self._until:
                raise OutOfTimeError
            self._send(case, pick, tally, is_negative=is_negative)

        bounded = settings(
            max_examples=self._examples,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seed(self._number)(bounded(given(case=strategy, pick=st.integers(0, 999))(check)))()

    def _send(
        self, case: schemathesis.Case, pick: int, tally: Tally, *, is_negative: bool
    ) -> None:
        headers = {}
        if speaker := SPEAKERS[pick % len(SPEAKERS)]:
            headers["Authorization"] = f"Bearer {self._stage.tokens[speaker]}"
        if not is_negative and pick % 4:
            # A made-up name is never there: most good cases are about something that is.
            for place, names in self._stage.known.names.items():
                if place in (case.path_parameters or {}):
                    case.path_parameters[place] = names[pick % len(names)]
        request = _sendable(case, self._stage.lab.settings.public_url, headers)
        if request is None:
            return
        response = self._stage.send(request)
        tally.cases += 1
        status = response.status_code
        tally.statuses[status] = tally.statuses.get(status, 0) + 1
        # With nobody's token, or no right, what is wrong in a case is never looked at.
        # A body too large to be read is refused too, which the library's check does not know.
        is_refusable = is_negative and status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        checks = CHECKS + ([negative_data_rejection] if is_refusable else [])
        try:
            case.validate_response(response, checks=checks, headers=headers)
        except (FailureGroup, AssertionError) as error:
            told = getattr(error, "exceptions", [error])
            tally.findings += [
                f"{request.method} {request.url} as {speaker or 'nobody'}\n"
                f"  sent {request.content[:300]!r}\n  {str(one)[:_LONGEST_TOLD]}"
                for one in told
            ]


def _sendable(
    case: schemathesis.Case, base_url: str, headers: dict[str, str]
) -> httpx.Request | None:
    """Return the case as a client puts it on the wire; nothing where none can."""
    kept: dict[str, Any] = case.as_transport_kwargs(base_url=base_url, headers=headers)
    names = ("method", "url", "headers", "params", "data", "json", "files", "cookies")
    try:
        ready = requests.Request(**{n: kept[n] for n in names if n in kept}).prepare()
        body = ready.body.encode() if isinstance(ready.body, str) else ready.body
        return httpx.Request(
            str(ready.method), str(ready.url), headers=dict(ready.headers), content=body or b""
        )
    except (ValueError, UnicodeError, httpx.InvalidURL, requests.RequestException):
        return None
