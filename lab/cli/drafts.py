"""``lab request draft``: write a request step by step."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import uuid4

import typer

from lab.cli import requests, screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, Yes, command, noun
from lab.cli.requests import IfVersion, if_version
from lab.cli.screen import Output
from lab.cli.words import tr
from lab.parts.message import MachineError, message

app = noun("draft", "Requests being written: begin, answer step by step, send in.")
requests.app.add_typer(app)

ROOT = "/api/v1/drafts"
DraftArgument = Annotated[str, typer.Argument(metavar="DRAFT", help="For example rd-3f9a0c1d2e.")]


@command(app, "lab request draft new --agency rft")
def new(
    context: typer.Context,
    *,
    agency: Annotated[str, typer.Option(help="Code of the agency it is for.")],
    key: Annotated[str, typer.Option(help="Idempotency key: the same key begins once.")] = "",
    output: AsOutput = Output.TABLE,
) -> None:
    """Begin a request and show its reference number."""
    headers = {"Idempotency-Key": key or str(uuid4())}
    answer = connect(context).call("POST", ROOT, {"agency_id": agency}, headers=headers)
    _show(answer.body, output)


@command(app, "lab request draft list", name="list")
def list_drafts(context: typer.Context, *, output: AsOutput = Output.TABLE) -> None:
    """List the requests being written, last changed first."""
    found = list(connect(context).pages(ROOT))
    if output is Output.JSON:
        screen.show_json(found)
        return
    columns = ("Draft", "Agency", "Begun by", "Changed", "Purpose")
    rows = [
        (each["id"], each["agency_id"], each["author"]["login"], each["updated_at"], _short(each))
        for each in found
    ]
    screen.show_table(columns, rows)


@command(app, "lab request draft show rd-3f9a0c1d2e")
def show(
    context: typer.Context, draft_id: DraftArgument, *, output: AsOutput = Output.TABLE
) -> None:
    """Show how far a request is, and what would become of it."""
    _show(connect(context).get(f"{ROOT}/{draft_id}"), output)


@command(
    app,
    "lab request draft set rd-3f9a0c1d2e resources size=petit ends_on=2026-12-31",
    "lab request draft set rd-3f9a0c1d2e data datasets=rand-hie datasets=essai --partial",
    name="set",
)
def set_step(
    context: typer.Context,
    draft_id: DraftArgument,
    step: Annotated[str, typer.Argument(metavar="STEP", help="For example resources.")],
    answers: Annotated[
        list[str],
        typer.Argument(metavar="FIELD=VALUE...", help="A field given again holds several values."),
    ],
    *,
    partial: Annotated[
        bool, typer.Option("--partial", help="Keep it even if something is missing.")
    ] = False,
    version: IfVersion = 0,
    output: AsOutput = Output.TABLE,
) -> None:
    """Answer one step; this takes the place of its earlier answers."""
    given: dict[str, list[str]] = {}
    for answer in answers:
        name, equals, value = answer.partition("=")
        if not equals or not name:
            raise MachineError(
                message("'{answer}' is not FIELD=VALUE", answer=screen.clean(answer)),
                message("For example: size=petit"),
            )
        given.setdefault(name, []).append(value)
    body = {"answers": given, "partial": partial}
    path = f"{ROOT}/{draft_id}/steps/{step}"
    _show(connect(context).call("PUT", path, body, headers=if_version(version)).body, output)


@command(app, "lab request draft submit rd-3f9a0c1d2e")
def submit(
    context: typer.Context,
    draft_id: DraftArgument,
    *,
    version: IfVersion = 0,
    output: AsOutput = Output.TABLE,
) -> None:
    """Send a request in. Safe to repeat: it is filed once."""
    path = f"{ROOT}/{draft_id}/submit"
    key = {"Idempotency-Key": str(uuid4())}
    request = connect(context).call("POST", path, headers=if_version(version) | key).body
    requests.show_one(request, output)


@command(app, "lab request draft delete rd-3f9a0c1d2e --yes")
def delete(
    context: typer.Context, draft_id: DraftArgument, *, yes: Yes = False, version: IfVersion = 0
) -> None:
    """Throw away a request that was not sent in."""
    if not yes:
        typer.confirm(tr("Throw {id} away?", id=draft_id), abort=True)
    connect(context).call("DELETE", f"{ROOT}/{draft_id}", headers=if_version(version))
    screen.line(tr("{id} is gone.", id=draft_id))


def _short(draft: dict[str, Any]) -> str:
    longest = 60
    text = " ".join(draft["purpose"].split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _show(draft: dict[str, Any], output: Output) -> None:
    if output is Output.JSON:
        screen.show_json(draft)
        return
    outlook = draft["outlook"]
    screen.show_facts({
        "Draft": draft["id"],
        "Agency": draft["agency_id"],
        "Begun by": draft["author"]["login"],
        "Changed": draft["updated_at"],
        "Version": draft["version"],
        "Request": draft["request_id"],
        "Changes": draft["revises_id"],
        "Would be": tr("approved at once") if outlook["rule"] else tr("in_review"),
        "Reasons": outlook["reasons"],
        "Fits the quota": outlook["fits"],
        "Room from": outlook["frees_at"],
    })
    columns = ("Step", "State", "Answers")
    rows = [
        (
            each["step"],
            tr(each["state"]),
            [f"{name}={_one(value)}" for name, value in each["answers"].items()]
            or ", ".join(each["fields"]),
        )
        for each in draft["steps"]
    ]
    screen.show_table(columns, rows)


def _one(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
