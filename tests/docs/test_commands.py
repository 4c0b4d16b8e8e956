from __future__ import annotations

import importlib.util
import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from lab.domain.sandbox import Stage
from lab.settings import CHECKOUT, ProviderSettings, Settings
from tests.cli.answers import BOX, COLUMNS, sandbox
from tests.cli.test_holding import ANSWERS as HOLDING
from tests.cli.test_nouns import Lab
from tests.docs.cli_page import leaves, tree
from tests.docs.texts import GENERATED, all_blocks, all_lines, codes, lines_and_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ON_THE_MACHINE = {"images", "up", "down", "status", "doctor"}
"""Run on a whole lab by tests/e2e; here only read."""
SETTINGS_ONLY = (["notice", "where"],)
"""They say how this machine is set, and ask the lab nothing."""
NAMES = {
    "rq-3f9a0c1d2e": "rq-0000000001",
    "rd-3f9a0c1d2e": "rd-0000000001",
    "sb-3f9a0c1d2e": "sb-0000000001",
    "a.tremblay": "demandeur",
    "in-3f9a0c1d2e": "in-0000000001",
    "no-3f9a0c1d2e": "no-0000000001",
}
"""What the documents call things, and what the lab in hand knows them as."""
FILES = {
    "demandes.csv": "age;region\n34;Gaspé\n",
    "c.json": json.dumps(COLUMNS),
    "domaine.json": '{"age": {"kind": "numbers", "lower": 0, "upper": 120}}',
}
"""What the documented commands are given."""
_ASSIGNED = re.compile(r"[A-Z_]+=.*")
LEAVES = dict(leaves(tree()))


def _words(line: str) -> list[str]:
    words = shlex.split(line.partition(" < ")[0], comments=True)
    while words and _ASSIGNED.fullmatch(words[0]):
        words.pop(0)
    return words


def shown() -> Iterator[tuple[str, list[str]]]:
    for block in all_blocks():
        if block.language != "sh":
            continue
        for line in block.text.splitlines():
            if words := _words(line):
                yield block.where, words


def inline() -> Iterator[tuple[str, list[str]]]:
    """Yield commands written within a sentence."""
    for line in all_lines():
        for code in codes(line):
            if re.match(r"(lab|make) [a-z]", code):
                yield line.where, shlex.split(code)


def _of_the_lab(words: list[str]) -> bool:
    return words[0].rpartition("/")[2] == "lab" and len(words) > 1


COMMANDS = [*shown(), *inline()]
LAB = {shlex.join(words[1:]): where for where, words in COMMANDS if _of_the_lab(words)}
RUNNABLE = sorted({
    shlex.join(words[1:])
    for _, words in shown()
    if _of_the_lab(words) and words[1] not in ON_THE_MACHINE
})


def _leaf(words: list[str]) -> tuple[Any, list[str]]:
    for length in (1, 2, 3):
        found = LEAVES.get(("lab", *words[:length]))
        if found is not None:
            return found, words[length:]
    raise LookupError(f"no command 'lab {' '.join(words)}'")


def test_there_are_commands_to_look_at() -> None:
    assert len(LAB) > 50
    assert len(RUNNABLE) > 30


@pytest.mark.parametrize("line", LAB)
def test_a_documented_command_exists_with_its_options(line: str) -> None:
    command, rest = _leaf(shlex.split(line))
    if not rest and any(parameter.required for parameter in command.params):
        return  # only named, in a sentence
    command.make_context(LAB[line], rest)


@pytest.mark.parametrize("line", RUNNABLE)
def test_a_documented_command_does_its_work(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, "utf-8")
    words = [NAMES.get(word, word) for word in shlex.split(line)]
    lab = Lab()
    lab.answers |= HOLDING
    if words[:2] == ["sandbox", "delete"] or "deleted" in words:
        lab.answers["GET", BOX] = sandbox("deleted", "absent")
    typed = "une-phrase-de-passe\n" if "password" in words else "y\n"
    done = lab.run(*words, input=typed)
    assert done.exit_code == 0, done.output
    assert lab.asked or words[:2] in SETTINGS_ONLY


def test_an_option_that_is_not_there_is_found() -> None:
    command, rest = _leaf(shlex.split("sandbox delete sb-0000000001 --vite"))
    with pytest.raises(Exception, match="--vite"):
        command.make_context("lab", rest)


def test_every_command_of_the_lab_is_in_the_reference() -> None:
    reference = (GENERATED / "cli.md").read_text("utf-8")
    assert not [path for path in LEAVES if f"## `{' '.join(path)}`" not in reference]


def test_every_other_command_that_is_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    for where, words in COMMANDS:
        program = words[0].rpartition("/")[2]
        match program:
            case "make":
                assert words[1] in targets, (where, words)
            case "python":
                assert words[1] == "-m", (where, words)
                assert importlib.util.find_spec(words[2]) is not None, (where, words)
            case "export":
                _check_setting(where, words[1])
            case _:
                assert program in {"lab", "pytest"}, (where, words)


def _check_setting(where: str, assignment: str) -> None:
    name, _, value = assignment.partition("=")
    assert name.removeprefix("LAB_").lower() in Settings.model_fields, where
    if name == "LAB_PROVIDERS":
        for stage, chosen in json.loads(value).items():
            assert Stage(stage)
            assert ProviderSettings(**chosen)


def test_python_that_is_shown_can_be_read() -> None:
    blocks = [block for block in all_blocks() if block.language == "python"]
    assert blocks
    for block in blocks:
        compile(block.text, block.where, "exec")


def test_words_of_the_screen_are_those_of_the_screen() -> None:
    kinds = {".html", ".py", ".po"}
    files = [path for path in (CHECKOUT / "lab" / "web").rglob("*") if path.suffix in kinds]
    screen = "\n".join(path.read_text("utf-8") for path in files)
    screen = screen.replace("\u00a0", " ").casefold()
    said = [
        (line.where, words)
        for path in sorted((CHECKOUT / "docs").glob("guide-*.md"))
        for line in lines_and_blocks(path)[0]
        if not line.text.startswith("- **")  # a list of ours, with a word of ours in front
        for words in re.findall(r"\*\*([^*]+)\*\*", line.text)
    ]
    assert len(said) > 20
    lost = [
        f"{where}: {words}"
        for where, words in said
        if words.replace("\u00a0", " ").casefold() not in screen
    ]
    assert not lost, "\n".join(lost)
