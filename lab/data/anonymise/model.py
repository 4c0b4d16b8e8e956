"""What an anonymised table must satisfy, and the problem of making one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from lab.data.errors import DataError

if TYPE_CHECKING:
    import polars as pl

    from lab.data.anonymise.hierarchy import Hierarchy, Label


def exact(number: float) -> Fraction:
    """The decimal number that a person wrote, not the binary one nearest to it."""
    return Fraction(str(number))


def _wrong(what: str, fr: str, en: str) -> DataError:
    return DataError("wrong_threshold", fr=f"{what} : {fr}", en=f"{what}: {en}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DistinctL:
    """Every class holds at least ``l`` distinct values.

    Source: Machanavajjhala, Kifer, Gehrke, Venkitasubramaniam, "l-Diversity", TKDD 2007.
    """

    column: str
    l: int  # noqa: E741 - the literature's letter

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        if self.l < 1:
            raise _wrong(f"l ({self.column})", "un entier d’au moins 1.", "an integer, 1 or more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntropyL:
    """The Shannon entropy of every class is at least that of ``l`` equally frequent values.

    Source: the same, definition 4.1.
    """

    column: str
    l: int  # noqa: E741

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        if self.l < 1:
            raise _wrong(f"l ({self.column})", "un entier d’au moins 1.", "an integer, 1 or more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecursiveCL:
    """The most frequent value counts less than ``c`` times the l-th and all rarer ones together.

    Source: the same, definition 4.2.
    """

    column: str
    c: float
    l: int  # noqa: E741

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        if self.l < 1 or not math.isfinite(self.c) or self.c <= 0:
            raise _wrong(f"(c, l) ({self.column})", "c > 0 et l ≥ 1.", "c > 0 and l ≥ 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualT:
    """Every class is within ``t`` of the whole table, all values being equally far apart.

    Source: Li, Li, Venkatasubramanian, "t-Closeness", ICDE 2007 (earth mover's distance, equal
    ground distance: half the sum of absolute differences).
    """

    column: str
    t: float

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        _distance(self.column, self.t)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedT:
    """The same, values standing in a row: ``order``, else the natural order, missing last."""

    column: str
    t: float
    order: tuple[Label, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        _distance(self.column, self.t)


@dataclass(frozen=True, slots=True, kw_only=True)
class HierarchicalT:
    """The same, two values being as far apart as their common ancestor is high."""

    column: str
    t: float
    hierarchy: Hierarchy

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        _distance(self.column, self.t)
        if self.hierarchy.top is None:
            raise DataError(
                "hierarchy_without_root",
                fr=f"La hiérarchie de « {self.column} » n’aboutit pas à une seule valeur : "
                "deux valeurs y seraient à une distance inconnue.",
                en=f"The hierarchy of “{self.column}” does not end in one value: two values "
                "would be at an unknown distance.",
            )


def _distance(column: str, t: float) -> None:
    if not 0 <= t <= 1:
        raise _wrong(f"t ({column})", "un nombre de 0 à 1.", "a number from 0 to 1.")


Criterion: TypeAlias = DistinctL | EntropyL | RecursiveCL | EqualT | OrderedT | HierarchicalT


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """k-anonymity, and what each sensitive column must satisfy besides."""

    k: int
    criteria: tuple[Criterion, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        if self.k < 1:
            raise _wrong("k", "un entier d’au moins 1.", "an integer, 1 or more.")

    @property
    def sensitive(self) -> tuple[str, ...]:
        """The columns that criteria name, once each, in order."""
        return tuple(dict.fromkeys(criterion.column for criterion in self.criteria))

    @property
    def grows(self) -> bool:
        """True if a class that satisfies the model still does with any other rows added."""
        return all(isinstance(criterion, DistinctL) for criterion in self.criteria)


class Loss(StrEnum):
    """What is minimised: non-uniform entropy, in bits over the whole table.

    For each column, the sum over rows of log2(rows with the published value / rows with the
    raw value): El Emam et al., "A globally optimal k-anonymity method for the de-identification
    of health data", JAMIA 2009; de Waal and Willenborg 1999.
    """

    GENERALISATION = "generalisation"
    """Of all rows, before suppression: depends on levels only (ARX's monotonic variant)."""
    WITH_SUPPRESSION = "with_suppression"
    """The same, suppressed rows going on from their published value to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuasiIdentifier:
    """A column that points at people together with others, and what its values may become."""

    column: str
    hierarchy: Hierarchy


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A table to anonymise.

    Attributes:
        table: One row per person.
        quasi_identifiers: In the order in which the loss is summed.
        model: What every published class must satisfy.
        suppression_limit: Largest share of rows that may be removed, 0 to 1.
        loss: What is minimised.

    Raises:
        DataError: ``empty_table``, ``no_quasi_identifier``, ``unknown_column``,
            ``column_twice``, ``sensitive_is_quasi_identifier``, ``wrong_threshold``.
    """

    table: pl.DataFrame
    quasi_identifiers: tuple[QuasiIdentifier, ...]
    model: Model
    suppression_limit: float = 0.0
    loss: Loss = Loss.GENERALISATION

    def __post_init__(self) -> None:
        """Refuse what no search could answer."""
        names = [quasi.column for quasi in self.quasi_identifiers]
        required(self.table, [*names, *self.model.sensitive])
        if not names:
            raise DataError(
                "no_quasi_identifier",
                fr="Aucune colonne n’est un quasi-identifiant : il n’y a rien à généraliser.",
                en="No column is a quasi-identifier: there is nothing to generalise.",
            )
        if len(set(names)) < len(names):
            raise DataError(
                "column_twice",
                fr="Une colonne est donnée deux fois comme quasi-identifiant.",
                en="A column is given twice as a quasi-identifier.",
            )
        if both := sorted(set(names) & set(self.model.sensitive)):
            raise DataError(
                "sensitive_is_quasi_identifier",
                fr=f"La colonne « {both[0]} » ne peut être à la fois sensible et "
                "quasi-identifiant.",
                en=f"The column “{both[0]}” cannot be both sensitive and a quasi-identifier.",
            )
        if not 0 <= self.suppression_limit <= 1:
            raise _wrong("suppression", "un nombre de 0 à 1.", "a number from 0 to 1.")

    @property
    def suppressible_rows(self) -> int:
        """How many rows may be removed."""
        return math.floor(exact(self.suppression_limit) * self.table.height)


def required(table: pl.DataFrame, columns: list[str]) -> None:
    """Refuse a table without rows or without one of the columns.

    Raises:
        DataError: ``empty_table``, ``unknown_column``.
    """
    if not table.height:
        raise DataError(
            "empty_table", fr="La table ne contient aucune ligne.", en="The table has no rows."
        )
    for column in columns:
        if column not in table.columns:
            raise DataError(
                "unknown_column",
                fr=f"La table n’a pas de colonne « {column} ».",
                en=f"The table has no column “{column}”.",
            )
