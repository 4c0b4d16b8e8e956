"""Amounts as people type them into a form, and how they are put back into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.errors import Problem
from lab.domain.quantity import GIB, format_bytes, parse_bytes, parse_cpu
from lab.web.schemas.common import MOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.web.forms import Form

MOST_SANDBOXES = 100_000
MOST_GPUS = 10_000


def typed_cpu(millicores: int) -> str:
    """Write millicores as a person would."""
    return f"{millicores / 1000:g}"


def typed_bytes(count: int) -> str:
    """Write bytes as a person would."""
    return format_bytes(count)


def cpu(form: Form, name: str, problems: list[Problem]) -> int:
    """Read ``4``, ``0,5`` or ``500m`` as millicores."""
    return _read(form, name, problems, lambda text: parse_cpu(text.replace(",", ".")))


def size(form: Form, name: str, problems: list[Problem]) -> int:
    """Read ``8Gi`` as bytes; a number alone means gigabytes, as people say it."""
    return _read(form, name, problems, _bytes)


def whole(form: Form, name: str, most: int, problems: list[Problem]) -> int:
    """Read a whole number."""
    text = form.one(name).strip()
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most:  # noqa: PLR2004 -- int() of what is short
        return int(text)
    problems.append(Problem(name, "out_of_range", (("most", str(most)),)))
    return 0


def hours(form: Form, name: str, most: int, problems: list[Problem]) -> int | None:
    """Read a whole number of hours; nothing typed is no limit."""
    text = "".join(form.one(name).split())
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most:  # noqa: PLR2004 -- int() of what is short
        return int(text)
    problems.append(Problem(name, "bad_hours"))
    return None


def _read(form: Form, name: str, problems: list[Problem], parse: Callable[[str], int]) -> int:
    try:
        return parse(form.one(name))
    except ValueError:
        problems.append(Problem(name, "bad_amount"))
        return 0


def _bytes(text: str) -> int:
    plain = text.strip()
    count = int(plain) * GIB if plain.isascii() and plain.isdigit() else parse_bytes(plain)
    if count > MOST:
        raise ValueError(plain)
    return count
