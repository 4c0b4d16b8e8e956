"""The verdict's sentences, in French and in English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lab.data.measure.trials import Method
from lab.domain.privacy import Criterion

if TYPE_CHECKING:
    from lab.data.measure.intervals import Interval
    from lab.data.measure.trials import Attack

_NBSP: Final = "\u00a0"
_SHOWN: Final = 0.001
"""Smallest bound that is written: no sentence says 0 %."""

_METHODS: Final = {
    Method.UNIVARIATE: ("isoler une personne par une colonne", "singling out by one column"),
    Method.MULTIVARIATE: (
        "isoler une personne par plusieurs colonnes",
        "singling out by several columns",
    ),
    Method.LINKING: ("relier deux fichiers sur une personne", "linking two files on a person"),
    Method.INFERENCE: ("deviner un renseignement", "inferring an attribute"),
    Method.CLOSEST: ("trouver des copies", "finding copies"),
}

_UTILITY: Final = {
    "kept_rows": ("part des lignes gardées", "share of rows kept"),
    "pairs": ("distance moyenne des paires de colonnes", "mean distance of pairs of columns"),
    "pmse": ("score de propension (pMSE)", "propensity score (pMSE)"),
    "learning_loss": (
        "perte d’un modèle entraîné sur la table publiée",
        "loss of a model trained on the released table",
    ),
}


_VERY_LOW: Final = (
    (
        "Le risque résiduel de réidentification est très faible, "
        "mais n’est pas nul (A-2.1, r. 0.1, art. 7)."
    ),
    "The residual risk of re-identification is very low, not zero (A-2.1, r. 0.1, s. 7).",
)
_NOT_SHOWN: Final = (
    (
        "Il n’est pas démontré que le risque résiduel de réidentification est très faible "
        "(A-2.1, r. 0.1, art. 7)."
    ),
    "The residual risk of re-identification is not shown to be very low (A-2.1, r. 0.1, s. 7).",
)


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing examined.

    Attributes:
        criterion: Which criterion of the law; None for what serves all or none.
        code: Stable word.
        passed: Whether it is as the policy asks.
        measured: What was compared; None where it is not a number.
        limit: With what.
        fr: A sentence.
        en: The same in English.
    """

    criterion: Criterion | None
    code: str
    passed: bool
    measured: float | None
    limit: float | None
    fr: str
    en: str


def risk_conclusion(*, passed: bool) -> tuple[str, str]:
    """Say what the law's final analysis must show; never that there is no risk."""
    return _VERY_LOW if passed else _NOT_SHOWN


def utility_conclusion(*, passed: bool) -> tuple[str, str]:
    """Say whether the release is still good for something."""
    if passed:
        return "La table publiée garde son utilité.", "The released table keeps its utility."
    return (
        "La table publiée a perdu trop d’utilité.",
        "The released table has lost too much utility.",
    )


def identifier(name: str) -> Reason:
    """A direct identifier is still there (art. 5)."""
    return Reason(
        Criterion.SINGLING_OUT,
        "identifier_left",
        passed=False,
        measured=None,
        limit=None,
        fr=f"La colonne «{_NBSP}{name}{_NBSP}» identifie directement et doit être retirée.",
        en=f"Column “{name}” identifies people directly and must be removed.",
    )


def classes(smallest: int, asked: int) -> Reason:
    """Size of the smallest class."""
    return Reason(
        Criterion.SINGLING_OUT,
        "k",
        smallest >= asked,
        smallest,
        asked,
        f"Chaque personne est confondue avec {smallest} lignes au moins, la sienne comprise; "
        f"la politique en demande {asked}.",
        f"Each person is among at least {smallest} rows alike, their own included; "
        f"the policy asks for {asked}.",
    )


def budget(epsilon: float | None, limit: float) -> Reason:
    """Privacy budget of a synthesis."""
    if epsilon is None:
        return Reason(
            None,
            "epsilon",
            passed=False,
            measured=None,
            limit=limit,
            fr="La synthèse n’a pas de garantie de confidentialité différentielle.",
            en="The synthesis has no differential privacy guarantee.",
        )
    return Reason(
        None,
        "epsilon",
        epsilon <= limit,
        epsilon,
        limit,
        f"Budget de confidentialité (epsilon){_NBSP}: {_fr(epsilon)}; limite de {_fr(limit)}.",
        f"Privacy budget (epsilon): {epsilon:g}; limit {limit:g}.",
    )


def attacked(attack: Attack, limit: float, upper: float, *, has_control: bool) -> Reason:
    """An attack with its bound."""
    fr, en = _name(attack)
    without = "" if has_control else " Sans témoins, chaque succès compte."
    lacking = "" if has_control else " Without a control set, every success counts."
    return Reason(
        attack.criterion,
        attack.method.value,
        upper <= limit,
        upper,
        limit,
        f"{fr}{_NBSP}: risque d’au plus {_bound(upper)} (confiance de 95{_NBSP}%); "
        f"limite de {_percent(limit)}.{without}",
        f"{en}: risk of at most {max(upper, _SHOWN):.1%} (95% confidence); "
        f"limit {limit:.1%}.{lacking}",
    )


def exhausted(attack: Attack, limit: float, *, passed: bool) -> Reason:
    """All predicates that there are were tried, too few for a narrow bound."""
    fr, en = _name(attack)
    main = attack.released.main
    done = f"{main.successes:g} / {main.trials:g}"
    return Reason(
        attack.criterion,
        attack.method.value,
        passed,
        attack.released.excess.lower,
        limit,
        f"{fr}{_NBSP}: toutes les tentatives possibles ont été faites, {done} réussies; "
        + ("pas plus que le hasard." if passed else "plus que le hasard."),
        f"{en}: every possible attempt was made, {done} succeeded; "
        + ("no more than by chance." if passed else "more than by chance."),
    )


def not_conclusive(attack: Attack, limit: float) -> Reason:
    """The attack fails on the unprotected table too: it shows nothing."""
    fr, en = _name(attack)
    return _failed(
        attack,
        "not_conclusive",
        limit,
        f"{fr}{_NBSP}: non concluant. L’attaque échoue aussi sur la table non protégée; "
        "elle ne démontre rien.",
        f"{en}: not conclusive. The attack fails on the unprotected table too; it shows nothing.",
    )


def too_few(attack: Attack, limit: float, asked: int) -> Reason:
    """Fewer attempts than asked for."""
    fr, en = _name(attack)
    made = int(attack.released.main.trials)
    return _failed(
        attack,
        "too_few_attempts",
        limit,
        f"{fr}{_NBSP}: non concluant, {made} tentatives sur {asked} demandées.",
        f"{en}: not conclusive, {made} attempts of the {asked} asked for.",
    )


def nothing_to_find(attack: Attack) -> Reason:
    """The unprotected table itself has nothing for this attack."""
    fr, en = _name(attack)
    return Reason(
        attack.criterion,
        "nothing_to_find",
        passed=True,
        measured=None,
        limit=None,
        fr=f"{fr}{_NBSP}: sans objet, la table non protégée n’y donne aucune prise.",
        en=f"{en}: no object, the unprotected table itself gives no hold.",
    )


def copies(excess: Interval | None, limit: float, *, is_conclusive: bool) -> Reason:
    """Rows that are nearer to the source than chance."""
    fr, en = (_upper(m) for m in _METHODS[Method.CLOSEST])
    if excess is None or not is_conclusive:
        return Reason(
            Criterion.SINGLING_OUT,
            "not_conclusive",
            passed=False,
            measured=None,
            limit=limit,
            fr=f"{fr}{_NBSP}: non concluant, il faut des témoins absents de la source.",
            en=f"{en}: not conclusive, people who are not in the source are needed.",
        )
    return Reason(
        Criterion.SINGLING_OUT,
        Method.CLOSEST.value,
        excess.upper <= limit,
        excess.upper,
        limit,
        f"{fr}{_NBSP}: au plus {_bound(excess.upper)} des lignes (confiance de 95{_NBSP}%); "
        f"limite de {_percent(limit)}.",
        f"{en}: at most {max(excess.upper, _SHOWN):.1%} of the rows (95% confidence); "
        f"limit {limit:.1%}.",
    )


def blind(name: str) -> Reason:
    """Attacks cannot read a column of the release."""
    return Reason(
        None,
        "blind_column",
        passed=False,
        measured=None,
        limit=None,
        fr=f"Les valeurs de la colonne «{_NBSP}{name}{_NBSP}» ne sont pas comprises{_NBSP}: "
        "les attaques n’y voient rien. Donner sa hiérarchie.",
        en=f"The values of column “{name}” are not understood: attacks cannot see there. "
        "Give its hierarchy.",
    )


def utility(code: str, measured: float, limit: float, *, at_least: bool = False) -> Reason:
    """One measure of utility."""
    fr, en = _UTILITY[code]
    word = "minimum" if at_least else "maximum"
    return Reason(
        None,
        code,
        measured >= limit if at_least else measured <= limit,
        measured,
        limit,
        f"{_upper(fr)}{_NBSP}: {_fr(measured)}; {word} {_fr(limit)}.",
        f"{_upper(en)}: {measured:.3g}; {word} {limit:.3g}.",
    )


def _failed(attack: Attack, code: str, limit: float, fr: str, en: str) -> Reason:
    return Reason(attack.criterion, code, passed=False, measured=None, limit=limit, fr=fr, en=en)


def _name(attack: Attack) -> tuple[str, str]:
    fr, en = (_upper(m) for m in _METHODS[attack.method])
    if attack.column is None:
        return fr, en
    return f"{fr} («{_NBSP}{attack.column}{_NBSP}»)", f"{en} (“{attack.column}”)"


def _upper(words: str) -> str:
    return words[0].upper() + words[1:]


def _fr(value: float) -> str:
    return f"{value:.3g}".replace(".", ",")


def _bound(value: float) -> str:
    return _percent(max(value, _SHOWN))


def _percent(value: float) -> str:
    return f"{100 * value:.1f}".replace(".", ",") + f"{_NBSP}%"
