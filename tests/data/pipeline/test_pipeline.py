from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from lab.data.errors import DataError
from lab.data.pipeline import TablePipeline
from lab.domain.dataset import DataClass, Dataset
from lab.domain.evidence import ColumnChoice, PrivacyPolicy, Scope, Technique
from lab.domain.ids import DatasetId
from lab.domain.privacy import Criterion, Role
from lab.ports import Card, Plan
from tests.conftest import NOON

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.intake_run import Progress

ROWS = 2500
POLICY = PrivacyPolicy(
    k_between=11,
    k_inside=5,
    attack_risk_upper=0.09,
    epsilon_total=Decimal(3),
    review_months=12,
    raw_limit_bytes=2**30,
)
COLUMNS = (
    ColumnChoice("nas", Role.IDENTIFIER, keep=False),
    ColumnChoice("age", Role.QUASI_IDENTIFIER, label_fr="Âge", label_en="Age"),
    ColumnChoice("region", Role.QUASI_IDENTIFIER),
    ColumnChoice("decision", Role.SENSITIVE),
)


class Told:
    def __init__(self) -> None:
        self.what: list[str] = []

    def __call__(self, progress: Progress) -> None:
        self.what.append(progress.what)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    rng = np.random.default_rng(7)
    lines = ["NAS;Âge;Région;Décision"]
    for _ in range(ROWS):
        age, region = rng.integers(18, 90), rng.choice(["Montréal", "Québec", "Gaspé"])
        nas = "046 454 286" if rng.random() < 0.5 else "130 692 544"
        lines.append(f"{nas};{age};{region};{rng.choice(['oui', 'non'])}")
    path = tmp_path / "raw"
    path.write_bytes("\r\n".join(lines).encode("latin-1"))
    return path


@pytest.fixture
def table(raw: Path, tmp_path: Path) -> Path:
    target = tmp_path / "table.parquet"
    read = TablePipeline().read(raw, target, name="p.csv", tell=Told())
    assert read.row_count == ROWS
    return target


def plan(technique: Technique = Technique.K_ANONYMITY, **parameters: object) -> Plan:
    return Plan(
        technique=technique,
        columns=COLUMNS,
        parameters=parameters,
        scope=Scope.BETWEEN,
        k=11,
        policy=POLICY,
        seed=1,
    )


def test_a_table_is_read_found_treated_measured_and_packaged(table: Path, tmp_path: Path) -> None:
    told, pipeline, asked = Told(), TablePipeline(), plan(suppression=0.05)
    findings = {finding.name: finding for finding in pipeline.scan(table, tell=told)}
    assert list(findings) == ["nas", "age", "region", "decision"]
    assert (findings["nas"].proposed, findings["nas"].drop) == (Role.IDENTIFIER, True)
    assert "046" not in str(findings["nas"].hits)
    assert [name for name, found in findings.items() if found.must_go] == ["nas"]
    target = tmp_path / "treated.parquet"
    treated = pipeline.anonymise(table, target, asked, tell=told)
    made = pl.read_parquet(target)
    assert made.columns == ["age", "region", "decision"]
    assert made.group_by("age", "region").len()["len"].min() >= 11
    assert treated.outcome["control_rows"] == ROWS // 5
    measured = pipeline.measure(table, target, asked, tell=told)
    assert measured.figures.k is not None
    assert measured.figures.k >= 11
    assert set(measured.figures.risk_upper) == set(Criterion)
    assert {"risk", "utility", "verdict"} <= set(measured.report)
    json.dumps(measured.report, allow_nan=False)
    assert {"scan", "search", "measure", "utility"} <= set(told.what)
    card = Card(
        dataset=Dataset(DatasetId("essai"), "É", "E", "d", "d", DataClass.ANONYMISED, "x", "s"),
        version=1,
        published_at=NOON,
        columns=COLUMNS[1:],
        treatment="k-anonymat",
        purposes="Prévoir.",
        evidence={"final": dict(measured.report)},
    )
    versions = [pipeline.package(target, tmp_path / name / "v1", card) for name in ("a", "b")]
    assert versions[0] == versions[1]
    document = json.loads((tmp_path / "a" / "v1" / "datapackage.json").read_text("utf-8"))
    assert document["anonymisation"]["final"]["verdict"]["passed"] in {True, False}
    assert "très faible, non nul" in (tmp_path / "a" / "v1" / "FICHE.md").read_text("utf-8")


def test_what_nobody_treated_is_seen_as_the_risk_it_is(table: Path) -> None:
    found = TablePipeline().assess(table, plan(), tell=Told())
    assert found.figures.k is not None
    assert found.figures.k < 11
    assert found.failures == ("analysis_failed",)


def test_a_synthesis_needs_a_declared_domain_and_stays_in_it(table: Path, tmp_path: Path) -> None:
    pipeline, target = TablePipeline(), tmp_path / "made.parquet"
    with pytest.raises(DataError) as caught:
        pipeline.synthesise(table, target, plan(Technique.SYNTHESIS, epsilon="1"), tell=Told())
    assert caught.value.reason == "domain_not_declared"
    domain = {
        "age": {"kind": "numbers", "lower": 18, "upper": 90, "bins": 8},
        "region": {"kind": "categories", "values": ["Montréal", "Québec", "Gaspé"]},
        "decision": {"kind": "categories", "values": [True, False]},
    }
    asked = plan(Technique.SYNTHESIS, epsilon="1", delta="1e-6", domain=domain)
    treated = pipeline.synthesise(table, target, asked, tell=Told())
    made = pl.read_parquet(target)
    assert made.height == treated.row_count
    assert set(made["region"].unique()) <= {"Montréal", "Québec", "Gaspé", "autre", None}
    assert treated.outcome["epsilon"] == 1.0


def test_a_reading_that_shall_end_leaves_nothing(raw: Path, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        raise InterruptedError(progress.what)

    with pytest.raises(InterruptedError):
        TablePipeline().read(raw, tmp_path / "t.parquet", name="p.csv", tell=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_a_published_table_is_counted_whole_and_held_to_the_thresholds_of_the_day(
    tmp_path: Path,
) -> None:
    path = tmp_path / "data.parquet"
    regions = ["Gaspé"] * 11 + ["Québec"] * 20
    pl.DataFrame({
        "age": ["[20, 30["] * 31,
        "region": regions,
        "decision": ["oui", "non"] * 15 + ["oui"],
    }).write_parquet(path)
    asked, told = plan(l=2), Told()
    found = TablePipeline().recount(path, asked, {}, tell=told)
    # All 31 rows: an analysis that sets people aside would have found fewer than 11.
    assert (found.figures.k, found.failures, told.what) == (11, (), ["recount"])
    assert found.report["counts"]["unique_share"] == 0
    stricter = TablePipeline().recount(path, plan(l=3), {}, tell=told)
    assert stricter.failures == ("l_too_small",)


def test_attacks_see_through_every_level_that_is_derived(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    days = np.datetime64("1960-01-01") + rng.integers(0, 40 * 365, ROWS)
    codes = [f"{rng.choice(list('GHJ'))}{rng.integers(1, 4)}A {n % 10}B1" for n in range(ROWS)]
    path, target = tmp_path / "t.parquet", tmp_path / "treated.parquet"
    aid = rng.integers(20, 91, ROWS) * 100
    pl.DataFrame({"code": codes, "naissance": days, "aide": aid}).with_columns(
        pl.col("naissance").cast(pl.Date)
    ).write_parquet(path)
    columns = (
        ColumnChoice("code", Role.QUASI_IDENTIFIER),
        ColumnChoice("naissance", Role.QUASI_IDENTIFIER),
        ColumnChoice("aide", Role.SENSITIVE),
    )
    asked = replace(plan(suppression=0.04), columns=columns)
    pipeline = TablePipeline()
    pipeline.anonymise(path, target, asked, tell=Told())
    made = pl.read_parquet(target)
    assert made["code"].n_unique() > 1
    assert made["naissance"].n_unique() > 1
    measured = pipeline.measure(path, target, asked, tell=Told())
    assert measured.report["risk"]["blind"] == []
    assert measured.failures == (), measured.report["verdict"]
