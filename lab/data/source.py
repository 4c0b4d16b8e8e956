"""What a module must give for its table to be published."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from lab.domain.dataset import Column, Dataset


@dataclass(frozen=True, slots=True)
class Prose:
    """What the data card says in one language, beside the table of columns.

    Attributes:
        what: What it is, and what one row is.
        how: How it was made or collected.
        limits: What it must not be used for, one sentence each.
        uses: What one may try with it, one sentence each.
    """

    what: str
    how: str
    limits: tuple[str, ...]
    uses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One data set, ready to be published.

    Attributes:
        table: Column names and order are those of ``columns``.
        licence_name: An Open Definition licence id, for the machine-readable descriptor.
        evidence: Of the dossier it came from, JSON types; empty for what the lab itself makes.
    """

    dataset: Dataset
    columns: tuple[Column, ...]
    table: pa.Table
    licence_name: str
    french: Prose
    english: Prose
    evidence: Mapping[str, Any] = field(default_factory=dict)
