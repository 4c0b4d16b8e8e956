from __future__ import annotations

from datetime import UTC, datetime

import pytest

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class FixedClock:
    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()
