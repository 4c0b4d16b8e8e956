"""How fast a table is looked at, against the loop that one would write with ``re``.

Both arms look for the same shapes in every cell, in one process, one after the other and
again; the plain one stops there (no names folded, no distinct values, no sentences).
Run: ``POLARS_MAX_THREADS=1 python -m tests.data.detect.bench_detect``.
"""

from __future__ import annotations

import re
import statistics
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lab.data.detect import Kind, patterns, scan
from tests.data.detect.planted import (
    PLANTED,
    column,
    luhn_ended,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROWS = 10_000
ROUNDS = 3
COLUMNS = ("nas", "nam", "phone", "postal", "email", "full", "address", "birth", "text")
SHAPES = {
    "nas": patterns.NINE,
    "card": patterns.CARD,
    "neq": patterns.NEQ,
    "phone": patterns.PHONE,
    "nam": patterns.LETTERS_8,
    "licence": patterns.LICENCE,
    "postal": patterns.POSTAL_CODE,
    "email": patterns.EMAIL,
    "url": patterns.URL,
    "ipv4": patterns.IPV4,
    "ipv6": patterns.IPV6,
    "plate": patterns.PLATE,
    "gps": patterns.PAIR,
    "date": patterns.DATE,
    "address": patterns.ADDRESS,
    "name": patterns.NAME,
    "first": patterns.FIRST_NAME,
    "last": patterns.SURNAME,
    "uuid": patterns.UUID,
}


def table(rows: int) -> pl.DataFrame:
    random = np.random.default_rng(11)
    makers = {name: writers[0] for name, _, _, writers in PLANTED}
    planted = {name: column(random, makers[name], rows, missing=0.1) for name in COLUMNS}
    return pl.DataFrame({
        **planted,
        "amount": [f"{n:.2f} $" for n in random.gamma(2, 900, rows)],
        "choice": random.choice(["Oui", "Non", "Ne sait pas"], rows),
        "code": [f"AB-{n}" for n in random.integers(1000, 9999, rows)],
    })


def plain(cells: Mapping[str, Sequence[str | None]]) -> dict[str, dict[str, int]]:
    """Count every shape in every cell, one at a time."""
    shapes = {kind: re.compile(_for_python(p)) for kind, p in SHAPES.items()}
    found = {}
    for name, values in cells.items():
        counts = dict.fromkeys(shapes, 0)
        for value in values:
            if value is None:
                continue
            for kind, shape in shapes.items():
                hit = shape.search(
                    value.lower() if kind in {"address", "date", "first", "last"} else value
                )
                if hit and (kind != "nas" or _passes(hit.group(1))):
                    counts[kind] += 1
        found[name] = counts
    return found


def _passes(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return luhn_ended(digits[:-1]) == digits


def _for_python(pattern: str) -> str:
    """Write letters and digits of Unicode as ``re`` wants them, in a class or out of one."""
    out, is_class = [], False
    for part in re.split(r"(\\p\{[LN]\}|\\.|[\[\]])", pattern):
        if part in {"[", "]"}:
            is_class = part == "["
        if part.startswith(r"\p"):
            among = "a-zA-ZÀ-ÿ" if "L" in part else "0-9"
            out.append(among if is_class else f"[{among}]")
        else:
            out.append(part)
    return "".join(out)


def _timed(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _agree(frame: pl.DataFrame, counts: Mapping[str, Mapping[str, int]]) -> None:
    rates = {f.column: (f.rows, {h.kind: h.rate for h in f.hits}) for f in scan(frame.lazy())}
    for name, kind in (("nas", Kind.NAS), ("email", Kind.EMAIL), ("address", Kind.ADDRESS)):
        rows, hits = rates[name]
        if round(hits[kind] * rows) != counts[name][name]:
            raise RuntimeError(f"{name}: {hits[kind] * rows} and {counts[name][name]}")


def main() -> None:
    """Print the seconds of CPU of both arms, and their ratio.

    Raises:
        RuntimeError: The arms did not find the same numbers and addresses.
    """
    frame = table(ROWS)
    cells = frame.to_dict(as_series=False)
    ours, theirs = [], []
    scan(frame.head(100).lazy())
    for _ in range(ROUNDS):
        ours.append(_timed(lambda: scan(frame.lazy())))
        theirs.append(_timed(lambda: plain(cells)))
    _agree(frame, plain(cells))
    size = frame.height * frame.width
    mine, loop = statistics.median(ours), statistics.median(theirs)
    sys.stdout.write(
        f"detect: {size:,} cells, {mine:.2f} s CPU ({size / mine:,.0f} cells/s); "
        f"plain re loop {loop:.2f} s; ratio {loop / mine:.1f}\n"
        f"  rounds: {[f'{b / a:.1f}' for a, b in zip(ours, theirs, strict=True)]}\n"
    )


if __name__ == "__main__":
    main()
