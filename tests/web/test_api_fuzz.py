from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.engine import Fuzz
from tests.fuzz.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("fuzz"))
    yield made
    made.close()


def test_what_writes_keeps_to_its_description(stage: Stage) -> None:
    """``make fuzz`` sends thousands of cases to every operation; this, a few to some."""
    fuzz = Fuzz(stage, examples=2, number=1, seconds=100, only=("put", "delete"))
    tallies = list(fuzz.run())
    assert fuzz.is_complete
    assert sum(tally.cases for tally in tallies) >= 30
    assert [finding for tally in tallies for finding in tally.findings] == []


def test_a_server_error_and_an_answer_beside_its_description_are_found(
    tmp_path: Path,
) -> None:
    broken = Stage(tmp_path)

    class Broken:
        def catalogue(self) -> object:
            raise RuntimeError("boum")

    broken.lab.catalogue = Broken()  # type: ignore[assignment]
    fuzz = Fuzz(broken, examples=1, number=1, seconds=60, under="/api/v1/sizes")
    found = [finding for tally in fuzz.run() for finding in tally.findings]
    broken.close()
    assert any("Server error" in finding for finding in found)


BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(width=16) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(body=BODIES, key=st.text(max_size=40))
@settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_json_at_all_breaks_a_request(stage: Stage, body: object, key: str) -> None:
    if not stage.tokens:
        stage.fresh()
    headers = {"Authorization": f"Bearer {stage.tokens['o.lavoie']}"}
    url = f"{stage.lab.settings.public_url}/api/v1/requests"
    try:
        headers["Idempotency-Key"] = key.encode().decode("latin-1")
        request = httpx.Request("POST", url, json={"purpose": body}, headers=headers)
    except (UnicodeEncodeError, ValueError):
        return
    answer = stage.send(request)
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"
