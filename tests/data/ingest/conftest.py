from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import polars as pl
import pytest

from lab.data.errors import DataError
from lab.data.ingest import Options, Reading, read

if TYPE_CHECKING:
    from pathlib import Path


class Ingest(Protocol):
    def __call__(
        self, raw: bytes | str | Path, **options: object
    ) -> tuple[Reading, pl.DataFrame]: ...


class Refuse(Protocol):
    def __call__(self, raw: bytes | str | Path, **options: object) -> DataError: ...


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    def run(raw: bytes | str | Path, **options: object) -> tuple[Reading, pl.DataFrame]:
        source, target = tmp_path / "source", tmp_path / "out.parquet"
        target.unlink(missing_ok=True)
        if isinstance(raw, bytes | str):
            source.write_bytes(raw.encode() if isinstance(raw, str) else raw)
        else:
            source = raw
        reading = read(source, target, options=Options(**options))  # type: ignore[arg-type]
        return reading, pl.read_parquet(target)

    return run


@pytest.fixture
def refuse(tmp_path: Path, ingest: Ingest) -> Refuse:
    def run(raw: bytes | str | Path, **options: object) -> DataError:
        with pytest.raises(DataError) as caught:
            ingest(raw, **options)
        left = {path.name for path in tmp_path.iterdir()} - {"source"}
        assert not {n for n in left if n.startswith((".ingest", "out"))}
        assert caught.value.fr
        assert caught.value.en
        return caught.value

    return run
