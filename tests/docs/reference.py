"""The reference pages, by file name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.cli_page import commands
from tests.docs.problem_page import problems
from tests.docs.settings_page import settings
from tests.docs.states_page import states

if TYPE_CHECKING:
    from collections.abc import Callable

PAGES: dict[str, Callable[[], str]] = {
    "problems.md": problems,
    "settings.md": settings,
    "cli.md": commands,
    "states.md": states,
}
