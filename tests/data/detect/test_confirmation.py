from __future__ import annotations

import polars as pl
import pytest

from lab.data.detect import Action, Confirmation, check, scan
from lab.data.errors import DataError
from lab.domain.privacy import Role
from tests.data.detect.planted import luhn_ended

FINDINGS = scan(
    pl.DataFrame({
        "ref": [luhn_ended(f"1{n:07}") for n in range(40)],
        "nom": ["Noyau", "Pépin", "Coeur", "Tige"] * 10,
        "sexe": ["F", "M"] * 20,
        "quantite": list(range(40)),
    }).lazy()
)


def _decided(column: str, role: Role, action: Action) -> Confirmation:
    return Confirmation(column=column, role=role, action=action)


REF = _decided("ref", Role.IDENTIFIER, Action.DROP)
NAME = _decided("nom", Role.IDENTIFIER, Action.DROP)
SEX = _decided("sexe", Role.QUASI_IDENTIFIER, Action.KEEP)


def _refused(*confirmations: Confirmation) -> DataError:
    with pytest.raises(DataError) as caught:
        check(FINDINGS, confirmations)
    return caught.value


def test_whole_decisions_pass_and_a_column_without_a_hit_needs_none() -> None:
    check(FINDINGS, [REF, NAME, SEX])
    check(FINDINGS, [REF, NAME, SEX, _decided("quantite", Role.OTHER, Action.KEEP)])


def test_a_column_with_a_hit_that_nobody_confirmed_is_refused() -> None:
    error = _refused(REF)
    assert error.reason == "column_unconfirmed"
    assert "«\u00a0nom\u00a0», «\u00a0sexe\u00a0»" in error.fr
    assert "“nom”, “sexe”" in error.en


@pytest.mark.parametrize("action", [Action.KEEP, Action.GENERALISE])
def test_an_identifier_is_never_kept_even_in_part(action: Action) -> None:
    error = _refused(REF, SEX, _decided("nom", Role.IDENTIFIER, action))
    assert error.reason == "identifier_kept"
    assert "nom" in error.fr
    assert "ref" not in error.fr


def test_a_person_may_say_that_what_looked_like_names_are_none() -> None:
    check(FINDINGS, [REF, SEX, _decided("nom", Role.OTHER, Action.KEEP)])


def test_nobody_s_word_makes_another_thing_of_a_column_of_checked_numbers() -> None:
    error = _refused(NAME, SEX, _decided("ref", Role.OTHER, Action.KEEP))
    assert (error.reason, "ref" in error.en) == ("identifier_kept", True)


def test_an_unknown_column_and_a_column_decided_twice_are_refused() -> None:
    assert _refused(REF, NAME, SEX, _decided("x", Role.OTHER, Action.KEEP)).reason == (
        "column_unknown"
    )
    assert _refused(REF, REF, NAME, SEX).reason == "column_confirmed_twice"
