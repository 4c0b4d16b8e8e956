"""``lab request return`` and what follows: questions, answers and messages about a request."""

from __future__ import annotations

from typing import Annotated

import typer

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
