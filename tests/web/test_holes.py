from __future__ import annotations

import pytest

from lab.domain.holes import Hole, read
from lab.web import holes
from lab.web.language import load

LEAKY = (
    "does not hold: IPv6 link-local, multicast: tcp6-link-node-kubelet (open), "
    "udp-broadcast-53 (open, arrived) and 9 more"
)


def test_the_openings_that_a_message_names_are_read_back() -> None:
    assert read(LEAKY) == (Hole.LINK_LOCAL, Hole.MULTICAST)
    assert read(f"containment: {LEAKY}") == (Hole.LINK_LOCAL, Hole.MULTICAST)
    assert read("this cluster does not enforce NetworkPolicy: ...") == (Hole.UNENFORCED,)


@pytest.mark.parametrize("hole", [hole for hole in Hole if hole is not Hole.UNENFORCED])
def test_each_opening_is_read_back_and_has_a_sentence_in_both_languages(hole: Hole) -> None:
    detail = f"does not hold: {hole.value}: tcp4-a (open)"
    assert read(detail) == (hole,)
    french, english = (holes.sentence(detail, load(code)) for code in ("fr", "en"))
    assert french
    assert french != english


@pytest.mark.parametrize("detail", ["", "does not hold: tcp4-internet (open)", "the API is busy"])
def test_what_names_no_opening_is_left_to_the_usual_sentence(detail: str) -> None:
    assert read(detail) == ()
    assert not holes.sentence(detail, load("fr"))


def test_people_are_told_in_their_language_what_is_open() -> None:
    assert holes.sentence(LEAKY, load("fr")) == (
        "Les murs ne tiennent pas\N{NO-BREAK SPACE}: "
        "les adresses IPv6 de lien local mènent au nœud et à d’autres bacs, "
        "la multidiffusion passe"
    )
    assert holes.sentence(LEAKY, load("en")).startswith("The walls do not hold: IPv6 link-local")
