"""The fields of one step as a page shows them: what can be chosen, and what was typed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from lab.domain.approval import AskedSoFar, decide_so_far
from lab.domain.catalogue import Catalogue
from lab.domain.draft import Ask, Draft, Kind, Step, asks_of
from lab.domain.quantity import Resources
from lab.domain.questionnaire import Assessment, assess
from lab.web import draft_words, words
from lab.web.forms import Form
from lab.web.language import Language, msg
from lab.web.pages.request_form import Choices

Advised = tuple[str, Assessment, list[str]]
PARTS = ("day", "month", "year")
_NUMBER = re.compile(r"[0-9]{1,4}", re.ASCII)
_REVIEW = msg("Demande une révision.")
_TOO_MUCH = msg("Dépasse ce qui reste à votre organisme.")


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that can be chosen."""

    value: str
    text: str
    hint: str = ""
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field on screen.

    Attributes:
        value: Of a line or a text.
        parts: Day, month and year of a day, as typed.
    """

    name: str
    kind: str
    label: str
    hint: str
    longest: int
    value: str = ""
    parts: Sequence[str] = ("", "", "")
    options: Sequence[Option] = field(default_factory=tuple)


def typed_in(form: Form, asks: Sequence[Ask]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Return what a form holds for a step, and the names of its inputs."""
    typed: dict[str, tuple[str, ...]] = {}
    names: list[str] = []
    for ask in asks:
        if ask.kind is Kind.DAY:
            inputs = [f"{ask.name}_{part}" for part in PARTS]
            names += inputs
            day = [form.one(name).strip() for name in inputs]
            if any(day):
                typed[ask.name] = (_day(day),)
        else:
            names.append(ask.name)
            typed[ask.name] = tuple(v for v in form.many(ask.name) if v.strip())
    return typed, names


def _day(parts: Sequence[str]) -> str:
    """Return a day as it is kept; what is no day stays what it is, for the domain to refuse."""
    day, month, year = parts
    if all(map(_NUMBER.fullmatch, parts)):
        return f"{int(year):04}-{int(month):02}-{int(day):02}"
    return "/".join(parts)


def parts_of(form: Form | None, name: str, kept: str) -> Sequence[str]:
    """Return day, month and year as typed, or as kept."""
    if form is not None:
        return [form.one(f"{name}_{part}") for part in PARTS]
    if not kept:
        return ("", "", "")
    day = date.fromisoformat(kept)
    return (str(day.day), str(day.month), str(day.year))


@dataclass(frozen=True, slots=True)
class Offer:
    """What the options of fields are made from."""

    catalogue: Catalogue
    choices: Choices
    language: Language
    today: date


def field_views(
    step: Step,
    offer: Offer,
    values: Mapping[str, Sequence[str]],
    form: Form | None = None,
) -> list[FieldView]:
    """Return the fields of a step.

    Args:
        step: Which.
        offer: What can be chosen.
        values: What was typed or kept.
        form: As sent, where it was: days are shown as they were typed.
    """
    asks = asks_of(step, offer.catalogue.questionnaires)
    return [_view(step, ask, offer, values.get(ask.name, ()), form) for ask in asks]


def _view(
    step: Step, ask: Ask, offer: Offer, given: Sequence[str], form: Form | None
) -> FieldView:
    label, hint = label_of(step, ask.name, offer.catalogue, offer.language)
    first = given[0] if given else ""
    if ask.name == "ends_on" and offer.choices.latest:
        latest = offer.language.day(offer.choices.latest)
        hint += " " + offer.language.text(msg("Au plus tard le %(day)s."), day=latest)
    return FieldView(
        name=ask.name,
        kind=ask.kind.value,
        label=label,
        hint=hint,
        longest=ask.longest,
        value=first,
        parts=parts_of(form, ask.name, first) if ask.kind is Kind.DAY else ("", "", ""),
        options=_options(step, ask.name, offer, given),
    )


def label_of(step: Step, name: str, catalogue: Catalogue, language: Language) -> tuple[str, str]:
    """Return what a field is called, and its hint."""
    if name in draft_words.LABEL:
        return language.text(draft_words.LABEL[name]), language.text(draft_words.HINT[name])
    found = catalogue.questionnaires.get(step.value)
    for question in found.questions if found else ():
        if question.id == name:
            return (
                language.either(question.label_fr, question.label_en),
                language.either(question.hint_fr, question.hint_en),
            )
    return name, ""


Rows = list[tuple[str, str, str]]


def _options(step: Step, name: str, offer: Offer, given: Sequence[str]) -> list[Option]:
    say = offer.language.text
    match name:
        case "datasets":
            rows = _datasets(offer, given)
        case "size":
            rows = _sizes(offer)
        case "template":
            rows = _templates(offer)
        case "profile":
            rows = _profiles(offer)
        case "colleagues":
            rows = [(one.login, one.name, one.login) for one in offer.choices.colleagues]
        case "use":
            rows = [(value, say(text), "") for value, text in draft_words.USE.items()]
        case "support":
            rows = [(value, say(text), "") for value, text in draft_words.SUPPORT.items()]
        case _:
            rows = _of_questionnaire(step, name, offer)
    return [Option(value, text, hint.strip(), value in given) for value, text, hint in rows]


def _datasets(offer: Offer, given: Sequence[str]) -> Rows:
    rows: Rows = []
    for view in offer.choices.datasets:
        data = view.dataset
        why = _outcome(offer, data_classes=frozenset({data.data_class}))
        # By the interface of programs a version may be chosen, and then stays chosen.
        value = next((one for one in given if one.startswith(f"{data.id}@")), data.id)
        hint = f"{offer.language.text(words.DATA_CLASS[data.data_class])}. {why}"
        rows.append((value, offer.language.either(data.title_fr, data.title_en), hint))
    return rows


def _templates(offer: Offer) -> Rows:
    either = offer.language.either
    return [
        (
            item.id,
            either(item.title_fr, item.title_en),
            either(item.description_fr, item.description_en),
        )
        for item in offer.catalogue.templates.values()
    ]


def _sizes(offer: Offer) -> Rows:
    rows: Rows = []
    for size in offer.catalogue.sizes.values():
        amounts = _amounts(size.resources, offer.language)
        hint = f"{amounts}. {_limits(offer, size.resources)}"
        rows.append((size.id, offer.language.either(size.label_fr, size.label_en), hint))
    return rows


def _profiles(offer: Offer) -> Rows:
    either = offer.language.either
    rows: Rows = []
    for profile in offer.catalogue.profiles.values():
        why = _outcome(offer, profile_id=profile.id)
        hint = f"{either(profile.description_fr, profile.description_en)} {why}"
        rows.append((profile.id, either(profile.label_fr, profile.label_en), hint))
    return rows


def _of_questionnaire(step: Step, name: str, offer: Offer) -> Rows:
    found = offer.catalogue.questionnaires.get(step.value)
    return [
        (choice.id, offer.language.either(choice.label_fr, choice.label_en), "")
        for question in (found.questions if found else ())
        if question.id == name
        for choice in question.choices
    ]


def _outcome(offer: Offer, **known: object) -> str:
    """Say at the choice itself that it alone would send the request to a person."""
    asked = AskedSoFar(offer.today, **known)  # type: ignore[arg-type]  # one of its fields
    decision = decide_so_far(offer.catalogue.approval, asked, offer.catalogue.two_approvals)
    return "" if decision.is_approved else offer.language.text(_REVIEW)


def _limits(offer: Offer, resources: Resources) -> str:
    said = [_outcome(offer, resources=resources)]
    quota = offer.choices.quota
    if quota is not None and not resources.fits_in(quota.left.resources):
        said.append(offer.language.text(_TOO_MUCH))
    return " ".join(filter(None, said))


def _amounts(resources: Resources, language: Language) -> str:
    return ", ".join((
        language.cores(resources.cpu_millicores),
        language.text("%(size)s de mémoire", size=language.size(resources.memory_bytes)),
        language.text("%(size)s de stockage", size=language.size(resources.storage_bytes)),
    ))


def said(step: Step, values: Mapping[str, Sequence[str]], offer: Offer) -> list[tuple[str, str]]:
    """Return the answers of a step for reading: what was asked, and what was answered.

    What is no longer offered is shown by its id.
    """
    rows: list[tuple[str, str]] = []
    for ask in asks_of(step, offer.catalogue.questionnaires):
        given = values.get(ask.name, ())
        label, _ = label_of(step, ask.name, offer.catalogue, offer.language)
        if ask.kind is Kind.DAY and given:
            rows.append((label, offer.language.day(date.fromisoformat(given[0]))))
            continue
        names = {o.value: o.text for o in _options(step, ask.name, offer, ())}
        rows.append((label, ", ".join(names.get(one, one) for one in given)))
    return rows


_ON_THE_REQUEST = frozenset({
    *("purpose", "datasets", "template", "size", "ends_on", "profile", "colleagues")
})
"""What the page of a request shows anyway."""


def kept_with(
    answers: Mapping[str, Mapping[str, Sequence[str]]], catalogue: Catalogue, language: Language
) -> tuple[list[tuple[str, str]], list[Advised]]:
    """Return what else a request was asked, for reading, and what its answers come to."""
    offer = Offer(catalogue, Choices(), language, date.min)
    rows: list[tuple[str, str]] = []
    for step in Step:
        given = answers.get(step.value, {})
        hidden = {label_of(step, name, catalogue, language)[0] for name in _ON_THE_REQUEST}
        rows += [row for row in said(step, given, offer) if row[1] and row[0] not in hidden]
    return rows, advised_by(answers, catalogue, language)


def advised_by(
    answers: Mapping[str, Mapping[str, Sequence[str]]], catalogue: Catalogue, language: Language
) -> list[Advised]:
    """Return what the questionnaires with answers advise: title, assessment, sentences."""
    either = language.either
    return [
        (
            either(questionnaire.title_fr, questionnaire.title_en),
            found,
            [either(choice.advice_fr, choice.advice_en) for choice in found.advice],
        )
        for name, questionnaire in catalogue.questionnaires.items()
        if (found := assess(questionnaire, answers.get(name, {}))).answered
    ]


def command_of(draft: Draft, step: Step, offer: Offer) -> str:
    """Return the command that answers the same."""
    given = draft.values(step) or {
        ask.name: ("…",) for ask in asks_of(step, offer.catalogue.questionnaires)
    }
    pairs = [f"{name}={_quoted(one)}" for name, several in given.items() for one in several]
    return " ".join(["lab request draft set", draft.id, step.value, *pairs])


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    if re.fullmatch(r"[\w.@…-]+", line):
        return line
    return "'" + line.replace("'", "'\\''") + "'"
