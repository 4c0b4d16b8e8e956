from __future__ import annotations

import pytest

from lab.domain.waits import Waiting, WaitsFor, read
from lab.web import waits
from lab.web.language import load

GOING = Waiting(
    WaitsFor.PLACE_GONE,
    (("persistentvolumeclaims", 1), ("widgets.example.org", 2)),
    (("kubernetes.io/pvc-protection", 1),),
)


@pytest.mark.parametrize("waiting", [GOING, *(Waiting(reason) for reason in WaitsFor)], ids=str)
def test_what_is_written_is_read_back(waiting: Waiting) -> None:
    assert read(str(waiting)) == waiting


@pytest.mark.parametrize("detail", ["", "the probes are running", "kubernetes: refused", "a; b"])
def test_what_is_for_operators_is_no_wait(detail: str) -> None:
    assert read(detail) is None
    assert not waits.sentence(detail, load("fr"))


def test_people_are_told_what_is_waited_for_in_their_language() -> None:
    assert waits.sentence(str(GOING), load("fr")) == (
        "La grappe efface ce que le bac à sable contenait. "
        "Il attend encore\N{NO-BREAK SPACE}: dossiers personnels (1), widgets.example.org (2). "
        "Retenu par kubernetes.io/pvc-protection (1)."
    )
    assert waits.sentence(str(GOING), load("en")).endswith(
        "It still waits for: home folders (1), widgets.example.org (2). "
        "Held by kubernetes.io/pvc-protection (1)."
    )
