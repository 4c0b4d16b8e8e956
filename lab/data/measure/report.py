"""What was measured, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.data.measure.closest import Closest
    from lab.data.measure.counting import Counts, Diversity
    from lab.data.measure.trials import Attack


class Technique(StrEnum):
    """How the released table was made."""

    GENERALISATION = "generalisation"
    SYNTHESIS = "synthese"


class Audience(StrEnum):
    """Who will see it; the size of classes asked for depends on it."""

    BETWEEN = "entre_organismes"
    INSIDE = "dans_l_organisme"


@dataclass(frozen=True, slots=True)
class RiskReport:
    """The three criteria, before and after.

    Attributes:
        technique: How the release was made.
        audience: Who will see it.
        epsilon: Privacy budget that its making spent; None when there was no such guarantee.
        seed: Of every draw.
        source_rows: Rows of the unprotected table.
        control_rows: People who are not in it; 0 without a control set.
        released_rows: Rows of the release.
        known: Columns that an attacker is taken to know.
        identifiers: Columns of direct identifiers that are still in the release.
        blind: Columns whose released values were mostly not understood: attacks cannot see there.
        before: Classes of the unprotected table.
        after: Classes of the release.
        diversity_before: Sensitive columns in the classes of the unprotected table.
        diversity_after: The same in the release.
        attacks: Every attack, with its control and its positive control.
        closest: Distances of the released rows; None without a control set.
        closest_positive: The same if the unprotected table were released.
    """

    technique: Technique
    audience: Audience
    epsilon: float | None
    seed: int
    source_rows: int
    control_rows: int
    released_rows: int
    known: tuple[str, ...]
    identifiers: tuple[str, ...]
    blind: tuple[str, ...]
    before: Counts
    after: Counts
    diversity_before: tuple[Diversity, ...]
    diversity_after: tuple[Diversity, ...]
    attacks: tuple[Attack, ...]
    closest: Closest | None
    closest_positive: Closest | None


@dataclass(frozen=True, slots=True)
class Marginals:
    """How far the shares of combinations of columns moved.

    Attributes:
        order: How many columns at a time, 1 to 3.
        compared: How many combinations were compared; a drawn part of them when there are many.
        mean: Mean total variation distance, 0 to 1.
        maximum: Largest.
        worst: The columns of the largest.
    """

    order: int
    compared: int
    mean: float
    maximum: float
    worst: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Association:
    """How far one measure of association between pairs of columns moved.

    Attributes:
        measure: ``pearson`` (two numbers) or ``cramer_v`` (otherwise; bias corrected).
        compared: How many pairs.
        mean: Mean absolute difference.
        maximum: Largest.
        worst: The pair of the largest; empty without pairs.
    """

    measure: str
    compared: int
    mean: float
    maximum: float
    worst: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Propensity:
    """How well a classifier tells released rows from source rows.

    Attributes:
        pmse: Mean square of the score's distance from one half, 0 (not at all) to 0.25.
        correct: Share of rows told right, 0.5 by chance.
    """

    pmse: float
    correct: float


@dataclass(frozen=True, slots=True)
class Learning:
    """A model trained on the release and tried on people who are not in the source.

    Attributes:
        target: The column learnt.
        from_source: Share of right answers when trained on the source.
        from_released: The same when trained on the release.
        commonest: The same when the commonest answer is always given.
        is_outside: Whether it was tried on people outside; else on a part of the source.
    """

    target: str
    from_source: float
    from_released: float
    commonest: float
    is_outside: bool


@dataclass(frozen=True, slots=True)
class ColumnShift:
    """How far one column's shares moved.

    Attributes:
        column: Its name.
        distance: Total variation distance, 0 to 1.
    """

    column: str
    distance: float


@dataclass(frozen=True, slots=True)
class UtilityReport:
    """What the release is still good for.

    Attributes:
        seed: Of every draw.
        kept_rows: Released rows over source rows, rows with nothing left in them not counted.
        columns: Columns compared.
        lost: Columns of the source that the release has not.
        shifts: Each column's own shares.
        marginals: Shares of one, two and three columns at a time.
        associations: Measures of association.
        propensity: Whether the two tables can be told apart.
        learning: None when no column can be learnt.
    """

    seed: int
    kept_rows: float
    columns: tuple[str, ...]
    lost: tuple[str, ...]
    shifts: tuple[ColumnShift, ...]
    marginals: tuple[Marginals, ...]
    associations: tuple[Association, ...]
    propensity: Propensity
    learning: Learning | None
