"""The templates, in each language, with what they all may use."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader
from markupsafe import Markup

from lab.domain.member import Resource, Role, Verb
from lab.web import theme, words
from lab.web.hours_words import hold_words, hour_lines, spent_words
from lab.web.language import LANGUAGES
from lab.web.problems import usage_words

if TYPE_CHECKING:
    from pathlib import Path

STATIC = "/statique"


@functools.cache
def environment(code: str, theme_dir: Path | None = None) -> Environment:
    """Return the templates in one language, those of a theme before our own."""
    language = LANGUAGES[code]
    ours = PackageLoader("lab.web")
    env = Environment(
        loader=ChoiceLoader([
            *([] if theme_dir is None else [theme.templates(theme_dir)]),
            ours,
            PrefixLoader({theme.OURS: ours}),
            PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
        ]),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        language.text, language.form, newstyle=True
    )
    env.filters |= {
        "day": language.day,
        "duration": language.duration,
        "size": language.size,
        "cores": language.cores,
        "count": language.count,
        "percent": language.percent,
        "month": language.month,
        "said": language.text,
        "lines": lines,
    }
    env.globals |= {
        "language": language,
        "words": words,
        "usage_words": functools.partial(usage_words, language=language),
        "hour_lines": functools.partial(hour_lines, language=language),
        "spent_words": functools.partial(spent_words, language=language),
        "hold_words": functools.partial(hold_words, language=language),
        "Role": Role,
        "Verb": Verb,
        "Resource": Resource,
        "STATIC": STATIC,
    }
    return env


def lines(text: str) -> Markup:
    """Return a text of several lines as HTML, nothing in it but line breaks."""
    return Markup("<br>").join(text.split("\n"))


def theme_faults(theme_dir: Path) -> list[theme.Fault]:
    """Say everything that is wrong with the folder of a theme."""
    return theme.faults(theme_dir, environment("fr", theme_dir))
