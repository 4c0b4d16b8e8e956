"""Problem codes."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import defaultdict
from http import HTTPStatus
from typing import TYPE_CHECKING

import lab
from lab.domain.errors import LabError
from lab.settings import CHECKOUT
from lab.web.errors import _HTTP_CODES
from lab.web.problems import STATUS
from lab.web.sentences import DETAILS, TITLES
from tests.docs.writing import code, english, page, table

if TYPE_CHECKING:
    from collections.abc import Iterator

_RAISED = re.compile(r'WebError\(\s*"(\w+)",\s*HTTPStatus\.(\w+)')
_NOT_LOADED = ("__main__", "migrations", "inside", "jupyterhub_config")


def error_classes(base: type[LabError] = LabError) -> Iterator[type[LabError]]:
    """Yield every deliberate error of the lab, whichever modules were loaded before."""
    if base is LabError:
        for found in pkgutil.walk_packages(lab.__path__, "lab."):
            if not any(part in found.name for part in _NOT_LOADED):
                importlib.import_module(found.name)
    if base.__module__.startswith("lab."):
        yield base
    for each in base.__subclasses__():
        yield from error_classes(each)


def statuses() -> dict[str, set[int]]:
    """Return the HTTP statuses of each code: from the table, and where the edge refuses."""
    found: dict[str, set[int]] = defaultdict(set)
    for error in error_classes():
        status = next((s for kind in error.mro() if (s := STATUS.get(kind))), None)
        if status is not None:
            found[error.code].add(int(status))
    for path in (CHECKOUT / "lab" / "web").rglob("*.py"):
        for name, status in _RAISED.findall(path.read_text("utf-8")):
            found[name].add(int(HTTPStatus[status]))
    for status, name in _HTTP_CODES.items():
        found[name].add(int(status))
    return found


def problems() -> str:
    by_code = statuses()
    rows = [
        (
            code(name),
            ", ".join(map(str, sorted(by_code[name]))),
            f"**{TITLES[name]}.** {_plain(DETAILS[name])}",
            f"**{english(TITLES[name])}.** {_plain(english(DETAILS[name]))}",
        )
        for name in TITLES
    ]
    known = {error.code for error in error_classes()}
    others = sorted(known - set(TITLES))
    return page(
        "# Codes des problèmes / Problem codes",
        "",
        "Chaque refus de l’API est un document `application/problem+json` (RFC\u00a09457). "
        "Son `code` ne change jamais et ne se traduit pas; `type` mène à une page du portail, "
        "sous `/problemes/`.",
        "",
        "Every refusal of the API is an `application/problem+json` document (RFC 9457). Its "
        "`code` never changes and is never translated; `type` leads to a page of the portal.",
        "",
        *table(("Code", "HTTP", "Français", "English"), rows),
        "A conflict (`conflict`) is 412 when the caller sent `If-Match`, and 409 otherwise.",
        "",
        "Codes of errors that reach nobody by the API; they stand in logs and beside a stage: "
        f"{', '.join(map(code, others))}.",
    )


def _plain(text: str) -> str:
    """Show a sentence's facts by their names."""
    return re.sub(r"%\((\w+)\)s", r"*\1*", text)
