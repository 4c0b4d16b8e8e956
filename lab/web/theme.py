"""The theme of whoever runs the lab: a folder laid over the portal's own pages.

``static`` holds what browsers load (``theme.css``, ``logo.svg`` and what these name), and
``templates`` pages, or parts of pages, that stand in the place of ours of the same name. The
content policy stays what it is: nothing from elsewhere is loaded, whatever a theme says.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import FileSystemLoader, PackageLoader, TemplateError, TemplateSyntaxError, meta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Environment

THEME = "/habillage"
"""Where browsers find the files of ``static``."""

OURS = "vase-clos"
"""``{% extends "vase-clos/base.html" %}`` is our page, whatever stands in its place."""

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""What is served; nothing that runs."""

_LOGOS = ("logo.svg", "logo.png", "logo.webp")
_ELSEWHERE = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])\s*(?:https?:)?//", re.IGNORECASE)
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Theme:
    """What a page takes from the folder: addresses, empty where there is no such file."""

    css: str = ""
    logo: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in the folder that does not do what it is there for.

    Attributes:
        file: Below the folder; the folder itself where empty.
        why: ``syntax``, ``not_ours``, ``no_template``, ``type``, ``elsewhere``, ``writable`` or
            ``unreadable``.
        detail: In the words of what found it; empty where the reason says all.
    """

    file: str
    why: str
    detail: str = ""


def templates(folder: Path) -> FileSystemLoader:
    """Return what finds the folder's pages; none where there is no such folder."""
    return FileSystemLoader(folder / "templates")


def has_templates(folder: Path) -> bool:
    """Tell whether there is any page in the folder at all."""
    return (folder / "templates").is_dir()


def of_folder(folder: Path) -> Theme:
    """Look at what is there now: a theme that is changed needs no restart."""
    files = folder / "static"
    logo = next((name for name in _LOGOS if (files / name).is_file()), "")
    return Theme(
        css=f"{THEME}/theme.css" if (files / "theme.css").is_file() else "",
        logo=f"{THEME}/{logo}" if logo else "",
    )


def is_served(path: str) -> bool:
    """Tell whether a file below ``static`` may be given to browsers, by its name."""
    parts = Path(path).parts
    hidden = any(part.startswith(".") for part in parts)
    return bool(parts) and not hidden and Path(path).suffix.lower() in TYPES


def faults(folder: Path, env: Environment) -> list[Fault]:
    """Look at a whole folder, and say everything that is wrong with it.

    Args:
        folder: Of the theme; one that is not there is fine.
        env: That pages are made with, the folder's own among them.
    """
    if not folder.exists():
        return []
    try:
        return [*_of_files(folder), *_of_templates(folder, env)]
    except OSError as error:
        return [Fault("", "unreadable", error.strerror or str(error))]


def _of_files(folder: Path) -> Iterator[Fault]:
    for path in [folder, *_below(folder)]:
        # Whoever may write here may write what people see once they are signed in.
        if path.stat().st_mode & _OTHERS:
            yield Fault(_name(path, folder), "writable")
    files = folder / "static"
    for path in _below(files):
        if not path.is_file():
            continue
        if not is_served(str(path.relative_to(files))):
            yield Fault(_name(path, folder), "type", path.suffix)
        elif path.suffix.lower() == ".css" and _reaches_out(path):
            yield Fault(_name(path, folder), "elsewhere")


def _of_templates(folder: Path, env: Environment) -> Iterator[Fault]:
    ours = set(PackageLoader("lab.web").list_templates())
    for name in templates(folder).list_templates():
        file = f"templates/{name}"
        if name not in ours:
            yield Fault(file, "not_ours")
        try:
            source = (folder / "templates" / name).read_text("utf-8")
            named = meta.find_referenced_templates(env.parse(source, name))
            env.get_template(name)
        except TemplateSyntaxError as error:
            yield Fault(file, "syntax", f"{error.lineno}: {error.message}")
            continue
        except (TemplateError, UnicodeDecodeError) as error:
            yield Fault(file, "syntax", str(error))
            continue
        for other in sorted(filter(None, named)):
            if other not in {*env.list_templates()}:
                yield Fault(file, "no_template", other)


def _reaches_out(sheet: Path) -> bool:
    return _ELSEWHERE.search(sheet.read_text("utf-8", "replace")) is not None


def _below(folder: Path) -> list[Path]:
    found = []
    for where, folders, files in os.walk(folder):
        # A ConfigMap is mounted by way of hidden folders; what leads there is looked at.
        folders[:] = sorted(name for name in folders if not name.startswith(".."))
        found += [Path(where, name) for name in (*folders, *sorted(files))]
    return [path for path in found if path.exists()]


def _name(path: Path, folder: Path) -> str:
    return "" if path == folder else str(path.relative_to(folder))
