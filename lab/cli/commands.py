"""What the commands share: examples in the help, the output option, waiting."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from lab.cli.progress import Screen
from lab.cli.screen import Output
from lab.parts.message import MachineError, message
from lab.parts.progress import progress_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.cli.api import Api

Function = TypeVar("Function", bound="Callable[..., None]")

AsOutput = Annotated[Output, typer.Option("-o", "--output", help="How to write the answer.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Stay until it is done, and show how far it is.")
]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds to wait at most.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

_POLL_S = 0.25
_LOST = frozenset({"suspended", "deleting", "deleted"})


def noun(name: str, help_text: str) -> typer.Typer:
    """Make a group of commands about one noun."""
    return typer.Typer(name=name, help=help_text, no_args_is_help=True, rich_markup_mode="rich")


def command(
    app: typer.Typer, *examples: str, name: str | None = None
) -> Callable[[Function], Function]:
    """Add a command whose help shows examples."""
    return app.command(name, epilog="Examples: " + " · ".join(examples))


def follow(
    api: Api, sandbox_id: str, *, until: str, timeout_s: float, is_shown: bool
) -> dict[str, Any]:
    """Wait until a sandbox is ``ready`` or ``deleted``; return it.

    Raises:
        MachineError: It is not in time, or it goes the other way.
    """
    screen, began, words = Screen(), time.monotonic(), [""]
    with screen.live():
        while True:
            sandbox: dict[str, Any] = api.get(f"/api/v1/sandboxes/{sandbox_id}")
            elapsed = time.monotonic() - began
            progress = tuple(progress_of(stage, elapsed) for stage in sandbox["stages"])
            if is_shown and words != [each.state for each in progress]:
                screen.show(progress)
                words = [each.state for each in progress]
            if sandbox["phase"] == until:
                return sandbox
            is_lost = until == "ready" and sandbox["phase"] in _LOST
            if is_lost or elapsed > timeout_s:
                raise MachineError(
                    message(
                        "sandbox {id} is {phase} after {seconds:.0f} seconds",
                        id=sandbox_id,
                        phase=sandbox["phase"],
                        seconds=elapsed,
                    ),
                    message("'lab sandbox show {id}' says what is missing.", id=sandbox_id),
                    exit_code=1,
                )
            time.sleep(_POLL_S)
