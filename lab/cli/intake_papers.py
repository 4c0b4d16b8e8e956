"""What a dossier leaves on paper: the register, the report; and a data set's own documents."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from lab.cli import screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, command
from lab.cli.datasets import ROOT as DATASETS
from lab.cli.datasets import app
from lab.cli.intakes import ROOT, IntakeArgument
from lab.cli.screen import Output
from lab.cli.words import is_french
from lab.domain.quantity import format_bytes
from lab.parts.message import MachineError, message


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


class ReportFormat(Enum):
    """What a report is written as."""

    PDF = "pdf"
    HTML = "html"


Target = Annotated[
    Path | None, typer.Option("-O", "--out", help="Write it there; else beside you.")
]


@command(
    app, "lab dataset report in-3f9a0c1d2e", "lab dataset report in-3f9a0c1d2e -f html -O r.html"
)
def report(
    context: typer.Context,
    dossier: IntakeArgument,
    *,
    form: Annotated[
        ReportFormat, typer.Option("-f", "--format", help="pdf or html.")
    ] = ReportFormat.PDF,
    target: Target = None,
) -> None:
    """Save the report of a dossier: two pages, for its file and for whoever asks."""
    name = f"report.{form.value}"
    lang = "fr" if is_french() else "en"
    content = connect(context).content(f"{ROOT}/{dossier}/{name}", lang=lang)
    save(content, target or Path(f"{dossier}-{name}"))


class CardFormat(Enum):
    """What a version says of itself, and as what."""

    MARKDOWN = "markdown"
    FRICTIONLESS = "frictionless"
    CROISSANT = "croissant"
    DCAT = "dcat"


_FILES = {
    CardFormat.MARKDOWN: "FICHE.md",
    CardFormat.FRICTIONLESS: "datapackage.json",
    CardFormat.CROISSANT: "croissant.json",
    CardFormat.DCAT: "dcat.json",
}


@command(
    app,
    "lab dataset card demandes-prestations",
    "lab dataset card demandes-prestations@1 --format croissant -O croissant.json",
)
def card(
    context: typer.Context,
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="Its id; with @ and a number, one version.")
    ],
    *,
    form: Annotated[
        CardFormat,
        typer.Option("-f", "--format", help="markdown, frictionless, croissant or dcat."),
    ] = CardFormat.MARKDOWN,
    target: Annotated[
        Path | None, typer.Option("-O", "--out", help="Write it there; else on the screen.")
    ] = None,
) -> None:
    """Show what a version says of itself: its card, or its description for programs."""
    api = connect(context)
    name, _, number = dataset.partition("@")
    if not number:
        versions = api.get(f"{DATASETS}/{name}")["versions"]
        number = str(versions[0]["version"])
    content = api.content(f"{DATASETS}/{name}/versions/{number}/{_FILES[form]}")
    if target is None:
        # As it is: a card is read, and a description is piped to a program.
        for line in content.decode().splitlines():
            typer.echo(screen.clean(line) if line else "")
    else:
        save(content, target)


def save(content: bytes, target: Path) -> None:
    """Write a file, and say where.

    Raises:
        MachineError: It cannot be written.
    """
    try:
        target.write_bytes(content)
    except OSError as error:
        raise MachineError(
            message("the file {path} cannot be written: {why}", path=target, why=error.strerror),
            exit_code=2,
        ) from None
    screen.show_facts({"File": f"{target} ({format_bytes(len(content))})"})
