"""Which delimiter a text uses, from the records at its beginning."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lab.data.errors import DataError
from lab.data.ingest.records import cut

if TYPE_CHECKING:
    import numpy.typing as npt

    from lab.data.ingest.model import Limits

    Counts = npt.NDArray[np.int64]

# In order of preference when several cut the sample evenly: a comma is also a decimal mark.
DELIMITERS = ("\t", ";", "|", ",")


def find_delimiter(sample: bytes, *, quote: str, limits: Limits) -> str:
    """Name the delimiter that cuts the records into the same number of fields.

    Args:
        sample: UTF-8 text from the beginning of the file; its last record may be incomplete.
        quote: Quoting character, or the empty string.
        limits: Of cells.

    Returns:
        A comma for a table of one column.
    """
    if quote and all(_fields(sample, d, quote, limits) is None for d in DELIMITERS):
        quote = ""  # quotes fit none: the reading itself will say where they are wrong
    wide = replace(limits, max_cell_bytes=max(limits.max_cell_bytes, len(sample)))
    best, best_rank = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        fields = _fields(sample, delimiter, quote, wide)
        if fields is None or fields.size == 0:
            continue
        width = int(fields[0])
        if width == 1:
            continue
        share = float(np.mean(fields == width))
        rank = (round(share, 2), int(share == 1.0))
        if rank > best_rank:
            best, best_rank = delimiter, rank
    return best


def check_delimiter(delimiter: str) -> str:
    """Refuse a delimiter that cannot be one.

    Raises:
        DataError: ``bad_delimiter``.
    """
    if len(delimiter) == 1 and delimiter.isascii() and delimiter not in '"\r\n\0':
        return delimiter
    raise DataError(
        "bad_delimiter",
        fr="Le séparateur doit être un seul caractère ASCII, ni guillemet ni fin de ligne.",
        en="The delimiter must be one ASCII character, neither a quote nor an end of line.",
    )


def _fields(sample: bytes, delimiter: str, quote: str, limits: Limits) -> Counts | None:
    """Fields of each whole record, or None where quotes do not fit the delimiter."""
    whole = sample[: sample.rfind(b"\n") + 1] or sample
    found: list[Counts] = []
    try:
        for block in cut([whole], delimiter=delimiter, quote=quote, limits=limits):
            found.append(block.fields[~block.blank])  # noqa: PERF401  kept when what follows fails
    except DataError as error:
        if error.reason != "unclosed_quote":
            return None
    return np.concatenate(found) if found else None
