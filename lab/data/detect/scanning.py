"""Look at every row of a table, a batch at a time, and say what each column holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lab.data.detect.evidence import hits_of
from lab.data.detect.finding import Finding
from lab.data.detect.header import kinds_of
from lab.data.detect.kinds import TRAITS, Action, Kind
from lab.data.detect.mask import mask
from lab.data.detect.sentences import why
from lab.data.detect.tally import EXAMPLES, Tally, add_batch
from lab.domain.privacy import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from lab.data.detect.finding import Hit

_CELLS: Final = 1_000_000
"""Cells in a batch: what bounds the memory, whatever the number of columns."""
_MOST_ROWS: Final = 100_000
_FEWEST_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scan is.

    Attributes:
        rows: Rows looked at so far.
    """

    rows: int


def _silent(progress: Progress) -> None:
    del progress


def scan(
    table: pl.LazyFrame, *, progress: Callable[[Progress], None] = _silent
) -> tuple[Finding, ...]:
    """Give one finding per column, in the table's order, after a look at every row.

    Memory is bounded by the batch (about a million cells) and, per column, by 16,384
    hashes. A null, and words such as ``N/D``, count as no value.

    Args:
        table: Typed as ingestion leaves it; read once, streaming.
        progress: Called after each batch.
    """
    columns = table.collect_schema().names()
    if not columns:
        return ()
    tallies = dict.fromkeys(columns, Tally())
    size = max(_FEWEST_ROWS, min(_MOST_ROWS, _CELLS // len(columns)))
    rows = 0
    for batch in table.collect_batches(chunk_size=size, maintain_order=True):
        for column in columns:
            tallies[column] = add_batch(tallies[column], batch[column])
        rows += batch.height
        progress(Progress(rows=rows))
    said = {column: kinds_of(column) for column in columns}
    _pair_positions(tallies, said)
    return tuple(_finding(column, tallies[column], said[column]) for column in columns)


def _pair_positions(tallies: dict[str, Tally], said: dict[str, frozenset[Kind]]) -> None:
    """Treat a column of latitudes as one when the table holds longitudes too."""
    if not any(t.rate(Kind.GPS, "longitude") > 0.5 for t in tallies.values()):  # noqa: PLR2004
        return
    for column, tally in tallies.items():
        if tally.rate(Kind.GPS, "latitude") > 0.95:  # noqa: PLR2004  # percentages hold others
            said[column] |= {Kind.GPS}


def _finding(column: str, tally: Tally, said: frozenset[Kind]) -> Finding:
    hits = hits_of(tally, said, column) if tally.rows else ()
    first = hits[0] if hits else None
    role = TRAITS[first.kind].role if first else Role.OTHER
    action = TRAITS[first.kind].action if first else Action.KEEP
    distinct = min(tally.sketch.count(), tally.rows)
    fr, en = why(hits, rows=tally.rows, distinct=distinct, action=action)
    return Finding(
        column=column,
        role=role,
        hits=hits,
        confidence=first.confidence if first else 0.0,
        examples=_examples(tally, hits),
        rows=tally.rows,
        distinct=distinct,
        is_distinct_exact=tally.sketch.is_exact,
        uniqueness=distinct / tally.rows if tally.rows else 0.0,
        why_fr=fr,
        why_en=en,
        action=action,
        needs_confirmation=bool(hits),
    )


def _examples(tally: Tally, hits: tuple[Hit, ...]) -> tuple[str, ...]:
    """Mask up to three values of the weightiest kind that has any; none without a hit."""
    if not hits:
        return ()
    raw = next((shown for hit in hits if (shown := tally.examples.get(hit.kind))), tally.samples)
    return tuple(dict.fromkeys(mask(value) for value in raw))[:EXAMPLES]
