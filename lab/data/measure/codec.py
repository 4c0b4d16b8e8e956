"""Reports as JSON and back: frozen dataclasses of numbers, words, enums and tuples."""

from __future__ import annotations

import json
import types
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from lab.data.errors import DataError
from lab.data.measure import closest, counting, intervals, report, trials
from lab.domain.privacy import Criterion

T = TypeVar("T")


def as_json(value: object) -> str:
    """Write a report: UTF-8 text, keys in the order of the fields, floats to the last digit."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def from_json(kind: type[T], text: str) -> T:
    """Read a report that ``as_json`` wrote.

    Raises:
        DataError: ``bad_report``: not JSON, or not a report of this kind.
    """
    try:
        found: T = _built(kind, json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            "bad_report",
            fr="Ce fichier n’est pas un rapport de mesure.",
            en="This file is not a measurement report.",
        ) from error
    return found


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value.value if isinstance(value, Enum) else value


def _built(kind: Any, raw: Any) -> Any:  # noqa: PLR0911  # one per kind of type
    origin, args = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        inner = next(a for a in args if a is not type(None))
        return None if raw is None else _built(inner, raw)
    if origin is tuple:
        if args[-1] is Ellipsis:
            return tuple(_built(args[0], v) for v in raw)
        return tuple(_built(a, v) for a, v in zip(args, raw, strict=True))
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        if set(raw) != set(hints):
            raise ValueError(sorted(set(raw) ^ set(hints)))
        return kind(**{name: _built(hint, raw[name]) for name, hint in hints.items()})
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(raw)
    if not isinstance(raw, kind):
        raise TypeError(kind)
    return raw


@cache
def _hints(kind: type) -> dict[str, Any]:
    """Types of a report's fields; their names are looked up here, where they are all known."""
    names: dict[str, Any] = {"Criterion": Criterion}
    for module in (closest, counting, intervals, report, trials):
        names.update(vars(module))
    return get_type_hints(kind, localns=names)
