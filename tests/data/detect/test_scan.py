from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.data.detect import Action, Finding, Kind, scan
from lab.data.detect.kinds import IDENTIFYING
from lab.data.detect.mask import mask
from lab.domain.privacy import Role
from tests.data.detect.innocent import INNOCENT
from tests.data.detect.planted import PLANTED, column, luhn_ended, spot

ROWS = 40


def _kinds(finding: Finding) -> set[Kind]:
    return {hit.kind for hit in finding.hits}


def _one(values: list[object], header: str = "col") -> Finding:
    return scan(pl.DataFrame({header: values}, strict=False).lazy())[0]


@pytest.fixture(scope="module")
def planted() -> dict[str, tuple[Kind, list[str | None], Finding]]:
    random = np.random.default_rng(20_261_121)
    out = {}
    headers: dict[str, list[tuple[str, Kind, list[str | None]]]] = {}
    for name, kind, header, writers in PLANTED:
        for shape, write in enumerate(writers):
            # The last shapes are mixed with what stands for nothing.
            cells = column(random, write, ROWS, missing=0.0 if shape < 2 else 0.3)
            headers.setdefault(header, []).append((f"{name} {shape}", kind, cells))
    # Columns of one table have headers of their own: as many tables as the same header comes.
    while headers:
        batch = {header: cases.pop(0) for header, cases in headers.items() if header != "col"}
        table = {header: cells for header, (_, _, cells) in batch.items()}
        names = {header: (name, kind) for header, (name, kind, _) in batch.items()}
        for at, (name, kind, cells) in enumerate(headers.pop("col", [])):
            table[f"col{at}"], names[f"col{at}"] = cells, (name, kind)
        for finding in scan(pl.DataFrame(table).lazy()):
            name, kind = names[finding.column]
            out[name] = (kind, table[finding.column], finding)
        headers = {header: cases for header, cases in headers.items() if cases}
    return out


def test_at_least_twenty_columns_are_planted_in_five_shapes_each(
    planted: dict[str, tuple[Kind, list[str | None], Finding]],
) -> None:
    assert len(PLANTED) >= 20
    assert len({kind for _, kind, _, _ in PLANTED}) >= 18
    assert len(planted) == 5 * len(PLANTED)


def test_ninety_nine_in_a_hundred_planted_columns_are_found(
    planted: dict[str, tuple[Kind, list[str | None], Finding]],
) -> None:
    missed = [name for name, (kind, _, f) in planted.items() if kind not in _kinds(f)]
    assert len(missed) <= 0.01 * len(planted), missed


def test_every_planted_column_asks_for_a_person_and_is_not_kept(
    planted: dict[str, tuple[Kind, list[str | None], Finding]],
) -> None:
    for name, (kind, _, finding) in planted.items():
        if kind in _kinds(finding):
            assert finding.needs_confirmation, name
            assert finding.action is not Action.KEEP, name


def test_no_masked_example_holds_two_characters_of_a_value_in_a_row(
    planted: dict[str, tuple[Kind, list[str | None], Finding]],
) -> None:
    for name, (_, cells, finding) in planted.items():
        assert len(finding.examples) <= 3
        pairs = {cell[at : at + 2] for cell in cells if cell for at in range(len(cell) - 1)}
        for example in finding.examples:
            assert not any(example[at : at + 2] in pairs for at in range(len(example) - 1)), name


def test_of_fifty_innocent_columns_at_most_one_is_taken_for_an_identifier() -> None:
    random = np.random.default_rng(7)
    table = {name: [make(random) for _ in range(200)] for name, make in INNOCENT.items()}
    assert len(table) == 50
    findings = scan(pl.DataFrame(table).lazy())
    taken = {
        f.column: f.why_en
        for f in findings
        if f.role is Role.IDENTIFIER or _kinds(f) & (IDENTIFYING | {Kind.FREE_TEXT})
    }
    assert len(taken) <= 1, taken


@settings(max_examples=20, deadline=None)
@given(
    numbers=st.lists(st.from_regex(r"[1-79][0-9]{7}", fullmatch=True), min_size=1, max_size=6),
    sep=st.sampled_from(["", " ", "-", ".", "\u00a0", " - ", "\u2011"]),
)
def test_a_column_of_valid_social_insurance_numbers_is_always_found(
    numbers: list[str], sep: str
) -> None:
    whole = [luhn_ended(n) for n in numbers]
    finding = _one([f"{n[:3]}{sep}{n[3:6]}{sep}{n[6:]}" for n in whole])
    assert finding.hits[0].kind is Kind.NAS
    assert finding.hits[0].rate == 1
    assert finding.action is Action.DROP


@given(value=st.text(max_size=40))
def test_a_mask_never_shows_two_characters_in_a_row(value: str) -> None:
    shown = mask(value)
    assert not any(shown[at : at + 2] in value for at in range(len(shown) - 1))


def test_numbers_are_looked_at_as_text_is() -> None:
    whole = [int(luhn_ended(f"1{n:07}")) for n in range(200, 260)]
    assert _kinds(_one([*whole])) == {Kind.NAS}


def test_one_valid_number_among_many_is_not_lost() -> None:
    cells: list[object] = ["rien à signaler"] * 5_000
    cells[4_321] = "NAS 130 692 544"
    finding = _one(cells)
    assert Kind.NAS in _kinds(finding)
    assert finding.needs_confirmation
    assert "<\u00a00,1\u00a0%" in finding.why_fr


def test_first_digits_of_social_insurance_numbers_are_noted() -> None:
    odd = [luhn_ended(f"{first}{n:07}") for first in "08" for n in range(10)]
    temporary = [luhn_ended(f"9{n:07}") for n in range(5)]
    hit = _one([*odd, *temporary]).hits[0]
    assert hit.kind is Kind.NAS
    assert "5 temporaires" in hit.note_fr
    assert "0 ou 8" in hit.note_fr


def test_a_failed_check_digit_never_clears_a_health_number() -> None:
    # The first passes the unofficial sum; both are health insurance numbers all the same.
    right, wrong = _one(["TEST54122816"] * 3), _one(["TEST54122815"] * 3)
    assert right.hits[0].kind is Kind.NAM
    assert wrong.hits[0].kind is Kind.NAM
    assert right.confidence > wrong.confidence


def test_a_number_that_fits_health_and_permanent_code_is_said_to_fit_both() -> None:
    finding = _one([f"TREM1005{day:02}{n:02}" for day in range(1, 28) for n in (11, 45)])
    assert {Kind.NAM, Kind.PERMANENT_CODE} <= _kinds(finding)
    assert "54 conviennent aussi" in finding.hits[0].note_fr
    assert "54 also fit" in finding.hits[0].note_en


def test_precise_columns_of_latitude_and_longitude_are_found_together() -> None:
    random = np.random.default_rng(3)
    spots = [spot(random) for _ in range(50)]
    table = pl.DataFrame({"a": [s[0] for s in spots], "b": [s[1] for s in spots]})
    assert [_kinds(f) for f in scan(table.lazy())] == [{Kind.GPS}, {Kind.GPS}]
    rounded = table.select(pl.all().round(2))
    assert [_kinds(f) for f in scan(rounded.lazy())] == [set(), set()]


def test_headers_and_short_lists_say_quasi_identifiers_and_what_is_sensitive() -> None:
    expected = {
        "Sexe": (Kind.SEX, Role.QUASI_IDENTIFIER),
        "Âge": (Kind.AGE, Role.QUASI_IDENTIFIER),
        "native-country": (Kind.ORIGIN, Role.QUASI_IDENTIFIER),
        "langue_maternelle": (Kind.LANGUAGE, Role.QUASI_IDENTIFIER),
        "maritalStatus": (Kind.FAMILY, Role.QUASI_IDENTIFIER),
        "Profession exercée": (Kind.OCCUPATION, Role.QUASI_IDENTIFIER),
        "Région administrative": (Kind.REGION, Role.QUASI_IDENTIFIER),
        "Revenu annuel": (Kind.INCOME, Role.SENSITIVE),
        "DIAGNOSTIC_PRINCIPAL": (Kind.HEALTH, Role.SENSITIVE),
        "Infraction": (Kind.OFFENCE, Role.SENSITIVE),
        "religion": (Kind.RELIGION, Role.SENSITIVE),
        "orientation sexuelle": (Kind.ORIENTATION, Role.SENSITIVE),
    }
    findings = scan(pl.DataFrame({header: [1, 2, 3] * 9 for header in expected}).lazy())
    assert {f.column: (f.hits[0].kind, f.role) for f in findings} == expected
    by_list = pl.DataFrame({"q1": ["F", "m", "H"], "q2": ["Laval", "Estrie", "Côte-Nord"]})
    assert [f.hits[0].kind for f in scan(by_list.lazy())] == [Kind.SEX, Kind.REGION]


def test_batches_add_up_and_progress_is_told() -> None:
    seen: list[int] = []
    ids = [f"k{n}" for n in range(30_000)]
    table = pl.DataFrame({"k": ids, **{f"c{n}": [n] * 30_000 for n in range(39)}})
    findings = scan(table.lazy(), progress=lambda p: seen.append(p.rows))
    assert seen[-1] == 30_000
    assert len(seen) == 2
    assert not findings[0].is_distinct_exact
    assert findings[0].distinct == pytest.approx(30_000, rel=0.04)
    assert findings[1].distinct == 1


def test_an_empty_column_and_an_empty_table_are_no_trouble() -> None:
    table = pl.DataFrame({"vide": [None, None], "mots": ["N/D", ""]})
    findings = scan(table.lazy())
    assert [(f.rows, f.role, f.needs_confirmation) for f in findings] == [
        (0, Role.OTHER, False)
    ] * 2
    assert findings[0].why_fr == "Colonne vide."
    assert scan(pl.DataFrame().lazy()) == ()
    assert scan(pl.DataFrame({"a": []}, schema={"a": pl.String}).lazy())[0].rows == 0


def test_every_type_that_ingestion_leaves_is_read() -> None:
    dates = pl.Series("jour", ["2020-01-02"] * 3).str.to_date()
    table = pl.DataFrame({"b": [True, None, False], "f": [1.5, float("nan"), None]}).with_columns(
        dates, dates.cast(pl.Datetime).alias("DOB"), pl.lit("x").alias("c").cast(pl.Categorical)
    )
    kinds = {f.column: [h.kind for h in f.hits] for f in scan(table.lazy())}
    assert kinds == {"b": [], "f": [], "jour": [Kind.DATE], "DOB": [Kind.BIRTH_DATE], "c": []}


def test_french_sentences_keep_their_typography() -> None:
    finding = _one(["a@exemple.ca"] * 1_234, "Courriel")
    assert "1\u00a0234 valeurs\u00a0: adresse de courriel" in finding.why_fr
    assert not re.search(r"[a-zé] [:;%]", finding.why_fr)
