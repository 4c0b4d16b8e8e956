"""How much privacy a release costs, and how much of it a table has left.

Everything is counted in zero-concentrated differential privacy (zCDP; Bun and
Steinke 2016, arXiv:1605.02065), because it adds up exactly over mechanisms,
chosen adaptively or not (as a filter: Feldman and Zrnic 2021, arXiv:2008.11193),
and is told to people as (ε, δ). Neighbours are two tables that differ by one
record, added or removed.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from lab.data.errors import DataError

DEFAULT_DELTA = 1e-6
DEFAULT_TOTAL_EPSILON = 3.0
"""What the policy of an agency says unless it says otherwise."""


def epsilon_of(rho: float, delta: float) -> float:
    """ε such that ρ-zCDP implies (ε, δ)-DP.

    Corollary 13 of Canonne, Kamath and Steinke, "The Discrete Gaussian for
    Differential Privacy" (2020, arXiv:2004.00010): δ = inf over α > 1 of
    exp((α - 1)(αρ - ε)) / (α - 1) · (1 - 1/α)^α, solved here for ε. Any α gives a
    right bound, so that the search for the best one cannot make it wrong.
    """
    if rho <= 0:
        return 0.0

    def bound(log_above_one: float) -> float:
        above = math.exp(log_above_one)  # α - 1
        alpha = 1.0 + above
        shape = alpha * (math.log(above) - math.log(alpha)) - math.log(above)
        return alpha * rho + (shape - math.log(delta)) / above

    # The bound has one minimum in α: golden-section search on log(α - 1).
    low, high, ratio = -20.0, 40.0, (math.sqrt(5.0) - 1.0) / 2.0
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if bound(left) <= bound(right):
            high = right
        else:
            low = left
    return max(0.0, bound((low + high) / 2.0)) * (1.0 + 1e-12)  # rounded outwards


@lru_cache(maxsize=64)
def rho_of(epsilon: float, delta: float) -> float:
    """The largest ρ (rounded down) for which ρ-zCDP implies (ε, δ)-DP."""
    low, high = 0.0, epsilon + 1.0
    while epsilon_of(high, delta) < epsilon:
        high *= 2.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if epsilon_of(middle, delta) <= epsilon:
            low = middle
        else:
            high = middle
    return low


@dataclass(frozen=True, slots=True)
class Budget:
    """What one release may cost: (ε, δ)-differential privacy, one record added or removed.

    Raises:
        DataError: ``budget_invalid`` when ε is not a positive number or δ is not
            strictly between 0 and 1.
    """

    epsilon: float
    delta: float = DEFAULT_DELTA

    def __post_init__(self) -> None:
        """Refuse what is no budget."""
        if not (0 < self.epsilon < math.inf and 0 < self.delta < 1):
            raise DataError(
                "budget_invalid",
                fr=f"Budget impossible : ε = {self.epsilon}, δ = {self.delta}.",
                en=f"Impossible budget: ε = {self.epsilon}, δ = {self.delta}.",
            )

    @property
    def rho(self) -> float:
        """The same in zCDP."""
        return rho_of(self.epsilon, self.delta)


@dataclass(frozen=True, slots=True)
class Spending:
    """One release that was charged.

    Attributes:
        what: What it was for, for people; no data value.
        rho: Its cost in zCDP.
    """

    what: str
    rho: float


@dataclass(frozen=True, slots=True)
class Account:
    """The privacy account of one source table, over its whole life.

    Charge it, and keep the new account, *before* the release is made: a run that
    fails or is cancelled may have drawn noise already, and stays charged.

    Attributes:
        source: Which table, by the hash of its raw bytes or its opaque name.
        total: The most that all releases together may cost.
        spent: What was charged, oldest first.
    """

    source: str
    total: Budget = Budget(DEFAULT_TOTAL_EPSILON)
    spent: tuple[Spending, ...] = ()

    @property
    def rho_spent(self) -> float:
        """Cost of all releases together, in zCDP."""
        return math.fsum(one.rho for one in self.spent)

    @property
    def epsilon_spent(self) -> float:
        """The same as ε, at the account's δ."""
        return epsilon_of(self.rho_spent, self.total.delta)

    def spend(self, budget: Budget, what: str) -> Account:
        """The account once this release is charged.

        Raises:
            DataError: ``budget_exhausted`` when the total would be passed.
        """
        charged = replace(self, spent=(*self.spent, Spending(what, budget.rho)))
        if charged.epsilon_spent > self.total.epsilon:
            had, asked, most = self.epsilon_spent, budget.epsilon, self.total.epsilon
            raise DataError(
                "budget_exhausted",
                fr=(
                    f"Budget de confidentialité dépassé : ε = {had:.3g} déjà dépensé,"
                    f" {asked:.3g} demandé, {most:.3g} au plus pour cette table."
                ),
                en=(
                    f"Privacy budget exceeded: ε = {had:.3g} already spent, {asked:.3g}"
                    f" asked for, {most:.3g} at most for this table."
                ),
            )
        return charged

    def to_json(self) -> str:
        """Canonical JSON (sorted keys, numbers that read back the same)."""
        return json.dumps(
            {
                "source": self.source,
                "total": {"epsilon": self.total.epsilon, "delta": self.total.delta},
                "spent": [{"what": one.what, "rho": one.rho} for one in self.spent],
            },
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> Account:
        """The account that `to_json` wrote.

        Raises:
            DataError: ``account_unreadable``.
        """
        try:
            facts: dict[str, Any] = json.loads(text)
            spent = tuple(_spending(one) for one in facts["spent"])
            total = Budget(float(facts["total"]["epsilon"]), float(facts["total"]["delta"]))
            return cls(str(facts["source"]), total, spent)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                "account_unreadable",
                fr="Le compte de confidentialité ne se lit pas.",
                en="The privacy account cannot be read.",
            ) from error


def _spending(facts: dict[str, Any]) -> Spending:
    rho = float(facts["rho"])
    if not 0 <= rho < math.inf:  # a credit would be a forgery
        raise ValueError(rho)
    return Spending(str(facts["what"]), rho)
