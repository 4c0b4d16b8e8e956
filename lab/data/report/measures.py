"""The three criteria before and after, and what the table is still good for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.data.report.model import Note, Table
from lab.data.report.wording import ABSENT, short
from lab.domain.privacy import Criterion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lab.data.report.model import Block
    from lab.data.report.wording import Wording
    from lab.domain.evidence import Analysis
    from lab.domain.intake import Intake

_METHODS: Mapping[str, tuple[str, str]] = {
    "singling_out_univariate": ("isoler par une colonne", "single out by one column"),
    "singling_out_multivariate": ("isoler par plusieurs colonnes", "single out by several"),
    "linkability": ("relier deux fichiers", "link two files"),
    "attribute_inference": ("deviner un renseignement", "infer an attribute"),
}
_SHORT_NAME = 24


def criteria(intake: Intake, say: Wording) -> tuple[Block, ...]:
    """Return what the final analysis found of the risks (art. 5 and 7)."""
    final = intake.final
    if final is None:
        text = say("L’analyse finale n’est pas encore faite.", "There is no final analysis yet.")
        return (Note(text),)
    risk = final.report.get("risk")
    if not risk:
        return (Note(_bare(intake, final, say)),)
    return (_classes(intake, risk, say), _attacks(intake, final, say), Note(_control(final, say)))


def utility(final: Analysis | None, say: Wording) -> tuple[Block, ...]:
    """Return what the table is still good for; the law asks nothing of it."""
    found = final.report.get("utility") if final else None
    if not found:
        return (Note(say("Non mesurée.", "Not measured.")),)
    return (
        Table(
            say("Utilité de la table publiée", "Utility of the released table"),
            (say("Mesure", "Measure"), say("Moyenne", "Mean"), say("Plus grande", "Largest")),
            tuple(_utility_rows(found, say)),
            (0.6, 0.2, 0.2),
        ),
    )


def _bare(intake: Intake, final: Analysis, say: Wording) -> str:
    """Say what the judgement used, where the analysis left nothing more."""
    found = [f"k = {final.figures.k}"] if final.figures.k is not None else []
    for criterion, upper in final.figures.risk_upper.items():
        found.append(f"{say.word(criterion)} ≤ {say.share(upper)}")
    if intake.policy is not None:
        limit = say.share(intake.policy.attack_risk_upper)
        found.append(say(f"seuil {limit}", f"threshold {limit}"))
    return "; ".join(found) or say("Aucune mesure.", "Nothing was measured.")


def _classes(intake: Intake, risk: Mapping[str, Any], say: Wording) -> Table:
    before, after = risk["before"], risk["after"]
    policy = intake.policy
    k = f"≥ {policy.k_for(intake.scope)}" if policy and _makes_classes(intake) else ABSENT
    rows = [
        (
            say("Plus petite classe (k)", "Smallest class (k)"),
            say.number(before["k"]),
            say.number(after["k"]),
            k,
        ),
        *(
            (say(fr, en), say.share(before[name]), say.share(after[name]), ABSENT)
            for name, fr, en in (
                ("unique_share", "Personnes seules dans leur classe", "People alone in a class"),
                ("average_risk", "Risque moyen d’une personne", "Average risk of a person"),
                ("maximal_risk", "Risque maximal d’une personne", "Largest risk of a person"),
            )
        ),
        *_spread(intake, risk, say),
    ]
    return Table(
        say("Classes de personnes semblables", "Classes of people alike"),
        (say("Mesure", "Measure"), *_when(say), say("Seuil", "Threshold")),
        tuple(rows),
        (0.43, 0.19, 0.19, 0.19),
    )


def _spread(
    intake: Intake, risk: Mapping[str, Any], say: Wording
) -> Iterator[tuple[str, str, str, str]]:
    """The least diverse sensitive column, before and after."""
    before, after = risk["diversity_before"], risk["diversity_after"]
    if not before or not after:
        return
    asked = intake.treatment.parameters if intake.treatment else {}
    least, most = asked.get("l"), asked.get("t")
    yield (
        say("Diversité d’une colonne sensible (l)", "Diversity of a sensitive column (l)"),
        say.number(min(each["l"] for each in before)),
        say.number(min(each["l"] for each in after)),
        f"≥ {least}" if least else ABSENT,
    )
    yield (
        say("Distance à la table entière (t)", "Distance to the whole table (t)"),
        say.number(max(each["t"] for each in before)),
        say.number(max(each["t"] for each in after)),
        f"≤ {say.number(float(most))}" if most else ABSENT,
    )


def _attacks(intake: Intake, final: Analysis, say: Wording) -> Table:
    limit = ABSENT
    if intake.policy is not None:
        limit = f"≤ {say.share(intake.policy.attack_risk_upper)}"
    rows: list[tuple[str, ...]] = [
        (
            say.word(criterion),
            _attack_name(attack, say),
            say.interval(attack["positive"]["excess"]),
            say.interval(attack["released"]["excess"]),
            limit,
            _verdict(attack, reason, say),
        )
        for criterion in Criterion
        for attack, reason in _worst(final, criterion)
    ]
    rows += _copies(final, limit, say)
    return Table(
        say(
            "Attaques : succès au-delà du hasard, bornes à 95 %",
            "Attacks: success beyond chance, bounds at 95%",
        ),
        (
            say("Critère", "Criterion"),
            say("Attaque", "Attack"),
            say("Avant (témoin positif)", "Before (positive control)"),
            say("Après", "After"),
            say("Borne haute", "Upper bound"),
            say("Verdict", "Verdict"),
        ),
        tuple(rows),
        (0.16, 0.22, 0.19, 0.19, 0.1, 0.14),
    )


def _copies(final: Analysis, limit: str, say: Wording) -> list[tuple[str, ...]]:
    """Rows of a synthesis that are nearer to the source than chance would have them."""
    risk = final.report["risk"]
    found, positive = risk["closest"], risk["closest_positive"]
    if risk["technique"] != "synthese" or not found or not positive:
        return []
    reasons = final.report["verdict"]["reasons"]
    reason = reasons[len(risk["identifiers"]) + 1 + len(risk["attacks"])]
    verdict = say("passe", "passes") if reason["passed"] else say("ne passe pas", "does not pass")
    return [
        (
            say.word(Criterion.SINGLING_OUT),
            say("trouver des copies", "find copies"),
            say.interval(positive["excess"]),
            say.interval(found["excess"]),
            limit,
            verdict,
        )
    ]


def _worst(
    final: Analysis, criterion: Criterion
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The worst attack of each kind on a criterion, with what was concluded of it."""
    risk, verdict = final.report["risk"], final.report["verdict"]
    # The reasons come in the order of what was examined: identifiers, the guarantee, attacks.
    reasons: Sequence[Mapping[str, Any]] = verdict["reasons"][len(risk["identifiers"]) + 1 :]
    pairs = list(zip(risk["attacks"], reasons, strict=False))
    for method in _METHODS:
        same = [
            (attack, reason)
            for attack, reason in pairs
            if attack["method"] == method and attack["criterion"] == criterion.value
        ]
        if same:
            yield max(same, key=_badness)


def _badness(pair: tuple[Mapping[str, Any], Mapping[str, Any]]) -> tuple[bool, bool, float]:
    attack, reason = pair
    return not reason["passed"], attack["has_object"], attack["released"]["excess"]["upper"]


def _attack_name(attack: Mapping[str, Any], say: Wording) -> str:
    name = say(*_METHODS[attack["method"]])
    column = attack["column"]
    return f"{name} ({short(column, _SHORT_NAME)})" if column else name


def _verdict(attack: Mapping[str, Any], reason: Mapping[str, Any], say: Wording) -> str:
    if reason["code"] == "not_conclusive":
        return say("non concluant", "not conclusive")
    if reason["code"] == "too_few_attempts":
        return say("trop peu d’essais", "too few attempts")
    if not attack["has_object"]:
        return say("sans objet", "no object")
    if attack["released"]["is_exhaustive"] and reason["passed"]:
        return say("passe (tout essayé)", "passes (all tried)")
    return say("passe", "passes") if reason["passed"] else say("ne passe pas", "does not pass")


def _control(final: Analysis, say: Wording) -> str:
    if final.figures.control_held:
        return say(
            "Témoin positif : chaque attaque qui a un objet réussit sur la table non protégée; "
            "son échec sur la table publiée veut donc dire quelque chose.",
            "Positive control: each attack with an object succeeds on the unprotected table, so "
            "that its failure on the released one means something.",
        )
    return say(
        "Témoin positif : une attaque échoue même sur la table non protégée; elle ne démontre "
        "rien, et l’analyse ne passe pas.",
        "Positive control: an attack fails even on the unprotected table; it shows nothing, and "
        "the analysis does not pass.",
    )


def _utility_rows(found: Mapping[str, Any], say: Wording) -> Iterator[tuple[str, str, str]]:
    yield say("Part des lignes gardées", "Share of rows kept"), say.share(found["kept_rows"]), ""
    for each in found["marginals"]:
        order = each["order"]
        name = say(
            f"Écart des répartitions, {order} colonne{'s' if order > 1 else ''}",
            f"Shift of distributions, {order} column{'s' if order > 1 else ''}",
        )
        yield name, say.number(each["mean"]), say.number(each["maximum"])
    for each in found["associations"]:
        name = say(
            f"Écart des corrélations ({each['measure']})",
            f"Shift of correlations ({each['measure']})",
        )
        yield name, say.number(each["mean"]), say.number(each["maximum"])
    pmse = say("Score de propension (pMSE, 0 à 0,25)", "Propensity score (pMSE, 0 to 0.25)")
    yield pmse, say.number(found["propensity"]["pmse"], digits=4), ""
    learning = found["learning"]
    if learning:
        target = short(learning["target"], _SHORT_NAME)
        name = say(
            f"Modèle de « {target} » : appris sur la source, puis sur la table publiée".replace(
                "« ", "«\u00a0"
            ).replace(" »", "\u00a0»"),
            f"Model of “{target}”: trained on the source, then on the release",
        )
        yield name, say.share(learning["from_source"]), say.share(learning["from_released"])


def _when(say: Wording) -> tuple[str, str]:
    return say("Avant", "Before"), say("Après", "After")


def _makes_classes(intake: Intake) -> bool:
    return bool(intake.treatment and intake.treatment.technique.value == "k-anonymat")
