"""Where the Adult table is: beside the checkout, never in it."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "adult"
TABLE = FOLDER / "adult.csv"
needs_adult = pytest.mark.skipif(
    not TABLE.exists(), reason="the Adult table is not beside the checkout (shared/data/adult)"
)
