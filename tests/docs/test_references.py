from __future__ import annotations

import pytest

from lab.domain.errors import LabError
from lab.settings import Settings
from lab.web.sentences import DETAILS, TITLES
from tests.docs.meanings import SETTINGS
from tests.docs.problem_page import error_classes, statuses
from tests.docs.reference import PAGES
from tests.docs.writing import FOLDER


@pytest.mark.parametrize("name", PAGES)
def test_reference_is_what_the_code_says(name: str) -> None:
    kept = (FOLDER / name).read_text("utf-8")
    assert kept == PAGES[name](), "run: .venv/bin/python -m tests.docs.generate"


def test_nothing_else_lies_among_the_references() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


def test_every_setting_has_its_meaning_in_both_languages() -> None:
    assert set(SETTINGS) == set(Settings.model_fields)
    assert all(french and english for french, english in SETTINGS.values())


def test_every_code_has_a_title_a_sentence_and_a_status() -> None:
    assert set(TITLES) == set(DETAILS)
    by_code = statuses()
    assert not [code for code in TITLES if not by_code[code]]


def test_every_error_class_is_in_the_reference() -> None:
    page = (FOLDER / "problems.md").read_text("utf-8")
    codes = {error.code for error in error_classes()}
    assert LabError.code in codes
    assert not [code for code in codes if f"`{code}`" not in page]


def test_durations_may_be_written_as_the_page_says() -> None:
    for written in ("PT15S", "0:00:15"):
        assert Settings(poll=written).poll.total_seconds() == 15  # type: ignore[arg-type]
