from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.data.synthesise.graph import junction_tree
from lab.data.synthesise.model import Measurement, fit, pairs
from lab.data.synthesise.noise import LedgerError, Noise
from lab.data.synthesise.sampling import draw, split, systematic

SIZES = (2, 3, 4, 2, 3)
SOME_PAIRS = st.sets(st.sampled_from(list(combinations(range(5), 2))), max_size=8)


@settings(max_examples=40, deadline=None)
@given(SOME_PAIRS)
def test_junction_tree_holds_every_pair_and_runs_together(chosen: set[tuple[int, int]]) -> None:
    tree = junction_tree(SIZES, chosen)
    for pair in chosen:
        tree.holding(pair)
    assert {column for clique in tree.cliques for column in clique} == set(range(5))
    for at, parent in enumerate(tree.parents):
        before = {column for clique in tree.cliques[:at] for column in clique}
        shared = set(tree.cliques[at]) & before  # running intersection
        assert set(tree.separators[at]) == shared
        assert parent is None or (parent < at and shared <= set(tree.cliques[parent]))


def _measured(pairs_: list[tuple[int, int]], rows: int) -> tuple[np.ndarray, list[Measurement]]:
    random = np.random.default_rng(3)
    codes = np.array([random.integers(0, size, rows) for size in SIZES])
    codes[1] = (codes[0] + codes[1] * (random.random(rows) < 0.3)) % 3
    codes[2] = (codes[1] + (random.random(rows) < 0.2)) % 4
    found = []
    for columns in [*((at,) for at in range(5)), *pairs_]:
        shape = [SIZES[at] for at in columns]
        flat = np.ravel_multi_index([codes[at] for at in columns], shape)
        counts = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape).astype(float)
        found.append(Measurement(columns, counts, np.ones(shape)))
    return codes, found


@settings(max_examples=6, deadline=None)
@given(SOME_PAIRS)
def test_fit_gives_back_counts_that_agree(chosen: set[tuple[int, int]]) -> None:
    _, found = _measured(sorted(chosen), 2000)
    model = fit(found, SIZES, steps=150)
    expected = pairs(model)
    assert model.total == pytest.approx(2000)
    assert all((belief >= 0).all() for belief in model.beliefs)
    for one in found[5:]:
        away = np.abs(expected[one.columns] - one.counts).sum() / 2000
        assert away < 0.02


def test_pairs_across_cliques_are_those_of_the_rows_drawn() -> None:
    _, found = _measured([(0, 1), (1, 2), (2, 3)], 2000)
    model = fit(found, SIZES)
    codes = draw(model, 5, 50_000, np.random.default_rng(0))
    for (left, right), table in pairs(model).items():
        flat = codes[left] * SIZES[right] + codes[right]
        seen = np.bincount(flat, minlength=table.size).reshape(table.shape) / 50_000
        assert np.abs(seen - table / 2000).sum() < 0.04


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 300), st.integers(0, 9))
def test_systematic_sampling_is_within_one_row_of_what_is_expected(
    groups: int, outcomes: int, rows: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.ones(outcomes), size=groups)
    group = random.integers(0, groups, rows)
    drawn = systematic(chances, group, random)
    for one in range(groups):
        seen = np.bincount(drawn[group == one], minlength=outcomes)
        assert np.all(np.abs(seen - chances[one] * (group == one).sum()) <= 2.0)


def test_merged_codes_are_split_as_they_seemed_to_appear() -> None:
    merged, weights = np.array([0, 2, 1, 2]), np.array([50.0, 9.0, 50.0, 1.0])
    codes = split(np.full(1000, 2), merged, weights, np.random.default_rng(0))
    assert np.bincount(codes, minlength=4).tolist() == pytest.approx([0, 900, 0, 100], abs=1)


def test_ledger_refuses_noise_that_nobody_paid_for() -> None:
    noise = Noise(0.1)
    noise.counts(np.array([1, 2]), 0.06)
    assert noise.spent == pytest.approx(0.06)
    with pytest.raises(LedgerError):
        noise.choose([1, 2], 0.05)


def test_choice_and_counts_cost_what_opendp_says() -> None:
    noise = Noise(1.0)
    assert noise.choose([5], 0.1) == 0
    assert noise.spent == 0.0  # nothing to choose
    assert noise.choose([0, 10_000, 3], 0.3) == 1
    counts, sigma = noise.counts(np.zeros((40, 50), dtype=np.int64), 0.005)
    assert sigma == pytest.approx(10.0)
    assert np.std(counts) == pytest.approx(10.0, rel=0.2)
    assert noise.spent == pytest.approx(0.305)
