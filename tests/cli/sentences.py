"""Every sentence that the command can say, found in its code and in its own help."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer.main

from lab.cli import app
from lab.domain.containment import Expected, Outcome
from lab.domain.draft import StepState
from lab.domain.intake_run import RunState
from lab.domain.intake_states import IntakeState
from lab.domain.intervention import Act
from lab.domain.member import Role
from lab.domain.notice import MailState, NoticeKind
from lab.domain.request import RequestState
from lab.domain.review import TurnKind
from lab.domain.sandbox import Phase, Seen, SuspendReason
from lab.parts.checks import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from enum import Enum

LAB = Path(__file__).parents[2] / "lab"
ENUMS: tuple[type[Enum], ...] = (
    *(Expected, Outcome, Role, RequestState, Phase, Seen, Verdict, SuspendReason, Act),
    *(IntakeState, RunState, StepState, TurnKind, NoticeKind, MailState),
)
HEADS = ("Quota", "Held", "Left", "Examples")
STATES = (
    "ready",
    "starting",
    "waiting",
    "stopped",
    "exited",
    "backoff",
    "fatal",
    "done",
    "refused",
    "sending",
    *("cpu", "memory", "storage", "gpu", "days", "team", "data_class", "profile"),
    *("fetching", "building", "built", "unchanged", "pushing", "pushed", "present"),
)
SAYING = {"tr", "message"}


def commands(command: Any = None, name: str = "lab") -> Iterator[tuple[str, Any]]:
    command = command or typer.main.get_command(app)
    yield name, command
    for child, found in getattr(command, "commands", {}).items():
        yield from commands(found, f"{name} {child}")


def in_code() -> set[str]:
    found: set[str] = set()
    for path in (*(LAB / "cli").glob("*.py"), *(LAB / "parts").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                found |= set(_said_by(node))
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in {
                "columns",
                "what",
                "word",
            }:
                found |= set(_texts(node.value))
    return {text for text in found if any(c.isalpha() for c in text)}


def _said_by(node: ast.Call) -> Iterator[str]:
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    if name in SAYING and node.args:
        yield from _texts(node.args[0])
    if name == "show_table":
        yield from _texts(node.args[0])
    if name == "show_facts":
        for each in ast.walk(node):
            if isinstance(each, ast.Dict):
                yield from (text for key in each.keys if key for text in _texts(key))


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.Tuple):
        for each in node.elts:
            yield from _texts(each)
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def in_help() -> set[str]:
    found: set[str] = set()
    for _, command in commands():
        found |= {text for text in (command.help, command.epilog) if text}
        helps = (getattr(each, "help", "") for each in command.params)
        found |= {text for text in helps if text and "completion" not in text}
    return {text for text in found if not text.startswith("Examples: ")}


def words() -> set[str]:
    return {each.value for enum in ENUMS for each in enum} | {*STATES, *HEADS}
