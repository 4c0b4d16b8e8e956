from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import cache

import numpy as np
import polars as pl
import pytest

from lab.data.measure import (
    Figure,
    Thresholds,
    UtilityReport,
    as_json,
    attack_risks,
    class_sizes,
    column_shifts,
    draw,
    from_json,
    judge_utility,
    measure_risk,
    measure_utility,
    utility_bars,
)
from lab.data.measure.association import cramer_v
from lab.data.measure.learning import logistic, sigmoid
from lab.data.measure.plots import Series, Words
from lab.data.measure.resemblance import distance
from tests.data.measure.tables import people, plan

SOURCE, CONTROL, FRESH = people(2500, 1), people(2500, 2), people(2500, 3)


def test_a_table_is_as_useful_as_itself() -> None:
    found = measure_utility(SOURCE, SOURCE, CONTROL, plan=plan())
    assert [m.maximum for m in found.marginals] == [0.0, 0.0, 0.0]
    assert [a.maximum for a in found.associations] == [0.0, 0.0]
    assert found.kept_rows == 1
    assert found.learning is not None
    assert found.learning.target == "diagnostic"
    assert found.learning.is_outside
    assert found.learning.from_source == pytest.approx(found.learning.from_released, abs=0.02)
    assert found.learning.from_source > found.learning.commonest + 0.05
    assert judge_utility(found, Thresholds()).passed
    assert from_json(UtilityReport, as_json(found)) == found


def test_people_drawn_anew_are_nearly_as_useful() -> None:
    found = measure_utility(SOURCE, FRESH, CONTROL, plan=plan())
    assert found.propensity.pmse < 0.01
    assert found.propensity.correct == pytest.approx(0.5, abs=0.06)


def test_a_table_of_other_values_is_told_apart() -> None:
    other = FRESH.with_columns(pl.col("age") + 40, pl.lit("E00").alias("emploi"))
    found = measure_utility(SOURCE, other, CONTROL, plan=plan())
    assert found.propensity.pmse > 0.15
    assert found.propensity.correct > 0.9
    assert max(s.distance for s in found.shifts) > 0.5
    assert found.marginals[0].worst[0] in {"age", "emploi"}
    assert not judge_utility(found, Thresholds()).passed


def test_half_of_the_rows_lost_is_said() -> None:
    found = measure_utility(SOURCE, SOURCE.head(1250), CONTROL, plan=plan())
    assert found.kept_rows == 0.5
    codes = {r.code for r in judge_utility(found, Thresholds()).reasons if not r.passed}
    assert codes == {"kept_rows"}


def test_distance_of_shares_is_by_hand() -> None:
    first, second = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    assert distance([first], [second], [2]) == pytest.approx(0.25)
    assert distance([first, first], [second, first], [2, 2]) == pytest.approx(0.25)
    assert distance([first], [first[:0]], [2]) == 1.0


def test_cramer_v_is_one_for_copies_and_about_zero_for_strangers() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 5, 3000)
    assert cramer_v(values, values) == pytest.approx(1.0)
    assert cramer_v(values, rng.integers(0, 5, 3000)) < 0.05
    assert cramer_v(values, np.zeros(3000, np.int64)) == 0.0


def test_logistic_regression_finds_the_coefficients() -> None:
    rng = np.random.default_rng(0)
    features = np.column_stack([np.ones(20000), rng.normal(size=(20000, 2))])
    truth = np.array([-0.5, 1.0, -2.0])
    answers = (rng.random(20000) < sigmoid(features @ truth)).astype(np.float64)
    assert logistic(features, answers) == pytest.approx(truth, abs=0.1)


@cache
def figures() -> list[Figure]:
    risks = measure_risk(SOURCE, FRESH, CONTROL, plan=plan(predicates=2000))
    useful = measure_utility(SOURCE, FRESH, CONTROL, plan=plan())
    return [
        class_sizes(risks),
        attack_risks(risks, 0.09),
        column_shifts(useful),
        utility_bars(useful),
    ]


def test_figures_are_svg_with_words_in_both_languages_and_nothing_from_outside() -> None:
    for figure in figures():
        for language in ("fr", "en"):
            text = draw(figure, language)
            root = ET.fromstring(text)
            assert text == draw(figure, language)
            title, description = root[0], root[1]
            assert title.tag.endswith("title")
            assert description.tag.endswith("desc")
            assert root.attrib["aria-labelledby"].split() == [
                title.attrib["id"],
                description.attrib["id"],
            ]
            assert root.attrib["role"] == "img"
            assert root.attrib["lang"] == language
            for never in ("<script", "href", "url(http", "@import", "onload", "<style"):
                assert never not in text
            assert len(description.text or "") > 40
    shares = figures()[0].series
    assert sum(shares[0].values) == pytest.approx(1)
    assert sum(shares[1].values) == pytest.approx(1)


def test_words_of_a_table_are_never_markup() -> None:
    name = Words('<script>"&', '<script>"&')
    figure = Figure("k", name, (name,), (Series(name, (0.5,)),))
    assert "<script" not in draw(figure, "fr")
    ET.fromstring(draw(figure, "fr"))


def test_a_figure_without_bars_says_so() -> None:
    empty = Figure("k", Words("T", "T"), (), (Series(Words("A", "A"), ()),))
    assert "Rien à montrer." in draw(empty, "fr")
