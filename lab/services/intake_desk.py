"""What every use case of a dossier does: find it, ask who may, write down what was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.errors import ConflictError, NotFoundError, StateError
from lab.domain.member import Resource, Target

if TYPE_CHECKING:
    from lab.domain.evidence import PrivacyPolicy
    from lab.domain.ids import IntakeId, RunId
    from lab.domain.intake import Intake
    from lab.domain.intake_run import Run
    from lab.domain.member import Member, Verb
    from lab.ports import CatalogueSource, Transaction
    from lab.services.journal import Journal


@dataclass(frozen=True, slots=True)
class Made:
    """What a call made.

    Attributes:
        is_replay: The same key had made it before; nothing was done now.
    """

    intake: Intake
    run: Run | None = None
    is_replay: bool = False


def target(intake: Intake) -> Target:
    """Tell whose it is. Its own people are the supervisor and who asked for it."""
    people = {intake.supervisor_id, intake.requester_id} - {None}
    return Target(Resource.INTAKE, intake.agency_id, frozenset(p for p in people if p is not None))


class Desk:
    """Finds dossiers for people, and keeps the audit log of them."""

    def __init__(self, *, journal: Journal, catalogue: CatalogueSource) -> None:
        self.journal, self._catalogue = journal, catalogue

    @property
    def policy(self) -> PrivacyPolicy:
        """The thresholds, as they are now."""
        return self._catalogue.catalogue().privacy

    async def mine(
        self, tx: Transaction, actor: Member, intake_id: IntakeId, verb: Verb, version: int | None
    ) -> Intake:
        """Return it for somebody who may do this to it.

        Raises:
            NotFoundError: There is none by that id that the actor may see.
            ForbiddenError: The actor may look and may not do this.
            ConflictError: It is at another version.
        """
        intake = await found(tx, intake_id)
        self.journal.require(actor, verb, target(intake), intake_id)
        unchanged(intake, version)
        return intake

    async def note(
        self, tx: Transaction, actor: Member | None, action: str, intake: Intake, **facts: str
    ) -> None:
        """Write down what a transaction does to it."""
        await self.journal.done(
            tx,
            actor=actor,
            action=action,
            resource_id=intake.id,
            agency_id=intake.agency_id,
            facts={"state": intake.state.value, **facts},
        )


async def found(tx: Transaction, intake_id: IntakeId) -> Intake:
    """Return the dossier.

    Raises:
        NotFoundError: There is none by that id.
    """
    intake = await tx.intakes.get(intake_id)
    if intake is None:
        raise NotFoundError("intake", intake_id)
    return intake


async def found_run(tx: Transaction, intake_id: IntakeId, run_id: RunId) -> tuple[Intake, Run]:
    """Return a run with its dossier.

    Raises:
        NotFoundError: There is none by that id, or it is another dossier's.
    """
    intake = await found(tx, intake_id)
    run = await tx.intakes.get_run(run_id)
    if run is None or run.intake_id != intake_id:
        raise NotFoundError("run", run_id)
    return intake, run


async def require_idle(tx: Transaction, intake: Intake) -> None:
    """Refuse to change what a run is working on."""
    if any(run.is_open for run in await tx.intakes.runs_of(intake.id)):
        raise StateError("intake", intake.id, state="busy", wanted="change")


def unchanged(intake: Intake, version: int | None) -> None:
    """Refuse a caller who has read an older version."""
    if version is not None and version != intake.version:
        raise ConflictError("intake", intake.id, expected=version, found=intake.version)
