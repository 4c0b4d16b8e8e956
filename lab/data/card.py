"""The data card: what a person reads before using the data. French, then English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from lab.domain.dataset import DataClass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lab.data.source import Prose, Source
    from lab.domain.dataset import Column, DatasetRef


@dataclass(frozen=True, slots=True)
class _Words:
    locale: str
    what: str
    how: str
    columns: str
    uses: str
    limits: str
    licence: str
    header: str
    types: Mapping[str, str]
    classes: Mapping[DataClass, str]
    facts: str


_FRENCH = _Words(
    locale="fr_CA",
    what="Ce que c’est",
    how="Comment elle a été faite",
    columns="Colonnes",
    uses="Ce qu’on peut essayer",
    limits="Limites",
    licence="Licence et source",
    header="| Colonne | Type | Sens | Valeurs | Manquantes |",
    types={
        "string": "texte",
        "integer": "entier",
        "number": "nombre",
        "date": "date",
        "boolean": "vrai ou faux",
    },
    classes={
        DataClass.SYNTHETIC: "données synthétiques",
        DataClass.ANONYMISED: "données anonymisées",
        DataClass.OPEN: "données ouvertes",
        DataClass.DEIDENTIFIED: "renseignements dépersonnalisés",
    },
    facts="Version {version}, publiée le {date} : {rows} lignes, {columns} colonnes; {kind}.",
)
_ENGLISH = _Words(
    locale="en_CA",
    what="What it is",
    how="How it was made",
    columns="Columns",
    uses="What one may try",
    limits="Limits",
    licence="Licence and source",
    header="| Column | Type | Meaning | Values | Missing |",
    types={
        "string": "text",
        "integer": "integer",
        "number": "number",
        "date": "date",
        "boolean": "true or false",
    },
    classes={
        DataClass.SYNTHETIC: "synthetic data",
        DataClass.ANONYMISED: "anonymised data",
        DataClass.OPEN: "open data",
        DataClass.DEIDENTIFIED: "de-identified personal information",
    },
    facts="Version {version}, published on {date}: {rows} rows, {columns} columns; {kind}.",
)
_MOST_VALUES = 8


def write_card(source: Source, *, ref: DatasetRef, published_at: datetime) -> str:
    """Write the card as Markdown."""
    dataset = source.dataset
    french = _part(source, source.french, _FRENCH, ref=ref, published_at=published_at)
    english = _part(source, source.english, _ENGLISH, ref=ref, published_at=published_at)
    return (
        f"# {dataset.title_fr}\n\n*[English below](#english)*\n\n{french}\n"
        f'<a id="english"></a>\n\n# {dataset.title_en}\n\n{english}'
    )


def _part(
    source: Source, prose: Prose, words: _Words, *, ref: DatasetRef, published_at: datetime
) -> str:
    facts = words.facts.format(
        version=ref.version,
        date=format_date(published_at, "long", locale=words.locale),
        rows=format_decimal(source.table.num_rows, locale=words.locale),
        columns=len(source.columns),
        kind=words.classes[source.dataset.data_class],
    )
    rows = "\n".join(_row(source, column, words) for column in source.columns)
    licence = f"{source.dataset.licence}\n\n{source.dataset.source}"
    sections = {
        words.what: prose.what,
        words.how: prose.how,
        words.columns: f"{words.header}\n|---|---|---|---|---|\n{rows}",
        words.uses: "\n".join(f"- {use}" for use in prose.uses),
        words.limits: "\n".join(f"- {limit}" for limit in prose.limits),
        words.licence: licence,
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"{facts}\n\n{body}\n"


def _row(source: Source, column: Column, words: _Words) -> str:
    label = column.label_fr if words is _FRENCH else column.label_en
    values = source.table[column.name]
    missing = values.null_count / len(values)
    share = format_percent(missing, "#,##0.0 %" if words is _FRENCH else "#,##0.0%", words.locale)
    seen = _seen(source, column, words)
    return f"| `{column.name}` | {words.types[column.type]} | {label} | {seen} | {share} |"


def _seen(source: Source, column: Column, words: _Words) -> str:
    values = source.table[column.name].drop_null()
    if column.type == "boolean":
        return ""
    if column.type == "string":
        names = sorted(values.unique().to_pylist())
        more = f" … ({len(names)})" if len(names) > _MOST_VALUES else ""
        return ", ".join(names[:_MOST_VALUES]) + more
    low, high = min(values.to_pylist()), max(values.to_pylist())
    if column.type == "date":
        return f"{low} – {high}"
    return " – ".join(format_decimal(v, "#,##0.##", words.locale) for v in (low, high))
