"""Linkability: two files about one person, each with half of the columns, joined by the release.

After Giomi and others (PoPETs 2023): the link succeeds when one released row is nearest to both
halves. All rows at the smallest distance count; whoever finds several must pick one, so a link
through n rows counts for 1/n.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.data.measure.distances import Distinct, Nearest, distinct, nearest
from lab.data.measure.trials import Trial, of_scores, sample, trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.data.measure.coding import Codes, Floats, Values, View


def linkability(tables: View, *, attempts: int, rng: np.random.Generator) -> Trial:
    """Try to join the two halves of what is known of each person.

    Args:
        tables: The three tables over at least two columns; at least one released row.
        attempts: How many people of each side.
        rng: Seeded.
    """
    halves = [tables.only(names) for names in _halves(tables)]
    rows = [distinct(h.released, h.rows[2]) for h in halves]
    people = sample(tables.rows[0], attempts, rng)
    main = of_scores(_scores(halves, rows, [[c[people] for c in h.source] for h in halves]))
    control = None
    if tables.control is not None and tables.rows[1]:
        others = sample(tables.rows[1], attempts, rng)
        theirs = [[c[others] for c in h.control or ()] for h in halves]
        control = of_scores(_scores(halves, rows, theirs))
    return trial(main, control, is_exhaustive=len(people) == tables.rows[0])


def _halves(tables: View) -> tuple[list[str], list[str]]:
    """Columns dealt out from the one with the most values, so that both halves tell much."""
    richness = [len(np.unique(c)) for c in tables.source]
    order = np.argsort(-np.array(richness), kind="stable")
    names = [tables.scales[i].name for i in order]
    return names[::2], names[1::2]


def _scores(
    halves: Sequence[View], rows: Sequence[Distinct], targets: Sequence[Sequence[Values]]
) -> Floats:
    total = len(targets[0][0])
    found: list[Nearest] = []
    people: list[Distinct] = []
    for half, row, target in zip(halves, rows, targets, strict=True):
        people.append(distinct(target, total))
        found.append(nearest(half.scales, people[-1].columns, row.columns))
    width = len(rows[1].sizes)
    joint, sizes = np.unique(rows[0].of_row * width + rows[1].of_row, return_counts=True)
    pairs, of_pair = np.unique(
        people[0].of_row * len(people[1].sizes) + people[1].of_row, return_inverse=True
    )
    first, second = np.divmod(pairs, len(people[1].sizes))
    ties = [f.starts[t + 1] - f.starts[t] for f, t in zip(found, (first, second), strict=True)]
    alone = (ties[0] == 1) & (ties[1] == 1)
    shared = np.zeros(len(pairs))
    wanted = (
        found[0].rows[found[0].starts[first[alone]]] * width
        + found[1].rows[found[1].starts[second[alone]]]
    )
    place = np.minimum(np.searchsorted(joint, wanted), len(joint) - 1)
    shared[alone] = np.where(joint[place] == wanted, sizes[place], 0)
    for at in np.flatnonzero(~alone):
        near = _ties(found[0], int(first[at])), _ties(found[1], int(second[at]))
        shared[at] = _shared(*near, (joint, sizes), rows)
    scores = np.where(shared > 0, 1 / np.maximum(shared, 1), 0.0)
    return np.asarray(scores[of_pair], np.float64)


def _ties(found: Nearest, target: int) -> Codes:
    return found.rows[found.starts[target] : found.starts[target + 1]]


def _shared(
    first: Codes, second: Codes, joint: tuple[Codes, Codes], rows: Sequence[Distinct]
) -> int:
    """Count the released rows that are nearest to both halves."""
    if len(first) * len(second) > len(rows[0].of_row):
        marked = [np.zeros(len(r.sizes), np.bool_) for r in rows]
        marked[0][first], marked[1][second] = True, True
        return int((marked[0][rows[0].of_row] & marked[1][rows[1].of_row]).sum())
    wanted = (first[:, None] * len(rows[1].sizes) + second[None, :]).ravel()
    place = np.minimum(np.searchsorted(joint[0], wanted), len(joint[0]) - 1)
    return int(joint[1][place][joint[0][place] == wanted].sum())
