"""Questions that help a person think, and the advice that goes with the answers. Pure; data.

Nothing here blocks a request: an assessment is advice to whoever asks, and reading for whoever
reviews.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that can be chosen.

    Attributes:
        points: What it counts for in the level; 0 where levels make no sense.
        advice_fr: What to do, or to know, with this answer; empty where all is well.
    """

    id: str
    label_fr: str
    label_en: str
    points: int = 0
    advice_fr: str = ""
    advice_en: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, why it is asked, and its answers."""

    id: str
    label_fr: str
    label_en: str
    hint_fr: str
    hint_en: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """What a share of the points means.

    Attributes:
        at_least: Percent of all points, inclusive.
    """

    at_least: int
    label_fr: str
    label_en: str
    advice_fr: str
    advice_en: str


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """One file ``policies/questions-*.yaml``.

    Attributes:
        levels: Lowest first; empty where the answers only bring advice.
    """

    id: str
    title_fr: str
    title_en: str
    intro_fr: str
    intro_en: str
    questions: tuple[Question, ...]
    levels: tuple[Level, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the answers come to.

    Attributes:
        level: Nothing until every question is answered, or where there are no levels.
        advice: The chosen answers that bring advice, in the order of the questions.
    """

    answered: int
    asked: int
    points: int
    most: int
    level: Level | None
    advice: tuple[Choice, ...]

    @property
    def is_complete(self) -> bool:
        """Tell whether every question has an answer."""
        return self.answered == self.asked


def assess(questionnaire: Questionnaire, answers: Mapping[str, Sequence[str]]) -> Assessment:
    """Say what answers come to.

    Args:
        questionnaire: As it is today.
        answers: From question to choice. What the questionnaire does not hold any more is
            left aside: it may have changed since.
    """
    chosen = [
        choice
        for question in questionnaire.questions
        for choice in question.choices
        if choice.id in answers.get(question.id, ())[:1]
    ]
    points = sum(choice.points for choice in chosen)
    most = sum(max(c.points for c in question.choices) for question in questionnaire.questions)
    level = None
    if len(chosen) == len(questionnaire.questions):
        # Whole numbers: 50 % of 7 points is 3.5, and 3 are not enough.
        reached = [each for each in questionnaire.levels if points * 100 >= each.at_least * most]
        level = reached[-1] if reached else None
    return Assessment(
        answered=len(chosen),
        asked=len(questionnaire.questions),
        points=points,
        most=most,
        level=level,
        advice=tuple(choice for choice in chosen if choice.advice_fr),
    )
