"""``lab request return`` and what follows: questions, answers and messages about a request."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lab.cli import screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, command
from lab.cli.requests import ROOT, IfVersion, RequestArgument, app, if_version, show_one
from lab.cli.screen import Output


@command(
    app,
    "lab request return rq-3f9a0c1d2e --question 'Pourquoi ce format?'",
    name="return",
)
def send_back(
    context: typer.Context,
    request_id: RequestArgument,
    *,
    question: Annotated[list[str], typer.Option(help="What you ask; may be given again.")],
    version: IfVersion = 0,
    output: AsOutput = Output.TABLE,
) -> None:
    """Send a request back with questions; it keeps its reference and its place in the quota."""
    path, body = f"{ROOT}/{request_id}/return", {"questions": question}
    answer = connect(context).call("POST", path, body, headers=if_version(version))
    show_one(answer.body, output)


@command(
    app,
    "lab request answer rq-3f9a0c1d2e --answer 'Parce que…' --answer 'Oui.'",
)
def answer(
    context: typer.Context,
    request_id: RequestArgument,
    *,
    answer: Annotated[
        list[str], typer.Option(help="One for each question, in their order; given again.")
    ],
    version: IfVersion = 0,
    output: AsOutput = Output.TABLE,
) -> None:
    """Answer the questions about a request and send it in again, as its draft says now."""
    path, body = f"{ROOT}/{request_id}/answer", {"answers": answer}
    done = connect(context).call("POST", path, body, headers=if_version(version))
    show_one(done.body, output)


@command(app, "lab request messages rq-3f9a0c1d2e")
def messages(
    context: typer.Context, request_id: RequestArgument, *, output: AsOutput = Output.TABLE
) -> None:
    """Show the messages about a request, first one first."""
    found = connect(context).get(f"{ROOT}/{request_id}/messages")["items"]
    if output is Output.JSON:
        screen.show_json(found)
        return
    for each in found:
        _show(each)


@command(app, "lab request say rq-3f9a0c1d2e --text 'Merci, je regarde.'")
def say(
    context: typer.Context,
    request_id: RequestArgument,
    *,
    text: Annotated[str, typer.Option(help="Plain text, 4,000 characters at most.")],
    output: AsOutput = Output.TABLE,
) -> None:
    """Write a message about a request; its team and who reviews it are told."""
    path = f"{ROOT}/{request_id}/messages"
    written = connect(context).call("POST", path, {"text": text}).body
    if output is Output.JSON:
        screen.show_json(written)
    else:
        _show(written)


def _show(message: dict[str, Any]) -> None:
    screen.line(f"{message['at']} {screen.clean(message['author']['name'])}")
    for text in message["text"].split("\n"):
        screen.line(f"  {screen.clean(text)}")
