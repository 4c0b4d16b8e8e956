"""What an analysis measured, as bars, tables and sentences in the reader's language."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from lab.domain.evidence import Analysis, PrivacyPolicy
from lab.domain.privacy import Criterion
from lab.web import intake_words
from lab.web.language import Language, msg
from lab.web.plots import Bar, bars

_MOST_COLUMNS = 15
_ENOUGH = 2000
"""Attempts from which on an attack has a bound; the measure's own number."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with the table of its figures.

    Attributes:
        picture: Inline SVG.
        head: Of the table's columns.
        rows: The first cell of each is its header.
    """

    title: str
    picture: Markup
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class CriterionView:
    """One criterion of the law.

    Attributes:
        upper: The worst upper bound of its attacks, in words; empty where nothing was measured.
    """

    label: str
    meaning: str
    passes: bool
    upper: str
    limit: str
    figure: Figure | None


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was examined, in a sentence."""

    text: str
    passes: bool


def criteria(final: Analysis, policy: PrivacyPolicy, language: Language) -> list[CriterionView]:
    """Return the three criteria with their attacks before and after."""
    limit = policy.attack_risk_upper
    found: list[CriterionView] = []
    for criterion in Criterion:
        label = language.text(intake_words.CRITERION[criterion])
        attacks = [a for a in _attacks(final.report) if a["criterion"] == criterion.value]
        bad = {f"{word}:{criterion.value}" for word in ("not_measured", "risk_too_high")}
        reasons = [r for r in _reasons(final.report) if r["criterion"] == criterion.value]
        found.append(
            CriterionView(
                label=label,
                meaning=language.text(intake_words.CRITERION_MEANING[criterion]),
                passes=not bad & set(final.failures) and all(r["passed"] for r in reasons),
                upper=_worst(final, criterion, attacks, language),
                limit=language.percent(limit),
                figure=_attacked(label, attacks, limit, language) if attacks else None,
            )
        )
    return found


def classes(report: Mapping[str, Any], language: Language) -> Figure | None:
    """Return what the classes say before and after; nothing where nothing made classes."""
    risk = report.get("risk") or {}
    before, after = risk.get("before"), risk.get("after")
    if not before or not after:
        return None
    title = language.text(msg("Risque dans les classes"))
    labels = (
        ("unique_share", language.text(msg("Personnes seules dans leur classe"))),
        ("average_risk", language.text(msg("Risque moyen"))),
        ("maximal_risk", language.text(msg("Risque le plus grand"))),
    )
    rows, drawn = [], []
    for name, label in labels:
        for counts, is_before in ((before, True), (after, False)):
            value = float(counts[name])
            drawn.append(_bar(_named(label, language, is_before=is_before), value, language,
                              is_before=is_before))  # fmt: skip
        rows.append((label, *(language.percent(float(c[name])) for c in (before, after))))
    whole = language.text(msg("Taille de la plus petite classe"))
    rows.append((whole, *(language.count(c["k"]) for c in (before, after))))
    head = (language.text(msg("Mesure")), *_before_after(language))
    return Figure(title, _drawn(title, drawn, language), head, tuple(rows))


def utility(report: Mapping[str, Any], language: Language) -> list[Figure]:
    """Return what the released table is still good for."""
    found = report.get("utility") if isinstance(report.get("utility"), dict) else None
    if not found:
        return []
    made = [_overall(found, language), _marginals(found, language), _shifts(found, language)]
    return [figure for figure in made if figure is not None]


def sentences(report: Mapping[str, Any], language: Language) -> list[Said]:
    """Return every thing that the analysis examined."""
    return [Said(language.either(r["fr"], r["en"]), r["passed"]) for r in _reasons(report)]


def conclusion(report: Mapping[str, Any], language: Language) -> str:
    """Return the analysis's own conclusion; empty where it has none."""
    verdict = report.get("verdict") or {}
    return language.either(verdict.get("fr", ""), verdict.get("en", ""))


def failures(analysis: Analysis, language: Language) -> list[str]:
    """Return why it does not pass, in sentences."""
    said = []
    for word in analysis.failures:
        code, _, criterion = word.partition(":")
        text = intake_words.FAILURE.get(code, intake_words.FAILURE["analysis_failed"])
        name = intake_words.CRITERION[Criterion(criterion)] if criterion else ""
        facts = {"criterion": language.text(name)} if criterion else {}
        said.append(language.text(text, **facts))
    return said


def _worst(
    final: Analysis,
    criterion: Criterion,
    attacks: Sequence[Mapping[str, Any]],
    language: Language,
) -> str:
    """Return the largest bound of a criterion's attacks, in words."""
    upper = final.figures.risk_upper.get(criterion)
    if upper is None:
        return ""
    if not attacks and _reasons(final.report):
        return language.text(msg("sans objet"))
    bounds = [a["released"]["excess"]["upper"] for a in attacks if not _is_whole(a)]
    if attacks and not bounds:
        return language.text(msg("toutes les tentatives possibles ont été faites"))
    return language.percent(max([upper, *map(float, bounds)]))


def _is_whole(attack: Mapping[str, Any]) -> bool:
    """Too few attempts for a bound, and no others are possible: judged by what they found."""
    tried = attack["released"]
    is_singling = attack["criterion"] == Criterion.SINGLING_OUT.value
    return bool(is_singling and tried["is_exhaustive"] and tried["main"]["trials"] < _ENOUGH)


def _attacked(
    label: str, attacks: Sequence[Mapping[str, Any]], limit: float, language: Language
) -> Figure:
    drawn, rows = [], []
    for attack in attacks:
        name = _method(attack, language)
        for trial, is_before in ((attack["positive"], True), (attack["released"], False)):
            excess = trial["excess"]
            drawn.append(
                _bar(
                    _named(name, language, is_before=is_before),
                    max(float(excess["estimate"]), 0.0),
                    language,
                    lower=max(float(excess["lower"]), 0.0),
                    upper=max(float(excess["upper"]), 0.0),
                    is_before=is_before,
                )
            )
            control = trial["control"]
            rows.append((
                _named(name, language, is_before=is_before),
                *(language.percent(max(float(excess[k]), 0.0)) for k in _BOUNDS),
                language.count(round(trial["main"]["trials"])),
                language.percent(control["share"]["estimate"]) if control else "–",
            ))
    head = (
        language.text(msg("Attaque")),
        language.text(msg("Risque estimé")),
        language.text(msg("Borne inférieure (95 %)")),
        language.text(msg("Borne supérieure (95 %)")),
        language.text(msg("Tentatives")),
        language.text(msg("Succès sur les témoins")),
    )
    title = language.text(msg("%(criterion)s : risque de chaque attaque"), criterion=label)
    return Figure(title, _drawn(title, drawn, language, limit), head, tuple(rows))


_BOUNDS = ("estimate", "lower", "upper")


def _overall(found: Mapping[str, Any], language: Language) -> Figure:
    title = language.text(msg("Ce que la table garde"))
    kept = language.text(msg("Lignes gardées"))
    shares = [(kept, float(found["kept_rows"]), False)]
    told = language.text(msg("Lignes qu’un programme reconnaît (50 % : au hasard)"))
    shares.append((told, float(found["propensity"]["correct"]), False))
    learning = found.get("learning")
    if learning:
        facts = {"column": learning["target"]}
        before = language.text(msg("Prédire %(column)s, modèle appris avant"), **facts)
        after = language.text(msg("Prédire %(column)s, modèle appris après"), **facts)
        shares.append((before, float(learning["from_source"]), True))
        shares.append((after, float(learning["from_released"]), False))
    drawn = [_bar(label, share, language, is_before=old) for label, share, old in shares]
    rows = tuple((label, language.percent(share)) for label, share, _ in shares)
    return Figure(title, _drawn(title, drawn, language), _measure_head(language), rows)


def _marginals(found: Mapping[str, Any], language: Language) -> Figure | None:
    names = {1: msg("Une colonne"), 2: msg("Deux colonnes"), 3: msg("Trois colonnes")}
    orders = [m for m in found["marginals"] if m["compared"]]
    if not orders:
        return None
    title = language.text(msg("Écart des répartitions, avant et après"))
    drawn, rows = [], []
    for order in orders:
        found_name = names[order["order"]]
        name = language.text(found_name)
        for key, word in (("mean", msg("écart moyen")), ("maximum", msg("écart le plus grand"))):
            label = f"{name}, {language.text(word)}"
            share = float(order[key])
            drawn.append(_bar(label, share, language))
            worst = ", ".join(order["worst"]) if key == "maximum" else ""
            rows.append((label, language.percent(share), worst))
    head = (*_measure_head(language), language.text(msg("Colonnes")))
    return Figure(title, _drawn(title, drawn, language), head, tuple(rows))


def _shifts(found: Mapping[str, Any], language: Language) -> Figure | None:
    shifts = sorted(found["shifts"], key=lambda s: (-s["distance"], s["column"]))
    if not shifts:
        return None
    title = language.text(msg("Écart de chaque colonne, les plus grands d’abord"))
    drawn = [_bar(s["column"], float(s["distance"]), language) for s in shifts[:_MOST_COLUMNS]]
    rows = tuple((s["column"], language.percent(float(s["distance"]))) for s in shifts)
    head = (language.text(msg("Colonne")), language.text(msg("Écart")))
    return Figure(title, _drawn(title, drawn, language), head, rows)


def _drawn(
    title: str, rows: Sequence[Bar], language: Language, limit: float | None = None
) -> Markup:
    label = ""
    if limit is not None:
        label = language.text(msg("Seuil de la politique : %(limit)s"),
                              limit=language.percent(limit))  # fmt: skip
    decimal = "," if language.code == "fr" else "."
    # What stands in it was escaped where it was drawn.
    return Markup(bars(title, rows, limit=limit, limit_label=label, decimal=decimal))  # noqa: S704


def _bar(
    label: str,
    value: float,
    language: Language,
    *,
    lower: float | None = None,
    upper: float | None = None,
    is_before: bool = False,
) -> Bar:
    shown = language.percent(value)
    if upper is not None:
        shown = f"{shown} (≤ {language.percent(upper)})"
    return Bar(label, value, shown, lower, upper, is_before)


def _named(label: str, language: Language, *, is_before: bool) -> str:
    return f"{label} – {_before_after(language)[0 if is_before else 1].lower()}"


def _before_after(language: Language) -> tuple[str, str]:
    return language.text(msg("Avant")), language.text(msg("Après"))


def _measure_head(language: Language) -> tuple[str, str]:
    return language.text(msg("Mesure")), language.text(msg("Valeur"))


def _method(attack: Mapping[str, Any], language: Language) -> str:
    text = intake_words.METHOD.get(attack["method"])
    if text is None:
        return str(attack["method"])
    column = attack.get("column")
    return language.text(text, column=f"« {column} »" if language.code == "fr" else f"“{column}”")


def _attacks(report: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for attack in (report.get("risk") or {}).get("attacks", ()):
        if attack["has_object"]:
            yield attack


def _reasons(report: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    reasons: Sequence[Mapping[str, Any]] = (report.get("verdict") or {}).get("reasons", ())
    return reasons
