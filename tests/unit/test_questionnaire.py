from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from lab.catalogue import QUESTIONNAIRES, FileCatalogue, PolicyError
from lab.domain.draft import ADVICE, Kind, Step, asks_of
from lab.domain.questionnaire import Choice, Level, Question, Questionnaire, assess
from lab.settings import CHECKOUT

POLICIES = CHECKOUT / "policies"
WRONG = re.compile(r"[ \u00a0][?!;,]|(?<!\u00a0):(?=\s|$)|'|\"|\.\.\.|  ")


def read(folder: Path = POLICIES) -> dict[str, Questionnaire]:
    found = FileCatalogue(policies_dir=folder, templates_dir=Path("/nowhere")).catalogue()
    return dict(found.questionnaires)


def texts(found: Questionnaire, language: str) -> list[str]:
    parts = [
        found,
        *found.levels,
        *found.questions,
        *(choice for question in found.questions for choice in question.choices),
    ]
    names = ("title", "intro", "label", "hint", "advice")
    said = [getattr(part, f"{name}_{language}", None) for part in parts for name in names]
    return [text for text in said if text is not None]


def test_the_files_are_the_steps_that_advise_and_say_everything_twice() -> None:
    found = read()
    assert [Step(name) for name in found] == list(ADVICE)
    assert tuple(found) == QUESTIONNAIRES
    for questionnaire in found.values():
        french, english = texts(questionnaire, "fr"), texts(questionnaire, "en")
        assert [bool(text) for text in french] == [bool(text) for text in english]
        for question in questionnaire.questions:
            assert question.hint_fr
            assert question.hint_en
        for text in french:
            assert not re.search(r"[ \u00a0][?!;,]|(?<!\u00a0):(?=\s|$)|'|\"|\.\.\.|  ", text), (
                text
            )
        asks = asks_of(Step(questionnaire.id), found)
        assert {ask.kind for ask in asks} == {Kind.CHOICE}
        assert not any(ask.is_required for ask in asks)


def test_every_answer_of_every_file_leads_to_a_level_or_to_advice() -> None:
    for questionnaire in read().values():
        worst = {q.id: (q.choices[-1].id,) for q in questionnaire.questions}
        assert assess(questionnaire, worst).advice
        best = {
            q.id: (max(q.choices, key=lambda c: c.points).id,) for q in questionnaire.questions
        }
        level = assess(questionnaire, best).level
        assert level == (questionnaire.levels[-1] if questionnaire.levels else None)


SMALL = Questionnaire(
    "q",
    *("t", "t", "i", "i"),
    tuple(
        Question(
            name,
            *("l", "l", "h", "h"),
            (Choice("good", "B", "G", 2), Choice("bad", "M", "B", 0, "conseil", "advice")),
        )
        for name in ("one", "two")
    ),
    (Level(0, "bas", "low", "a", "a"), Level(51, "haut", "high", "a", "a")),
)


@pytest.mark.parametrize(
    ("answers", "level", "advice", "answered"),
    [
        ({}, None, 0, 0),
        ({"one": ("good",)}, None, 0, 1),
        ({"one": ("bad",)}, None, 1, 1),
        ({"one": ("good",), "two": ("bad",)}, "bas", 1, 2),  # 50 % is below 51
        ({"one": ("good",), "two": ("good",)}, "haut", 0, 2),
        ({"one": ("gone",), "nobody": ("x",)}, None, 0, 0),  # of an older file
    ],
)
def test_an_assessment_counts_in_whole_numbers_and_leaves_the_unknown_aside(
    answers: dict[str, tuple[str, ...]], level: str | None, advice: int, answered: int
) -> None:
    found = assess(SMALL, answers)
    assert (found.level and found.level.label_fr) == level
    assert (len(found.advice), found.answered, found.asked) == (advice, answered, 2)
    assert found.is_complete is (answered == 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda body: body["questions"][0].pop("hint_en"), "hint_en"),
        (lambda body: body["questions"][0]["choices"][0].update(advice_fr="x"), "advice_en"),
        (lambda body: body["questions"].append(body["questions"][0]), "same id"),
        (lambda body: body["levels"].reverse(), "go up"),
        (lambda body: body.update(blocks=True), "blocks"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(tmp_path: Path, change: object, said: str) -> None:
    for path in POLICIES.glob("*.yaml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "questions-readiness.yaml"
    body = yaml.safe_load(path.read_text("utf-8"))
    change(body)  # type: ignore[operator]
    path.write_text(yaml.safe_dump(body), "utf-8")
    with pytest.raises(PolicyError, match=said) as caught:
        read(tmp_path)
    assert "questions-readiness.yaml" in str(caught.value)
