from __future__ import annotations

import re
from functools import cache

from lab.settings import CHECKOUT, Settings
from tests.docs.texts import (
    all_blocks,
    all_lines,
    anchors,
    codes,
    links,
    name_of,
    named_tests,
    pages,
    proved_rows,
)

_PATH = re.compile(
    r"(?:lab|tests|docs|policies|images|scripts|notebooks-templates)(?:/[\w.\-]+)+/?"
)
_SETTING = re.compile(r"LAB_[A-Z_]+[A-Z]")
OTHER_NAMES = {"LAB_URL", "LAB_TOKEN", "LAB_DEBUG", "LAB_SANDBOX_ID", "LAB_DOCS_IMAGES"}
MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home/(?!scientist)|tmp/|mnt|Users)\b")


def test_every_link_leads_somewhere() -> None:
    lost = []
    for line in all_lines():
        for target in links(line):
            if target.startswith(("http://", "https://")) or target.endswith(".png"):
                continue
            name, _, anchor = target.partition("#")
            path = (line.path.parent / name).resolve() if name else line.path
            is_there = path.exists() and CHECKOUT in path.parents
            if not is_there or (anchor and anchor not in anchors(path)):
                lost.append(f"{line.where}: {target}")
    assert not lost, "\n".join(lost)


def test_every_picture_is_there() -> None:
    named = {
        (line.path.parent / target).resolve()
        for line in all_lines()
        for target in links(line)
        if target.endswith(".png")
    }
    assert named
    lost = [name_of(path) for path in named if not path.exists()]
    assert not lost, f"LAB_DOCS_IMAGES=docs/images .venv/bin/pytest tests/e2e/test_tour.py: {lost}"


def test_every_file_that_is_named_exists() -> None:
    lost = [
        f"{line.where}: {code}"
        for line in all_lines()
        for code in codes(line)
        if _PATH.fullmatch(code) and not (CHECKOUT / code).exists()
    ]
    assert not lost, "\n".join(lost)


@cache
def _tests(file: str) -> set[str]:
    path = CHECKOUT / file
    return set(re.findall(r"def (test_\w+)", path.read_text("utf-8"))) if path.exists() else set()


def test_every_test_that_is_named_exists() -> None:
    named = {
        (line.where, file, name) for line in all_lines() for file, name in named_tests(line.text)
    }
    assert len(named) > 60
    lost = [f"{where}: {file}::{name}" for where, file, name in named if name not in _tests(file)]
    assert not lost, "\n".join(sorted(lost))


def test_every_security_sentence_names_its_test() -> None:
    rows = list(proved_rows())
    assert {name_of(row.path) for row in rows} == {"README.md", "docs/threat-model.md"}
    assert len(rows) > 40
    assert not [row.where for row in rows if not named_tests(row.text)]


def test_every_setting_that_is_named_exists() -> None:
    known = {f"LAB_{name.upper()}" for name in Settings.model_fields} | OTHER_NAMES
    texts = [(line.where, line.text) for line in all_lines()]
    texts += [(block.where, block.text) for block in all_blocks()]
    wrong = [
        f"{where}: {name}"
        for where, text in texts
        for name in _SETTING.findall(text)
        if name not in known
    ]
    assert not wrong, "\n".join(wrong)


def test_no_path_of_somebodys_machine_is_told() -> None:
    assert not [name_of(path) for path in pages() if MACHINE.search(path.read_text("utf-8"))]


def test_every_file_of_others_is_named_with_its_licence() -> None:
    told = (CHECKOUT / "THIRD_PARTY.md").read_text("utf-8")
    vendored = [p for p in (CHECKOUT / "lab").rglob("vendor/*") if p.is_file()]
    assert vendored
    assert not [name_of(path) for path in vendored if name_of(path) not in told]


def test_every_decision_is_in_the_list() -> None:
    folder = CHECKOUT / "docs" / "decisions"
    told = (folder / "README.md").read_text("utf-8")
    assert not [p.name for p in folder.glob("0*.md") if f"({p.name})" not in told]
