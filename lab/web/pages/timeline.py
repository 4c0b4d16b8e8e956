"""What has become of a request, from its filing to the end of its sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from lab.domain.ids import MemberId
from lab.domain.member import Member
from lab.domain.request import RequestState, SandboxRequest
from lab.domain.review import TurnKind
from lab.domain.sandbox import Phase
from lab.services.sandboxes import SandboxView
from lab.web import words
from lab.web.language import Language, msg
from lab.web.pages.listing import name_of
from lab.web.pages.stages import StageLine, stage_lines

_ON_THE_WAY = frozenset({TurnKind.RETURNED, TurnKind.ANSWERED, TurnKind.APPROVED_ONCE})
"""What is no decision."""


@dataclass(frozen=True, slots=True)
class Event:
    """One point of the timeline.

    Attributes:
        kind: ``done``, ``now`` or ``later``.
        when: As people read it; empty where nobody knows.
        stages: Of the sandbox that is being built.
    """

    label: str
    kind: str
    when: str = ""
    stages: tuple[StageLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Button:
    """The one thing that most people want to do next."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Telling:
    """What a timeline is told with."""

    language: Language
    zone: ZoneInfo
    now: datetime
    people: Mapping[MemberId, Member]


def timeline_of(
    request: SandboxRequest, view: SandboxView | None, telling: Telling
) -> list[Event]:
    """Return the points of a request's life, first one first.

    Args:
        request: As filed.
        view: Its sandbox; nothing where there is none.
        telling: Language, zone, time and names.
    """
    say, events = telling.language.text, [_filed(request, telling)]
    events += [
        Event(
            say(words.TURN[turn.kind], name=name_of(turn.by, telling.people)),
            "done",
            telling.language.moment(turn.at, telling.zone),
        )
        for turn in request.turns
        if turn.kind in _ON_THE_WAY
    ]
    match request.state:
        case RequestState.APPROVED:
            events.append(_approved(request, telling))
        case RequestState.REJECTED:
            name = name_of(request.decided_by, telling.people)
            events.append(_decided(say(msg("Refusée par %(name)s"), name=name), request, telling))
        case RequestState.WITHDRAWN:
            events.append(_decided(say(msg("Retirée")), request, telling))
        case _:
            is_back = request.state is RequestState.RETURNED
            events.append(Event(say(msg("À compléter") if is_back else msg("En révision")), "now"))
            events += [
                Event(say(text), "later")
                for text in (msg("Provisionnement"), msg("Prête"), msg("Fin prévue"))
            ]
    if view is not None:
        events += _of_sandbox(view, telling)
    return events


def button_of(
    request: SandboxRequest,
    view: SandboxView | None,
    language: Language,
    *,
    may_ask: bool,
    may_open: bool,
) -> Button | None:
    """Return what most people want to do next; nothing where only reading is left."""
    if view is not None and view.phase is Phase.READY and may_open:
        return Button(language.text(msg("Ouvrir le bac à sable")), f"/bacs/{view.sandbox.id}")
    if view is not None and view.phase is Phase.PENDING:
        return Button(language.text(msg("Suivre la préparation")), f"/bacs/{view.sandbox.id}")
    if view is not None:
        return Button(language.text(msg("Voir le bac à sable")), f"/bacs/{view.sandbox.id}")
    return _of_request(request, language) if may_ask else None


def _of_request(request: SandboxRequest, language: Language) -> Button:
    if request.state is RequestState.RETURNED:
        return Button(language.text(msg("Répondre aux questions")), "#repondre")
    if request.state in {RequestState.REJECTED, RequestState.WITHDRAWN}:
        return Button(language.text(msg("Faire une autre demande")), "/demandes/nouvelle/guidee")
    return Button(language.text(msg("Voir les demandes de mon organisme")), "/demandes")


def _filed(request: SandboxRequest, telling: Telling) -> Event:
    name = name_of(request.requester_id, telling.people)
    label = telling.language.text(msg("Soumise par %(name)s"), name=name)
    return Event(label, "done", telling.language.moment(request.filed_at, telling.zone))


def _approved(request: SandboxRequest, telling: Telling) -> Event:
    say = telling.language.text
    name = name_of(request.decided_by, telling.people)
    label = say(msg("Approuvée par %(name)s"), name=name)
    if not name:
        label = say(msg("Approuvée aussitôt, selon la règle %(rule)s"), rule=request.rule)
    return _decided(label, request, telling)


def _decided(label: str, request: SandboxRequest, telling: Telling) -> Event:
    at = request.decided_at
    return Event(label, "done", telling.language.moment(at, telling.zone) if at else "")


def _of_sandbox(view: SandboxView, telling: Telling) -> list[Event]:
    language = telling.language
    lines = stage_lines(view, language, is_staff=False, now=telling.now)
    building, ready = language.text(msg("Provisionnement")), language.text(msg("Prête"))
    # Of the sandbox, not of the request: it may have been extended since.
    last_day = language.last_day(view.sandbox.spec.expires_at, telling.zone)
    expires = Event(language.text(msg("Expire à la fin du %(day)s"), day=last_day), "later")
    if view.phase is Phase.PENDING:
        return [Event(building, "now", stages=tuple(lines)), Event(ready, "later"), expires]
    done = [s.ready_at for s in view.stages.values() if s.ready_at is not None]
    since = language.moment(max(done), telling.zone) if done else ""
    events = [Event(building, "done"), Event(ready, "done", since)]
    if view.phase is Phase.READY:
        return [events[0], Event(ready, "now", since), expires]
    if view.phase is Phase.SUSPENDED:
        return [*events, Event(language.text(words.PHASE[view.phase]), "now"), expires]
    if view.phase is Phase.DELETING:
        return [*events, Event(language.text(msg("Suppression en cours")), "now")]
    at = view.sandbox.deleted_at
    when = language.moment(at, telling.zone) if at else ""
    return [*events, Event(language.text(msg("Supprimé")), "done", when)]
