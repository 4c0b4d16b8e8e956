"""An audit of the promise: is the noise really as large as declared?

One record, the canary, is in the table or not; the whole synthesis is run many
times on each; a statistic of the synthetic table alone tries to tell which. What
it manages bounds ε from below (Jagielski, Ullman and Oprea 2020,
arXiv:2006.07709), with the exact interval of Clopper and Pearson (1934). A lower
bound above the declared ε proves a defect; one below proves nothing more than
that this attack found none; so the tests plant a defect that it must find.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lab.data.synthesise.budget import Budget
from lab.data.synthesise.columns import Categories
from lab.data.synthesise.domain import Domain
from lab.data.synthesise.mechanism import Plan
from lab.data.synthesise.noise import Noise
from lab.data.synthesise.synthesis import synthesise

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIDENCE = 0.95
EACH = 50
"""Records in each cell of the small table."""
AUDITED = Budget(epsilon=1.0, delta=0.3)
"""What is declared in the audit: a δ this large is no promise to people, but it makes the
declared ε nearly as small as the mechanism allows, so that a defect shows in few runs."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What an attack could tell.

    Attributes:
        declared: What the synthesis promises.
        lower_bound: ε is at least this, with the confidence below, if the promise has this δ.
        runs: Syntheses with the canary, and as many without.
        confidence: Of the lower bound.
    """

    declared: Budget
    lower_bound: float
    runs: int
    confidence: float

    @property
    def holds(self) -> bool:
        """Whether the promise was not refuted."""
        return self.lower_bound <= self.declared.epsilon


def audit(
    runs: int,
    *,
    budget: Budget = AUDITED,
    columns: int = 2,
    noise_factor: float = 1.0,
    progress: Callable[[float], None] = lambda _: None,
) -> Audit:
    """Run the synthesis with and without a canary, and bound ε from below.

    Args:
        runs: How many times on each side, at least 20.
        budget: What is declared.
        columns: Columns of the small table; with one, a run is shorter and says more.
        noise_factor: Multiplies the noise drawn and not the noise declared: below 1
            it plants a defect that a working audit must find.
        progress: Told how far it is, from 0 to 1.
    """
    without, domain = _canary_table(columns)
    canary = pl.DataFrame({name: ["oui"] for name in without.columns})
    seen = [0, 0]
    for run in range(runs):
        for side, table in enumerate((without, pl.concat([without, canary]))):
            made = synthesise(
                table,
                domain,
                budget,
                seed=run,
                plan=Plan(ones=0.05, choosing=0.0),
                noise=Noise(budget.rho, noise_factor=noise_factor),
            ).table
            # The test is fixed before any run: as many in the canary's cell as with the canary.
            seen[side] += made.filter(pl.all_horizontal(pl.all() == "oui")).height > EACH
        progress((run + 1) / runs)
    return Audit(budget, lower_bound(seen[1], seen[0], runs, budget.delta), runs, CONFIDENCE)


def _canary_table(columns: int) -> tuple[pl.DataFrame, Domain]:
    """Columns of two values; the canary's cell is far enough from 0 never to be cut."""
    names = [f"c{at}" for at in range(columns)]
    rows = list(product(("oui", "non"), repeat=columns)) * EACH
    table = pl.DataFrame(rows, schema=names, orient="row")
    column = Categories(values=("oui", "non"), other=None, nullable=False)
    return table, Domain(dict.fromkeys(names, column))


def lower_bound(with_: int, without: int, runs: int, delta: float) -> float:
    """ε is at least this, with the confidence of this module, if the promise has this δ.

    (ε, δ)-DP means that, for any test, rate of hits ≤ e^ε · rate of false alarms + δ.
    Each of the two rates takes half of the error.

    Args:
        with_: How often the test said "present" when the canary was.
        without: How often it said so when the canary was not.
        runs: Runs on each side.
        delta: δ of the promise.
    """
    error = (1.0 - CONFIDENCE) / 2.0
    hits = binomial_bound(with_, runs, error)
    alarms = 1.0 - binomial_bound(runs - without, runs, error)
    return max(0.0, math.log((hits - delta) / alarms)) if hits > delta else 0.0


def binomial_bound(hits: int, runs: int, error: float) -> float:
    """Lower bound of Clopper and Pearson on a rate: P(at least `hits` | rate) = `error`."""
    if hits == 0:
        return 0.0
    ways = [
        math.lgamma(runs + 1) - math.lgamma(one + 1) - math.lgamma(runs - one + 1)
        for one in range(hits, runs + 1)
    ]
    counts = np.arange(hits, runs + 1)

    def at_least(rate: float) -> float:
        logs = np.array(ways) + counts * math.log(rate) + (runs - counts) * math.log1p(-rate)
        return float(np.exp(logs).sum())

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if middle in {0.0, 1.0} or at_least(middle) >= error:
            high = middle
        else:
            low = middle
    return low
