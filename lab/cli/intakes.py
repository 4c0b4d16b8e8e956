"""``lab dataset deposit`` and what follows: an agency's table, until it may be mounted."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from pathlib import Path  # noqa: TC003 -- typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from lab.cli import screen
from lab.cli.api import Api, connect
from lab.cli.commands import AsOutput, Yes, command
from lab.cli.datasets import app
from lab.cli.progress import Steps
from lab.cli.screen import Output
from lab.cli.words import tr
from lab.domain.quantity import format_bytes
from lab.parts.message import MachineError, message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

ROOT = "/api/v1/intakes"
CHUNK = 1024**2

IntakeArgument = Annotated[
    str, typer.Argument(metavar="DOSSIER", help="For example in-3f9a0c1d2e.")
]


@command(
    app,
    "lab dataset deposit demandes.csv --agency rft --dataset demandes-2026 --asked anonymise "
    "--title 'Demandes de 2026' --purposes 'Prévoir les délais' --supervisor s.morin",
)
def deposit(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The agency's table.")],
    *,
    agency: Annotated[str, typer.Option(help="Code of the agency it comes from.")],
    dataset: Annotated[str, typer.Option(help="The name it shall be published under.")],
    title: Annotated[str, typer.Option(help="Its title, in French.")],
    purposes: Annotated[str, typer.Option(help="What the anonymised data are for.")],
    supervisor: Annotated[str, typer.Option(help="Login of the competent person, who signs.")],
    asked: Annotated[
        str, typer.Option(help="Its status: synthetique, anonymise, ouvert or depersonnalise.")
    ] = "anonymise",
    title_en: Annotated[str, typer.Option(help="Its title, in English.")] = "",
    description: Annotated[str, typer.Option(help="What one row is, in French.")] = "",
    description_en: Annotated[str, typer.Option(help="What one row is, in English.")] = "",
    licence: Annotated[str, typer.Option(help="Under which licence it may be used.")] = "interne",
    source: Annotated[str, typer.Option(help="Where it comes from.")] = "",
    requester: Annotated[str, typer.Option(help="Login of who in the agency asked for it.")] = "",
    inside: Annotated[
        bool, typer.Option("--inside", help="Only the agency itself will see it.")
    ] = False,
    output: AsOutput = Output.TABLE,
) -> None:
    """Open a dossier and send the file, which is encrypted as it comes."""
    size_bytes = readable(file)
    api = connect(context)
    body = {
        "agency_id": agency,
        "dataset": dataset,
        "title_fr": title,
        "title_en": title_en or title,
        "description_fr": description or title,
        "description_en": description_en or title_en or title,
        "purposes": purposes,
        "licence": licence,
        "source": source or agency,
        "asked": asked,
        "scope": "interne" if inside else "entre-organismes",
        "supervisor": supervisor,
        "requester": requester,
    }
    key = {"Idempotency-Key": str(uuid4())}
    made = api.call("POST", ROOT, body, headers=key).body
    shown, began = Steps(), time.monotonic()
    with file.open("rb") as raw, shown.live() if output is Output.TABLE else nullcontext():

        def chunks() -> Iterator[bytes]:
            sent = 0
            for chunk in _read(raw):
                yield chunk
                sent += len(chunk)
                if output is Output.TABLE:
                    state = f"sending {format_bytes(sent)}/{format_bytes(size_bytes)}"
                    shown.show(file.name, state, time.monotonic() - began)

        kept = api.send(f"{ROOT}/{made['id']}/raw", chunks(), query={"name": file.name}).body
    show_dossier(kept, output)


@command(app, "lab dataset columns in-3f9a0c1d2e", "lab dataset columns in-3f9a0c1d2e -o json")
def columns(
    context: typer.Context, dossier: IntakeArgument, *, output: AsOutput = Output.TABLE
) -> None:
    """Show what was found in each column, and what was confirmed."""
    _show_columns(connect(context).get(f"{ROOT}/{dossier}/columns"), output)


@command(
    app,
    "lab dataset confirm in-3f9a0c1d2e --columns c.json",
    "lab dataset confirm in-3f9a0c1d2e --as-proposed",
)
def confirm(
    context: typer.Context,
    dossier: IntakeArgument,
    *,
    chosen: Annotated[
        Path | None,
        typer.Option("--columns", help="As 'lab dataset columns -o json', changed."),
    ] = None,
    as_proposed: Annotated[
        bool, typer.Option("--as-proposed", help="Take every column as it is proposed.")
    ] = False,
    yes: Yes = False,
    output: AsOutput = Output.TABLE,
) -> None:
    """Confirm what each column is. Identifiers go no further."""
    api = connect(context)
    if chosen is None and not as_proposed:
        raise typer.BadParameter(tr("say --columns FILE or --as-proposed"))
    found = read_json(chosen) if chosen else None
    found = found or api.get(f"{ROOT}/{dossier}/columns")
    if as_proposed and not yes:
        _show_columns(found, Output.TABLE)
        typer.confirm(tr("Confirm every column as it is proposed?"), abort=True)
    body = {"columns": [_choice(column) for column in found["columns"]]}
    _show_columns(api.call("PUT", f"{ROOT}/{dossier}/columns", body).body, output)


@command(
    app,
    "lab dataset sign in-3f9a0c1d2e",
    "lab dataset sign in-3f9a0c1d2e --reason 'Analyse relue'",
)
def sign(
    context: typer.Context,
    dossier: IntakeArgument,
    *,
    reason: Annotated[str, typer.Option(help="What you say to it; it is kept.")] = "",
    yes: Yes = False,
    output: AsOutput = Output.TABLE,
) -> None:
    """Answer for a very low residual risk, as the competent person."""
    api = connect(context)
    found = api.call("GET", f"{ROOT}/{dossier}")
    if not yes:
        show_dossier(found.body, Output.TABLE)
        typer.confirm(tr("Sign the final analysis of {id}?", id=dossier), abort=True)
    # What is signed is what was read, and nothing else.
    headers = {"If-Match": found.etag}
    body = {"reason": reason} if reason else None
    path = f"{ROOT}/{dossier}/signature"
    show_dossier(api.call("POST", path, body, headers=headers).body, output)


def confirm_review(api: Api, dossier: str, *, yes: bool, output: Output) -> None:
    """Answer for what the lab analysed by itself, as it was read; its next date moves."""
    found = api.call("GET", f"{ROOT}/{dossier}")
    if not yes:
        show_dossier(found.body, Output.TABLE)
        typer.confirm(tr("Confirm the analysis made again of {id}?", id=dossier), abort=True)
    headers = {"If-Match": found.etag}
    path = f"{ROOT}/{dossier}/review-confirmation"
    show_dossier(api.call("POST", path, headers=headers).body, output)


@command(app, "lab dataset refuse in-3f9a0c1d2e --reason 'Risque trop grand'")
def refuse(
    context: typer.Context,
    dossier: IntakeArgument,
    *,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    yes: Yes = False,
    output: AsOutput = Output.TABLE,
) -> None:
    """Refuse a dossier; the deposited file is then destroyed."""
    if not yes:
        question = tr("Refuse {id} and destroy its file? It cannot be undone.", id=dossier)
        typer.confirm(question, abort=True)
    body = {"reason": reason}
    show_dossier(connect(context).call("POST", f"{ROOT}/{dossier}/refusal", body).body, output)


@command(app, "lab dataset withdraw in-3f9a0c1d2e --reason 'Erreur de source'")
def withdraw(
    context: typer.Context,
    dossier: IntakeArgument,
    *,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    yes: Yes = False,
    output: AsOutput = Output.TABLE,
) -> None:
    """Withdraw a dossier; its version leaves the sandboxes that have it."""
    if not yes:
        question = tr("Withdraw {id} and its version? It cannot be undone.", id=dossier)
        typer.confirm(question, abort=True)
    body = {"reason": reason}
    show_dossier(connect(context).call("POST", f"{ROOT}/{dossier}/withdrawal", body).body, output)


@command(app, "lab dataset dossiers", "lab dataset dossiers --state measured -o json")
def dossiers(
    context: typer.Context,
    *,
    state: Annotated[str, typer.Option(help="Only those in this state, for example read.")] = "",
    output: AsOutput = Output.TABLE,
) -> None:
    """List the dossiers, newest first."""
    found = list(connect(context).pages(ROOT, state=state))
    if output is Output.JSON:
        screen.show_json(found)
        return
    rows = [
        (d["id"], d["dataset"], d["agency_id"], d["asked"], tr(d["state"]), d["opened_at"])
        for d in found
    ]
    columns = ("Dossier", "Data set", "Agency", "Class", "State", "Opened")
    screen.show_table(columns, rows)


def readable(path: Path) -> int:
    """Return the size of a file that can be read.

    Raises:
        MachineError: It cannot.
    """
    try:
        with path.open("rb"):
            return path.stat().st_size
    except OSError as error:
        raise MachineError(
            message("the file {path} cannot be read: {why}", path=path, why=error.strerror),
            exit_code=2,
        ) from None


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        MachineError: It cannot be read, or is no JSON.
    """
    readable(path)
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise MachineError(
            message("the file {path} cannot be read: {why}", path=path, why=str(error)),
            exit_code=2,
        ) from None


def _read(raw: BinaryIO) -> Iterator[bytes]:
    while chunk := raw.read(CHUNK):
        yield chunk


def _choice(column: dict[str, Any]) -> dict[str, object]:
    """Return what is confirmed of a column: what a person wrote, else what is proposed."""
    role = column.get("role") or column["proposed"]
    keep = column.get("keep")
    return {
        "name": column["name"],
        "role": role,
        "keep": (not column["drop"] and role != "identifiant") if keep is None else keep,
        "label_fr": column.get("label_fr", ""),
        "label_en": column.get("label_en", ""),
        "hierarchy": column.get("hierarchy", ""),
    }


def _show_columns(found: dict[str, Any], output: Output) -> None:
    if output is Output.JSON:
        screen.show_json(found)
        return
    rows = [
        (
            column["name"],
            column["type"],
            column["proposed"],
            [f"{hit['kind']} {hit['rate']:.0%}" for hit in column["hits"]],
            [example for hit in column["hits"] for example in hit["examples"]],
            column["role"],
            column["keep"],
        )
        for column in found["columns"]
    ]
    columns = ("Column", "Type", "Proposed", "Found", "Examples", "Confirmed", "Kept")
    screen.show_table(columns, rows)


def show_dossier(dossier: dict[str, Any], output: Output) -> None:
    """Write one dossier."""
    if output is Output.JSON:
        screen.show_json(dossier)
        return
    raw, published = dossier["raw"], dossier["published"]
    screen.show_facts({
        "Dossier": dossier["id"],
        "State": tr(dossier["state"]),
        "Data set": dossier["dataset"],
        "Agency": dossier["agency_id"],
        "Class": dossier["asked"],
        "Purposes": dossier["purposes"],
        "Signs": dossier["supervisor"]["login"],
        "File": f"{raw['name']} ({format_bytes(raw['size_bytes'])})" if raw else None,
        "SHA-256": raw["sha256"] if raw else None,
        "Rows": dossier["row_count"],
        "Technique": dossier["technique"],
        "Passes": dossier["passes"],
        "Failures": dossier["failures"],
        "Signed by": dossier["signed_by"]["login"] if dossier["signed_by"] else None,
        "Version": published["version"] if published else None,
        "Next review": dossier["next_review_at"],
        "Reviewed": dossier["reviewed_at"],
        "Destroyed": dossier["destroyed_at"],
        "Reason": dossier["reason"],
    })
