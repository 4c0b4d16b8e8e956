from __future__ import annotations

from dataclasses import replace
from functools import cache

import polars as pl
import pytest

from lab.data.errors import DataError
from lab.data.measure import (
    Audience,
    Method,
    Plan,
    RiskReport,
    Technique,
    Thresholds,
    as_json,
    from_json,
    judge,
    judge_utility,
    measure_risk,
    measure_utility,
)
from lab.data.measure.intervals import Interval
from lab.domain.privacy import Criterion, Role
from tests.data.measure.tables import ROLES, people, plan, shuffled

SOURCE, CONTROL, FRESH = people(2500, 1), people(2500, 2), people(2500, 3)
LIMITS = Thresholds()


@cache
def measured(name: str) -> RiskReport:
    released = {
        "itself": SOURCE,
        "fresh": FRESH,
        "shuffled": shuffled(SOURCE, 4),
        "copies": pl.concat([FRESH[:2000], SOURCE[:500]]),
    }[name]
    return measure_risk(SOURCE, released, CONTROL, plan=plan())


def failed(report: RiskReport) -> set[str]:
    return {r.code for r in judge(report, LIMITS).reasons if not r.passed}


def test_the_table_itself_falls_to_every_attack() -> None:
    report = measured("itself")
    assert failed(report) >= {
        Method.MULTIVARIATE.value,
        Method.LINKING.value,
        Method.INFERENCE.value,
        Method.CLOSEST.value,
    }
    assert report.before == report.after
    for attack in report.attacks:
        gap = attack.released.main.share.estimate - attack.positive.main.share.estimate
        assert abs(gap) < 0.05


def test_people_drawn_anew_pass_and_the_sentence_says_not_zero() -> None:
    verdict = judge(measured("fresh"), LIMITS)
    assert verdict.passed, [r for r in verdict.reasons if not r.passed]
    assert "très faible, mais n’est pas nul" in verdict.fr
    assert "very low, not zero" in verdict.en
    everything = " ".join([verdict.fr, verdict.en, *(r.fr + r.en for r in verdict.reasons)])
    for never in (
        "aucun risque",
        "sans risque",
        "risque nul",
        "no risk",
        "risk-free",
        " 0,0\u00a0%",
    ):
        assert never not in everything


def test_columns_shuffled_apart_pass_the_risks_and_fail_the_utility() -> None:
    assert judge(measured("shuffled"), LIMITS).passed
    found = measure_utility(SOURCE, shuffled(SOURCE, 4), CONTROL, plan=plan())
    assert not judge_utility(found, LIMITS).passed
    assert found.marginals[0].maximum == 0
    assert found.marginals[1].maximum > 0.2


def test_a_synthesiser_that_copies_a_fifth_is_caught_twice() -> None:
    assert failed(measured("copies")) >= {Method.MULTIVARIATE.value, Method.CLOSEST.value}


def test_every_criterion_is_attacked_with_enough_attempts_and_a_positive_control() -> None:
    report = measured("fresh")
    assert {a.criterion for a in report.attacks} == set(Criterion)
    for attack in report.attacks:
        assert attack.released.control is not None
        if attack.method is Method.UNIVARIATE:
            assert not attack.has_object
            continue
        assert attack.released.main.trials >= 2000
        assert attack.positive.excess.lower > 0.09


def test_a_broken_attack_is_not_conclusive_and_counts_as_a_failure() -> None:
    report = measured("fresh")
    broken = tuple(
        replace(a, positive=replace(a.positive, excess=Interval(0.0, -0.01, 0.01)))
        if a.method is Method.LINKING
        else a
        for a in report.attacks
    )
    verdict = judge(replace(report, attacks=broken), LIMITS)
    assert not verdict.passed
    (reason,) = [r for r in verdict.reasons if not r.passed]
    assert (reason.code, reason.criterion) == ("not_conclusive", Criterion.LINKING)


def test_too_few_attempts_are_not_conclusive() -> None:
    report = measure_risk(SOURCE, FRESH, CONTROL, plan=replace(plan(), people=500))
    assert "too_few_attempts" in failed(report)


def test_without_people_outside_every_success_counts() -> None:
    report = measure_risk(SOURCE, FRESH, None, plan=plan())
    assert {Method.MULTIVARIATE.value, Method.INFERENCE.value, "not_conclusive"} <= failed(report)


def test_the_same_seed_gives_the_same_report() -> None:
    again = measure_risk(SOURCE, FRESH, CONTROL, plan=plan())
    assert as_json(again) == as_json(measured("fresh"))


def test_reports_come_back_from_json_as_they_were() -> None:
    report = measured("copies")
    assert from_json(RiskReport, as_json(report)) == report
    for bad in ("{}", "[", '{"technique": 1}', as_json(report).replace('"k"', '"q"')):
        with pytest.raises(DataError, match="bad_report"):
            from_json(RiskReport, bad)


def generalised(table: pl.DataFrame, width: int) -> pl.DataFrame:
    low = pl.col("age") // width * width
    return table.with_columns(
        pl.format("[{}, {}[", low, low + width).alias("age"),
        pl.col("region").str.slice(0, 2) + "*",
        pl.lit("*").alias("emploi"),
        pl.lit(None, dtype=pl.Float64).alias("taille"),
    )


def test_a_generalised_table_passes_and_a_fine_one_fails() -> None:
    wide = measure_risk(
        SOURCE, generalised(SOURCE, 20), CONTROL, plan=plan(Technique.GENERALISATION)
    )
    assert wide.blind == ()
    assert wide.after.k >= 11
    assert judge(wide, LIMITS).passed, judge(wide, LIMITS)
    fine = SOURCE.with_columns(pl.format("[{}, {}[", "age", pl.col("age") + 1).alias("age"))
    report = measure_risk(SOURCE, fine, CONTROL, plan=plan(Technique.GENERALISATION))
    assert {"k", Method.MULTIVARIATE.value, Method.LINKING.value} <= failed(report)


def test_a_class_where_all_share_a_secret_is_found_by_inference() -> None:
    secret = SOURCE.with_columns(
        pl
        .when(pl.col("region") == "R01")
        .then(pl.col("taille") % 2)
        .otherwise(pl.col("age") % 2)
        .cast(pl.String)
        .alias("diagnostic")
    )
    report = measure_risk(secret, secret, CONTROL, plan=plan(Technique.GENERALISATION))
    (found,) = [a for a in report.attacks if a.method is Method.INFERENCE]
    assert found.released.main.share.estimate > 0.95
    assert Method.INFERENCE.value in failed(report)


def test_inside_one_agency_smaller_classes_are_enough() -> None:
    report = replace(measured("fresh"), technique=Technique.GENERALISATION)
    report = replace(report, after=replace(report.after, k=7))
    assert "k" in failed(report)
    assert "k" not in failed(replace(report, audience=Audience.INSIDE))


def test_a_synthesis_without_a_guarantee_or_beyond_the_budget_fails() -> None:
    assert "epsilon" in failed(replace(measured("fresh"), epsilon=None))
    assert "epsilon" in failed(replace(measured("fresh"), epsilon=3.1))


def test_an_identifier_that_is_left_and_a_column_not_understood_fail() -> None:
    roles = {**ROLES, "nas": Role.IDENTIFIER}
    named = SOURCE.with_columns(pl.Series("nas", [str(i) for i in range(SOURCE.height)]))
    coded = named.with_columns(pl.lit("groupe 7").alias("taille"))
    report = measure_risk(
        named,
        coded,
        CONTROL,
        plan=Plan(roles=roles, technique=Technique.SYNTHESIS, epsilon=1.0, people=2000),
    )
    assert {"identifier_left", "blind_column"} <= failed(report)


def test_a_rare_value_that_is_kept_is_found_by_one_column() -> None:
    rare = SOURCE.with_columns(
        pl
        .when(pl.int_range(pl.len()) < 12)
        .then(pl.format("E-{}", pl.int_range(pl.len())))
        .otherwise("emploi")
        .alias("emploi")
    )
    report = measure_risk(rare, shuffled(rare, 5), CONTROL, plan=plan())
    assert Method.UNIVARIATE.value in failed(report)


@pytest.mark.parametrize("empty", ["source", "released"])
def test_an_empty_table_is_a_clear_error(empty: str) -> None:
    tables = {"source": SOURCE, "released": FRESH, empty: SOURCE.clear()}
    with pytest.raises(DataError, match="empty_table"):
        measure_risk(tables["source"], tables["released"], CONTROL, plan=plan())


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("a", [f"v{i % 7}" for i in range(60)]),
        pl.Series("a", list(range(60))),
        pl.Series("a", ["x"] * 60),
        pl.Series("a", [3.5] * 60),
        pl.Series("a", [None] * 60, dtype=pl.Float64),
        pl.Series("a", [None] * 60, dtype=pl.String),
        pl.Series("a", [None] * 60),
        pl.Series("a", [True, False] * 30),
    ],
    ids=lambda s: str(s.dtype),
)
@pytest.mark.parametrize("technique", list(Technique))
def test_one_column_even_constant_or_empty_is_measured(
    column: pl.Series, technique: Technique
) -> None:
    table = pl.DataFrame([column])
    how = Plan(roles={"a": Role.QUASI_IDENTIFIER}, technique=technique, epsilon=1.0, people=50)
    report = measure_risk(table, table.head(40), table.head(20), plan=how)
    judge(report, LIMITS)
    assert from_json(RiskReport, as_json(report)) == report
    measure_utility(table, table.head(40), table.head(20), plan=how)


def test_a_release_with_fewer_columns_and_other_types_is_measured() -> None:
    released = FRESH.select(pl.col("age").cast(pl.String), "diagnostic", "region").head(500)
    report = measure_risk(SOURCE, released, CONTROL, plan=plan())
    assert report.known == ("age", "region")
    lost = measure_utility(SOURCE, released, None, plan=plan())
    assert lost.lost == ("emploi", "taille")
    assert lost.kept_rows == 500 / 2500
