"""Which classes of some choice of levels must be removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.data.anonymise.criteria import histograms, satisfied
from lab.data.anonymise.model import DistinctL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.data.anonymise.encode import Encoded
    from lab.data.anonymise.groups import Groups
    from lab.data.anonymise.model import Criterion, Problem


def failures(
    problem: Problem, encoded_: Encoded, groups: Groups, enough: int | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each class: may it only be mended by generalising, and does it fail the model.

    The first is a growing property, so it cuts the lattice whatever the criteria are: fewer rows
    than k, or than any l, or fewer distinct values than l.

    Args:
        problem: Whose model.
        encoded_: The same problem, encoded.
        groups: Classes at some levels.
        enough: Leave costly criteria out once more rows than this are hopeless.
    """
    criteria = problem.model.criteria
    sizes = groups.sizes
    least = max([problem.model.k, *(c.l for c in criteria if hasattr(c, "l"))])
    hopeless = sizes < least
    failing = hopeless.copy()
    if not criteria or (enough is not None and int(sizes[hopeless].sum()) > enough):
        return hopeless, failing
    for name in problem.model.sensitive:
        column = encoded_.sensitive[name]
        values = column.codes[encoded_.first[groups.atoms]]
        found = histograms(groups.of_part, values, groups.counts, len(column.values))
        for criterion in (c for c in criteria if c.column == name):
            growing = _least_distinct(criterion)
            if growing is not None:
                hopeless |= ~satisfied(growing, found, column)
            failing |= ~satisfied(criterion, found, column)
    return hopeless, failing


def _least_distinct(criterion: Criterion) -> DistinctL | None:
    least = getattr(criterion, "l", None)
    return None if least is None else DistinctL(column=criterion.column, l=least)
