"""The eight steps of a dossier as a person reads them, and the one thing to do next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lab.domain.ids import MemberId
from lab.domain.intake import Intake
from lab.domain.intake_run import Run, RunState, Step
from lab.domain.intake_states import ENDED, IntakeState
from lab.web import intake_words
from lab.web.language import Language, msg
from lab.web.sentences import TITLES

S = IntakeState
_ORDER = (
    S.OPENED,
    S.DEPOSITED,
    S.READ,
    S.COLUMNS_CONFIRMED,
    S.TREATED,
    S.MEASURED,
    S.SIGNED,
    S.PUBLISHED,
)
_STEPS: tuple[tuple[str, str, str, str], ...] = (
    (
        "fins",
        msg("Fins et responsable"),
        msg("Les fins sont fixées d’abord (art. 3); une personne compétente supervise (art. 4)."),
        "",
    ),
    (
        "depot",
        msg("Dépôt"),
        msg("Le fichier est chiffré à mesure qu’il arrive; aucun bac à sable n’y a accès."),
        "lab dataset deposit FICHIER --dataset {dataset} …",
    ),
    (
        "analyse",
        msg("Analyse préliminaire"),
        msg("Chaque ligne est lue; chaque colonne est examinée (art. 5)."),
        "lab dataset scan {id}",
    ),
    (
        "colonnes",
        msg("Colonnes confirmées"),
        msg("Une personne confirme ce qu’est chaque colonne; les identifiants sont retirés."),
        "lab dataset confirm {id} --columns colonnes.json",
    ),
    (
        "traitement",
        msg("Traitement"),
        msg("Une technique répond aux risques : k-anonymat ou synthèse (art. 6)."),
        "lab dataset treat {id} --k {k}",
    ),
    (
        "mesures",
        msg("Mesures"),
        msg("L’analyse finale mesure les trois critères, avant et après (art. 7)."),
        "lab dataset measure {id}",
    ),
    (
        "signature",
        msg("Signature"),
        msg("La personne compétente, qui n’a rien demandé ni traité, répond du risque résiduel."),
        "lab dataset sign {id}",
    ),
    (
        "publication",
        msg("Publication"),
        msg("Une version figée est publiée; le fichier déposé est détruit."),
        "lab dataset publish {id}",
    ),
)
_RUN_LINE = {
    Step.READ: "analyse",
    Step.TREAT: "traitement",
    Step.MEASURE: "mesures",
    Step.PUBLISH: "publication",
    Step.REVIEW: "publication",
}
_WORDS = {
    "done": (msg("Fait"), "green"),
    "busy": (msg("En cours"), "blue"),
    "next": (msg("À faire maintenant"), "yellow"),
    "failed": (msg("Échec"), "red"),
    "todo": (msg("À venir"), "grey"),
    "never": (msg("N’aura pas lieu"), "grey"),
}
_BROKEN = frozenset({RunState.FAILED, RunState.INTERRUPTED, RunState.CANCELLED})


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step on screen.

    Attributes:
        kind: ``done``, ``busy``, ``next``, ``failed``, ``todo`` or ``never``.
        drawn: How its mark is drawn.
        problem: Why it did not come to its end the last time.
        command: The same by the ``lab`` command.
    """

    key: str
    label: str
    meaning: str
    command: str
    kind: str
    word: str = ""
    colour: str = ""
    problem: str = ""

    @property
    def drawn(self) -> str:
        """How its mark is drawn."""
        return {"next": "busy", "never": "todo"}.get(self.kind, self.kind)


@dataclass(frozen=True, slots=True)
class Next:
    """What to do now.

    Attributes:
        path: Below the dossier; of another page where it begins with a slash.
        is_post: Whether a press does it; else it leads to a page.
    """

    text: str
    path: str
    is_post: bool = False


_NEXT = {
    S.OPENED: Next(msg("Déposer le fichier"), "fichier"),
    S.DEPOSITED: Next(msg("Lire le fichier"), "lire", is_post=True),
    S.READ: Next(msg("Confirmer les colonnes"), "colonnes"),
    S.COLUMNS_CONFIRMED: Next(msg("Choisir le traitement"), "traitement"),
    S.TREATED: Next(msg("Mesurer les risques et l’utilité"), "mesurer", is_post=True),
    S.SIGNED: Next(msg("Publier"), "publier", is_post=True),
}


def step_lines(
    intake: Intake, runs: Sequence[Run], language: Language, *, least_k: int
) -> list[StepLine]:
    """Return the steps in their order."""
    last = runs[0] if runs else None
    is_closed = intake.state in {S.REFUSED, S.WITHDRAWN}
    reached = _reached(intake)
    failed = _failed_final(intake)
    lines: list[StepLine] = []
    for place, (key, label, meaning, command) in enumerate(_STEPS):
        kind = "done" if place < reached else "next" if place == reached else "todo"
        if is_closed and kind != "done":
            kind = "never"
        if failed and key in {"signature", "publication"}:
            kind = "todo"
        if failed and key == "mesures":
            kind = "failed"
        line = StepLine(
            key,
            language.text(label),
            language.text(meaning),
            command.format(id=intake.id, dataset=intake.dataset_id, k=least_k),
            kind,
        )
        if last is not None and _RUN_LINE[last.step] == key:
            line = _with_run(line, last, language)
        word, colour = _WORDS[line.kind]
        lines.append(replace(line, word=language.text(word), colour=colour))
    return lines


def next_action(
    intake: Intake, *, can_change: bool, can_sign: bool, is_interested: bool
) -> Next | None:
    """Return the one obvious thing to do; nothing where it is not this person's."""
    if intake.state is S.MEASURED:
        if _failed_final(intake):
            return Next(msg("Lire pourquoi l’analyse n’est pas concluante"), "mesures")
        if can_sign and not is_interested:
            return Next(msg("Lire les mesures et signer"), "signature")
        return Next(msg("Lire les mesures"), "mesures")
    if intake.state is S.PUBLISHED:
        return Next(msg("Voir le jeu de données"), f"/jeux/{intake.dataset_id}")
    return _NEXT.get(intake.state) if can_change else None


def waits_for_signature(intake: Intake, member_id: MemberId) -> bool:
    """Tell whether this person answers for it, and it is conclusive and not signed yet."""
    is_theirs = intake.supervisor_id == member_id
    return is_theirs and intake.state is S.MEASURED and not _failed_final(intake)


def announcement(intake: Intake, runs: Sequence[Run], language: Language) -> str:
    """Say in one sentence where it stands; read out when it changes."""
    last = runs[0] if runs else None
    if last is not None and (
        last.is_open or (last.state in _BROKEN and intake.state not in ENDED)
    ):
        return _of_run(last, language)
    if _failed_final(intake) and intake.state is S.MEASURED:
        return language.text(
            msg("Il n’est pas démontré que le risque est très faible : traitez autrement.")
        )
    said = _ENDS.get(intake.state)
    if said is not None:
        return language.text(said)
    return language.plural(
        "%(n)s étape faite sur 8.", "%(n)s étapes faites sur 8.", _reached(intake)
    )


_ENDS = {
    S.REFUSED: msg("Ce dossier est refusé."),
    S.WITHDRAWN: msg("Ce dossier est retiré."),
    S.PUBLISHED: msg("Les huit étapes sont faites."),
}


def _of_run(run: Run, language: Language) -> str:
    what = language.text(intake_words.RUN[run.step])
    if run.is_open and run.cancel_asked_at is not None:
        return language.text(msg("%(what)s : annulation demandée."), what=what)
    state = language.text(intake_words.RUN_STATE[run.state]).lower()
    return language.text(msg("%(what)s : %(state)s."), what=what, state=state)


def what_failed(run: Run, language: Language) -> str:
    """Say why a run did not come to its end, in the reader's language."""
    if run.error_code in TITLES and run.error_fr == run.error_en:
        # Kept by an earlier release, whose own words were for a log.
        return language.text(TITLES[run.error_code]) + "."
    said = language.either(run.error_fr, run.error_en)
    return said or language.text(intake_words.RUN_STATE[run.state])


def _with_run(line: StepLine, run: Run, language: Language) -> StepLine:
    if run.is_open:
        return replace(line, kind="busy")
    if run.state not in _BROKEN or line.kind not in {"next", "done"}:
        return line
    if run.state is RunState.CANCELLED:
        return line
    # A step that was done before, and failed when done again, says so too.
    return replace(line, kind="failed", problem=what_failed(run, language))


def _reached(intake: Intake) -> int:
    """Return how many steps are done."""
    if intake.state in _ORDER:
        return _ORDER.index(intake.state) + 1
    if intake.published is not None:
        return len(_STEPS)
    facts = (intake.raw, intake.findings, intake.choices, intake.treatment, intake.final)
    done = next((place for place, fact in enumerate(facts) if not fact), len(facts))
    return 1 + done + (intake.signature is not None)


def _failed_final(intake: Intake) -> bool:
    return intake.final is not None and not intake.final.passes
