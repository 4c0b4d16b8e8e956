"""The same questions answered the long way, row by row and in fractions: the oracle."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING

from lab.data.anonymise import (
    DistinctL,
    EntropyL,
    EqualT,
    HierarchicalT,
    Loss,
    OrderedT,
    RecursiveCL,
)

if TYPE_CHECKING:
    from lab.data.anonymise import Criterion, Problem
    from lab.data.anonymise.hierarchy import Label


def best(problem: Problem) -> float | None:
    """Least loss of all nodes that satisfy the problem; None when there is none."""
    heights = [quasi.hierarchy.height for quasi in problem.quasi_identifiers]
    losses = []
    for levels in itertools.product(*map(range, heights)):
        failing = suppressed(problem, levels)
        if failing.count(True) <= problem.suppressible_rows:
            losses.append(loss(problem, levels, failing))
    return min(losses, default=None)


def labels(problem: Problem, levels: tuple[int, ...]) -> list[tuple[Label, ...]]:
    columns = []
    for quasi, level in zip(problem.quasi_identifiers, levels, strict=True):
        values = problem.table[quasi.column].to_list()
        texts = [None if value is None else str(value) for value in values]
        columns.append([(t, *quasi.hierarchy.of(t))[level] for t in texts])
    return list(zip(*columns, strict=True))


def suppressed(problem: Problem, levels: tuple[int, ...]) -> list[bool]:
    keys = labels(problem, levels)
    bad = {key for key in set(keys) if not _holds(problem, [k == key for k in keys])}
    return [key in bad for key in keys]


def _holds(problem: Problem, inside: list[bool]) -> bool:
    if sum(inside) < problem.model.k:
        return False
    for criterion in problem.model.criteria:
        values = [
            None if value is None else str(value)
            for value in problem.table[criterion.column].to_list()
        ]
        here = [value for value, in_ in zip(values, inside, strict=True) if in_]
        if not satisfies(criterion, here, values):
            return False
    return True


def satisfies(criterion: Criterion, here: list[Label], everything: list[Label]) -> bool:
    counts = sorted(Counter(here).values(), reverse=True)
    n, whole = len(here), Counter(everything)
    p = {v: Fraction(here.count(v), n) - Fraction(c, len(everything)) for v, c in whole.items()}
    match criterion:
        case DistinctL():
            return len(counts) >= criterion.l
        case EntropyL():
            taken: int = math.prod(c**c for c in counts)
            return bool(n**n >= criterion.l**n * taken)
        case RecursiveCL():
            return counts[0] < Fraction(str(criterion.c)) * sum(counts[criterion.l - 1 :])
        case EqualT():
            return sum(map(abs, p.values())) / 2 <= Fraction(str(criterion.t))
        case OrderedT():
            order = sorted(p, key=lambda v: (v is None, v or ""))
            sums = itertools.accumulate(p[v] for v in order)
            return sum(map(abs, sums)) <= Fraction(str(criterion.t)) * (len(order) - 1)
        case HierarchicalT():
            return _moved(criterion, p) <= Fraction(str(criterion.t))


def _moved(criterion: HierarchicalT, p: dict[Label, Fraction]) -> Fraction:
    """Greedy: move inside the lowest common ancestor first, which is optimal in a tree."""
    top = criterion.hierarchy.height - 1
    paths = {v: (v, *criterion.hierarchy.of(v)) for v in p}
    left, cost = dict(p), Fraction(0)
    for level in range(1, top + 1):
        for a, b in itertools.permutations(left, 2):
            if paths[a][level] == paths[b][level] and left[a] > 0 > left[b]:
                moved = min(left[a], -left[b])
                left[a] -= moved
                left[b] += moved
                cost += moved * Fraction(level, top)
    return cost


def loss(problem: Problem, levels: tuple[int, ...], gone: list[bool]) -> float:
    rows, raw = labels(problem, levels), labels(problem, (0,) * len(levels))
    total = 0.0
    for axis in range(len(levels)):
        inside = Counter(row[axis] for row in raw)
        above = Counter(row[axis] for row in rows)
        for before, after in zip(raw, rows, strict=True):
            total += math.log2(above[after[axis]] / inside[before[axis]])
        if problem.loss is Loss.WITH_SUPPRESSION:
            lost = Counter(row[axis] for row, out in zip(rows, gone, strict=True) if out)
            total += sum(c * math.log2(lost.total() / c) for c in lost.values())
    return total
