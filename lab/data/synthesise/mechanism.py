"""What is asked of the table, with noise: the only part that reads it.

First the counts of each column; then a tree of pairs (MST: McKenna, Miklau and
Sheldon, "Winning the NIST contest", 2021, arXiv:2108.04978); then, where wanted,
more pairs one after the other, each where the model of the moment is most wrong
(after AIM: McKenna, Mullins, Sheldon and Miklau 2022, arXiv:2201.12677), as long as
the junction tree stays small. Pairs are chosen by the exponential mechanism.

Neighbours differ by one record added or removed: every table of counts moves in
one cell by one, so every score (a distance between counts and fixed whole
numbers) moves by at most one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from lab.data.synthesise.graph import weight
from lab.data.synthesise.model import Measurement, Model, fit, pairs, total_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from lab.data.synthesise.graph import Clique
    from lab.data.synthesise.noise import Noise

RARE = 3.0
"""Codes whose noisy count is below this many standard deviations are put together."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the budget is shared, and how rich the structure may be; all public.

    Attributes:
        ones: Share of the counts of each column.
        choosing: Share of the choice of pairs.
        extras: Most pairs measured beyond the tree, per column; 0 is MST.
        cells: Most cells of all cliques together.
        steps: Steps of descent between two extra pairs.
        last_steps: Steps of the last descent.
    """

    ones: float = 0.1
    choosing: float = 0.1
    extras: float = 1.25
    cells: int = 20_000
    steps: int = 12
    last_steps: int = 100


TREE = Plan(extras=0.0)
"""A tree of pairs only (MST): faster, less true."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that came out of the table, noisy.

    Attributes:
        merged: For each column, the code that stands for each declared code.
        weights: For each column, how often each declared code seems to appear.
        measurements: Noisy counts over merged codes, single columns first.
        model: Fitted to them.
    """

    merged: tuple[NDArray[np.int64], ...]
    weights: tuple[NDArray[np.float64], ...]
    measurements: tuple[Measurement, ...]
    model: Model


def measure(
    codes: NDArray[np.int64],
    sizes: tuple[int, ...],
    noise: Noise,
    *,
    plan: Plan,
    tick: Callable[[float], None] = lambda _: None,
) -> Measured:
    """Noisy counts and the model fitted to them, for all that the ledger holds.

    Args:
        codes: Codes of the table, shape (columns, rows).
        sizes: How many codes each column may have, as declared.
        noise: Where noise comes from.
        plan: How the budget is shared.
        tick: Told how far it is, from 0 to 1; may raise, to stop.
    """
    rho = _payable(noise)
    single = len(sizes) == 1
    share = 1.0 if single else plan.ones
    merged: list[NDArray[np.int64]] = []
    weights: list[NDArray[np.float64]] = []
    found: list[Measurement] = []
    for at, size in enumerate(sizes):
        exact = np.bincount(codes[at], minlength=size)
        counts, sigma = noise.counts(exact, rho * share / len(sizes))
        into = _merge(counts, sigma)
        merged.append(into)
        weights.append(np.maximum(counts, sigma / 10.0))
        spread = np.sqrt(np.bincount(into)) * sigma
        held = np.bincount(into, weights=counts).astype(np.float64)
        found.append(Measurement((at,), held, spread))
    small = tuple(len(one.counts) for one in found)
    coded = np.array([into[row] for into, row in zip(merged, codes, strict=True)])
    tick(0.1)
    choose = _Chooser(coded, small, noise, plan=plan, tick=tick)
    model = fit(found, small, steps=0) if single else choose.run(found)
    return Measured(tuple(merged), tuple(weights), tuple(found), model)


def _merge(counts: NDArray[np.float64], sigma: float) -> NDArray[np.int64]:
    rare = counts < RARE * sigma
    if rare.sum() <= 1:
        return np.arange(len(counts))
    into = np.cumsum(~rare) - 1
    into[rare] = int((~rare).sum())
    return into


class _Chooser:
    """Chooses pairs and measures them, until the budget is used."""

    def __init__(
        self,
        codes: NDArray[np.int64],
        sizes: tuple[int, ...],
        noise: Noise,
        *,
        plan: Plan,
        tick: Callable[[float], None],
    ) -> None:
        self._sizes, self._noise, self._plan, self._tick = sizes, noise, plan, tick
        rho = _payable(noise)
        useful = [column for column, size in enumerate(sizes) if size > 1]
        all_pairs: list[Clique] = [
            (left, right)
            for left, right in combinations(useful, 2)
            if sizes[left] * sizes[right] <= plan.cells
        ]
        self._exact = {pair: _count(codes, sizes, pair) for pair in all_pairs}
        self._edges = max(0, len(useful) - 1)
        wanted = round(plan.extras * len(useful))
        self._extras = max(0, min(wanted, len(all_pairs) - self._edges))
        rounds = max(1, self._edges + self._extras)
        self._rho_choice = rho * plan.choosing / rounds
        self._rho_pair = rho * (1.0 - plan.ones - plan.choosing) / rounds

    def run(self, found: list[Measurement]) -> Model:
        """Add noisy pairs to what was found, and fit."""
        tree = self._tree(found)
        found.extend(self._measure(tree))
        done = list(tree)
        steps = self._plan.steps if self._extras else self._plan.last_steps
        model = fit(found, self._sizes, steps=steps)
        for at in range(self._extras):
            self._tick(0.2 + 0.7 * at / self._extras)
            fitting = [
                pair
                for pair in self._exact
                if pair not in done and weight(self._sizes, [*done, pair]) <= self._plan.cells
            ]
            if not fitting:
                break
            pair = self._choose(pairs(model), fitting)
            done.append(pair)
            found.extend(self._measure([pair]))
            last = at == self._extras - 1
            model = fit(
                found,
                self._sizes,
                start=model,
                steps=self._plan.last_steps if last else self._plan.steps,
            )
        return model

    def _tree(self, found: Sequence[Measurement]) -> list[Clique]:
        """Pairs that join all columns without a loop, the least independent ones first."""
        total = total_of(found)
        ones = [np.maximum(one.counts, 0.0) for one in found]
        ones = [one / max(one.sum(), 1.0) for one in ones]
        expected: dict[Clique, NDArray[np.float64]] = {
            pair: total * np.outer(ones[pair[0]], ones[pair[1]]) for pair in self._exact
        }
        part = list(range(len(self._sizes)))
        chosen: list[Clique] = []
        for _ in range(self._edges):
            free = [pair for pair in self._exact if part[pair[0]] != part[pair[1]]]
            if not free:  # the pairs that are left are too large to be counted
                break
            left, right = self._choose(expected, free)
            chosen.append((left, right))
            part = [part[left] if one == part[right] else one for one in part]
        return chosen

    def _choose(
        self, expected: dict[Clique, NDArray[np.float64]], among: Sequence[Clique]
    ) -> Clique:
        sigma = 1.0 / math.sqrt(2.0 * self._rho_pair)
        scores = []
        for pair in among:
            # Whole numbers on both sides: the score moves by exactly what the count moves.
            away = np.abs(self._exact[pair] - np.rint(expected[pair]).astype(np.int64)).sum()
            noisy = math.sqrt(2.0 / math.pi) * sigma * self._exact[pair].size
            scores.append(int(away) - round(noisy))
        return among[self._noise.choose(scores, self._rho_choice)]

    def _measure(self, chosen: Iterable[Clique]) -> list[Measurement]:
        measured = []
        for pair in chosen:
            counts, sigma = self._noise.counts(self._exact[pair], self._rho_pair)
            measured.append(Measurement(pair, counts, np.full(counts.shape, sigma)))
        return measured


def _payable(noise: Noise) -> float:
    return noise.limit * (1.0 - 1e-9)  # room for the rounding of the shares


def _count(codes: NDArray[np.int64], sizes: tuple[int, ...], pair: Clique) -> NDArray[np.int64]:
    left, right = pair
    flat = codes[left] * sizes[right] + codes[right]
    counts = np.bincount(flat, minlength=sizes[left] * sizes[right])
    return counts.reshape(sizes[left], sizes[right])
