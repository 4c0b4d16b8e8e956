from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from lab.data.detect.kinds import Kind
from lab.data.measure.trials import Method
from lab.web.intake_words import KIND, METHOD
from lab.web.plots import LEFT, RIGHT, WIDTH, Bar, bars

ROWS = (
    Bar("Isoler – avant", 0.4, "40\u00a0%", 0.3, 0.5, is_before=True),
    Bar('<Isoler> & "après"', 0.02, "2\u00a0%", 0.0, 0.03),
)
SVG = "{http://www.w3.org/2000/svg}"


def test_a_picture_is_well_formed_named_and_asks_for_nothing() -> None:
    text = bars("Risque", ROWS, limit=0.09, limit_label="Seuil")
    root = ET.fromstring(text)
    assert root.get("role") == "img"
    assert (
        root.get("aria-label") == 'Risque. Isoler – avant 40\u00a0%. <Isoler> & "après" 2\u00a0%'
    )
    assert not re.search(r"<(script|style|image|a|use)\b|\bstyle=|href|url\(", text)
    said = [found.text for found in root.iter(f"{SVG}text")]
    assert {"40\u00a0%", '<Isoler> & "après"', "Seuil"} <= set(said)


def test_bars_stand_on_one_scale_and_before_is_told_by_more_than_colour() -> None:
    root = ET.fromstring(bars("R", ROWS, limit=0.09))
    before, after = list(root.iter(f"{SVG}rect"))[1:]
    span = WIDTH - LEFT - RIGHT
    assert float(before.get("width", "")) == pytest.approx(span * 0.4 / 0.5, abs=0.2)
    assert float(after.get("width", "")) == pytest.approx(span * 0.02 / 0.5, abs=0.2)
    assert (before.get("fill"), after.get("fill")) == ("#ffffff", "#0d5c63")
    for row in root.iter(f"{SVG}line"):
        assert LEFT <= float(row.get("x1", "")) <= WIDTH - RIGHT


@pytest.mark.parametrize("values", [(), (0.0,), (float("nan"),), (1.0, 0.0001)])
def test_what_cannot_be_scaled_is_still_a_picture(values: tuple[float, ...]) -> None:
    ET.fromstring(bars("R", [Bar("a", value, "?") for value in values]))


def test_every_kind_and_every_attack_has_a_name_on_screen() -> None:
    assert set(KIND) == {kind.value for kind in Kind}
    assert set(METHOD) == {method.value for method in Method}
