from __future__ import annotations

import re

import pytest

from tests.docs.meanings import SETTINGS
from tests.docs.texts import Line, all_lines, prose

RULES = {
    "a space before ? ! or ;": re.compile(r"[ \u00a0\u202f][?!;]"),
    "a colon without a no-break space before it": re.compile(r"(?<!\u00a0):(?=\s|$)"),
    "guillemets without no-break spaces": re.compile(r"«(?!\u00a0)|(?<!\u00a0)»"),
    "a straight apostrophe": re.compile(r"\w'\w"),
    "straight quotation marks": re.compile(r'"'),
}


def french_lines() -> list[Line]:
    return [line for line in all_lines(generated=False) if line.language == "fr"]


@pytest.mark.parametrize("rule", RULES)
def test_french_is_typeset_as_in_quebec(rule: str) -> None:
    lines = french_lines()
    assert len(lines) > 300
    wrong = [
        f"{line.where}: {line.text}"
        for line in lines
        if RULES[rule].search(prose(line)) and "English below" not in line.text
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("rule", RULES)
def test_french_of_the_settings_is_too(rule: str) -> None:
    assert not [french for french, _ in SETTINGS.values() if RULES[rule].search(french)]


def test_the_rules_can_fail() -> None:
    for text in ("Vraiment ?", "Ceci : cela", "« mot »", "l'eau", '"mot"'):
        assert any(rule.search(text) for rule in RULES.values()), text
    assert not any(
        rule.search("Ceci\u00a0: «\u00a0mot\u00a0», vraiment? L’eau; http://x")
        for rule in RULES.values()
    )
