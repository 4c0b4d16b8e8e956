from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.local.bench import Bench, lacking

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def bench() -> Iterator[Bench]:
    if why := lacking():
        pytest.skip(why)
    bench = Bench()
    try:
        yield bench
    finally:
        bench.close()
