"""``lab notice``: what one is told, and where mail goes."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli import screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, command, noun
from lab.cli.screen import Output
from lab.cli.words import tr
from lab.settings import Settings

app = noun("notice", "Notices: look, mark as read, and where mail goes.")
ROOT = "/api/v1/notices"


@command(app, "lab notice list --unread", name="list")
def list_notices(
    context: typer.Context,
    *,
    unread: Annotated[bool, typer.Option("--unread", help="Only those not read.")] = False,
    output: AsOutput = Output.TABLE,
) -> None:
    """List one's notices, newest first."""
    found = connect(context).get(ROOT, unread=unread or "")["items"]
    if output is Output.JSON:
        screen.show_json(found)
        return
    columns = ("Notice", "At", "What", "About", "Read", "Mail")
    rows = [
        (
            each["id"],
            each["at"],
            tr(each["kind"]) + (f" ({each['due_at']})" if each["due_at"] else ""),
            each["subject"],
            each["read_at"],
            tr(each["mail"]),
        )
        for each in found
    ]
    screen.show_table(columns, rows)


@command(app, "lab notice read no-3f9a0c1d2e", "lab notice read")
def read(
    context: typer.Context,
    notice_id: Annotated[
        str, typer.Argument(metavar="[NOTICE]", help="For example no-3f9a0c1d2e; all without it.")
    ] = "",
) -> None:
    """Mark a notice as read, or all."""
    path = f"{ROOT}/{notice_id}/read" if notice_id else f"{ROOT}/read"
    connect(context).call("POST", path)
    screen.line(tr("Marked as read."))


@command(app, "lab notice address", "lab notice address a.b@c.ca", "lab notice address ''")
def address(
    context: typer.Context,
    new: Annotated[
        str | None,
        typer.Argument(metavar="[ADDRESS]", help="Yours; an empty one for no mail."),
    ] = None,
) -> None:
    """Show or set where one's mail goes."""
    api = connect(context)
    if new is None:
        found = api.get(f"{ROOT}/address")["address"]
    else:
        found = api.call("PUT", f"{ROOT}/address", {"address": new}).body["address"]
    screen.line(screen.clean(found) or tr("no address"))


@command(app, "lab notice where")
def where() -> None:
    """Say where the lab's mail leaves: a server, or a folder of this machine."""
    settings = Settings()
    mail = settings.mail
    if mail.host:
        screen.line(f"{mail.host}:{mail.the_port} ({mail.security})")
    else:
        screen.line(str(settings.mail_dir))
