"""What the report of one dossier says, section by section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.data.report.measures import criteria, utility
from lab.data.report.model import Facts, Note, Report, Section
from lab.data.report.wording import ABSENT, NBSP, Wording, short
from lab.domain.evidence import JUDGED
from lab.domain.intake_review import NOT_REPEATED
from lab.domain.privacy import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import tzinfo

    from lab.data.report.model import Block
    from lab.domain.evidence import Treatment
    from lab.domain.ids import MemberId
    from lab.domain.intake import Intake

_TABLE_SHA256 = "table_sha256"
_MOST_REVIEWS = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about.

    Attributes:
        agency: Its name, in the language of the report.
        people: Names of those that the dossier names.
        zone: Where days begin and end.
    """

    intake: Intake
    agency: str
    people: Mapping[MemberId, str]
    zone: tzinfo

    def name(self, member_id: MemberId | None) -> str:
        """Name somebody; the id where the account is gone."""
        return ABSENT if member_id is None else self.people.get(member_id) or member_id


def report_of(subject: Subject, *, is_french: bool) -> Report:
    """Return the report of one dossier, whatever its state: what is not done yet says so."""
    say, intake = Wording(is_french, subject.zone), subject.intake
    title = intake.title_fr if is_french else intake.title_en
    number = f", version {intake.published.version}" if intake.published else ""
    sections = (
        (say("Dossier", "Dossier"), _dossier(subject, say)),
        (
            say(
                "Fins et personne compétente (art. 3 et 4)",
                "Purposes and competent person (s. 3, 4)",
            ),
            _purposes(subject, say),
        ),
        (
            say(
                "Renseignements et identifiants retirés (art. 5)",
                "Information and removed identifiers (s. 5)",
            ),
            _columns(intake, say),
        ),
        (
            say("Technique et mesures de protection (art. 6)", "Technique and protection (s. 6)"),
            _technique(intake, say),
        ),
        (
            say(
                "Les trois critères, avant et après (art. 5 et 7)",
                "The three criteria, before and after (s. 5, 7)",
            ),
            criteria(intake, say),
        ),
        (say("Utilité", "Utility"), utility(intake.final, say)),
        (
            say("Dates des analyses (art. 8 et 9)", "Dates of the analyses (s. 8, 9)"),
            _dates(subject, say),
        ),
        (say("Signature et empreintes", "Signature and checksums"), _signature(subject, say)),
    )
    conclusion, is_shown = _conclusion(intake, say)
    return Report(
        language=say.tag,
        title=say("Rapport d’anonymisation", "Anonymisation report"),
        subject=f"{short(title, 120)}{number}",
        conclusion=conclusion,
        is_shown=is_shown,
        sections=tuple(
            Section(f"{place}. {name}", blocks)
            for place, (name, blocks) in enumerate(sections, start=1)
        ),
        footer=say(
            f"Dossier {intake.id} · Règlement sur l’anonymisation des renseignements personnels "
            "(chapitre A-2.1, r. 0.1) · Vase clos",
            f"Dossier {intake.id} · Regulation respecting the anonymization of personal "
            "information (chapter A-2.1, r. 0.1) · Vase clos",
        ),
    )


def _conclusion(intake: Intake, say: Wording) -> tuple[str, bool | None]:
    final = intake.final
    if intake.asked not in JUDGED:
        text = say(
            f"Données {say.word(intake.asked)} : ce rapport ne conclut pas sur un risque.",
            f"Data that are {say.word(intake.asked)}: this report concludes on no risk.",
        )
        return text, None
    if final is None:
        return say("Rien n’est encore démontré.", "Nothing is shown yet."), None
    if final.passes:
        text = say(
            "Le risque résiduel de réidentification est très faible, mais n’est pas nul (art. 7).",
            "The residual risk of re-identification is very low, not zero (s. 7).",
        )
        return text, True
    why = "; ".join(dict.fromkeys(say.failure(code) for code in final.failures))
    text = say(
        f"Il n’est pas démontré que le risque résiduel est très faible (art. 7) : {why}.",
        f"The residual risk is not shown to be very low (s. 7): {why}.",
    )
    return text, False


def _status(intake: Intake, say: Wording) -> str:
    kind = say.word(intake.asked)
    return say(f"données {kind}", f"{kind} data")


def _dossier(subject: Subject, say: Wording) -> tuple[Block, ...]:
    intake, ref = subject.intake, subject.intake.published
    treated = intake.treatment.row_count if intake.treatment else None
    rows = (
        (say("Dossier", "Dossier"), intake.id),
        (say("État", "State"), say.word(intake.state)),
        (
            say("Jeu de données", "Data set"),
            f"{intake.dataset_id}{f'@{ref.version}' if ref else ''}",
        ),
        (say("Organisme", "Agency"), short(subject.agency, 80)),
        (say("Statut demandé", "Status asked for"), _status(intake, say)),
        (say("Qui les verra", "Who will see them"), say.word(intake.scope)),
        (say("Lignes lues", "Rows read"), say.number(intake.row_count)),
        (say("Lignes de la table publiée", "Rows of the released table"), say.number(treated)),
        (say("Licence", "Licence"), short(intake.licence, 80)),
        (say("Source", "Source"), short(intake.source, 80)),
    )
    return (Facts(rows, across=2),)


def _purposes(subject: Subject, say: Wording) -> tuple[Block, ...]:
    intake = subject.intake
    people = (
        (say("Personne compétente", "Competent person"), subject.name(intake.supervisor_id)),
        (say("Dépôt par", "Deposited by"), subject.name(intake.depositor_id)),
        (say("Demande de", "Asked for by"), subject.name(intake.requester_id)),
    )
    return (Facts(((say("Fins", "Purposes"), short(intake.purposes)),)), Facts(people, across=3))


def _columns(intake: Intake, say: Wording) -> tuple[Block, ...]:
    description = intake.description_fr if say.is_french else intake.description_en
    if not intake.choices:
        waits = say("Colonnes pas encore confirmées.", "Columns not confirmed yet.")
        return (Facts(((say("Description", "Description"), short(description)),)), Note(waits))
    hits = {finding.name: [hit.kind for hit in finding.hits] for finding in intake.findings}

    def removed(name: str) -> str:
        kinds = ", ".join(kind.replace("_", " ") for kind in hits.get(name, [])[:2])
        return f"{short(name, 30)} ({kinds})" if kinds else short(name, 30)

    def kept(role: Role) -> str:
        return say.names(short(c.name, 30) for c in intake.choices if c.keep and c.role is role)

    gone = [choice for choice in intake.choices if not choice.keep]
    identifiers = [removed(c.name) for c in gone if c.role is Role.IDENTIFIER]
    others = [short(c.name, 30) for c in gone if c.role is not Role.IDENTIFIER]
    return (
        Facts((
            (say("Description", "Description"), short(description)),
            (
                say("Identifiants directs retirés", "Direct identifiers removed"),
                say.names(identifiers),
            ),
            (say("Autres colonnes retirées", "Other columns removed"), say.names(others)),
            (
                say("Quasi-identifiants gardés", "Quasi-identifiers kept"),
                kept(Role.QUASI_IDENTIFIER),
            ),
            (say("Colonnes sensibles gardées", "Sensitive columns kept"), kept(Role.SENSITIVE)),
            (say("Autres colonnes gardées", "Other columns kept"), kept(Role.OTHER)),
        )),
    )


def _technique(intake: Intake, say: Wording) -> tuple[Block, ...]:
    measures = say(
        "dépôt chiffré, hors d’atteinte des bacs à sable; destruction constatée après la "
        "publication; lecture seule, derrière des murs éprouvés",
        "encrypted deposit, out of reach of sandboxes; destruction seen after publication; "
        "read-only, behind proved walls",
    )
    treatment = intake.treatment
    if treatment is None:
        return (Note(say("La table n’est pas encore traitée.", "The table is not treated yet.")),)
    return (
        Facts((
            (say("Technique", "Technique"), say.word(treatment.technique)),
            (say("Paramètres", "Parameters"), "; ".join(_parameters(treatment, say)) or ABSENT),
            (say("Résultat", "Outcome"), "; ".join(_outcome(treatment.outcome, say)) or ABSENT),
            (say("Mesures de protection", "Protection"), measures),
        )),
    )


def _parameters(treatment: Treatment, say: Wording) -> Iterator[str]:
    asked = treatment.parameters
    for name in ("k", "l", "t"):
        if asked.get(name):
            yield f"{name} = {say.number(float(asked[name]))}"
    if asked.get("suppression"):
        most = say.share(float(asked["suppression"]))
        yield say(f"suppression d’au plus {most}", f"suppression of at most {most}")
    if asked.get("local_recoding"):
        yield say("recodage local (Mondrian)", "local recoding (Mondrian)")
    if treatment.epsilon:
        yield f"ε = {say.number(float(treatment.epsilon))}"
        yield f"δ = {treatment.delta or 1e-6:g}"
    if asked.get("domain"):
        count = len(asked["domain"])
        yield say(f"domaine déclaré pour {count} colonnes", f"domain declared of {count} columns")


def _outcome(outcome: Mapping[str, Any], say: Wording) -> Iterator[str]:
    levels = outcome.get("levels")
    if levels:
        named = say.names(f"{short(name, 24)} {level}" for name, level in levels.items())
        yield say(f"niveaux de généralisation : {named}", f"levels of generalisation: {named}")
    for name, fr, en in (
        ("suppressed", "lignes supprimées", "rows suppressed"),
        ("classes", "classes", "classes"),
        ("control_rows", "personnes mises à part comme témoins", "people set apart as controls"),
    ):
        if outcome.get(name) is not None:
            yield f"{say.number(outcome[name])} {say(fr, en)}"
    if outcome.get("rho") is not None:
        yield f"ρ = {say.number(outcome['rho'], digits=4)} (zCDP)"


def _dates(subject: Subject, say: Wording) -> tuple[Block, ...]:
    intake = subject.intake
    moments = (
        (say("Ouverture", "Opened"), intake.opened_at),
        (say("Dépôt", "Deposited"), intake.raw.deposited_at if intake.raw else None),
        (
            say("Analyse préliminaire (art. 5)", "Preliminary analysis (s. 5)"),
            intake.preliminary.at if intake.preliminary else None,
        ),
        (
            say("Analyse finale (art. 7)", "Final analysis (s. 7)"),
            intake.final.at if intake.final else None,
        ),
        (say("Publication", "Published"), intake.published_at),
        (
            say("Destruction de la source", "Source destroyed"),
            intake.destruction.seen_gone_at if intake.destruction else None,
        ),
        (say("Prochaine évaluation (art. 8)", "Next review (s. 8)"), intake.next_review_at),
    )
    rows = tuple((label, say.moment(at)) for label, at in moments)
    return (Facts(rows, across=2), *_reviews(subject, say))


def _reviews(subject: Subject, say: Wording) -> Iterator[Block]:
    reviews = subject.intake.reviews
    if not reviews:
        return
    rows = []
    for review in reviews[-_MOST_REVIEWS:]:
        who = subject.name(review.by) if review.by else say("le laboratoire", "the lab")
        verdict = say("passe", "passes")
        if review.failures:
            verdict = "; ".join(say.failure(code) for code in review.failures)
        rows.append((say.moment(review.at), f"{verdict} (k = {say.number(review.k)}; {who})"))
    yield Facts(tuple(rows))
    if any(set(NOT_REPEATED) & set(review.not_repeated) for review in reviews):
        yield Note(
            say(
                "Une réévaluation recompte toute la table publiée. Les attaques ne sont pas "
                "refaites : la source est détruite. Leurs résultats d’alors sont tenus aux "
                "seuils du jour.",
                "A review counts the whole published table anew. Attacks are not repeated: the "
                "source is destroyed. What they showed then is held to the thresholds of the day.",
            )
        )


def _signature(subject: Subject, say: Wording) -> tuple[Block, ...]:
    intake = subject.intake
    signature, policy = intake.signature, intake.policy
    table = intake.treatment.outcome.get(_TABLE_SHA256) if intake.treatment else None
    signed = say("pas encore signé", "not signed yet")
    if signature is not None:
        signed = f"{subject.name(signature.by)}, {say.moment(signature.at)}"
    rows = [
        (say("Signé par", "Signed by"), signed),
        (
            say("Signature (HMAC-SHA256)", "Signature (HMAC-SHA256)"),
            signature.value if signature else ABSENT,
        ),
        (
            say("Fichier déposé (SHA-256)", "Deposited file (SHA-256)"),
            intake.raw.sha256 if intake.raw else ABSENT,
        ),
        (say("Table traitée (SHA-256)", "Treated table (SHA-256)"), table or ABSENT),
        (
            say("Certificat de destruction", "Certificate of destruction"),
            intake.destruction.value if intake.destruction else ABSENT,
        ),
    ]
    if policy is not None:
        rows.insert(
            0,
            (
                say("Seuils signés par l’organisme", "Thresholds that the agency signs"),
                say(
                    f"k ≥ {policy.k_between} entre organismes, ≥ {policy.k_inside} dans un seul; "
                    f"risque de chaque attaque ≤ {say.share(policy.attack_risk_upper)}; "
                    f"ε ≤ {say.number(float(policy.epsilon_total))}; "
                    f"évaluation tous les {policy.review_months}{NBSP}mois",
                    f"k ≥ {policy.k_between} between agencies, ≥ {policy.k_inside} inside one; "
                    f"risk of each attack ≤ {say.share(policy.attack_risk_upper)}; "
                    f"ε ≤ {say.number(float(policy.epsilon_total))}; "
                    f"review every {policy.review_months} months",
                ),
            ),
        )
    return (Facts(tuple(rows)),)
