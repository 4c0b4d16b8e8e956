"""What the card of a version says that came from an agency's table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from lab.data.source import Prose, Source
from lab.domain.dataset import Column

if TYPE_CHECKING:
    from lab.domain.evidence import ColumnChoice
    from lab.ports import Card

_HOW = {
    "k-anonymat": (
        "Généralisation et suppression jusqu’au k-anonymat.",
        "Generalised and suppressed to k-anonymity.",
    ),
    "synthese": (
        "Synthèse avec confidentialité différentielle : aucune ligne n’est celle d’une personne.",
        "Synthesised with differential privacy: no row is a person's.",
    ),
    "aucune": ("Les identifiants directs sont retirés.", "Direct identifiers are removed."),
}


def source_of(frame: pl.DataFrame, card: Card) -> Source:
    """Return a table with what its version says of itself."""
    table = _arrow(frame)
    choices = {choice.name: choice for choice in card.columns}
    columns = tuple(
        _column(name, table.schema.field(name).type, choices.get(name))
        for name in table.column_names
    )
    how_fr, how_en = _HOW[card.treatment]
    return Source(
        dataset=card.dataset,
        columns=columns,
        table=table,
        licence_name="other-closed",
        french=Prose(
            what=card.dataset.description_fr,
            how=f"{how_fr} La preuve est dans `datapackage.json`, sous `anonymisation`.",
            limits=(
                "Le risque de réidentification est très faible, non nul.",
                "Ne cherchez pas à reconnaître une personne.",
            ),
            uses=(card.purposes,),
        ),
        english=Prose(
            what=card.dataset.description_en,
            how=f"{how_en} The evidence is in `datapackage.json`, under `anonymisation`.",
            limits=(
                "The risk of re-identification is very low, not zero.",
                "Do not try to recognise anybody.",
            ),
            uses=(card.purposes,),
        ),
        evidence=card.evidence,
    )


def _arrow(frame: pl.DataFrame) -> pa.Table:
    """Return it in the five types of a published table."""
    plain = frame.with_columns(
        pl.col(pl.Datetime).dt.to_string("iso"), pl.col(pl.Categorical).cast(pl.String)
    )
    table = plain.to_arrow()
    return table.cast(
        pa.schema([pa.field(field.name, _plain(field.type)) for field in table.schema])
    )


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_boolean(kind) or pa.types.is_date32(kind):
        return kind
    if pa.types.is_integer(kind):
        return pa.int64()
    return pa.float64() if pa.types.is_floating(kind) else pa.string()


def _column(name: str, kind: pa.DataType, choice: ColumnChoice | None) -> Column:
    words = {pa.int64(): "integer", pa.float64(): "number", pa.bool_(): "boolean"}
    type_ = words.get(kind, "date" if pa.types.is_date32(kind) else "string")
    label_fr = choice.label_fr if choice and choice.label_fr else name
    return Column(name, type_, label_fr, choice.label_en if choice and choice.label_en else name)
