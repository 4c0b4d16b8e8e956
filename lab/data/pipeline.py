"""What the use cases ask of tables, done by the packages of this folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from lab.data import detect, ingest, measure, publication
from lab.data.cards_of_intakes import source_of
from lab.data.generalising import generalised, used_rows
from lab.data.measure.judging import is_conclusive
from lab.data.recounting import recounted, thresholds_of
from lab.data.synthesising import synthesised
from lab.domain.evidence import ColumnFinding, Figures, Hit, Scope, Technique
from lab.domain.intake_run import Progress
from lab.ports import Measured, TableRead, Treated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lab.domain.dataset import DatasetVersion
    from lab.domain.privacy import Criterion
    from lab.ports import Card, Plan

    Tell = Callable[[Progress], None]

CONTROL_SHARE = 0.2
MOST_CONTROLS = 10_000
"""People set aside before a treatment, so that attacks can be tried on some who are not in it."""
_TYPES: Mapping[str, str] = {
    "String": "string",
    "Int64": "integer",
    "Float64": "number",
    "Date": "date",
    "Datetime": "string",
    "Boolean": "boolean",
}


class TablePipeline:
    """Implements ``lab.ports.Pipeline``."""

    def read(self, raw: Path, table: Path, *, name: str, tell: Tell) -> TableRead:
        """Write the raw file as a table. What it is, is told by its content, not its name."""
        del name

        def progress(at: ingest.Progress) -> None:
            tell(Progress(at.step.value, at.bytes_done, at.bytes_total))

        found = ingest.read(raw, table, progress=progress)
        report = {
            "format": found.format.value,
            "encoding": found.encoding,
            "delimiter": found.delimiter,
            "warnings": [
                {"reason": each.reason, "column": each.column, "fr": each.says.fr}
                for each in found.warnings
            ],
        }
        return TableRead(found.rows, found.sha256, report)

    def scan(self, table: Path, *, tell: Tell) -> tuple[ColumnFinding, ...]:
        """Say what each column seems to be, over all rows."""
        frame = pl.scan_parquet(table)
        schema = frame.collect_schema()
        rows = int(frame.select(pl.len()).collect().item())
        found = detect.scan(frame, progress=lambda at: tell(Progress("scan", at.rows, rows)))
        return tuple(_finding(each, schema[each.column], rows) for each in found)

    def assess(self, table: Path, plan: Plan, *, tell: Tell) -> Measured:
        """Analyse a table as it is, without its identifiers."""
        tell(Progress("assess"))
        source, control = _apart(_kept(table, plan), plan)
        return _measured(source, source, control, plan, tell)

    def recount(
        self, table: Path, plan: Plan, final: Mapping[str, Any], *, tell: Tell
    ) -> Measured:
        """Count a published table anew, all its rows, and judge it by the thresholds of today."""
        tell(Progress("recount"))
        return recounted(pl.read_parquet(table), plan, final, thresholds_of(plan.policy))

    def anonymise(self, table: Path, target: Path, plan: Plan, *, tell: Tell) -> Treated:
        """Generalise and suppress to k-anonymity, or only leave columns out."""
        frame = _kept(table, plan)
        if plan.technique is Technique.NONE:
            tell(Progress("write"))
            frame.write_parquet(target)
            return Treated(frame.height, {})
        source, control = _apart(frame, plan)
        made, outcome = generalised(source, plan, tell)
        made.write_parquet(target)
        return Treated(made.height, {**outcome, "control_rows": control.height})

    def synthesise(self, table: Path, target: Path, plan: Plan, *, tell: Tell) -> Treated:
        """Draw a table with differential privacy, within ``epsilon`` and ``delta``."""
        source, control = _apart(_kept(table, plan), plan)
        made, outcome = synthesised(source, plan, tell)
        made.write_parquet(target)
        return Treated(made.height, {**outcome, "control_rows": control.height})

    def measure(self, table: Path, treated: Path, plan: Plan, *, tell: Tell) -> Measured:
        """Measure the three criteria and the utility of what would be published."""
        tell(Progress("measure"))
        frame = _kept(table, plan)
        released = pl.read_parquet(treated)
        if plan.technique is Technique.NONE:
            return Measured(Figures(), {"rows": released.height})
        source, control = _apart(frame, plan)
        return _measured(source, released, control, plan, tell, has_utility=True)

    def package(self, treated: Path, folder: Path, card: Card) -> DatasetVersion:
        """Write a version's files into ``folder``, which must not be there."""
        source = source_of(pl.read_parquet(treated), card)
        built = publication.publish(
            source, folder, version=card.version, published_at=card.published_at
        )
        return built.version


def _finding(found: detect.Finding, dtype: pl.DataType, rows: int) -> ColumnFinding:
    hits = tuple(
        Hit(hit.kind.value, hit.rate, found.examples if place == 0 else ())
        for place, hit in enumerate(found.hits)
    )
    return ColumnFinding(
        name=found.column,
        type=_TYPES.get(dtype.base_type().__name__, "string"),
        proposed=found.role,
        missing=1 - found.rows / rows if rows else 0.0,
        distinct=found.distinct,
        drop=found.action is detect.Action.DROP,
        hits=hits,
        must_go=detect.must_go(found),
    )


def _kept(table: Path, plan: Plan) -> pl.DataFrame:
    present = pl.scan_parquet(table).collect_schema().names()
    names = [c.name for c in plan.columns if c.keep and c.name in present]
    return pl.read_parquet(table, columns=names)


def _apart(frame: pl.DataFrame, plan: Plan) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Set some people aside, the same ones for the same seed.

    The treatment never sees them, so what an attack finds about them is what it
    would find about anybody.
    """
    count = min(int(frame.height * CONTROL_SHARE), MOST_CONTROLS)
    mixed = frame.with_row_index("__row").sample(fraction=1.0, shuffle=True, seed=plan.seed)
    control, source = mixed.head(count), mixed.tail(frame.height - count)
    return source.sort("__row").drop("__row"), control.sort("__row").drop("__row")


def _measured(
    source: pl.DataFrame,
    released: pl.DataFrame,
    control: pl.DataFrame,
    plan: Plan,
    tell: Tell,
    *,
    has_utility: bool = False,
) -> Measured:
    whole = pl.concat([source, control])
    asked = measure.Plan(
        roles={c.name: c.role for c in plan.columns if c.name in source.columns},
        technique=_technique(plan.technique),
        audience=_audience(plan.scope),
        epsilon=_epsilon(plan),
        hierarchies={
            c.name: rows
            for c in plan.columns
            if c.name in whole.columns and (rows := used_rows(whole[c.name], c))
        },
        seed=plan.seed,
    )
    risk = measure.measure_risk(source, released, control, plan=asked)
    thresholds = thresholds_of(plan.policy)
    verdict = measure.judge(risk, thresholds)
    report: dict[str, Any] = {
        "risk": json.loads(measure.as_json(risk)),
        "verdict": json.loads(measure.as_json(verdict)),
    }
    if has_utility:
        tell(Progress("utility"))
        utility = measure.measure_utility(source, released, control, plan=asked)
        report["utility"] = json.loads(measure.as_json(utility))
    failures = () if verdict.passed else ("analysis_failed",)
    return Measured(_figures(risk, thresholds.attack_risk), report, failures)


def _figures(risk: measure.RiskReport, limit: float) -> Figures:
    uppers: dict[Criterion, float] = {}
    held = True
    for attack in risk.attacks:
        # Where the unprotected table gives an attack nothing to find, it cannot find anything in
        # the release; where everything there is was tried, there is no interval to bound.
        bounds = attack.has_object and not attack.released.is_exhaustive
        upper = attack.released.excess.upper if bounds else 0.0
        uppers[attack.criterion] = max(uppers.get(attack.criterion, 0.0), upper)
        held = held and (not attack.has_object or is_conclusive(attack, limit))
    return Figures(risk.after.k, uppers, control_held=held)


def _technique(technique: Technique) -> measure.Technique:
    is_synthesis = technique is Technique.SYNTHESIS
    return measure.Technique.SYNTHESIS if is_synthesis else measure.Technique.GENERALISATION


def _audience(scope: Scope) -> measure.Audience:
    return measure.Audience.INSIDE if scope is Scope.INSIDE else measure.Audience.BETWEEN


def _epsilon(plan: Plan) -> float | None:
    is_synthesis = plan.technique is Technique.SYNTHESIS
    return float(plan.parameters["epsilon"]) if is_synthesis else None
