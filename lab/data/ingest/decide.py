"""Decides a column's type from all that its values show; never guesses between two readings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.data.errors import DataError
from lab.data.ingest.model import ColumnOptions, ColumnType, DateOrder, Sentence, Warned
from lab.data.ingest.patterns import Marks

if TYPE_CHECKING:
    from lab.data.ingest.evidence import Evidence

_INT64_DIGITS = 18
_FLOAT64_DIGITS = 17  # name any float64 (IEEE 754)
_DATE_TESTS = ("iso_date", "iso_slash", "long_date")
_MONTH_FIRST = ("mois, jour, année", "month, day, year")
_COMMA_IS_DECIMAL = (Marks.FRENCH, Marks.GERMAN)
_AS_ASKED = Sentence("Comme demandé.", "As asked.")
_KINDS = {
    ColumnType.INTEGER: ("un entier", "an integer"),
    ColumnType.NUMBER: ("un nombre", "a number"),
    ColumnType.DATE: ("une date", "a date"),
    ColumnType.DATETIME: ("une date avec heure", "a date and time"),
    ColumnType.BOOLEAN: ("oui ou non", "yes or no"),
}


@dataclass(frozen=True, slots=True)
class Spec:
    """How to cast a text column.

    Attributes:
        type: What comes out.
        how: Reading that every value fits; empty for text.
        why: Why that type.
        unit: Taken off every value.
        is_day_first: For dates in digits.
        has_codes: Whether some cells hold a code for a missing value.
        is_grouped: Whether numbers hold more than digits, a mark and a hyphen.
        warnings: Reason and sentence.
    """

    type: ColumnType
    how: str
    why: Sentence
    unit: str = ""
    is_day_first: bool = True
    has_codes: bool = True
    is_grouped: bool = True
    warnings: tuple[tuple[str, Sentence], ...] = field(default=())

    def warned(self, column: str) -> list[Warned]:
        """The warnings, of that column."""
        return [Warned(reason, column, says) for reason, says in self.warnings]


def decide(
    seen: Evidence, asked: ColumnOptions, *, is_declared_text: bool, is_declared_number: bool
) -> Spec:
    """Choose the type of a column.

    Args:
        seen: All its values.
        asked: What a person decided.
        is_declared_text: The format says text: plain digits are then no numbers.
        is_declared_number: The format says number: a bare exponent is then one.

    Raises:
        DataError: ``not_of_type`` when values do not fit the type asked for.
    """
    if asked.type is ColumnType.TEXT:
        return _text(Sentence("Texte, comme demandé.", "Text, as asked."))
    if seen.values == 0:
        if asked.type is not None:
            return Spec(asked.type, _any_test(asked.type), _AS_ASKED)
        return _text(Sentence("Aucune valeur : texte.", "No values: text."))
    spec = _truth(seen) or _number(
        seen, asked, is_text=is_declared_text, is_number=is_declared_number
    )
    spec = spec or _date(seen, asked) or _plain_text(seen)
    if asked.type is None or spec.type is asked.type:
        return spec
    if asked.type is ColumnType.NUMBER and spec.type is ColumnType.INTEGER:
        return Spec(ColumnType.NUMBER, spec.how, _AS_ASKED, unit=spec.unit)
    raise _not_of_type(asked.type, seen, spec)


def _truth(seen: Evidence) -> Spec | None:
    tests = sorted(test for test in seen.live if test.startswith("truth_"))
    if not tests:
        return None
    if tests == ["truth_o"] and len(seen.truths) < 2:  # noqa: PLR2004  O and N
        says = Sentence(
            "Une seule lettre, O ou N, partout : rien ne dit que c’est oui ou non; texte.",
            "One letter, O or N, throughout: nothing says that it is yes or no; text.",
        )
        return _text(says)
    pair = {"truth_o": "O/N"}.get(tests[0], tests[0].removeprefix("truth_"))
    return Spec(
        ColumnType.BOOLEAN,
        tests[0],
        Sentence(
            f"Toutes les valeurs sont d’une même paire ({pair}, …).",
            f"All values are of one pair ({pair}, …).",
        ),
    )


def _number(
    seen: Evidence, asked: ColumnOptions, *, is_text: bool, is_number: bool
) -> Spec | None:
    live = [marks for marks in Marks if marks in seen.live]
    if not live:
        return None
    facts = seen.facts
    is_asked = asked.type in {ColumnType.INTEGER, ColumnType.NUMBER}
    is_plain = not (facts["comma"] or facts["point"] or facts["unit_none"] < seen.values)
    if facts["leading_zero"] and not is_asked:
        return _text(
            Sentence(
                f"Valeurs qui commencent par zéro : {facts['leading_zero']}; des identifiants, "
                "gardés en texte.",
                f"Values that begin with zero: {facts['leading_zero']}; identifiers, kept as "
                "text.",
            )
        )
    if is_text and is_plain and not is_asked:
        return _text(
            Sentence(
                "Des chiffres que le fichier déclare comme du texte : gardés en texte.",
                "Digits that the file declares to be text: kept as text.",
            )
        )
    if facts["bare_power"] and not (is_number or is_asked):
        return _text(
            Sentence(
                "Des valeurs comme 12E5, plutôt des codes que des nombres : texte.",
                "Values such as 12E5, codes rather than numbers: text.",
            )
        )
    units = [unit for unit in ("$", "€", "%", "none") if facts[f"unit_{unit}"]]
    if len(units) > 1:
        return _warned_text(
            "mixed_units",
            "Des nombres avec et sans unité, ou d’unités différentes : gardés en texte.",
            "Numbers with and without a unit, or of different units: kept as text.",
        )
    return _choose_marks(seen, asked, live, "" if units == ["none"] else units[0])


def _choose_marks(seen: Evidence, asked: ColumnOptions, live: list[Marks], unit: str) -> Spec:
    facts = seen.facts
    if asked.decimal is not None:
        live = [m for m in live if (m in _COMMA_IS_DECIMAL) == (asked.decimal == ",")]
        if not live:
            raise _not_of_type(ColumnType.NUMBER, seen, None)
    comma = [m for m in live if m in _COMMA_IS_DECIMAL]
    point = [m for m in live if m not in _COMMA_IS_DECIMAL]
    if facts["comma"] and comma and point:
        return _warned_text(
            "ambiguous_decimal",
            "Des valeurs comme 1,234 ont une virgule décimale ou une virgule de milliers "
            f"({facts['ambiguous']} dans la colonne), et rien ne tranche : texte. Indiquez le "
            "signe décimal.",
            "Values such as 1,234 have a decimal comma or a comma between thousands "
            f"({facts['ambiguous']} in the column), and nothing decides: text. Name the decimal "
            "mark.",
        )
    # A point alone is a decimal mark here: nobody in Quebec groups digits with points.
    marks = point[0] if point and not (facts["comma"] and comma) else live[0]
    has_decimals = facts["power"] or facts["comma" if marks in _COMMA_IS_DECIMAL else "point"]
    if not has_decimals and seen.longest > _INT64_DIGITS:
        return _text(
            Sentence(
                f"Des suites de {seen.longest} chiffres, trop longues pour un entier : texte.",
                f"Runs of {seen.longest} digits, too long for an integer: text.",
            )
        )
    warnings = []
    if has_decimals and seen.longest > _FLOAT64_DIGITS + 1:
        says = Sentence(
            f"Des nombres de {seen.longest} chiffres : au-delà de 17, ils sont arrondis.",
            f"Numbers of {seen.longest} digits: past 17 they are rounded.",
        )
        warnings.append(("rounded", says))
    kind = ColumnType.NUMBER if has_decimals else ColumnType.INTEGER
    fr, en = ("virgule", "comma") if marks in _COMMA_IS_DECIMAL else ("point", "point")
    why = (
        Sentence(
            f"Toutes les valeurs sont des nombres; signe décimal : {fr}.",
            f"All values are numbers; decimal mark: {en}.",
        )
        if has_decimals
        else Sentence("Toutes les valeurs sont des entiers.", "All values are integers.")
    )
    return Spec(kind, str(marks), why, unit=unit, warnings=tuple(warnings))


def _date(seen: Evidence, asked: ColumnOptions) -> Spec | None:
    whole = Sentence(
        "Toutes les valeurs sont des dates qui existent.", "All values are dates that exist."
    )
    for test in _DATE_TESTS:
        if test in seen.live:
            return Spec(ColumnType.DATE, test, whole)
    for test in ("iso_time", "iso_zoned"):
        if test in seen.live:
            return Spec(ColumnType.DATETIME, test, whole)
    for test, kind in (("digits_date", ColumnType.DATE), ("digits_time", ColumnType.DATETIME)):
        if test in seen.live:
            return _digits_date(seen, asked, test, kind)
    return None


def _digits_date(seen: Evidence, asked: ColumnOptions, test: str, kind: ColumnType) -> Spec:
    facts = seen.facts
    is_dmy, is_mdy = (facts[fact] == facts["dates"] for fact in ("day_first", "month_first"))
    if asked.date_order is not None:
        is_day_first = asked.date_order is DateOrder.DMY
        if not (is_dmy if is_day_first else is_mdy):
            raise _not_of_type(kind, seen, None)
        return Spec(kind, test, _AS_ASKED, is_day_first=is_day_first)
    if is_dmy and is_mdy and facts["either"]:
        return _warned_text(
            "ambiguous_date",
            "Des dates comme 03/04/2024 se lisent jour puis mois ou mois puis jour "
            f"({facts['either']} dans la colonne), et aucune ne tranche : texte. Indiquez "
            "l’ordre (dmy ou mdy).",
            "Dates such as 03/04/2024 read day then month or month then day "
            f"({facts['either']} in the column), and none decides: text. Name the order (dmy or "
            "mdy).",
        )
    if not (is_dmy or is_mdy):
        return _warned_text(
            "mixed_date_order",
            "Des dates en chiffres, dont aucun ordre du jour et du mois ne convient à toutes : "
            "texte.",
            "Dates in digits, of which no order of day and month fits all: text.",
        )
    fr, en = ("jour, mois, année", "day, month, year") if is_dmy else _MONTH_FIRST
    why = Sentence(
        f"Toutes les valeurs sont des dates; ordre : {fr}, car l’autre est impossible.",
        f"All values are dates; order: {en}, for the other is impossible.",
    )
    return Spec(kind, test, why, is_day_first=is_dmy)


def _plain_text(seen: Evidence) -> Spec:
    if seen.nearest is None or seen.misfit_row is None:
        return _text(Sentence("Du texte.", "Text."))
    fr, en = _KINDS[_kind_of(seen.nearest)]
    if seen.facts["short_year"]:
        fr, en = "une date à quatre chiffres d’année", "a date with a four-digit year"
    return _text(
        Sentence(
            f"Pas toutes de même sorte : la rangée {seen.misfit_row} n’est pas {fr}.",
            f"Not all of one kind: row {seen.misfit_row} is not {en}.",
        )
    )


def _kind_of(test: str) -> ColumnType:
    if test.startswith("truth_"):
        return ColumnType.BOOLEAN
    if test in set(Marks):
        return ColumnType.NUMBER
    return (
        ColumnType.DATETIME
        if test in {"iso_time", "iso_zoned", "digits_time"}
        else ColumnType.DATE
    )


def _any_test(kind: ColumnType) -> str:
    """Any reading of that type will do where there is no value."""
    tests = {"boolean": "truth_oui", "date": "iso_date", "datetime": "iso_time"}
    return tests.get(kind, str(Marks.PLAIN))


def _text(why: Sentence) -> Spec:
    return Spec(ColumnType.TEXT, "", why)


def _warned_text(reason: str, fr: str, en: str) -> Spec:
    says = Sentence(fr, en)
    return Spec(ColumnType.TEXT, "", says, warnings=((reason, says),))


def _not_of_type(kind: ColumnType, seen: Evidence, spec: Spec | None) -> DataError:
    fr, en = _KINDS[kind]
    where_fr = f"La rangée {seen.misfit_row}" if seen.misfit_row else "Au moins une valeur"
    where_en = f"Row {seen.misfit_row}" if seen.misfit_row else "At least one value"
    more_fr, more_en = (f" {spec.why.fr}", f" {spec.why.en}") if spec else ("", "")
    return DataError(
        "not_of_type",
        fr=f"{where_fr} n’est pas {fr}, comme demandé.{more_fr}",
        en=f"{where_en} is not {en}, as asked.{more_en}",
    )
