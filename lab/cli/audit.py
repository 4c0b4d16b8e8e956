"""``lab audit``: search the audit log, take it away, verify it."""

from __future__ import annotations

import json
from datetime import datetime
from enum import Enum
from itertools import islice
from pathlib import Path  # noqa: TC003  # typer reads it
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli import screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, command, noun
from lab.cli.screen import Output
from lab.cli.words import tr
from lab.domain.audit import AuditEvent, AuditOutcome, altered
from lab.domain.quantity import format_bytes
from lab.parts.message import MachineError, message

if TYPE_CHECKING:
    from collections.abc import Iterator

app = noun("audit", "The audit log: search it, take it away, verify its chain.")
ROOT = "/api/v1/audit"

Who = Annotated[str, typer.Option(help="A login, 'lab' for the lab itself, '-' for nobody.")]
Action = Annotated[
    str, typer.Option(help="For example quota.set; 'request' alone for all about requests.")
]
Object = Annotated[
    str, typer.Option("--object", help="What it was done to, for example sb-3f9a0c1d2e.")
]
Agency = Annotated[str, typer.Option(help="Only those that concern this agency.")]
Since = Annotated[str, typer.Option(help="First day, for example 2026-11-01.")]
Until = Annotated[str, typer.Option(help="Last day, all of it.")]
Outcome = Annotated[AuditOutcome | None, typer.Option(help="What came of it.")]


class Form(Enum):
    """What an export is written as."""

    CSV = "csv"
    JSONL = "jsonl"


@command(
    app,
    "lab audit search --limit 20",
    "lab audit search --who a.tremblay --action request --since 2026-11-01",
    "lab audit search --outcome refused --agency rft -o json",
)
def search(
    context: typer.Context,
    *,
    who: Who = "",
    action: Action = "",
    about: Object = "",
    agency: Agency = "",
    since: Since = "",
    until: Until = "",
    outcome: Outcome = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    output: AsOutput = Output.TABLE,
) -> None:
    """List what was done and what was refused, newest first."""
    wanted = _query(who, action, about, agency, since, until, outcome)
    every = connect(context).pages(ROOT, **wanted, limit=min(limit, 100))
    found = list(islice(every, limit))
    if output is Output.JSON:
        screen.show_json(found)
        return
    rows = [
        (
            each["seq"],
            each["at"],
            each["actor_login"] or each["actor"],
            each["action"],
            each["resource_id"],
            tr(each["outcome"]),
        )
        for each in found
    ]
    screen.show_table(("No.", "At", "Who", "Action", "On", "Outcome"), rows)


@command(
    app,
    "lab audit export -O journal.jsonl",
    "lab audit export -f csv --agency rft --since 2026-10-01 --until 2026-12-31 -O journal.csv",
)
def export(
    context: typer.Context,
    *,
    form: Annotated[Form, typer.Option("-f", "--format", help="csv or jsonl.")] = Form.JSONL,
    target: Annotated[
        Path | None, typer.Option("-O", "--out", help="Write it there; else on the screen.")
    ] = None,
    who: Who = "",
    action: Action = "",
    about: Object = "",
    agency: Agency = "",
    since: Since = "",
    until: Until = "",
    outcome: Outcome = None,
) -> None:
    """Take away all that is looked for, first row first. The log says that it was."""
    wanted = _query(who, action, about, agency, since, until, outcome)
    chunks = connect(context).stream(f"{ROOT}/export", format=form.value, **wanted)
    if target is None:
        for chunk in chunks:
            typer.echo(chunk, nl=False)
        return
    size = _kept(chunks, target)
    screen.show_facts({"File": f"{target} ({format_bytes(size)})"})


@command(app, "lab audit verify")
def verify(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="An export as jsonl: verified here, without the lab."),
    ] = None,
    *,
    output: AsOutput = Output.TABLE,
) -> None:
    """Verify the chain: whether any row was changed or removed since."""
    found = connect(context).get(f"{ROOT}/verification") if file is None else _read(file)
    if output is Output.JSON:
        screen.show_json(found)
    elif found["holds"]:
        screen.line(tr("The chain holds."))
        screen.show_facts({"Rows": found["rows"], "Last hash": found["last_hash"]})
    else:
        screen.line(tr("The chain is broken at row {row}.", row=found["first_break"]))
    if not found["holds"]:
        raise typer.Exit(1)


def _query(  # noqa: PLR0917 -- the options, in their order
    who: str,
    action: str,
    about: str,
    agency: str,
    since: str,
    until: str,
    outcome: AuditOutcome | None,
) -> dict[str, str]:
    given = {
        "who": who,
        "action": action,
        "object": about,
        "agency_id": agency,
        "since": since,
        "until": until,
        "outcome": outcome.value if outcome else "",
    }
    return {name: value for name, value in given.items() if value}


def _kept(chunks: Iterator[bytes], target: Path) -> int:
    """Write a file that is there whole or not at all; return its bytes.

    Raises:
        MachineError: It cannot be written.
    """
    draft, size = target.with_name(f".{target.name}.part"), 0
    try:
        with draft.open("wb") as out:
            for chunk in chunks:
                size += out.write(chunk)
        draft.replace(target)
    except OSError as error:
        raise _unusable("the file {path} cannot be written: {why}", target, error) from None
    finally:
        draft.unlink(missing_ok=True)
    return size


def _read(file: Path) -> dict[str, Any]:
    """Verify an export without the lab.

    Raises:
        MachineError: It is no such file.
    """
    try:
        with file.open(encoding="utf-8") as lines:
            events = [_event(json.loads(line)) for line in lines if line.strip()]
    except OSError as error:
        raise _unusable("the file {path} cannot be read: {why}", file, error) from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise MachineError(
            message("the file {path} is no export of the audit log as jsonl", path=file),
            exit_code=2,
        ) from None
    first_break = altered(events)
    return {
        "holds": first_break is None,
        "first_break": first_break,
        "rows": len(events),
        "last_hash": events[-1].hash if events else "",
    }


def _event(row: dict[str, Any]) -> AuditEvent:
    names = ("actor", "action", "resource", "resource_id", "agency_id", "outcome", "facts")
    return AuditEvent(
        at=datetime.fromisoformat(row["at"]),
        seq=row["seq"],
        previous_hash=row["previous_hash"],
        hash=row["hash"],
        **{name: row[name] for name in names},
    )


def _unusable(sentence: str, path: Path, error: OSError) -> MachineError:
    return MachineError(message(sentence, path=path, why=error.strerror), exit_code=2)
