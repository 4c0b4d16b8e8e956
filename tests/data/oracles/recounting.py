"""Anonymeter's predicates, counted by ours: the same ones must isolate as many people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from lab.data.measure.coding import Kind, view
from lab.data.measure.singling import Predicates, matches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

_WORD = r'"?([^()"]*(?:\([^()]*\))?[^()"]*)"?'
_CLAUSE = re.compile(rf'\(col\("([^"]+)"\)\) (==|>=|<=) \((?:dyn \w+: )?{_WORD}\)')
_OPERATORS = {"==": 0, ">=": 1, "<=": 2}


def counted(texts: Sequence[str], tables: Mapping[str, pl.DataFrame]) -> tuple[int, int]:
    """Return how many of the predicates isolate one row of the source, and of the control.

    Raises:
        ValueError: A predicate is written in a way that is not understood.
    """
    source, control, released = (tables[name] for name in ("source", "control", "released"))
    names = source.columns
    seen = view(source, control, released, columns=names, hierarchies={})
    # Anonymeter writes '_' for what its queries cannot hold.
    at = {re.sub(r"[-*/+]", "_", name): i for i, name in enumerate(names)}
    at |= {name: i for i, name in enumerate(names)}
    values = tuple(np.unique(column) for column in seen.released)
    clauses = np.full((len(texts), len(names)), -1, np.int64)
    for row, text in enumerate(texts):
        parts = _CLAUSE.findall(text)
        if len(parts) != text.count("col("):
            raise ValueError(f"not understood: {text}")
        for name, operator, word in parts:
            place = at[name]
            scale = seen.scales[place]
            code = float(word) if scale.kind is Kind.NUMBER else scale.words.index(word)
            found = int(np.searchsorted(values[place], code))
            clauses[row, place] = _OPERATORS[operator] * len(values[place]) + found
    predicates = Predicates(values, clauses)
    hits = [
        matches(predicates, seen.scales, columns, raw=True)
        for columns in (seen.source, seen.control or ())
    ]
    return int((hits[0] == 1).sum()), int((hits[1] == 1).sum())
