from __future__ import annotations

from typing import TYPE_CHECKING

from babel.messages.extract import extract_from_dir

from lab.settings import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Mapping

WEB = CHECKOUT / "lab" / "web"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"msg": None, "text": None, "_": None, "plural": (1, 2), "ngettext": (1, 2)}


def found() -> Mapping[str, str | None]:
    """Return every French text of the web, with its plural where it has one."""
    texts: dict[str, str | None] = {}
    rows = extract_from_dir(
        str(WEB),
        method_map=METHODS,
        keywords=KEYWORDS,
        options_map={"**.html": {"silent": "false"}},
    )
    for _file, _line, message, _comments, _context in rows:
        one, many = message if isinstance(message, tuple) else (message, None)
        texts[one] = many or texts.get(one)
    return texts
