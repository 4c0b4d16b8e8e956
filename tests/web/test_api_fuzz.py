from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.web.thread import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis.schemas import APIOperation

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
EXAMPLES = 8
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("fuzz")).running() as running:
        yield running


def _operations(url: str) -> list[APIOperation]:
    schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json")
    # Revoking the caller's own token would end the run.
    return [
        found
        for result in schema.get_all_operations()
        if (found := result.ok()).path != "/api/v1/tokens/current"
        and not found.path.endswith("/password")
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_whole_api_keeps_to_its_description(served: Served, mode: GenerationMode) -> None:
    headers, cases = {"Authorization": f"Bearer {served.token}"}, 0
    checks = CHECKS + ([negative_data_rejection] if mode is GenerationMode.NEGATIVE else [])
    for operation in _operations(served.url):
        try:
            strategy = operation.as_strategy(generation_mode=mode)
        except schemathesis.errors.SchemathesisError:
            continue  # There is nothing to be negative about.

        def check(case: schemathesis.Case) -> None:
            nonlocal cases
            cases += 1
            case.call_and_validate(headers=headers, checks=checks)

        BOUNDED(given(case=strategy)(check))()
    assert cases > 150


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(width=16) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    ),
    key=st.text(max_size=40),
)
@settings(parent=BOUNDED, max_examples=60)
def test_no_json_at_all_breaks_a_request(served: Served, body: object, key: str) -> None:
    headers = {"Authorization": f"Bearer {served.token}"}
    try:
        headers["Idempotency-Key"] = key.encode().decode("latin-1")
        answer = httpx.post(
            f"{served.url}/api/v1/requests", json={"purpose": body}, headers=headers
        )
    except (UnicodeEncodeError, ValueError, httpx.LocalProtocolError):
        return
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"
