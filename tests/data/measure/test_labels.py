from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from lab.data.measure.coding import Kind, view
from lab.data.measure.decoding import decode
from lab.data.measure.distances import nearest
from lab.data.measure.labels import covered_words, date_span, levels_of, number_span

WHOLE = (0.0, 99.0)


@pytest.mark.parametrize(
    ("label", "inside", "outside"),
    [
        ("35", 35, 36),
        ("30-39", 39, 40),
        ("30 – 39", 30, 29),
        ("30 à 39", 39, 40),
        ("[30, 40[", 39.999, 40),
        ("]30, 40]", 40, 30),
        ("(30,40)", 31, 40),
        ("[30;40)", 30, 40),
        ("≥ 65", 65, 64),
        ("< 18", 17.9, 18),
        ("65 et plus", 99, 64),
        ("3*", 39, 40),
        ("-5--1", -5, 0),
        ("1,5", 1.5, 1.6),
    ],
)
def test_intervals_are_understood(label: str, inside: float, outside: float) -> None:
    span = number_span(label, WHOLE)
    assert span is not None
    assert span[0] <= inside <= span[1]
    assert not span[0] <= outside <= span[1]


def test_what_says_nothing_covers_all_and_what_is_unknown_is_said() -> None:
    assert number_span("*", WHOLE) == WHOLE
    assert number_span("jeune", WHOLE) is None
    assert date_span("hier", WHOLE) is None


@pytest.mark.parametrize(
    "label",
    ["1984", "1984-05", "1984-05-17", "1984-T2", "198*", "1980/1989", "1980-1989"],
)
def test_dates_are_understood(label: str) -> None:
    span = date_span(label, WHOLE)
    day = (np.datetime64("1984-05-17") - np.datetime64("1970-01-01")).astype(int)
    assert span is not None
    assert span[0] <= day <= span[1]


def test_a_quarter_ends_on_its_last_day() -> None:
    april, july = (
        float((np.datetime64(day) - np.datetime64("1970-01-01")).astype(int))
        for day in ("1984-04-01", "1984-07-01")
    )
    found = date_span("1984-T2", WHOLE)
    assert found is not None
    assert found[0] == april
    assert july - 1 < found[1] < july


def test_masks_sets_and_levels_cover_their_words() -> None:
    atoms = {"H2X1Y4": 1, "H2X3Z9": 2, "G1A0B1": 3}
    levels = levels_of([["H2X1Y4", "Montréal"], ["G1A0B1", "Québec"]])
    assert covered_words("H2X***", atoms, {}) == [1, 2]
    assert covered_words("H2*", atoms, {}) == [1, 2]
    assert covered_words("{H2X1Y4, G1A0B1}", atoms, {}) == [1, 3]
    assert covered_words("Québec", atoms, levels) == [3]
    assert covered_words("*", atoms, levels) == [1, 2, 3]
    assert covered_words("Gaspé", atoms, levels) is None


def test_a_generalised_row_is_near_the_people_it_covers() -> None:
    source = pl.DataFrame({"age": [22, 37, 61], "ville": ["Laval", "Gatineau", "Lévis"]})
    released = pl.DataFrame({"age": ["20-29", "30-39", "60-69"], "ville": ["Sud", "Sud", "Est"]})
    hierarchy = [["Laval", "Sud"], ["Gatineau", "Sud"], ["Lévis", "Est"]]
    found = view(
        source, None, released, columns=["age", "ville"], hierarchies={"ville": hierarchy}
    )
    assert [s.is_exact for s in found.scales] == [False, False]
    near = nearest(found.scales, found.source, found.released)
    assert near.rows.tolist() == [0, 1, 2]
    assert found.blind == ()


def test_a_column_that_is_not_understood_is_blind_and_others_are_not() -> None:
    source = pl.DataFrame({"age": [22, 37], "ville": ["Laval", "Gatineau"]})
    released = pl.DataFrame({"age": ["jeune", "vieux"], "ville": ["Laval", None]})
    found = view(source, None, released, columns=["age", "ville"], hierarchies={})
    assert found.blind == ("age",)
    assert found.scales[1].covers is not None


def test_dates_and_other_types_meet_as_numbers() -> None:
    source = pl.DataFrame({"d": pl.Series(["1984-05-17", "2001-01-01"]).str.to_date()})
    released = pl.DataFrame({"d": ["1984", "2001"]})
    found = view(source, None, released, columns=["d"], hierarchies={})
    assert found.scales[0].kind is Kind.NUMBER
    assert nearest(found.scales, found.source, found.released).rows.tolist() == [0, 1]


def test_text_that_is_all_numbers_is_exact() -> None:
    found = view(
        pl.DataFrame({"n": [1, 2]}),
        None,
        pl.DataFrame({"n": ["2", "1"]}),
        columns=["n"],
        hierarchies={},
    )
    assert found.scales[0].is_exact
    assert found.released[0].tolist() == [2.0, 1.0]


def test_decoding_draws_within_the_label() -> None:
    source = pl.DataFrame({"age": list(range(20, 40)), "v": ["a", "b"] * 10})
    released = pl.DataFrame({"age": ["20-29"] * 50, "v": ["*"] * 50})
    found = view(source, None, released, columns=["age", "v"], hierarchies={})
    rng = np.random.default_rng(0)
    ages = decode(found.scales[0], found.released[0], rng)
    words = decode(found.scales[1], found.released[1], rng)
    assert ages.min() >= 20
    assert ages.max() <= 29
    assert {found.scales[1].words[int(w)] for w in words} == {"a", "b"}


@pytest.mark.parametrize("seed", range(4))
def test_nearest_agrees_with_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def drawn(rows: int) -> pl.DataFrame:
        return pl.DataFrame({
            "n": [None if x > 8 else float(x) for x in rng.integers(0, 10, rows)],
            "w": [None if x > 3 else f"w{x}" for x in rng.integers(0, 5, rows)],
        })

    source, released = drawn(30), drawn(25)
    found = view(source, None, released, columns=["n", "w"], hierarchies={})
    low, wide = found.scales[0].low, found.scales[0].width
    if not found.scales[0].is_exact or not found.scales[1].is_exact:
        return
    near = nearest(found.scales, found.source, found.released)
    for i, (n, w) in enumerate(source.rows()):
        far = []
        for m, v in released.rows():
            gap = float((n is None) != (m is None)) if None in (n, m) else abs(n - m) / wide
            far.append((gap + (w != v)) / 2)
        best = [j for j, f in enumerate(far) if f <= min(far) + 1e-6]
        assert sorted(near.rows[near.starts[i] : near.starts[i + 1]].tolist()) == best
        assert near.distance[i] == pytest.approx(min(far), abs=1e-6)
    assert low <= min(n for n, _ in source.rows() if n is not None)
