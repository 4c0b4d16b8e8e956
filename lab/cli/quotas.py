"""``lab quota``: what an agency, and one of its people, may hold at once; hours of a month."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from lab.cli import amounts, screen
from lab.cli.api import connect
from lab.cli.commands import AsOutput, command, noun
from lab.cli.screen import Output
from lab.cli.words import tr

app = noun("quota", "Quotas of agencies: look and set.")
AgencyArgument = Annotated[
    str, typer.Argument(metavar="AGENCY", help="Its code, for example rft.")
]
HoursOption = Annotated[
    str, typer.Option(help="Hours of each month: a whole number, or none.", show_default=False)
]
PersonOption = Annotated[
    str, typer.Option(help="Login of one of its people, whose own quota it is.")
]
_UNITS = ("cpu_millicores", "memory_bytes", "storage_bytes", "gpu_count", "sandboxes")
_COLUMNS = ("CPU", "Memory", "Storage", "GPU", "Sandboxes")


@command(app, "lab quota show rft", "lab quota show rft --person a.tremblay")
def show(
    context: typer.Context,
    agency: AgencyArgument,
    *,
    person: PersonOption = "",
    output: AsOutput = Output.TABLE,
) -> None:
    """Show an agency's quota, or a person's, what is held of it and what is left."""
    api = connect(context)
    if person:
        _show_person(api.get(_path(agency, person)), output)
    else:
        _show(api.get(_path(agency)), output)


@command(app, "lab quota people rft")
def people(
    context: typer.Context, agency: AgencyArgument, *, output: AsOutput = Output.TABLE
) -> None:
    """List the agency's people who have limits of their own."""
    found = list(connect(context).pages(f"{_path(agency)}/people"))
    if output is Output.JSON:
        screen.show_json(found)
        return
    rows = [
        (each["person"]["login"], tr(name), *amounts.row(each[key]))
        for each in found
        for name, key in (("Quota", "quota"), ("Left", "left"))
    ]
    screen.show_table(("Login", "", *_COLUMNS), rows)


@command(
    app,
    "lab quota set rft --cpu 4 --memory 8Gi --sandboxes 2",
    "lab quota set rft --cpu-hours 500 --gpu-hours none",
    "lab quota set rft --person a.tremblay --sandboxes 1",
    "lab quota set rft --max-days 31",
    name="set",
)
def set_quota(
    context: typer.Context,
    agency: AgencyArgument,
    *,
    cpu: amounts.Cpu = "",
    memory: amounts.Memory = "",
    storage: amounts.Storage = "",
    gpu: amounts.Gpu = None,
    sandboxes: amounts.Sandboxes = None,
    max_days: amounts.MaxDays = None,
    cpu_hours: HoursOption = "",
    gpu_hours: HoursOption = "",
    person: PersonOption = "",
    no_limits: Annotated[
        bool, typer.Option("--no-limits", help="Take the person's own limits away.")
    ] = False,
    output: AsOutput = Output.TABLE,
) -> None:
    """Set what an agency may hold at once; what is not given stays as it is.

    A quota below what is held takes nothing away: nothing more is granted
    until enough came back. A budget of hours below what is used suspends what
    runs on it.
    """
    given = amounts.wire(cpu=cpu, memory=memory, storage=storage, gpu=gpu, sandboxes=sandboxes)
    budget = {
        name: _hours(text)
        for name, text in (("cpu_hours", cpu_hours), ("gpu_hours", gpu_hours))
        if text
    }
    if person:
        if budget or max_days is not None:
            raise typer.BadParameter(tr("hours and days are the agency's, not a person's"))
        if bool(given) is no_limits:
            raise typer.BadParameter(tr("give at least one limit, or --no-limits"))
        _set_person(context, _path(agency, person), given, output)
        return
    if no_limits:
        raise typer.BadParameter(tr("--no-limits is for --person"))
    if not given and not budget and max_days is None:
        raise typer.BadParameter(
            tr(
                "give at least one of --cpu, --memory, --storage, --gpu, --sandboxes, "
                "--cpu-hours, --gpu-hours, --max-days"
            )
        )
    api = connect(context)
    known = api.call("GET", _path(agency))
    body: dict[str, object] = {"quota": {u: known.body["quota"][u] for u in _UNITS} | given}
    if max_days is not None:
        body["max_days"] = max_days
    if budget:
        before = {f"{e['resource']}_hours": e["budget_hours"] for e in known.body["hours"]}
        body["budget"] = before | budget
    _show(api.call("PUT", _path(agency), body, headers={"If-Match": known.etag}).body, output)


def _set_person(context: typer.Context, path: str, given: dict[str, int], output: Output) -> None:
    api = connect(context)
    known = api.call("GET", path)
    body = dict.fromkeys(_UNITS) if not given else known.body["limits"] | given
    _show_person(api.call("PUT", path, body, headers={"If-Match": known.etag}).body, output)


def _path(agency: str, person: str = "") -> str:
    path = f"/api/v1/agencies/{agency}/quota"
    return f"{path}/people/{quote(person, safe='')}" if person else path


def _hours(text: str) -> int | None:
    if text.casefold() in {"none", "aucun"}:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 -- int() of what is short
        raise typer.BadParameter(tr("hours are a whole number, or none"))
    return int(text)


def _show(view: dict[str, Any], output: Output) -> None:
    if output is Output.JSON:
        screen.show_json(view)
        return
    rows = [
        (tr(name), *amounts.row(view[key]))
        for name, key in (("Quota", "quota"), ("Held", "held"), ("Left", "left"))
    ]
    screen.show_table(("", *_COLUMNS), rows)
    show_meters(view["month"], view["hours"])
    screen.show_facts({"Agency": view["agency_id"], "Longest stay, days": view["max_days"]})


def show_meters(month: str, meters: list[dict[str, Any]]) -> None:
    """Write how the budgets of a month stand."""
    rows = [
        (
            f"{each['resource'].upper()} {month}",
            _number(each["used_hours"]),
            tr("no budget") if each["budget_hours"] is None else each["budget_hours"],
            "" if each["left_hours"] is None else _number(each["left_hours"]),
            ", ".join(f"{one['percent']} %" for one in each["reached"]),
        )
        for each in meters
    ]
    screen.show_table(("Hours", "Used", "Budget", "Left", "Reached"), rows)


def _number(hours: float) -> str:
    return f"{hours:.3f}".rstrip("0").rstrip(".")


def _show_person(view: dict[str, Any], output: Output) -> None:
    if output is Output.JSON:
        screen.show_json(view)
        return
    rows = [
        (tr(name), *amounts.row(view[key]))
        for name, key in (("Quota", "quota"), ("Held", "held"), ("Left", "left"))
    ]
    screen.show_table(("", *_COLUMNS), rows)
    own = [unit for unit, most in view["limits"].items() if most is not None]
    screen.show_facts({
        "Login": view["person"]["login"],
        "Agency": view["agency_id"],
        "Limits of their own": own or tr("none; the agency's hold"),
    })
