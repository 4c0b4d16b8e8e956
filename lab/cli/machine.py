"""``lab up``, ``down``, ``status`` and ``doctor``: the lab on this machine."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli import screen, storage_choice
from lab.cli.commands import AsOutput, command
from lab.cli.progress import Screen
from lab.cli.screen import Output
from lab.cli.storage_choice import AdminKind  # noqa: TC001  typer reads it
from lab.cli.words import tell, tr
from lab.settings import Settings

if TYPE_CHECKING:
    from lab.domain.object_store import StoreChoice
    from lab.parts import usage
    from lab.parts.outcome import Outcome

StateDir = Annotated[
    Path | None,
    typer.Option(
        help="Where the lab keeps everything; else LAB_STATE_DIR, else .lab.", show_default=False
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands that concern this machine."""
    command(
        app,
        "lab up",
        "lab up --port 9000",
        "lab up --no-demo --foreground",
        "lab up --storage minio --storage-program /usr/local/bin/minio",
        "lab up --storage https://s3.example.org --storage-admin minio "
        "--storage-access-key lab --storage-secret-file /etc/lab/s3-key",
    )(up)
    command(app, "lab down", "lab down --destroy --yes")(down)
    command(app, "lab status", "lab status -o json")(status)
    command(app, "lab doctor", "lab doctor -o json")(doctor)


def settings_of(
    state_dir: Path | None, port: int | None = None, storage: StoreChoice | None = None
) -> Settings:
    """Return the settings, with what the command line says on top."""
    given: dict[str, Any] = {}
    if storage is not None:
        given["storage"] = storage
    if state_dir is not None:
        given["state_dir"] = state_dir
    if port is not None:
        given["port"] = port
    return Settings(**given)


def up(
    *,
    state_dir: StateDir = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65_000,
            help="First of the 16 ports the lab takes; kept for the next start.",
            show_default=False,
        ),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="Demo agencies, accounts and first sandbox.")
    ] = True,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay, and stop the lab on Ctrl-C.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=5, help="Seconds that the parts may take to be ready.")
    ] = 180,
    storage: Annotated[
        str | None,
        typer.Option(
            help="Object store: seaweedfs, minio, or the URL of one that others run; "
            "kept for the next start.",
            show_default=False,
        ),
    ] = None,
    storage_program: Annotated[
        Path | None,
        typer.Option(help="MinIO's binary, where it is not on PATH.", show_default=False),
    ] = None,
    storage_admin: Annotated[
        AdminKind | None,
        typer.Option(
            help="How the admin side of the store at that URL is spoken to.", show_default=False
        ),
    ] = None,
    storage_access_key: Annotated[
        str | None,
        typer.Option(help="Access key of that store's administrator.", show_default=False),
    ] = None,
    storage_secret_file: Annotated[
        Path | None,
        typer.Option(help="File that holds that administrator's secret key.", show_default=False),
    ] = None,
    output: AsOutput = Output.TABLE,
) -> None:
    """Start the whole lab, or bring back what is down, and print its address.

    Safe to repeat: what runs is left alone, what was killed is cleaned up and
    started again, and every such thing is said.
    """
    from lab.parts.up import Plan, bring_up

    chosen = storage_choice.choice(
        storage,
        storage_choice.Details(
            program=storage_program,
            admin=storage_admin,
            access_key=storage_access_key,
            secret_file=storage_secret_file,
        ),
    )
    settings = settings_of(state_dir, port, chosen)
    shown = Screen(sys.stderr if output is Output.JSON else None)
    plan = Plan(keep_port=port, keep_storage=chosen, has_demo=demo, timeout_s=timeout)
    outcome = bring_up(settings, plan, shown, live=shown.live)
    if output is Output.JSON:
        screen.show_json(asdict(outcome) | {"failure": str(outcome.failure or "")})
    else:
        _announce(outcome)
    if outcome.failure is not None:
        raise outcome.failure
    if foreground:
        _stay(settings, shown)


def down(
    *,
    state_dir: StateDir = None,
    destroy: Annotated[
        bool, typer.Option("--destroy", help="Delete everything the lab keeps, for good.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop notebooks and parts. Data stay, unless asked otherwise."""
    from lab.parts import lifecycle

    settings = settings_of(state_dir)
    if not settings.state_dir.exists():
        screen.line(tr("There is no lab at {path}.", path=settings.state_dir))
        return
    if destroy and not yes:
        question = tr("Delete everything at {path}? It cannot be undone.", path=settings.state_dir)
        if not typer.confirm(question, default=False):
            raise typer.Exit(1)
    shown = Screen()
    with lifecycle.alone(settings):
        whole = lifecycle.Lifecycle(settings, shown)
        count = len(whole.keepers())
        whole.stop(notebooks=True)
        screen.line(tr("The lab is stopped; notebook servers ended: {count}.", count=count))
        if destroy:
            whole.destroy()
            screen.line(tr("Everything at {path} is deleted.", path=settings.state_dir))


def status(*, state_dir: StateDir = None, output: AsOutput = Output.TABLE) -> None:
    """Show the parts, what they use, the sandboxes and whether the walls hold."""
    from lab.parts import usage

    found = usage.look(settings_of(state_dir))
    if output is Output.JSON:
        screen.show_json(found.document())
    else:
        _show_status(found)
    if not found.is_up:
        raise typer.Exit(3)


def doctor(*, state_dir: StateDir = None, output: AsOutput = Output.TABLE) -> None:
    """Check everything the lab needs of this machine, and say what to do."""
    from lab.parts import checks

    found = checks.before_start(settings_of(state_dir))
    if output is Output.JSON:
        screen.show_json([
            {
                "name": each.name,
                "verdict": each.verdict.value,
                "detail": tell(each.detail),
                "remedy": tell(each.remedy) if each.remedy else "",
            }
            for each in found
        ])
    else:
        rows = [
            (
                each.name,
                tr(each.verdict.value),
                tell(each.detail) + (f" → {tell(each.remedy)}" if each.remedy else ""),
            )
            for each in found
        ]
        screen.show_table(("Check", "Verdict", "Detail"), rows)
    if any(each.verdict is checks.Verdict.FAILED for each in found):
        raise typer.Exit(1)


def _announce(outcome: Outcome) -> None:
    screen.line()
    word = "The lab was running already." if outcome.was_running else "The lab is up."
    screen.line(f"{tr(word)} ({outcome.seconds:.1f} s)")
    screen.line()
    screen.line(f"  {outcome.address}")
    screen.line()
    if outcome.accounts:
        screen.line(tr("Accounts of fictional people; each link signs in once, within a day:"))
        for account in outcome.accounts:
            agency = account.agency_id or tr("the lab")
            screen.line(f"  {account.login:<18} {account.name}, {tr(account.role)}, {agency}")
            if account.password:
                told = tr("password, shown only this once: {password}", password=account.password)
                screen.line(f"  {'':<18} {told}")
            screen.line(f"  {'':<18} {account.link}")
    if outcome.sandbox_id:
        screen.line()
        screen.line(tr("First sandbox: {sandbox}, ready.", sandbox=outcome.sandbox_id))


def _show_status(found: usage.Status) -> None:
    rows = [
        (
            part.name,
            tr(part.state),
            part.pid or "-",
            f"{part.since:%Y-%m-%d %H:%M:%S} UTC" if part.since else "-",
            screen.mebibytes(part.rss_bytes),
            screen.mebibytes(part.pss_bytes),
        )
        for part in found.parts
    ]
    screen.show_table(("Part", "State", "Process", "Since", "RSS", "PSS"), rows)
    screen.show_facts({
        "Address": found.address,
        "Memory of all parts": screen.mebibytes(found.pss_bytes),
        "Notebook servers": found.notebooks,
        "Sandboxes": found.sandboxes,
        "Contained": found.contained,
    })


def _stay(settings: Settings, shown: Screen) -> None:
    """Wait for a signal, then stop the lab."""
    from lab.parts import lifecycle

    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    screen.line(tr("Ctrl-C stops the lab (process {pid}).", pid=os.getpid()))
    asked.wait()
    with lifecycle.alone(settings):
        lifecycle.Lifecycle(settings, shown).stop(notebooks=True)
    screen.line(tr("The lab is stopped."))
