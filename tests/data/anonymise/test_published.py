from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.data.anonymise import (
    EntropyL,
    HierarchicalT,
    Loss,
    Model,
    Problem,
    RecursiveCL,
    apply,
    check,
    risk,
    search,
)
from tests.data.adult import needs_adult
from tests.data.anonymise import adult

if TYPE_CHECKING:
    from lab.data.anonymise import Criterion

pytestmark = needs_adult
JOB = "occupation"


@pytest.mark.parametrize(
    ("k", "limit", "loss", "levels", "suppressed"),
    [
        (5, 0.0, 407289.5388925293, (1, 2, 1, 1, 3, 2, 2, 1, 1), 0),
        (5, 0.04, 255559.85455731067, (1, 0, 1, 1, 3, 2, 2, 0, 1), 906),
        (100, 0.0, 453196.8932458743, (0, 4, 1, 1, 3, 2, 2, 1, 1), 0),
    ],
)
def test_k_anonymity_equals_arx_to_the_last_digit(
    k: int, limit: float, loss: float, levels: tuple[int, ...], suppressed: int
) -> None:
    problem = Problem(
        table=adult.table(),
        quasi_identifiers=adult.quasi_identifiers(),
        model=Model(k=k),
        suppression_limit=limit,
    )
    found = search(problem)
    assert (found.loss, found.levels, found.suppressed) == (loss, levels, suppressed)
    assert found.nodes == 12_960
    published = apply(problem, found)
    verdict = check(published, problem.table.columns, problem.model)
    assert verdict.holds
    assert verdict.risk.k == found.smallest
    assert published.height == 30_162 - suppressed


def test_risk_of_the_input_equals_arx() -> None:
    table = adult.table()
    found = risk(table, table.columns)
    assert found.average == 0.6465751607983555
    assert found.unique == 0.5142895033485844


@pytest.mark.parametrize(
    ("criterion", "k", "limit", "kind", "loss", "levels"),
    [
        (
            EntropyL(column=JOB, l=5),
            1,
            0.04,
            Loss.WITH_SUPPRESSION,
            228878.2039109517,
            (1, 0, 1, 1, 2, 2, 2, 1),
        ),
        (
            EntropyL(column=JOB, l=5),
            1,
            0.0,
            Loss.WITH_SUPPRESSION,
            324620.5269918692,
            (1, 1, 1, 1, 3, 2, 2, 1),
        ),
        (
            RecursiveCL(column=JOB, c=4, l=5),
            1,
            0.0,
            Loss.GENERALISATION,
            324620.5269918692,
            (1, 1, 1, 1, 3, 2, 2, 1),
        ),
        (0.2, 5, 0.0, Loss.GENERALISATION, 398400.0741806447, (0, 4, 1, 1, 3, 2, 2, 1)),
    ],
    ids=["entropy 4 %", "entropy 0 %", "recursive", "hierarchical t"],
)
def test_diversity_and_closeness_equal_arx_to_the_last_digit(
    criterion: Criterion | float,
    k: int,
    limit: float,
    kind: Loss,
    loss: float,
    levels: tuple[int, ...],
) -> None:
    if isinstance(criterion, float):
        criterion = HierarchicalT(column=JOB, t=criterion, hierarchy=adult.hierarchy(JOB))
    problem = Problem(
        table=adult.table(),
        quasi_identifiers=adult.quasi_identifiers(without=JOB),
        model=Model(k=k, criteria=(criterion,)),
        suppression_limit=limit,
        loss=kind,
    )
    found = search(problem)
    assert (found.loss, found.levels) == (loss, levels)
    names = [quasi.column for quasi in problem.quasi_identifiers]
    assert check(apply(problem, found), names, problem.model, reference=problem.table).holds
