from __future__ import annotations

import re
from importlib import metadata

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.cli.french import FRENCH
from tests.cli import sentences

LEAVES = [
    (name, command)
    for name, command in sentences.commands()
    if not getattr(command, "commands", {})
]
FACTS = re.compile(r"\{(\w+)")


@pytest.mark.parametrize(("name", "command"), LEAVES, ids=[name for name, _ in LEAVES])
def test_every_command_shows_help_with_an_example_of_itself(name: str, command: object) -> None:
    shown = CliRunner().invoke(app, [*name.split()[1:], "--help"], env={"COLUMNS": "400"})
    assert shown.exit_code == 0, shown.output
    examples = shown.output.partition("Examples: ")[2]
    assert name in " ".join(examples.split())
    assert command.help


def test_every_option_says_what_it_does() -> None:
    silent = [
        f"{name} {option.name}"
        for name, command in LEAVES
        for option in command.params
        if not getattr(option, "help", "")
    ]
    assert silent == []


def test_every_sentence_has_its_french_and_no_french_is_left_over() -> None:
    said = sentences.in_code() | sentences.in_help() | sentences.words()
    assert sorted(said - FRENCH.keys()) == []
    assert sorted(FRENCH.keys() - said) == []


def test_a_translation_holds_the_same_facts() -> None:
    wrong = [
        english
        for english, french in FRENCH.items()
        if sorted(FACTS.findall(english)) != sorted(FACTS.findall(french))
    ]
    assert wrong == []


def test_french_is_typeset_as_in_quebec() -> None:
    for french in FRENCH.values():
        assert not re.search(r"[\s\u00a0][;?!]", french), french
        assert " :" not in french, french
        assert "« " not in french, french
        assert "'" not in french.replace("apt-get", ""), french


@pytest.mark.parametrize("variable", ["LANG", "LC_ALL"])
def test_help_is_french_where_the_environment_is(variable: str) -> None:
    env = {"LANG": "C", "LC_ALL": "", "LC_MESSAGES": "", "COLUMNS": "200", variable: "fr_CA.UTF-8"}
    shown = CliRunner().invoke(app, ["quota", "set", "--help"], env=env)
    assert "Fixer ce qu’un organisme peut détenir" in shown.output
    assert "Exemples" in shown.output
    back = CliRunner().invoke(app, ["quota", "set", "--help"], env=env | {variable: "C"})
    assert "Set what an agency may hold" in back.output


def test_the_exit_codes_are_told() -> None:
    assert "Exit codes" in CliRunner().invoke(app, ["--help"]).output


def test_the_command_tells_its_version() -> None:
    shown = CliRunner().invoke(app, ["--version"])
    assert shown.exit_code == 0
    assert shown.output == f"lab {metadata.version('vase-clos')}\n"
