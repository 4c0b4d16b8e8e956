"""``lab sandbox``: look at sandboxes, wait for them, delete them."""

from __future__ import annotations

import time
from enum import Enum
from typing import Annotated, Any

import typer

from lab.cli import screen
from lab.cli.amounts import resources
from lab.cli.api import connect
from lab.cli.commands import AsOutput, Timeout, Wait, Yes, command, follow, noun
from lab.cli.screen import Output
from lab.cli.words import tr
from lab.parts.message import MachineError, message

app = noun("sandbox", "Sandboxes: look, wait, delete; their proofs and certificates.")
ROOT = "/api/v1/sandboxes"
SandboxArgument = Annotated[
    str, typer.Argument(metavar="SANDBOX", help="For example sb-3f9a0c1d2e.")
]
_POLL_S = 0.5


class Until(Enum):
    """What to wait for."""

    READY = "ready"
    DELETED = "deleted"


@command(app, "lab sandbox list", "lab sandbox list --all -o json", name="list")
def list_sandboxes(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="The deleted ones too.")] = False,
    output: AsOutput = Output.TABLE,
) -> None:
    """List the sandboxes, newest first."""
    found = list(connect(context).pages(ROOT, live_only=not every))
    if output is Output.JSON:
        screen.show_json(found)
        return
    rows = [
        (
            each["id"],
            tr(each["phase"]),
            each["agency_id"],
            resources(each["resources"]),
            [person["login"] for person in each["members"]],
            each["expires_at"],
        )
        for each in found
    ]
    screen.show_table(("Sandbox", "Phase", "Agency", "Size", "Team", "Expires"), rows)


@command(app, "lab sandbox show sb-3f9a0c1d2e", "lab sandbox show sb-3f9a0c1d2e -o json")
def show(
    context: typer.Context, sandbox_id: SandboxArgument, *, output: AsOutput = Output.TABLE
) -> None:
    """Show one sandbox and its five stages."""
    show_one(connect(context).get(f"{ROOT}/{sandbox_id}"), output)


@command(app, "lab sandbox wait sb-3f9a0c1d2e", "lab sandbox wait sb-3f9a0c1d2e --until deleted")
def wait(
    context: typer.Context,
    sandbox_id: SandboxArgument,
    *,
    until: Annotated[Until, typer.Option(help="What to wait for.")] = Until.READY,
    timeout: Timeout = 180,
    output: AsOutput = Output.TABLE,
) -> None:
    """Wait until a sandbox is ready, or gone."""
    sandbox = follow(
        connect(context),
        sandbox_id,
        until=until.value,
        timeout_s=timeout,
        is_shown=output is Output.TABLE,
    )
    show_one(sandbox, output)


@command(app, "lab sandbox delete sb-3f9a0c1d2e", "lab sandbox delete sb-3f9a0c1d2e --yes --wait")
def delete(
    context: typer.Context,
    sandbox_id: SandboxArgument,
    *,
    yes: Yes = False,
    wait_for_it: Wait = False,
    timeout: Timeout = 180,
    output: AsOutput = Output.TABLE,
) -> None:
    """Ask for a sandbox to be deleted, with everything in it. Safe to repeat."""
    api = connect(context)
    if not yes:
        question = tr("Delete {id} and everything in it? It cannot be undone.", id=sandbox_id)
        typer.confirm(question, abort=True)
    sandbox = api.call("DELETE", f"{ROOT}/{sandbox_id}").body
    if wait_for_it:
        is_shown = output is Output.TABLE
        sandbox = follow(api, sandbox_id, until="deleted", timeout_s=timeout, is_shown=is_shown)
    show_one(sandbox, output)


@command(app, "LAB_TOKEN=… lab sandbox open sb-3f9a0c1d2e", name="open")
def open_notebook(
    context: typer.Context,
    sandbox_id: SandboxArgument,
    *,
    timeout: Timeout = 120,
    output: AsOutput = Output.TABLE,
) -> None:
    """Start one's own notebook and print its address.

    Operators have none: the data are not theirs.
    """
    api = connect(context)
    path, began = f"{ROOT}/{sandbox_id}/server", time.monotonic()
    server = api.call("POST", path).body
    while server["state"] == "pending":
        if time.monotonic() - began > timeout:
            raise MachineError(
                message("the notebook is not ready after {seconds:.0f} seconds", seconds=timeout),
                exit_code=1,
            )
        time.sleep(_POLL_S)
        server = api.get(path)
    if output is Output.JSON:
        screen.show_json(server)
    elif server["state"] == "ready":
        screen.line(server["url"])
    else:
        raise MachineError(
            message(
                "the notebook is {state}: {why}", state=server["state"], why=server["message"]
            ),
            exit_code=1,
        )


@command(app, "lab sandbox attempts sb-3f9a0c1d2e")
def attempts(
    context: typer.Context, sandbox_id: SandboxArgument, *, output: AsOutput = Output.TABLE
) -> None:
    """List what was tried and blocked, as far as it could be observed."""
    found = list(connect(context).pages(f"{ROOT}/{sandbox_id}/attempts"))
    if output is Output.JSON:
        screen.show_json(found)
        return
    rows = [
        (
            each["last_at"],
            each["rule"],
            each["target"],
            each["count"],
            each["member"]["login"] if each["member"] else "",
        )
        for each in found
    ]
    screen.show_table(("Last", "Rule", "Target", "Times", "Who"), rows)


@command(app, "lab sandbox proof sb-3f9a0c1d2e", "lab sandbox proof sb-3f9a0c1d2e -o json")
def proof(
    context: typer.Context, sandbox_id: SandboxArgument, *, output: AsOutput = Output.TABLE
) -> None:
    """Show the last containment proof: each probe, what it must find and what it found."""
    found = connect(context).get(f"{ROOT}/{sandbox_id}/proof")
    if output is Output.JSON:
        screen.show_json(found)
    else:
        rows = [
            (
                each["name"],
                tr(each["expected"]),
                tr(each["outcome"]),
                each["holds"],
                each["detail"],
            )
            for each in found["results"]
        ]
        screen.show_table(("Probe", "Expected", "Found", "Holds", "Detail"), rows)
        screen.show_facts({"Proved": found["finished_at"], "Holds": found["holds"]})
    if not found["holds"]:
        raise typer.Exit(1)


@command(app, "lab sandbox certificate sb-3f9a0c1d2e -o json")
def certificate(
    context: typer.Context, sandbox_id: SandboxArgument, *, output: AsOutput = Output.TABLE
) -> None:
    """Show the deletion certificate: what was seen gone, and when."""
    found = connect(context).get(f"{ROOT}/{sandbox_id}/certificate")
    if output is Output.JSON:
        screen.show_json(found)
        return
    rows = [(each["stage"], each["kind"], each["name"], each["seen_at"]) for each in found["gone"]]
    screen.show_table(("Stage", "Kind", "Name", "Seen gone"), rows)
    facts = {"Asked": found["asked_at"], "Completed": found["completed_at"]}
    screen.show_facts(facts | {"Reason": found["reason"], "Signature": found["signature"]})


def show_one(sandbox: dict[str, Any], output: Output) -> None:
    """Show one sandbox and its stages."""
    if output is Output.JSON:
        screen.show_json(sandbox)
        return
    screen.show_facts({
        "Sandbox": sandbox["id"],
        "Phase": tr(sandbox["phase"]),
        "Agency": sandbox["agency_id"],
        "Request": sandbox["request_id"],
        "Team": [person["login"] for person in sandbox["members"]],
        "Data sets": [f"{ref['id']}@{ref['version']}" for ref in sandbox["datasets"]],
        "Profile": sandbox["profile"],
        "Size": resources(sandbox["resources"]),
        "Made": sandbox["created_at"],
        "Expires": sandbox["expires_at"],
        "Suspended": sandbox["suspended_at"],
        "Why": tr(sandbox["suspend_reason"]) if sandbox["suspend_reason"] else "",
        "Reason": sandbox["suspend_note"],
        "Deleted": sandbox["deleted_at"],
    })
    rows = [
        (
            each["stage"],
            tr(each["seen"]),
            "" if each["took_seconds"] is None else f"{each['took_seconds']:.1f} s",
            each["failures"] or "",
            " ".join(
                word
                for word in (each["error_code"], each["error_detail"] or each["detail"])
                if word
            ),
        )
        for each in sandbox["stages"]
    ]
    screen.show_table(("Stage", "Seen", "Took", "Failures", "Detail"), rows)
