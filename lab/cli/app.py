"""The command itself: its nouns, its language and its way to fail."""

from __future__ import annotations

import os
from importlib import metadata
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from lab.cli import (  # noqa: F401 -- they add their commands to "dataset", "request", "sandbox"
    agencies,
    audit,
    datasets,
    drafts,
    holding,
    images,
    intake_papers,
    intake_runs,
    intakes,
    machine,
    notices,
    quotas,
    requests,
    reviews,
    sandboxes,
    screen,
    teams,
    usage,
    users,
)
from lab.cli.api import Refused, Unreachable
from lab.cli.words import is_french, tell, tr
from lab.parts.message import MachineError


class LabGroup(TyperGroup):
    """Says failures in one line, and help in the operator's language."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run what the command line says."""
        if is_french():
            _translate(self)
        return super().main(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; whatever fails becomes a line and an exit code."""
        try:
            return super().invoke(ctx)
        except Refused as error:
            screen.complain(f"lab: {error}")
            code = 1
        except Unreachable as error:
            screen.complain(f"lab: {tell(error.sentence)}")
            code = 3
        except MachineError as error:
            _explain(error)
            code = error.exit_code
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(place) for place in first["loc"])
            screen.complain(f"lab: {tr('a setting is wrong')}: {where}: {first['msg']}")
            code = 2
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise  # typer has its own way to end
        except Exception as error:
            if os.environ.get("LAB_DEBUG"):
                raise
            why = screen.clean(str(error) or type(error).__name__)
            screen.complain(f"lab: {why} ({tr('LAB_DEBUG=1 shows all of it')})")
            code = 3
        raise typer.Exit(code)


app = typer.Typer(
    name="lab",
    cls=LabGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Operate the laboratory Vase clos.",
    epilog="Exit codes: 0 done; 1 refused by the lab; 2 wrong usage, or this machine lacks "
    "something; 3 the lab does not answer.",
)


def _tell_version(*, asked: bool) -> None:
    if asked:
        screen.line(f"lab {metadata.version('vase-clos')}")
        raise typer.Exit


@app.callback()
def _whole(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show which version of the lab this is, and exit.",
            is_eager=True,
            callback=lambda asked: _tell_version(asked=asked),
            show_default=False,
        ),
    ] = False,
) -> None:
    pass


machine.add_to(app)
usage.add_to(app)
# "intakes", "intake_runs" and "intake_papers" add theirs to the commands of "datasets".
for _noun in (
    *(requests, sandboxes, quotas, agencies, datasets, users),
    *(audit, notices, images),
):
    app.add_typer(_noun.app)


def _explain(error: MachineError) -> None:
    screen.complain(f"lab: {tell(error.what)}")
    if error.detail:
        for each in error.detail.splitlines():
            screen.complain(f"  | {screen.clean(each)}")
    if error.remedy is not None:
        screen.complain(f"  → {tell(error.remedy)}")


def _translate(command: Any) -> None:
    """Put the help of a command and of all below it in French."""
    for attribute in ("help", "epilog", "short_help"):
        text = getattr(command, attribute, None)
        if text:
            start, colon, examples = text.partition(": ")
            is_example = start == "Examples"
            shown = (
                f"{tr(start)}\N{NO-BREAK SPACE}: {examples}" if is_example and colon else tr(text)
            )
            setattr(command, attribute, shown)
    for parameter in command.params:
        text = getattr(parameter, "help", None)
        if text:
            parameter.help = tr(text)
    for child in getattr(command, "commands", {}).values():
        _translate(child)
