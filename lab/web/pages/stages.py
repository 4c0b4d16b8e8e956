"""The five stages as a person reads them: what each is, how far it is, what happens next."""

from dataclasses import dataclass
from datetime import datetime

from lab.domain.sandbox import USABLE, Phase, Seen, Stage, StageState
from lab.services.sandboxes import SandboxView
from lab.web import holes, waits, words
from lab.web.language import Language, msg
from lab.web.sentences import TITLES

_FAILED = msg("%(what)s. Rien n’est ouvert entre-temps.")
_FAILED_SOMEHOW = msg("Cette étape a échoué")
_RETRY = msg("Le laboratoire essaie de nouveau par lui-même : prochain essai %(when)s.")
_RETRY_SOON = msg("Le laboratoire essaie de nouveau par lui-même dans quelques instants.")
_STUCK = msg("Réessayer ne suffira pas : la personne qui exploite le laboratoire doit intervenir.")
_WAITS = msg("Commence quand l’étape d’avant est prête.")
_BUSY = msg("En cours")


@dataclass(frozen=True, slots=True)
class StageLine:
    """One stage on screen.

    Attributes:
        kind: ``done``, ``busy``, ``failed`` or ``todo``; how it is drawn.
        technical: For operators; empty for others.
    """

    stage: Stage
    label: str
    meaning: str
    word: str
    colour: str
    kind: str
    took: str = ""
    problem: str = ""
    next_step: str = ""
    technical: str = ""


def stage_lines(
    view: SandboxView, language: Language, *, is_staff: bool, now: datetime
) -> list[StageLine]:
    """Return the stages in the order they are built."""
    is_down = view.phase in {Phase.DELETING, Phase.DELETED}
    if view.phase is Phase.SUSPENDED:
        return [_held(s, view.stages.get(s), language, is_staff=is_staff) for s in Stage]
    lines: list[StageLine] = []
    is_next = True
    for stage in Stage:
        state = view.stages.get(stage)
        line = _line(stage, state, language, is_staff=is_staff, now=now, is_down=is_down)
        if line.kind == "todo" and is_next and not is_down:
            line = _begun(line, language)
        is_next = is_next and line.kind == "done"
        lines.append(line)
    return lines


def summary_of(view: SandboxView, lines: list[StageLine], language: Language) -> str:
    """Say in one sentence how far it is; read out when it changes."""
    failed = next((line for line in lines if line.kind == "failed"), None)
    if failed is not None:
        return language.text(msg("L’étape « %(stage)s » a échoué."), stage=failed.label)
    match view.phase:
        case Phase.READY:
            return language.text(msg("Le bac à sable est prêt."))
        case Phase.SUSPENDED:
            return language.text(msg("Le bac à sable est suspendu."))
        case Phase.DELETING:
            return language.text(msg("Le bac à sable est en cours de suppression."))
        case Phase.DELETED:
            return language.text(msg("Le bac à sable est supprimé."))
        case Phase.PENDING:
            done = sum(line.kind == "done" for line in lines)
            return language.plural("%(n)s étape prête sur 5.", "%(n)s étapes prêtes sur 5.", done)


def _begun(line: StageLine, language: Language) -> StageLine:
    """The first stage that is not there is the one being built."""
    return StageLine(
        line.stage, line.label, line.meaning, language.text(_BUSY), "blue", "busy",
        technical=line.technical,
    )  # fmt: skip


def _held(
    stage: Stage, state: StageState | None, language: Language, *, is_staff: bool
) -> StageLine:
    """One stage of a sandbox that is held still: what is stopped, and what is kept."""
    seen = state.seen if state else Seen.UNKNOWN
    is_kept = stage is Stage.ISOLATION and seen in USABLE
    is_shut = seen in {Seen.ABSENT, Seen.REVOKED}
    word = msg("Gardée") if is_kept else words.HELD_SEEN[seen]
    kind = "done" if is_kept or is_shut else "busy"
    technical = problem = ""
    if state is not None and is_staff:
        technical = "\n".join(filter(None, (state.detail, state.error_detail)))
    if state is not None and state.failures and state.error_code:
        kind, problem = "failed", language.text(TITLES.get(state.error_code, _FAILED_SOMEHOW))
    return StageLine(
        stage, language.text(words.STAGE[stage]), language.text(words.STAGE_HELD[stage]),
        language.text(word), "green" if is_kept else words.SEEN_COLOUR[seen], kind,
        problem=problem, technical=technical,
    )  # fmt: skip


def _line(
    stage: Stage,
    state: StageState | None,
    language: Language,
    *,
    is_staff: bool,
    now: datetime,
    is_down: bool,
) -> StageLine:
    seen = state.seen if state else Seen.UNKNOWN
    said = words.GONE_SEEN if is_down else words.SEEN
    label, meaning = words.STAGE[stage], words.STAGE_MEANING[stage]
    word, colour, kind = said[seen], words.SEEN_COLOUR[seen], "todo"
    took = problem = next_step = technical = ""
    if state is not None and is_staff:
        technical = "\n".join(filter(None, (state.detail, state.error_detail)))
    if state is not None and state.failures and state.error_code:
        kind, colour, word = "failed", "red", msg("Échec")
        title = language.text(TITLES.get(state.error_code, _FAILED_SOMEHOW))
        what = holes.sentence(state.error_detail, language) or title
        problem = language.text(_FAILED, what=what)
        next_step = _next(state, language, now)
    elif is_down:
        kind = "done" if seen is Seen.ABSENT else "busy"
        next_step = waits.sentence(state.detail, language) if state and kind == "busy" else ""
    elif seen in USABLE:
        kind = "done"
        took = language.duration(state.took) if state and state.took is not None else ""
    elif seen is Seen.CONVERGING:
        kind, next_step = "busy", waits.sentence(state.detail, language) if state else ""
    else:
        word, next_step = msg("À faire"), language.text(_WAITS)
    return StageLine(
        stage, language.text(label), language.text(meaning), language.text(word), colour, kind,
        took, problem, next_step, technical,
    )  # fmt: skip


def _next(state: StageState, language: Language, now: datetime) -> str:
    if state.error_code == "provider_refused":
        return language.text(_STUCK)
    if state.next_try_at is None or state.next_try_at <= now:
        return language.text(_RETRY_SOON)
    when = language.text(msg("dans %(wait)s"), wait=language.duration(state.next_try_at - now))
    return language.text(_RETRY, when=when)
