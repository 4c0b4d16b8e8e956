"""What a value may become: one column of labels per level, each coarser than the one before."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from lab.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

ROOT = "*"
"""The label that says nothing at all."""

EXAMPLES = 3
"""How many masked values an error shows."""

Label: TypeAlias = str | None
"""A generalised value; None is the class of missing values."""


def masked(value: Label) -> str:
    """One value as an error may show it: its first character and its length, no more."""
    if value is None:
        return "(null)"
    return f"{value[:1]}{'•' * min(len(value) - 1, 8)}" if len(value) > 1 else "•"


def examples(values: Sequence[Label]) -> str:
    """The first values, masked, as one line of text."""
    more = ", …" if len(values) > EXAMPLES else ""
    return ", ".join(masked(value) for value in values[:EXAMPLES]) + more


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One short text in both languages."""

    fr: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """A generalisation hierarchy, checked when built.

    Attributes:
        name: What errors call it; usually the column's name.
        labels: For each value's text, its labels at levels 1 to the top. A missing value has
            the key None; when absent it stays a class of its own below a top of one label.
        levels: Names of levels 0 to the top, for people.

    Raises:
        DataError: ``ragged_hierarchy``, ``hierarchy_refines``.
    """

    name: str
    labels: Mapping[Label, tuple[Label, ...]]
    levels: tuple[Words, ...] = field(default=())

    def __post_init__(self) -> None:
        """Check that every level is a function of the one before."""
        heights = {len(row) for row in self.labels.values()}
        if len(heights) > 1:
            raise DataError(
                "ragged_hierarchy",
                fr=f"La hiérarchie de « {self.name} » n’a pas le même nombre de niveaux partout.",
                en=f"The hierarchy of “{self.name}” does not have as many levels everywhere.",
            )
        if not self.levels:
            names = (Words(fr=f"niveau {n}", en=f"level {n}") for n in range(self.height))
            object.__setattr__(self, "levels", tuple(names))
        for level in range(1, self.height - 1):
            self._never_refines(level)

    @property
    def height(self) -> int:
        """Number of levels, the raw values being level 0."""
        return 1 + len(next(iter(self.labels.values()), ()))

    @property
    def top(self) -> Label:
        """The one label of the last level; None when there are several or no level above 0."""
        last = {row[-1] for row in self.labels.values() if row}
        return last.pop() if len(last) == 1 else None

    def of(self, value: Label) -> tuple[Label, ...]:
        """Labels of a value at levels 1 to the top. KeyError for a value that is not covered."""
        found = self.labels.get(value)
        if found is not None:
            return found
        if value is not None:
            raise KeyError(value)
        above = self.height - 1
        return (None,) * (above - 1) + (self.top,) if above else ()

    def covers(self, values: Iterable[Label]) -> None:
        """Refuse values that the hierarchy does not know.

        Raises:
            DataError: ``value_outside_hierarchy``, with a count and masked examples.
        """
        absent = [value for value in values if value is not None and value not in self.labels]
        if absent:
            shown = examples(absent)
            raise DataError(
                "value_outside_hierarchy",
                fr=(
                    f"Colonne « {self.name} » : {len(absent)} valeurs distinctes sont absentes "
                    f"de la hiérarchie (masquées : {shown})."
                ),
                en=(
                    f"Column “{self.name}”: {len(absent)} distinct values are missing from the "
                    f"hierarchy (masked: {shown})."
                ),
            )

    def _never_refines(self, level: int) -> None:
        parents: dict[Label, Label] = {}
        for row in self.labels.values():
            below, above = row[level - 1], row[level]
            if parents.setdefault(below, above) != above:
                shown = masked(below)
                raise DataError(
                    "hierarchy_refines",
                    fr=(
                        f"Hiérarchie de « {self.name} » : au niveau {level + 1}, une même valeur "
                        f"du niveau {level} ({shown}) devient deux valeurs différentes."
                    ),
                    en=(
                        f"Hierarchy of “{self.name}”: at level {level + 1}, one value of level "
                        f"{level} ({shown}) becomes two different values."
                    ),
                )


def from_rows(name: str, rows: Iterable[Sequence[str]]) -> Hierarchy:
    """A hierarchy from rows of (value, level 1, …, top); an empty value means missing.

    Raises:
        DataError: ``empty_hierarchy``, ``hierarchy_conflict``, and those of ``Hierarchy``.
    """
    labels: dict[Label, tuple[Label, ...]] = {}
    for line, row in enumerate(rows, start=1):
        if not row:
            continue
        value, above = row[0] or None, tuple(row[1:])
        if labels.setdefault(value, above) != above:
            raise DataError(
                "hierarchy_conflict",
                fr=f"Hiérarchie de « {name} », ligne {line} : la valeur {masked(value)} y est "
                "déjà, avec d’autres généralisations.",
                en=f"Hierarchy of “{name}”, line {line}: the value {masked(value)} is there "
                "already, with other generalisations.",
            )
    if not labels:
        raise DataError(
            "empty_hierarchy",
            fr=f"La hiérarchie de « {name} » est vide.",
            en=f"The hierarchy of “{name}” is empty.",
        )
    return Hierarchy(name=name, labels=labels)


def from_csv(name: str, path: Path, *, separator: str = ";") -> Hierarchy:
    """A hierarchy from a UTF-8 file without header: one row per value, one column per level.

    Raises:
        DataError: ``hierarchy_encoding``, and those of ``from_rows``.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return from_rows(name, csv.reader(lines, delimiter=separator, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            "hierarchy_encoding",
            fr=f"Le fichier de la hiérarchie de « {name} » n’est pas un CSV en UTF-8.",
            en=f"The file of the hierarchy of “{name}” is not a CSV in UTF-8.",
        ) from error
