"""Problems as a form shows them: a sentence, and a link to the field."""

from collections.abc import Iterable, Mapping

from lab.domain.errors import Problem
from lab.web.language import Language
from lab.web.sentences import of_problem


def shown(
    problems: Iterable[Problem], language: Language, anchors: Mapping[str, str] | None = None
) -> list[dict[str, str]]:
    """Return what the summary at the top shows, in the order of the problems.

    Args:
        problems: Each names its field.
        language: To say it in.
        anchors: Where a field's first input is not called like the field.
    """
    return [
        {
            "field": problem.field,
            "text": of_problem(problem, language),
            "anchor": (anchors or {}).get(problem.field, problem.field),
        }
        for problem in problems
    ]
