"""``lab user``: people with an account."""

from __future__ import annotations

import sys
from typing import Annotated, Any
from uuid import uuid4

import typer

from lab.cli import screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, Yes, command, noun
from lab.cli.screen import Output
from lab.cli.words import tr
from lab.domain.member import Role  # noqa: TC001  # typer reads it

app = noun("user", "People: look, add, passwords, sign-in links, departures.")
ROOT = "/api/v1/members"
LoginArgument = Annotated[str, typer.Argument(metavar="LOGIN", help="For example a.tremblay.")]


@command(app, "lab user list", "lab user list --agency rft -o json", name="list")
def list_users(
    context: typer.Context,
    *,
    agency: Annotated[str, typer.Option(help="Whose people; without it, the lab's own.")] = "",
    output: AsOutput = Output.TABLE,
) -> None:
    """List the people of an agency, or of the lab."""
    found = list(connect(context).pages(ROOT, agency_id=agency))
    if output is Output.JSON:
        screen.show_json(found)
        return
    rows = [
        (
            each["login"],
            each["name"],
            each["agency_id"],
            [tr(role) for role in each["roles"]],
            each["is_active"],
            each["has_password"],
        )
        for each in found
    ]
    screen.show_table(("Login", "Name", "Agency", "Roles", "Active", "Password"), rows)


@command(app, "lab user create a.tremblay --name 'Alice Tremblay' --agency rft --role requester")
def create(
    context: typer.Context,
    login: LoginArgument,
    *,
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[list[Role], typer.Option(help="May be given again.")],
    agency: Annotated[str, typer.Option(help="Whose; without it, the lab's own.")] = "",
    output: AsOutput = Output.TABLE,
) -> None:
    """Add a person. 'lab user link' then lets them in."""
    body = {
        "login": login,
        "name": name,
        "agency_id": agency or None,
        "roles": [each.value for each in role],
    }
    key = {"Idempotency-Key": str(uuid4())}
    made: dict[str, Any] = connect(context).call("POST", ROOT, body, headers=key).body
    if output is Output.JSON:
        screen.show_json(made)
        return
    roles = [tr(each) for each in made["roles"]]
    screen.show_facts({
        "Login": made["login"],
        "Name": made["name"],
        "Agency": made["agency_id"],
        "Roles": roles,
    })


@command(app, "lab user password a.tremblay", "lab user password a.tremblay < file")
def password(context: typer.Context, login: LoginArgument) -> None:
    """Set a password, asked for twice or read from standard input; sessions end."""
    if sys.stdin.isatty():
        given: str = typer.prompt(tr("New password"), hide_input=True, confirmation_prompt=True)
    else:
        given = sys.stdin.readline().rstrip("\n")
    connect(context).call("PUT", f"{ROOT}/{login}/password", {"password": given})
    screen.line(tr("The password of {login} is set.", login=login))


@command(app, "lab user link a.tremblay", "lab user link a.tremblay --next /demandes/nouvelle")
def link(
    context: typer.Context,
    login: LoginArgument,
    *,
    following: Annotated[
        str, typer.Option("--next", help="Where it leads, a path of the portal.")
    ] = "/",
    output: AsOutput = Output.TABLE,
) -> None:
    """Make a link that signs a person in, once, within a day."""
    key = {"Idempotency-Key": str(uuid4())}
    made = (
        connect(context)
        .call("POST", f"{ROOT}/{login}/link", {"next": following}, headers=key)
        .body
    )
    if output is Output.JSON:
        screen.show_json(made)
    else:
        screen.line(made["url"])


@command(app, "lab user deactivate a.tremblay", "lab user deactivate a.tremblay --yes")
def deactivate(
    context: typer.Context,
    login: LoginArgument,
    *,
    yes: Yes = False,
    output: AsOutput = Output.TABLE,
) -> None:
    """Close an account: sessions, tokens and servers end at once; what was made stays."""
    if not yes:
        typer.confirm(tr("Close the account of {login}?", login=login), abort=True)
    _show(connect(context).call("POST", f"{ROOT}/{login}/deactivate").body, output)


@command(app, "lab user activate a.tremblay")
def activate(
    context: typer.Context, login: LoginArgument, *, output: AsOutput = Output.TABLE
) -> None:
    """Open an account again; nothing that had ended comes back."""
    _show(connect(context).call("POST", f"{ROOT}/{login}/activate").body, output)


def _show(member: dict[str, Any], output: Output) -> None:
    if output is Output.JSON:
        screen.show_json(member)
        return
    screen.show_facts({
        "Login": member["login"],
        "Name": member["name"],
        "Active": member["is_active"],
    })
