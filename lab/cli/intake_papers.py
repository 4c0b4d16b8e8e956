"""What a dossier leaves on paper: the register, the report; and a data set's own documents."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 -- typer reads the annotations
from typing import Annotated

import typer

from lab.cli import screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, command
from lab.cli.datasets import app
from lab.cli.intakes import ROOT
from lab.cli.screen import Output


@command(app, "lab dataset register", "lab dataset register --csv registre.csv")
def register(
    context: typer.Context,
    *,
    agency: Annotated[str, typer.Option(help="Only this agency's.")] = "",
    csv: Annotated[Path | None, typer.Option(help="Write it there, with French headers.")] = None,
    output: AsOutput = Output.TABLE,
) -> None:
    """Show the register that the regulation asks for (s. 9)."""
    api = connect(context)
    if csv is not None:
        csv.write_text(api.text(f"{ROOT}/register.csv", agency_id=agency), "utf-8")
        return
    found = list(api.pages(f"{ROOT}/register", agency_id=agency))
    if output is Output.JSON:
        screen.show_json(found)
        return
    rows = [
        (
            f"{row['dataset']}@{row['version']}",
            row["agency_id"],
            row["status"],
            row["technique"],
            row["supervisor"],
            row["published_at"],
            row["next_review_at"],
            row["raw_destroyed_at"],
        )
        for row in found
    ]
    columns = (
        *("Data set", "Agency", "Class", "Technique"),
        *("Signed by", "Published", "Next review", "Destroyed"),
    )
    screen.show_table(columns, rows)
