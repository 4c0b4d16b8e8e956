"""All randomness that privacy rests on: `opendp`'s discrete mechanisms, and a ledger.

Nothing here uses numpy's random numbers: floating-point noise leaks through its
low-order bits (Mironov 2012). Counts are whole numbers, the noise is the discrete
Gaussian of Canonne, Kamath and Steinke (2020), and what each measurement costs is
what opendp's own privacy map says, never what we believe.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

# Not opendp.prelude, which imports scikit-learn for what is not used here.
from opendp.domains import atom_domain, vector_domain
from opendp.measurements import make_gaussian, make_noisy_max
from opendp.measures import zero_concentrated_divergence
from opendp.metrics import l2_distance, linf_distance
from opendp.mod import enable_features

if TYPE_CHECKING:
    from numpy.typing import NDArray


class LedgerError(AssertionError):
    """More noise was asked for than the budget pays: a defect of ours, never of a person."""


class Noise:
    """Draws noise and counts what it costs, up to a limit.

    Each record may change each count vector given to `counts` in one cell, by one,
    and each score given to `choose` by at most one: both are the caller's to ensure.
    """

    def __init__(self, rho: float, *, noise_factor: float = 1.0) -> None:
        """Open a ledger of `rho` (zCDP).

        `noise_factor` multiplies the noise really drawn, not what is counted: other
        than 1 it *breaks* privacy, and serves only to show that the audit sees it.
        """
        enable_features("contrib")
        self.limit = rho
        self.spent = 0.0
        self._factor = noise_factor

    def counts(self, exact: NDArray[np.int64], rho: float) -> tuple[NDArray[np.float64], float]:
        """Noisy counts (same shape), and the standard deviation of their noise, for `rho`."""
        scale = _scale(rho)
        self._charge(_gaussian(scale).map(1.0))
        drawn = _gaussian(scale * self._factor)(exact.ravel().tolist())
        return np.array(drawn, dtype=np.float64).reshape(exact.shape), scale

    def choose(self, scores: list[int], rho: float) -> int:
        """Index of a score among the greatest, for `rho` (exponential mechanism)."""
        if len(scores) == 1:
            return 0
        scale = _scale(rho)
        self._charge(_noisy_max(scale).map(1))
        return int(_noisy_max(scale * self._factor)(scores))

    def _charge(self, rho: float) -> None:
        spent = math.nextafter(self.spent + rho, math.inf)  # rounded upwards
        if spent > self.limit:
            raise LedgerError(spent, self.limit)
        self.spent = spent


def _scale(rho: float) -> float:
    """Scale of a mechanism of sensitivity 1 that costs `rho`: ρ = 1 / (2 · scale²), for both."""
    return 1.0 / math.sqrt(2.0 * rho)


@lru_cache(maxsize=64)
def _gaussian(scale: float) -> Any:
    space = vector_domain(atom_domain(T="i64")), l2_distance(T="f64")
    return make_gaussian(*space, scale=scale)


@lru_cache(maxsize=64)
def _noisy_max(scale: float) -> Any:
    # Gumbel noise under zCDP; the map of the measurement is (2/scale)²/8 for scores that
    # move by one in any direction (Cesar and Rogers 2021, arXiv:2004.07223).
    space = vector_domain(atom_domain(T="i64")), linf_distance(T="i64")
    return make_noisy_max(*space, zero_concentrated_divergence(), scale=scale)
