"""The forms of a page, read as a browser reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

CHOICES = frozenset({"radio", "checkbox", "select"})
SILENT = frozenset({"hidden", "submit", "file", "password"})


@dataclass
class Form:
    """One form.

    Attributes:
        kinds: Of each field, by name: ``text``, ``textarea``, ``hidden``, ``radio`` and so on.
        values: What each would send as it stands.
    """

    action: str
    method: str
    kinds: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        return [name for name, kind in self.kinds.items() if kind not in CHOICES | SILENT]


class _Reader(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__(convert_charrefs=True)
        self._path, self.forms = path, list[Form]()
        self._form: Form | None = None
        self._area, self._select = "", ""
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action") or self._path, given.get("method", "get"))
            self.forms.append(self._form)
        if self._form is None:
            return
        name = given.get("name", "")
        if tag == "input" and name:
            self._input(self._form, name, given)
        elif tag == "textarea" and name:
            self._form.kinds[name], self._area, self._text = "textarea", name, []
        elif tag == "select" and name:
            self._form.kinds[name], self._select = "select", name
        elif tag == "option" and self._select and ("selected" in given):
            self._form.values[self._select] = [given.get("value", "")]

    def _input(self, form: Form, name: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        form.kinds[name] = kind
        if kind not in CHOICES or "checked" in given:
            form.values.setdefault(name, []).append(given.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._form is not None and self._text is not None:
            self._form.values.setdefault(self._area, []).append("".join(self._text))
            self._text = None
        elif tag == "select":
            self._select = ""
        elif tag == "form":
            self._form = None


def forms_of(page: str, path: str) -> list[Form]:
    """Return the forms of a page at a path, but the one that signs out."""
    reader = _Reader(path.partition("?")[0])
    reader.feed(page)
    return [form for form in reader.forms if form.action != "/sortir"]


def form_to(page: str, path: str, action: str) -> Form | None:
    """Return the form that is sent to an address."""
    for form in forms_of(page, path):
        if form.method == "post" and form.action.partition("?")[0] == action:
            return form
    return None
