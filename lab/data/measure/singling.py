"""Singling out: predicates that hold for exactly one row of the release, tried on the source.

After Giomi and others (PoPETs 2023), whose predicates are kept (equality for words, half-lines for
numbers) and counted differently: each clause is a string of bits over the rows, a predicate is
their conjunction, and thousands are counted together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from lab.data.measure.coding import Bits, Codes, Floats, Kind, Scale, Values, View
from lab.data.measure.intervals import Rate, rate
from lab.data.measure.trials import Trial, sample, trial

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORDS_HELD: Final = 1 << 23
"""64-bit words of a block of predicates: 64 MB."""
_CELLS_HELD: Final = 1 << 24
_ROUNDS: Final = 12
_MOST_COLUMNS: Final = 10
_UNUSED: Final = -1
_EQUAL, _AT_LEAST, _AT_MOST = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Predicates:
    """Conjunctions of one clause for each of some columns.

    Attributes:
        values: For each column, its different released values.
        clauses: Predicates by columns: ``operator x len(values) + place``, or -1 when unused.
    """

    values: tuple[Values, ...]
    clauses: Codes

    def __len__(self) -> int:
        """Give the number of predicates."""
        return len(self.clauses)


def singling_out(
    tables: View, *, attempts: int, rng: np.random.Generator, multivariate: bool
) -> Trial:
    """Try to isolate people of the source with what isolates a row of the release.

    Where no predicate isolates a row of the release, those that hold for the fewest are tried.

    Args:
        tables: The three tables, over what an attacker may know; at least one row and column.
        attempts: How many predicates.
        rng: Seeded.
        multivariate: Conjunctions of two columns or more; else one column.
    """
    chosen, is_exhaustive = (
        _multivariate(tables, attempts, rng)
        if multivariate
        else _univariate(tables, attempts, rng)
    )
    hits = matches(chosen, tables.scales, tables.source, raw=True)
    main = rate(int((hits == 1).sum()), len(hits))
    control = None
    if tables.control is not None and tables.rows[1]:
        kept = sample(tables.rows[1], tables.rows[0], rng)
        others = [c[kept] for c in tables.control]
        outside = matches(chosen, tables.scales, others, raw=True)
        control = _by_chance(hits, outside, part=len(kept) / tables.rows[0])
    return trial(main, control, is_exhaustive=is_exhaustive)


def _by_chance(inside: Codes, outside: Codes, *, part: float) -> Rate:
    """How often the same predicates isolate one among as many people who are not in the source.

    There are usually fewer people outside. Put them in place of as many of the source's: a
    predicate then holds for ``outside`` people and for those of ``inside`` that stayed, each with
    probability ``1 - part``. What isolating loses by this, divided by ``part``, is what it would
    lose if everybody were replaced (exact when a predicate owes its success to one person). The
    spread of the predicates' terms gives the effective number of attempts.
    """
    alone = (inside == 1).astype(np.float64)
    none_stays = part ** inside.astype(np.float64)
    one_stays = inside * (1 - part) * part ** np.maximum(inside - 1.0, 0.0)
    mixed = np.where(outside == 0, one_stays, np.where(outside == 1, none_stays, 0.0))
    terms = (mixed - (1 - part) * alone) / part
    total = len(terms)
    share = float(np.clip(terms.mean(), 0.0, 1.0)) if total else 0.0
    spread = float(terms.var()) / total if total else 0.0
    fewest = total * part
    sure = share * (1 - share) / spread if spread > 0 and 0 < share < 1 else fewest
    effective = min(max(sure, 1.0), float(total)) if total else 0.0
    return rate(share * effective, effective)


def matches(
    predicates: Predicates, scales: Sequence[Scale], columns: Sequence[Values], *, raw: bool
) -> Codes:
    """Count the rows for which each predicate holds.

    Args:
        predicates: What to count.
        scales: How each column is compared.
        columns: The table's.
        raw: Whether the table is of the unprotected kind, where a label covers values.
    """
    rows = len(columns[0])
    words = (rows + 63) // 64
    tall = max(1, _WORDS_HELD // max(words, 1))
    counts = np.zeros(len(predicates), np.int64)
    for start in range(0, len(predicates), tall):
        part = predicates.clauses[start : start + tall]
        held = np.full((len(part), words), np.iinfo(np.uint64).max, np.uint64)
        for at, (scale, column) in enumerate(zip(scales, columns, strict=True)):
            users = np.flatnonzero(part[:, at] != _UNUSED)
            if len(users):
                clauses, place = np.unique(part[users, at], return_inverse=True)
                bits = _bits(scale, clauses, predicates.values[at], column, raw=raw)
                held[users] &= bits[place]
        used = (part != _UNUSED).any(axis=1)
        counts[start : start + tall] = np.where(
            used, np.bitwise_count(held).sum(axis=1, dtype=np.int64), rows
        )
    return counts


def _bits(
    scale: Scale, clauses: Codes, values: Values, column: Values, *, raw: bool
) -> np.ndarray[tuple[int, int], np.dtype[np.uint64]]:
    """Strings of bits, clauses by 64-bit words, zero past the last row."""
    rows = len(column)
    packed = np.zeros((len(clauses), (rows + 63) // 64 * 8), np.uint8)
    tall = max(1, _CELLS_HELD // max(rows, 1))
    for start in range(0, len(clauses), tall):
        part = clauses[start : start + tall]
        holds = _holds(scale, part // len(values), values[part % len(values)], column, raw=raw)
        packed[start : start + tall, : (rows + 7) // 8] = np.packbits(holds, axis=1)
    return packed.view(np.uint64)


def _holds(scale: Scale, operators: Codes, values: Values, column: Values, *, raw: bool) -> Bits:
    if raw and scale.spans is not None:
        low, high = scale.spans[values, 0], scale.spans[values, 1]
        return np.asarray((column >= low[:, None]) & (column <= high[:, None]))
    if raw and scale.covers is not None:
        return np.asarray(scale.covers[values][:, column])
    holds = np.asarray(column == values[:, None])
    if scale.kind is Kind.NUMBER and scale.is_exact:
        for operator, compare in ((_AT_LEAST, np.greater_equal), (_AT_MOST, np.less_equal)):
            at = np.flatnonzero(operators == operator)
            holds[at] = compare(column, values[at][:, None])
        lost = np.flatnonzero(np.isnan(values))
        holds[lost] = np.isnan(column)
    return holds


def _univariate(tables: View, attempts: int, rng: np.random.Generator) -> tuple[Predicates, bool]:
    """Every clause on one column, by how few released rows it holds for."""
    values = tuple(np.unique(c) for c in tables.released)
    rows: list[Codes] = []
    for at, scale in enumerate(tables.scales):
        operators = 3 if scale.kind is Kind.NUMBER and scale.is_exact else 1
        mine = np.full((operators * len(values[at]), len(values)), _UNUSED, np.int64)
        mine[:, at] = np.arange(len(mine))
        rows.append(mine)
    every = Predicates(values, np.concatenate(rows))
    hits = _released_hits(every, tables)
    possible = np.flatnonzero(hits > 0)
    order = possible[np.lexsort((rng.random(len(possible)), hits[possible]))]
    isolating = int((hits == 1).sum())
    kept = order[: min(isolating or attempts, attempts)]
    return Predicates(values, every.clauses[np.sort(kept)]), len(order) < attempts or (
        0 < isolating < attempts
    )


def _released_hits(predicates: Predicates, tables: View) -> Codes:
    return matches(predicates, tables.scales, tables.released, raw=False)


def _multivariate(
    tables: View, attempts: int, rng: np.random.Generator
) -> tuple[Predicates, bool]:
    """Conjunctions true of a released row drawn at random, kept when true of no other."""
    values = tuple(np.unique(c) for c in tables.released)
    drawn = np.zeros((0, len(values)), np.int64)
    hits = np.zeros(0, np.int64)
    for _ in range(_ROUNDS):
        more = _draw(tables, values, attempts, rng)
        fresh = np.unique(np.concatenate([drawn, more]), axis=0, return_index=True)[1]
        more = np.concatenate([drawn, more])[np.sort(fresh)][len(drawn) :]
        hits = np.concatenate([hits, _released_hits(Predicates(values, more), tables)])
        drawn = np.concatenate([drawn, more])
        if (hits == 1).sum() >= attempts:
            break
    isolating = np.flatnonzero(hits == 1)
    if not len(isolating):
        order = np.argsort(hits, kind="stable")[:attempts]
        return Predicates(values, drawn[order]), len(drawn) < attempts
    kept = isolating[:attempts]
    return Predicates(values, drawn[kept]), len(kept) < attempts


def _draw(
    tables: View, values: tuple[Values, ...], wanted: int, rng: np.random.Generator
) -> Codes:
    width = len(values)
    rows = rng.integers(tables.rows[2], size=wanted)
    most = min(width, _MOST_COLUMNS)
    several = rng.integers(min(2, most), most + 1, size=wanted)
    # Half say all that a row says: it isolates a copied person, and hardly anybody by chance.
    whole = rng.random(wanted) < 0.5  # noqa: PLR2004  # half
    several[whole] = most
    ranks = np.argsort(np.argsort(rng.random((wanted, width)), axis=1), axis=1)
    chosen = np.full((wanted, width), _UNUSED, np.int64)
    for at, scale in enumerate(tables.scales):
        mine = tables.released[at][rows]
        place = np.searchsorted(values[at], mine)
        operators = np.zeros(wanted, np.int64)
        if scale.kind is Kind.NUMBER and scale.is_exact:
            operators = _half_lines(mine, tables.released[at]) * rng.integers(0, 2, size=wanted)
            operators[whole] = _EQUAL
        used = ranks[:, at] < several
        chosen[used, at] = (operators * len(values[at]) + place)[used]
    return chosen


def _half_lines(mine: Floats, released: Floats) -> Codes:
    """Towards the nearer end, where fewer people are."""
    known = released[~np.isnan(released)]
    middle = float(np.median(known)) if len(known) else 0.0
    return np.where(mine > middle, _AT_LEAST, _AT_MOST).astype(np.int64)
