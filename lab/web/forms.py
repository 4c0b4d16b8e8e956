"""What a page's form sent: known fields only, readable text only."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from lab.domain.errors import InvalidError, Problem
from lab.web.problems import WebError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import Request

MOST_FIELDS = 20_000
"""A table of 2,000 columns has some for each; the gate bounds their bytes."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Form:
    """The fields of one form, as sent; what no keyboard types is made to be seen.

    Such a value is refused by ``only``, and comes back on the page with everything else.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        self._unreadable: set[str] = set()
        for name, value in pairs:
            plain = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", value)
            self._values.setdefault(name, []).append(plain)
            if plain != value:
                self._unreadable.add(name)

    def one(self, name: str) -> str:
        """Return the first value of a field, or nothing."""
        return self._values.get(name, [""])[0]

    def many(self, name: str) -> tuple[str, ...]:
        """Return every value of a field."""
        return tuple(self._values.get(name, ()))

    def only(self, *names: str) -> Form:
        """Return it, if it has no other fields than these and the proof of origin.

        Raises:
            InvalidError: It has, or a value holds what no keyboard types.
        """
        extra = set(self._values) - set(names) - {"csrf"}
        problems = [Problem(name[:64], "unknown_field") for name in sorted(extra)]
        problems += [
            Problem(name, "control_characters") for name in names if name in self._unreadable
        ]
        if problems:
            raise InvalidError(problems)
        return self


async def form_of(request: Request) -> Form:
    """Read the form once.

    Raises:
        WebError: It is not readable text.
    """
    if not hasattr(request.state, "form"):
        body = await request.body()
        try:
            pairs = parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MOST_FIELDS,
            )
        except ValueError:
            raise WebError("bad_request", HTTPStatus.BAD_REQUEST) from None
        request.state.form = Form(pairs)
    form: Form = request.state.form
    return form
