"""How much two columns say of each other.

Pearson's correlation, and Cramér's V with the bias correction of Bergsma (J. Korean Statistical
Society 42, 2013).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lab.data.measure.coding import Codes, Floats


def pearson(first: Floats, second: Floats) -> float:
    """Correlation over the rows that have both; 0 where one of them stands still."""
    both = ~(np.isnan(first) | np.isnan(second))
    if both.sum() < 2:  # noqa: PLR2004  # a line needs two points
        return 0.0
    x, y = first[both] - first[both].mean(), second[both] - second[both].mean()
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale > 0 else 0.0


def cramer_v(first: Codes, second: Codes) -> float:
    """Association of two columns of levels, 0 to 1, corrected for what chance gives."""
    rows = len(first)
    if rows < 2:  # noqa: PLR2004  # nothing varies
        return 0.0
    one, at_one = np.unique(first, return_inverse=True)
    two, at_two = np.unique(second, return_inverse=True)
    tall, wide = len(one), len(two)
    table = np.bincount(at_one * wide + at_two, minlength=tall * wide).reshape(tall, wide)
    wanted = np.outer(table.sum(axis=1), table.sum(axis=0)) / rows
    square = float(((table - wanted) ** 2 / wanted).sum()) / rows
    corrected = max(0.0, square - (tall - 1) * (wide - 1) / (rows - 1))
    lowest = min(tall - (tall - 1) ** 2 / (rows - 1) - 1, wide - (wide - 1) ** 2 / (rows - 1) - 1)
    return float(min(1.0, np.sqrt(corrected / lowest))) if lowest > 0 else 0.0
