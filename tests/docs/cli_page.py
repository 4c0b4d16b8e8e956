"""The command, read from the command itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from typer.main import get_command

from lab.cli import app
from lab.cli.french import FRENCH
from tests.docs.writing import code, environment, page, table

if TYPE_CHECKING:
    from collections.abc import Iterator


def tree() -> Any:
    with environment(LC_ALL="C.UTF-8", LC_MESSAGES="C.UTF-8", LANG="C.UTF-8"):
        return get_command(app)


def leaves(
    command: Any, path: tuple[str, ...] = ("lab",)
) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if not children:
        yield path, command
        return
    for name, child in children.items():
        yield from leaves(child, (*path, name))


def commands() -> str:
    root = tree()
    lines = [
        "# La commande `lab` / The `lab` command",
        "",
        f"{_french(root.help)} {_french(root.epilog)}",
        "",
        f"*{root.help} {root.epilog}*",
        "",
        (
            "L’aide est en français quand `LC_ALL`, `LC_MESSAGES` ou `LANG` le dit. `LAB_URL` et "
            "`LAB_TOKEN` disent à quel laboratoire parler et au nom de qui; sans eux, c’est celui "
            "de cette machine, au nom de la personne qui l’exploite."
        ),
        "",
        (
            "*The help is French where `LC_ALL`, `LC_MESSAGES` or `LANG` says so. `LAB_URL` and "
            "`LAB_TOKEN` say which lab to speak to and as whom; without them it is the lab "
            "of this machine, as its operator.*"
        ),
        "",
    ]
    for path, command in leaves(root):
        lines += _one_command(path, command)
    return page(*lines)


def _one_command(path: tuple[str, ...], command: Any) -> list[str]:
    usage = [*path]
    rows = []
    for parameter in command.params:
        name = ", ".join([*parameter.opts, *parameter.secondary_opts])
        if parameter.param_type_name == "argument":
            name = parameter.metavar or parameter.name.upper()
            usage.append(name)
        is_needed = "required" if parameter.required else _default(parameter)
        said = parameter.help or ""
        rows.append((code(name), is_needed, _french(said), said))
    usage.append("[OPTIONS]")
    examples = (command.epilog or "").removeprefix("Examples: ").split(" · ")
    return [
        f"## `{' '.join(path)}`",
        "",
        _french(command.help),
        "",
        f"*{_one_line(command.help)}*",
        "",
        "```text",
        " ".join(usage),
        "```",
        "",
        *table((" ", "Défaut / Default", "Français", "English"), rows),
        "```sh",
        *(example for example in examples if example),
        "```",
        "",
    ]


def _french(text: str) -> str:
    return _one_line(FRENCH.get(text, text))


def _one_line(text: str) -> str:
    return re.sub(r"[ \n\t]+", " ", text).strip()


def _default(parameter: Any) -> str:
    value = getattr(parameter.default, "value", parameter.default)
    if value in {None, "", False} or value == []:
        return ""
    return code(value)
