"""``lab sandbox``: who is in it: invite a colleague, take one out."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from lab.cli import screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, command
from lab.cli.sandboxes import ROOT, SandboxArgument, app, show_one
from lab.cli.screen import Output
from lab.cli.words import tr

Login = Annotated[str, typer.Argument(metavar="LOGIN", help="For example b.gagnon.")]


@command(app, "lab sandbox invite sb-3f9a0c1d2e b.gagnon")
def invite(
    context: typer.Context,
    sandbox_id: SandboxArgument,
    login: Login,
    *,
    output: AsOutput = Output.TABLE,
) -> None:
    """Invite a colleague into its team; they are told of it."""
    path = f"{ROOT}/{sandbox_id}/members"
    show_one(connect(context).call("POST", path, {"login": login}).body, output)


@command(app, "lab sandbox uninvite sb-3f9a0c1d2e b.gagnon")
def uninvite(context: typer.Context, sandbox_id: SandboxArgument, login: Login) -> None:
    """Take a person out of its team: their notebook stops, their files stay in it."""
    connect(context).call("DELETE", f"{ROOT}/{sandbox_id}/members/{quote(login, safe='')}")
    screen.line(tr("Out of the team."))
