"""``lab dataset``: the data that may be used."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli import screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, command, noun
from lab.cli.screen import Output
from lab.cli.words import is_french
from lab.domain.quantity import format_bytes

app = noun("dataset", "Data sets and their published versions.")
ROOT = "/api/v1/datasets"


@command(app, "lab dataset list", "lab dataset list -o json", name="list")
def list_datasets(context: typer.Context, *, output: AsOutput = Output.TABLE) -> None:
    """List the data sets."""
    found = list(connect(context).pages(ROOT))
    if output is Output.JSON:
        screen.show_json(found)
        return
    title = "title_fr" if is_french() else "title_en"
    rows = [
        (
            each["id"],
            each[title],
            each["data_class"],
            each["versions"][0]["version"],
            each["versions"][0]["row_count"],
            each["licence"],
        )
        for each in found
    ]
    screen.show_table(("Data set", "Title", "Class", "Version", "Rows", "Licence"), rows)


@command(
    app, "lab dataset show demandes-prestations", "lab dataset show demandes-prestations -o json"
)
def show(
    context: typer.Context,
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="Its id, see 'lab dataset list'.")
    ],
    *,
    output: AsOutput = Output.TABLE,
) -> None:
    """Show one data set: columns and files of its latest version."""
    found = connect(context).get(f"{ROOT}/{dataset}")
    if output is Output.JSON:
        screen.show_json(found)
        return
    tongue = "fr" if is_french() else "en"
    latest = found["versions"][0]
    screen.show_facts({
        "Data set": found["id"],
        "Title": found[f"title_{tongue}"],
        "Description": found[f"description_{tongue}"],
        "Class": found["data_class"],
        "Licence": found["licence"],
        "Source": found["source"],
        "Version": latest["version"],
        "Published": latest["published_at"],
        "Rows": latest["row_count"],
    })
    columns = [(each["name"], each["type"], each[f"label_{tongue}"]) for each in latest["columns"]]
    screen.show_table(("Column", "Type", "Label"), columns)
    files = [
        (each["name"], format_bytes(each["size_bytes"]), each["sha256"])
        for each in latest["files"]
    ]
    screen.show_table(("File", "Size", "SHA-256"), files)
