"""What each step of a run does with tables, in a thread, and what it then writes down."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from lab.domain.dataset import DOCUMENTS, DatasetRef, VersionStatus
from lab.domain.errors import InvalidError, Problem, StateError
from lab.domain.evidence import (
    JUDGED,
    Analysis,
    Technique,
    Treatment,
    judge,
    months_after,
)
from lab.domain.intake_content import signed_content
from lab.domain.intake_review import Review
from lab.domain.intake_room import check_room
from lab.domain.intake_run import Progress, Step
from lab.ports import Plan, Spend
from lab.services.intake_card import card_of
from lab.services.intake_desk import found
from lab.services.intake_runs import left_of
from lab.services.revoking import revoke

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.dataset import DatasetVersion
    from lab.domain.ids import IntakeId, MemberId
    from lab.domain.intake import Intake
    from lab.domain.intake_run import Run
    from lab.ports import Clock, Measured, Pipeline, Publications, Store, Transaction, Workplace
    from lab.services.intake_desk import Desk

Tell: TypeAlias = Callable[[Progress], None]
_TABLE_SHA256 = "table_sha256"
TABLE, TREATED = "table", "treated"
"""What quarantine keeps of a dossier besides the raw file."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a step works with."""

    intake: Intake
    run: Run
    work: Workplace
    tell: Tell

    @property
    def table(self) -> Path:
        """The table as it was read, decrypted for this run."""
        return self.work.unseal(TABLE)


class IntakeSteps:
    """Does one step of one dossier. Nothing of it counts before its last transaction.

    Args:
        pipeline: Made when first needed: its libraries are only where runs are done.
        publications: The same: only there is the key of the store.
        sign: Signs bytes with the lab's key; hexadecimal.
        room: Says how much memory this process may take, in bytes; ``None`` where nobody knows.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        desk: Desk,
        pipeline: Callable[[], Pipeline],
        publications: Callable[[], Publications],
        sign: Callable[[bytes], str],
        room: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._room = room
        self._store, self._clock, self._desk = store, clock, desk
        self._pipeline, self._publications, self._sign = pipeline, publications, sign

    async def do(self, bench: Bench) -> None:
        """Do what the run asks for.

        Raises:
            RequestError: It cannot be done with these data or parameters; it says why.
        """
        match bench.run.step:
            case Step.READ:
                await self._read(bench)
            case Step.TREAT:
                await self._treat(bench)
            case Step.MEASURE:
                await self._measure(bench)
            case Step.PUBLISH:
                await self._publish(bench)
            case Step.REVIEW:
                await self._review(bench)

    async def _read(self, bench: Bench) -> None:
        raw = bench.intake.raw
        if raw is None:
            raise StateError("intake", bench.intake.id, state="opened", wanted="read")

        def work() -> tuple[int, Any]:
            table = bench.work.folder / "table.parquet"
            source = bench.work.unseal("raw")
            read = self._pipeline().read(source, table, name=raw.name, tell=bench.tell)
            if read.sha256 != raw.sha256:
                raise InvalidError([Problem("raw", "not_the_deposited")])
            source.unlink()
            findings = self._pipeline().scan(table, tell=bench.tell)
            bench.work.seal(table, TABLE)
            return read.row_count, findings

        row_count, findings = await asyncio.to_thread(work)
        await self._keep(bench, lambda intake: intake.read(row_count, findings))

    async def _treat(self, bench: Bench) -> None:
        plan = self._plan(bench.intake, bench.run)
        self._require_room(bench.intake)
        epsilon, delta = Decimal(0), Decimal(0)
        if plan.technique is Technique.SYNTHESIS:
            epsilon = Decimal(str(plan.parameters["epsilon"]))
            delta = Decimal(str(plan.parameters.get("delta") or 0))
            await self._spend(bench, epsilon, delta)

        def work() -> Any:
            table, target = bench.table, bench.work.folder / "treated.parquet"
            before = self._pipeline().assess(table, plan, tell=bench.tell)
            is_synthesis = plan.technique is Technique.SYNTHESIS
            treat = self._pipeline().synthesise if is_synthesis else self._pipeline().anonymise
            treated = treat(table, target, plan, tell=bench.tell)
            bench.work.seal(target, TREATED)
            return before, treated, _sha256(target)

        before, treated, sha256 = await asyncio.to_thread(work)
        now = self._clock.now()
        treatment = Treatment(
            technique=plan.technique,
            parameters=plan.parameters,
            outcome={**treated.outcome, _TABLE_SHA256: sha256},
            row_count=treated.row_count,
            by=_asker(bench.run),
            at=now,
            epsilon=epsilon,
            delta=delta,
        )
        failures = self._judged(bench.intake, before, plan.technique)
        preliminary = Analysis(now, before.figures, before.report, failures)
        await self._keep(bench, lambda intake: intake.treated(treatment, preliminary))

    async def _measure(self, bench: Bench) -> None:
        treatment = _treatment(bench.intake)
        self._require_room(bench.intake)
        plan = self._plan(bench.intake, replace(bench.run, parameters=treatment.parameters))

        def work() -> Any:
            treated = _treated(bench)
            return self._pipeline().measure(bench.table, treated, plan, tell=bench.tell)

        measured = await asyncio.to_thread(work)
        policy = self._desk.policy
        failures = self._judged(bench.intake, measured, treatment.technique)
        final = Analysis(self._clock.now(), measured.figures, measured.report, failures)
        await self._keep(bench, lambda intake: intake.measured(final, policy))

    async def _publish(self, bench: Bench) -> None:
        intake = bench.intake
        self._require_genuine(intake)
        # The moment it was asked for: the same bytes, however often it is tried.
        at = intake.publish_asked_at or self._clock.now()
        async with self._store.read() as tx:
            latest = await tx.datasets.latest(intake.dataset_id)
        number = latest.ref.version + 1 if latest else 1
        card = card_of(intake, _treatment(intake), DatasetRef(intake.dataset_id, number), at)
        folder = bench.work.folder / "version"

        def build() -> DatasetVersion:
            bench.tell(Progress("package"))
            return self._pipeline().package(_treated(bench), folder, card)

        built = await asyncio.to_thread(build)
        files = {file.name: folder / file.name for file in built.files}
        texts = {
            name: path.read_text("utf-8") for name, path in files.items() if name in DOCUMENTS
        }
        await self._publications().publish(built, files)
        months = self._desk.policy.review_months
        next_at = months_after(at, months) if intake.asked in JUDGED else None
        version = replace(built, next_review_at=next_at)

        async def more(tx: Transaction) -> None:
            await tx.datasets.put(card.dataset)
            await tx.datasets.add_version(version)
            await tx.datasets.add_documents(version.ref, texts)
            await self._desk.journal.done(
                tx,
                actor=None,
                action="dataset.publish",
                resource_id=intake.dataset_id,
                agency_id=intake.agency_id,
                facts={"version": str(number), "intake": intake.id},
            )

        await self._keep(bench, lambda it: it.became(version.ref, at, next_at), more)

    async def _review(self, bench: Bench) -> None:
        """Analyse the published table again, and hold it to the thresholds of today (art. 8)."""
        intake = bench.intake
        ref, final, treatment = intake.published, intake.final, _treatment(intake)
        if ref is None or final is None:
            raise StateError("intake", intake.id, state=intake.state.value, wanted="review")
        self._require_genuine(intake)
        path = await self._publications().fetch(ref, "data.parquet", bench.work.folder)
        plan = self._plan(intake, replace(bench.run, parameters=treatment.parameters))
        recount = self._pipeline().recount
        found_now = await asyncio.to_thread(recount, path, plan, final.report, tell=bench.tell)
        # Attacks need the source, which is destroyed: what they showed then is held to the
        # thresholds of today.
        again = replace(found_now, figures=replace(final.figures, k=found_now.figures.k))
        policy, now = self._desk.policy, self._clock.now()
        failures = self._judged(intake, again, treatment.technique)
        if treatment.epsilon > policy.epsilon_total:
            failures = (*failures, "epsilon_too_large")
        review = Review(
            at=now,
            by=bench.run.asked_by,
            k=found_now.figures.k,
            report=found_now.report,
            failures=failures,
            policy=policy,
        )
        next_at = months_after(now, policy.review_months)
        status = VersionStatus.TO_REVIEW if failures else VersionStatus.ACTIVE

        async def more(tx: Transaction) -> None:
            moves = review.passes and review.is_answered_for
            kept_at = next_at if moves else intake.next_review_at
            changed = await tx.datasets.set_status(ref, status, kept_at)
            if failures and changed:
                await revoke(tx, self._desk.journal, ref, now)

        facts = {"failures": ",".join(failures)} if failures else {"verdict": "passes"}
        await self._keep(bench, lambda it: it.reassessed(review, next_at), more, **facts)

    def _require_room(self, intake: Intake) -> None:
        """Refuse before the table is loaded, and before any budget is spent on it."""
        check_room(intake.row_count, intake.kept_count, self._room())

    def _plan(self, intake: Intake, run: Run) -> Plan:
        parameters = run.parameters
        treatment = intake.treatment
        named = parameters.get("technique") or (treatment.technique if treatment else "")
        return Plan(
            technique=Technique(named),
            columns=intake.choices,
            parameters=parameters,
            scope=intake.scope,
            k=int(parameters.get("k") or self._desk.policy.k_for(intake.scope)),
            policy=self._desk.policy,
            seed=int(parameters.get("seed") or 0),
        )

    def _judged(self, intake: Intake, found_: Measured, technique: Technique) -> tuple[str, ...]:
        """Hold it to the thresholds; what the analysis itself holds against it counts too."""
        failures = judge(
            found_.figures,
            self._desk.policy,
            data_class=intake.asked,
            technique=technique,
            scope=intake.scope,
        )
        return (*failures, *found_.failures) if intake.asked in JUDGED else failures

    def _require_genuine(self, intake: Intake) -> None:
        signature = intake.signature
        if signature is None:
            raise StateError("intake", intake.id, state=intake.state.value, wanted="publish")
        expected = self._sign(signed_content(intake, signature))
        if not hmac.compare_digest(expected, signature.value):
            raise StateError("intake", intake.id, state="altered", wanted="publish")

    async def _spend(self, bench: Bench, epsilon: Decimal, delta: Decimal) -> None:
        """Take it from the source's budget before any noise is drawn; it never comes back."""
        intake = bench.intake
        sha256 = intake.raw.sha256 if intake.raw else ""
        async with self._store.begin() as tx:
            await tx.agencies.lock(intake.agency_id)
            left = left_of(self._desk.policy, await tx.intakes.spends(intake.dataset_id, sha256))
            if epsilon > left:
                raise InvalidError([Problem("epsilon", "over_budget", (("left", f"{left:f}"),))])
            now = self._clock.now()
            await tx.intakes.spend(
                Spend(bench.run.id, intake.dataset_id, sha256, epsilon, delta, now)
            )

    async def _keep(
        self,
        bench: Bench,
        change: Callable[[Intake], Intake],
        more: Callable[[Transaction], Any] | None = None,
        **facts: str,
    ) -> None:
        """Write what a step made, unless the dossier changed under it."""
        intake_id: IntakeId = bench.intake.id
        async with self._store.begin() as tx:
            intake = await found(tx, intake_id)
            if intake.version != bench.intake.version:
                raise StateError("intake", intake_id, state="changed", wanted="keep")
            changed = change(intake)
            kept = await tx.intakes.put(changed) if changed != intake else intake
            if more is not None:
                await more(tx)
            action = f"intake.{bench.run.step.value}.done"
            await self._desk.note(tx, None, action, kept, run=bench.run.id, **facts)


def _asker(run: Run) -> MemberId:
    if run.asked_by is None:
        raise StateError("run", run.id, state="nobody's", wanted=run.step.value)
    return run.asked_by


def _treatment(intake: Intake) -> Treatment:
    if intake.treatment is None:
        raise StateError("intake", intake.id, state=intake.state.value, wanted="treat")
    return intake.treatment


def _treated(bench: Bench) -> Path:
    """Return the very table that the evidence speaks of.

    Raises:
        StateError: Another one lies there: a later treatment did not come to its end.
    """
    path = bench.work.unseal(TREATED)
    if _sha256(path) != _treatment(bench.intake).outcome[_TABLE_SHA256]:
        raise StateError("intake", bench.intake.id, state="altered", wanted=bench.run.step.value)
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
