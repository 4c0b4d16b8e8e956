"""Earth mover's distances between each class and the whole table, for checking.

Source: Li, Li, Venkatasubramanian, "t-Closeness", ICDE 2007, sections 4.1 and 4.2. All take
``pairs`` (columns class from 0, value, n, size) and ``everything`` (value, all), and return one
distance from 0 to 1 per class.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lab.data.anonymise.hierarchy import Hierarchy, Label

_CELLS = 2_000_000


def equal(pairs: pl.DataFrame, everything: pl.DataFrame) -> pl.Series:
    """All values equally far from each other: half the sum of absolute differences."""
    rows = int(everything["all"].sum())
    joined = pairs.join(everything, on="value", how="left", nulls_equal=True)
    expected = pl.col("all").fill_null(0) / rows
    beyond = ((pl.col("n") / pl.col("size") - expected).abs() - expected).sum()
    return joined.group_by("class").agg(far=(beyond + 1) / 2)["far"]


def ordered(pairs: pl.DataFrame, everything: pl.DataFrame, order: Sequence[Label]) -> pl.Series:
    """Values in a row, neighbours 1 / (values - 1) apart."""
    domain = _in_order(_domain(pairs, everything), order)
    if len(domain) <= 1:
        return pl.Series(np.zeros(pairs["class"].n_unique()))
    parts = [
        np.abs(np.cumsum(surplus, axis=1)).sum(axis=1) / (len(domain) - 1)
        for surplus in _surpluses(pairs, everything, domain)
    ]
    return pl.Series(np.concatenate(parts))


def hierarchical(pairs: pl.DataFrame, everything: pl.DataFrame, hierarchy: Hierarchy) -> pl.Series:
    """Two values as far apart as the level of their lowest common ancestor / the top level."""
    domain = _domain(pairs, everything)
    hierarchy.covers(domain)
    top = hierarchy.height - 1
    paths = {value: (value, *hierarchy.of(value)) for value in domain}
    parts = []
    for surplus in _surpluses(pairs, everything, domain):
        extras = {value: surplus[:, place] for place, value in enumerate(domain)}
        parent = {value: paths[value] for value in domain}
        cost = np.zeros(len(surplus))
        for level in range(1, top + 1):
            gained: dict[Label, NDArray[np.float64]] = {}
            lost: dict[Label, NDArray[np.float64]] = {}
            for node, extra in extras.items():
                above = parent[node][level]
                gained[above] = gained.get(above, 0.0) + np.maximum(extra, 0)
                lost[above] = lost.get(above, 0.0) + np.maximum(-extra, 0)
            for node, more in gained.items():
                cost += level / top * np.minimum(more, lost[node])
            extras = {node: more - lost[node] for node, more in gained.items()}
            parent = {path[level]: path for path in paths.values()}
        parts.append(cost)
    return pl.Series(np.concatenate(parts))


def _domain(pairs: pl.DataFrame, everything: pl.DataFrame) -> list[Label]:
    both = pl.concat([everything["value"], pairs["value"]]).unique(maintain_order=True)
    return both.to_list()


def _in_order(domain: Sequence[Label], order: Sequence[Label]) -> list[Label]:
    """As given, then numbers as numbers or texts as texts; missing last unless given."""
    try:
        numbers = {value: float(value) for value in domain if value is not None}
    except ValueError:
        numbers = {}
    if not all(map(math.isfinite, numbers.values())):
        numbers = {}
    rest = sorted(
        (value for value in domain if value is not None and value not in order),
        key=lambda value: (numbers.get(value, 0.0), value),
    )
    missing: list[Label] = [None] if None in domain and None not in order else []
    return [value for value in dict.fromkeys(order) if value in domain] + rest + missing


def _surpluses(
    pairs: pl.DataFrame, everything: pl.DataFrame, domain: Sequence[Label]
) -> Iterator[NDArray[np.float64]]:
    """Share of each value in each class less its share in all, some classes at a time."""
    places = pl.DataFrame({
        "value": pl.Series(list(domain), dtype=pl.String),
        "place": range(len(domain)),
    })
    whole = np.zeros(len(domain))
    known = everything.join(places, on="value", nulls_equal=True)
    whole[known["place"].to_numpy()] = known["all"].to_numpy() / int(everything["all"].sum())
    found = pairs.join(places, on="value", nulls_equal=True).sort("class")
    owners, columns = found["class"].to_numpy().astype(np.int64), found["place"].to_numpy()
    shares = (found["n"] / found["size"]).to_numpy()
    classes, step = int(owners[-1]) + 1, max(1, _CELLS // len(domain))
    for low in range(0, classes, step):
        high = min(low + step, classes)
        first, last = np.searchsorted(owners, [low, high])
        dense = np.zeros((high - low, len(domain)))
        dense[owners[first:last] - low, columns[first:last]] = shares[first:last]
        yield dense - whole
