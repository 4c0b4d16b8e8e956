"""``lab request``: what was asked for, and the decisions."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import uuid4

import typer

from lab.cli import screen
from lab.cli.amounts import resources
from lab.cli.api import Api, connect
from lab.cli.commands import AsOutput, Timeout, Wait, Yes, command, follow, noun
from lab.cli.screen import Output
from lab.cli.words import tr
from lab.domain.quantity import format_bytes, format_cpu

app = noun("request", "Requests for sandboxes: file, look, approve, reject, withdraw.")
ROOT = "/api/v1/requests"
IfVersion = Annotated[
    int, typer.Option(min=0, help="Only if it is still at this version; 0: whatever it is.")
]
RequestArgument = Annotated[
    str, typer.Argument(metavar="REQUEST", help="For example rq-3f9a0c1d2e.")
]


@command(
    app,
    "lab request list",
    "lab request list --mine --waiting-days 3",
    "lab request list --state in_review --data-class anonymise -o json",
    name="list",
)
def list_requests(
    context: typer.Context,
    *,
    state: Annotated[
        str, typer.Option(help="Only those in this state, for example in_review.")
    ] = "",
    agency: Annotated[str, typer.Option(help="Only those of this agency.")] = "",
    data_class: Annotated[
        str, typer.Option(help="Only those for data of this class, for example anonymise.")
    ] = "",
    waiting_days: Annotated[
        int, typer.Option(min=0, help="Only those that wait for a reviewer this long.")
    ] = 0,
    second: Annotated[
        bool, typer.Option("--second", help="Only those that two people must approve.")
    ] = False,
    mine: Annotated[
        bool,
        typer.Option("--mine", help="Only those that you can decide; who asks sees their own."),
    ] = False,
    output: AsOutput = Output.TABLE,
) -> None:
    """List the requests, newest first, and why a person decides about each."""
    narrowed = {
        "state": state,
        "agency": agency,
        "data_class": data_class,
        "waiting_days": waiting_days or "",
        "second": second or "",
        "mine": mine or "",
    }
    found = list(connect(context).pages(ROOT, **narrowed))
    if output is Output.JSON:
        screen.show_json(found)
        return
    columns = ("Request", "State", "Agency", "Requester", "Size", "Ends on", "Waits since", "Why")
    rows = [
        (
            each["id"],
            tr(each["state"]),
            each["agency_id"],
            each["requester"]["login"],
            each["size"],
            each["ends_on"],
            each["waiting_since"],
            ", ".join(_why(each)),
        )
        for each in found
    ]
    screen.show_table(columns, rows)


@command(app, "lab request show rq-3f9a0c1d2e")
def show(
    context: typer.Context, request_id: RequestArgument, *, output: AsOutput = Output.TABLE
) -> None:
    """Show one request."""
    show_one(connect(context).get(f"{ROOT}/{request_id}"), output)


@command(
    app,
    "lab request file --agency rft --purpose Essai --dataset demandes-prestations --wait",
    name="file",
)
def file_request(
    context: typer.Context,
    *,
    agency: Annotated[str, typer.Option(help="Code of the agency it is for.")],
    purpose: Annotated[str, typer.Option(help="What it is for, in a sentence or two.")],
    dataset: Annotated[
        list[str], typer.Option(help="Data set; may be given again. With @2: version 2.")
    ],
    template: Annotated[str, typer.Option(help="Notebook template.")] = "01-depart",
    size: Annotated[str, typer.Option(help="Size class.")] = "petit",
    profile: Annotated[str, typer.Option(help="Egress profile.")] = "standard",
    days: Annotated[int, typer.Option(min=0, help="Days until its last day.")] = 14,
    ends_on: Annotated[str, typer.Option(help="Its last day instead, as 2026-12-31.")] = "",
    colleague: Annotated[list[str] | None, typer.Option(help="Login; may be given again.")] = None,
    key: Annotated[str, typer.Option(help="Idempotency key: the same key files once.")] = "",
    wait: Wait = False,
    timeout: Timeout = 180,
    output: AsOutput = Output.TABLE,
) -> None:
    """File a request. A small one on synthetic data is approved at once."""
    body = {
        "agency_id": agency,
        "purpose": purpose,
        "datasets": dataset,
        "template": template,
        "size": size,
        "profile": profile,
        "ends_on": ends_on or str(date.today() + timedelta(days=days)),  # noqa: DTZ011  # the operator's day
        "colleagues": colleague or [],
    }
    api = connect(context)
    answer = api.call("POST", ROOT, body, headers={"Idempotency-Key": key or str(uuid4())})
    _done(api, answer.body, wait=wait, timeout_s=timeout, output=output)


@command(
    app,
    "lab request approve rq-3f9a0c1d2e --wait",
    "lab request approve rq-3f9a0c1d2e --version 4",
)
def approve(
    context: typer.Context,
    request_id: RequestArgument,
    *,
    version: IfVersion = 0,
    wait: Wait = False,
    timeout: Timeout = 180,
    output: AsOutput = Output.TABLE,
) -> None:
    """Approve a request in review; its sandbox is built, once two approved where two must."""
    api = connect(context)
    answer = api.call("POST", f"{ROOT}/{request_id}/approve", headers=if_version(version))
    _done(api, answer.body, wait=wait, timeout_s=timeout, output=output)


@command(app, "lab request reject rq-3f9a0c1d2e --reason 'Jeu de données non justifié'")
def reject(
    context: typer.Context,
    request_id: RequestArgument,
    *,
    reason: Annotated[str, typer.Option(help="What the requester is told.")],
    version: IfVersion = 0,
    output: AsOutput = Output.TABLE,
) -> None:
    """Reject a request that is not decided, with a reason."""
    path, body = f"{ROOT}/{request_id}/reject", {"reason": reason}
    answer = connect(context).call("POST", path, body, headers=if_version(version))
    show_one(answer.body, output)


@command(app, "lab request withdraw rq-3f9a0c1d2e --yes")
def withdraw(
    context: typer.Context,
    request_id: RequestArgument,
    *,
    yes: Yes = False,
    output: AsOutput = Output.TABLE,
) -> None:
    """Withdraw a request that is not decided."""
    if not yes:
        typer.confirm(tr("Withdraw {id}?", id=request_id), abort=True)
    show_one(connect(context).call("POST", f"{ROOT}/{request_id}/withdraw").body, output)


def if_version(version: int) -> dict[str, str]:
    """Return the header by which a change is refused where somebody else changed it first."""
    return {"If-Match": f'"{version}"'} if version else {}


def _why(request: dict[str, Any]) -> list[str]:
    """Return in what it is not as the nearest rule approves it, and what needs two people."""
    policy = request["policy"]
    if request["rule"]:
        return []
    differences = [
        f"{tr(each['what'])} {_side(each, 'asked')} > {_side(each, 'allowed')}"
        for each in policy["differences"]
    ]
    return differences + list(policy["two_approvals"])


def _side(difference: dict[str, Any], side: str) -> str:
    one, *others = difference[side] or [""]
    match difference["what"]:
        case "cpu":
            return format_cpu(int(one))
        case "memory" | "storage":
            return format_bytes(int(one))
        case _:
            return "+".join([one, *others])


def _done(
    api: Api, request: dict[str, Any], *, wait: bool, timeout_s: float, output: Output
) -> None:
    if wait and request["sandbox_id"]:
        is_shown = output is Output.TABLE
        follow(api, request["sandbox_id"], until="ready", timeout_s=timeout_s, is_shown=is_shown)
    show_one(request, output)


def show_one(request: dict[str, Any], output: Output) -> None:
    """Write one request."""
    if output is Output.JSON:
        screen.show_json(request)
        return
    decided_by = request["decided_by"]["login"] if request["decided_by"] else request["rule"]
    screen.show_facts({
        "Request": request["id"],
        "State": tr(request["state"]),
        "Agency": request["agency_id"],
        "Requester": request["requester"]["login"],
        "Purpose": request["purpose"],
        "Data sets": [f"{ref['id']}@{ref['version']}" for ref in request["datasets"]],
        "Template": request["template"],
        "Profile": request["profile"],
        "Size": f"{request['size']} ({resources(request['resources'])})",
        "Ends on": request["ends_on"],
        "Team": [person["login"] for person in request["team"]],
        "Filed": request["filed_at"],
        "Decided": request["decided_at"],
        "Decided by": decided_by,
        "Reason": request["reason"],
        "Waits since": request["waiting_since"],
        "Why a person decides": _why(request),
        "Approvals needed": request["approvals_needed"],
        "First approval": (request["first_approval_by"] or {}).get("login"),
        "Draft": request["draft_id"],
        "Sandbox": request["sandbox_id"],
        "Version": request["version"],
    })
    for turn in request["turns"]:
        screen.line("")
        screen.line(f"{tr(turn['kind'])} ({turn['by']['login']}, {turn['at']})")
        for number, text in enumerate(turn["lines"], 1):
            screen.line(f"  {number}. {screen.clean(text)}")
        for each in turn["changes"]:
            before, after = (", ".join(each[side]) for side in ("before", "after"))
            screen.line(screen.clean(f"  {each['step']}.{each['field']}: {before} -> {after}"))
