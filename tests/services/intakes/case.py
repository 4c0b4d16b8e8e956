"""One dossier and the people around it, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.dataset import DatasetRef
from lab.domain.ids import DatasetId, IntakeId
from lab.domain.intake_run import RunState, Step
from tests.intakes import CHOICES, intake_draft, sent

if TYPE_CHECKING:
    import pytest

    from lab.bootstrap import Lab
    from lab.domain.errors import (
        InvalidError,
    )
    from lab.domain.intake import Intake
    from lab.domain.intake_run import Run
    from tests.world import World

K = {"technique": "k-anonymat"}
REF = DatasetRef(DatasetId("prestations-2026"), 1)


class Case:
    """One dossier and the people around it."""

    def __init__(self, lab: Lab, world: World) -> None:
        self.lab, self.people = lab, world.people
        self.reviewer, self.supervisor = world.people["reviewer"], world.people["supervisor"]
        self.id = IntakeId("")

    async def now(self) -> Intake:
        return await self.lab.intakes.get(self.reviewer, self.id)

    async def open(self, **changes: object) -> Intake:
        made = await self.lab.intakes.open(self.reviewer, intake_draft(**changes))
        self.id = made.intake.id
        return made.intake

    async def do(self, step: Step, **parameters: object) -> Run:
        made = await self.lab.intake_runs.start(
            self.reviewer, self.id, step, parameters=parameters or None
        )
        assert made.run is not None
        await self.lab.intake_work.work()
        return await self.lab.intake_runs.run(self.reviewer, self.id, made.run.id)

    async def last(self, step: Step) -> Run:
        runs = await self.lab.intake_runs.runs(self.reviewer, self.id)
        return next(run for run in runs if run.step is step)

    async def measured(self, parameters: dict[str, object] = K, **changes: object) -> Intake:
        await self.open(**changes)
        await self.lab.intakes.deposit(self.reviewer, self.id, sent(), name="p.csv")
        assert (await self.do(Step.READ)).state is RunState.DONE
        await self.lab.intakes.confirm(self.reviewer, self.id, CHOICES)
        assert (await self.do(Step.TREAT, **parameters)).state is RunState.DONE
        assert (await self.do(Step.MEASURE)).state is RunState.DONE
        return await self.now()

    async def published(self, **changes: object) -> Intake:
        await self.measured(**changes)
        await self.lab.intakes.sign(self.supervisor, self.id)
        await self.lab.intake_runs.publish(self.reviewer, self.id)
        await self.lab.intake_work.work()
        return await self.now()


def codes(error: pytest.ExceptionInfo[InvalidError]) -> set[tuple[str, str]]:
    return {(problem.field, problem.code) for problem in error.value.problems}
