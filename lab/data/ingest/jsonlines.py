"""Reads JSON lines in blocks of whole lines."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from lab.data.errors import DataError
from lab.data.ingest.model import Sentence, Warned
from lab.data.ingest.tables import Told, check_columns, check_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.data.ingest.model import Options, Progress
    from lab.data.ingest.text import Text

_STRUCTURE = np.zeros(256, dtype=np.bool_)
_STRUCTURE[list(b'"{}[]:')] = True
_DEPTH = np.zeros(256, dtype=np.int8)
_DEPTH[list(b"{[")], _DEPTH[list(b"}]")] = 1, -1
_SPACES = np.frombuffer(b" \t\r", dtype=np.uint8)
_BLANK = re.compile(rb"(?m)^[ \t\r]*\n")
_LONGEST_LINE = 32 * 2**20


class JsonLines:
    """One object a line; a key that a line lacks is a missing value."""

    def __init__(self, text: Text, options: Options, *, watch: Callable[[Progress], None]) -> None:
        self._text, self._options, self._watch = text, options, watch
        self._told = Told(may_grow=True, encoding=text.encoding, warnings=list(text.warnings))
        self._places: dict[str, int] = {}
        self._nested: set[int] = set()

    @property
    def told(self) -> Told:
        """What is told beside the batches."""
        return self._told

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield the rows; later batches may have more columns than earlier ones.

        Raises:
            DataError: ``bad_json``, ``not_an_object``, ``duplicate_key``, ``line_too_long``,
                ``too_many_columns``.
        """
        line, tail = 1, b""
        for chunk in self._text.chunks(self._watch):
            buffer = tail + chunk
            end = buffer.rfind(b"\n") + 1
            if end:
                yield from self._read(buffer[:end], line)
                line += buffer.count(b"\n", 0, end)
            tail = buffer[end:]
            if len(tail) > _LONGEST_LINE:
                raise DataError(
                    "line_too_long",
                    fr=f"Ligne {line} : plus de {_LONGEST_LINE} octets.",
                    en=f"Line {line}: more than {_LONGEST_LINE} bytes.",
                )
        if tail.strip():
            yield from self._read(tail + b"\n", line)
        # A column is text as soon as one value is.
        self._told.declared_numbers -= self._told.declared_text
        for place in sorted(self._nested):
            self._tell_nested(place)

    def _read(self, block: bytes, line: int) -> Iterator[pl.DataFrame]:
        data = _BLANK.sub(b"", block)
        if not data:
            return
        try:
            schema = pl.read_ndjson(io.BytesIO(data), infer_schema_length=None).schema
            names = self._take_names(schema)
            batch = pl.read_ndjson(
                io.BytesIO(data), schema=dict.fromkeys(names, pl.String())
            ).rename(lambda name: str(self._places[name]))
        except (PolarsError, ValueError) as error:
            _explain(block, line, error)
        counted = data.count(b"\n")
        if counted != batch.height:
            _explain(block, line, None)
        check_count(counted, batch.height)
        self._check_keys(data, batch, (block, line))
        self._check_cells(batch)
        self._told.counted += counted
        yield batch

    def _take_names(self, schema: pl.Schema) -> list[str]:
        told = self._told
        for name, data_type in schema.items():
            place = self._places.setdefault(name, len(self._places))
            if place == len(told.names):
                told.names.append(name)
            if data_type == pl.String:
                told.declared_text.add(place)
            elif data_type.is_nested():
                self._nested.add(place)
                told.declared_text.add(place)
            elif data_type.is_numeric():
                told.declared_numbers.add(place)
        check_columns(len(told.names), self._options.limits)
        return list(schema)

    def _check_keys(self, data: bytes, batch: pl.DataFrame, place: tuple[bytes, int]) -> None:
        """Refuse keys given twice, of which the library keeps one without a word."""
        keys, explicit_nulls = _count_keys(data)
        kept = sum(column.len() - column.null_count() for column in batch.get_columns())
        if keys != kept + explicit_nulls:
            _explain(*place, None)

    def _check_cells(self, batch: pl.DataFrame) -> None:
        most = self._options.limits.max_cell_bytes
        sizes = batch.select(pl.all().str.len_bytes().max()).row(0)
        for name, size in zip(batch.columns, sizes, strict=True):
            if size is not None and size > most:
                given = self._told.names[int(name)]
                raise DataError(
                    "cell_too_large",
                    fr=f"Colonne « {given} » : une valeur de {size} octets dépasse la limite de "
                    f"{most} octets.",
                    en=f"Column “{given}”: a value of {size} bytes is over the limit of {most} "
                    "bytes.",
                )

    def _tell_nested(self, place: int) -> None:
        given = self._told.names[place]
        says = Sentence(
            f"« {given} » contient des listes ou des objets : gardés en texte JSON.",
            f"“{given}” holds lists or objects: kept as JSON text.",
        )
        self._told.warnings.append(Warned("nested_values", None, says))


def is_json_lines(head: bytes) -> bool:
    """Whether a text begins with a JSON object on its first line that is not empty.

    Raises:
        DataError: ``json_array`` for a JSON document that is one array.
    """
    start = head.lstrip()
    if start.startswith(b"["):
        try:
            value, _ = json.JSONDecoder().raw_decode(start[: 2**20].decode("utf-8", "ignore"))
        except ValueError:
            is_array = bool(re.match(rb"\[\s*\{\s*\"", start))
        else:
            is_array = isinstance(value, list)
        if is_array:
            raise DataError(
                "json_array",
                fr="Le fichier est un tableau JSON : donnez un objet par ligne (JSON lines).",
                en="The file is one JSON array: give one object a line (JSON lines).",
            )
    return bool(re.match(rb"\{\s*(\"|\})", start))


def _count_keys(data: bytes) -> tuple[int, int]:
    """Count the keys of the objects, and those whose value is null, from the bytes alone."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    codes = np.frombuffer(data + b" " * 8, dtype=np.uint8)
    places = np.flatnonzero(_STRUCTURE[codes])
    kinds = codes[places]
    outside = (np.cumsum(kinds == ord('"'), dtype=np.int32) & 1) == 0
    places, kinds = places[outside], kinds[outside]
    depth = np.cumsum(_DEPTH[kinds], dtype=np.int32)
    values = places[(kinds == ord(":")) & (depth == 1)] + 1
    spaces = np.isin(codes[values], _SPACES)
    while spaces.any():
        values = values + spaces
        spaces = np.isin(codes[values], _SPACES) & (values < len(data))
    return int(values.size), int(np.count_nonzero(codes[values] == ord("n")))


def _explain(block: bytes, line: int, error: Exception | None) -> NoReturn:
    """Find the first line that is wrong; only on the way to a refusal, so line by line."""
    for offset, part in enumerate(block.split(b"\n")):
        if not part.strip():
            continue
        place = line + offset
        try:
            value = json.loads(part, object_pairs_hook=_pairs, parse_constant=_refuse)
        except _DuplicateKeyError as found:
            raise DataError(
                "duplicate_key",
                fr=f"Ligne {place} : la clé « {found} » est donnée deux fois.",
                en=f"Line {place}: the key “{found}” is given twice.",
            ) from error
        except ValueError as found:
            column = getattr(found, "colno", 1)
            raise DataError(
                "bad_json",
                fr=f"Ligne {place}, caractère {column} : ce n’est pas un objet JSON par ligne.",
                en=f"Line {place}, character {column}: not one JSON object a line.",
            ) from error
        if not isinstance(value, dict):
            raise DataError(
                "not_an_object",
                fr=f"Ligne {place} : une valeur JSON qui n’est pas un objet.",
                en=f"Line {place}: a JSON value that is no object.",
            ) from error
    raise DataError(
        "bad_json",
        fr=f"À partir de la ligne {line} : du JSON qui ne peut être lu en table.",
        en=f"From line {line}: JSON that cannot be read as a table.",
    ) from error


class _DuplicateKeyError(Exception):
    pass


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _DuplicateKeyError(key)
        found[key] = value
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
