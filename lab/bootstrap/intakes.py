"""The parts that work on dossiers, put together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from lab.bootstrap.outside import dataset_storage, quarantine_blobs
from lab.bootstrap.room import own_room
from lab.providers.quarantine import FileQuarantine, StoreQuarantine
from lab.services.intake_desk import Desk
from lab.services.intake_reviews import IntakeReviews
from lab.services.intake_steps import IntakeSteps
from lab.services.intake_work import IntakeWork

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.bootstrap.signing import CertificateSigner
    from lab.ports import CatalogueSource, Clock, Pipeline, Publications, Quarantine, Store
    from lab.services.journal import Journal
    from lab.settings import Settings

QUARANTINE_KEY = "quarantine-key"
QUARANTINE_SECRET = "quarantine-s3-key"  # noqa: S105  # the name of a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Intaking:
    """What outside systems dossiers need. Tests give the ones they want to hold.

    Attributes:
        pipeline: Made when first needed: only where runs are done are its libraries.
        publications: The same: only there is the key of the object store.
    """

    quarantine: Quarantine
    pipeline: Callable[[], Pipeline]
    publications: Callable[[], Publications]


def intaking(settings: Settings) -> Intaking:
    """Make them as the settings say."""
    return Intaking(
        quarantine=_quarantine(settings),
        pipeline=_pipeline,
        publications=cache(lambda: dataset_storage(settings)),
    )


def intake_work(
    settings: Settings,
    systems: Intaking,
    *,
    store: Store,
    clock: Clock,
    journal: Journal,
    catalogue: CatalogueSource,
    signer: CertificateSigner,
    new_id: Callable[[str], str],
    guard: Callable[[], None],
) -> IntakeWork:
    """Make what does the runs."""
    desk = Desk(journal=journal, catalogue=catalogue)
    steps = IntakeSteps(
        store=store,
        clock=clock,
        desk=desk,
        pipeline=systems.pipeline,
        publications=systems.publications,
        sign=signer.sign_bytes,
        room=own_room(settings),
    )
    return IntakeWork(
        store=store,
        clock=clock,
        desk=desk,
        quarantine=systems.quarantine,
        steps=steps,
        reviews=IntakeReviews(store=store, clock=clock, desk=desk, new_id=new_id, guard=guard),
        sign=signer.sign_bytes,
        every=settings.sweep,
        guard=guard,
    )


def _quarantine(settings: Settings) -> Quarantine:
    folder, key_file = settings.state_dir / "quarantine", settings.secrets_dir / QUARANTINE_KEY
    if settings.runtime != "kubernetes":
        return FileQuarantine(folder=folder, key_file=key_file)
    # What the API takes in, the reconciler works on: another pod, on another node.
    blobs = cache(lambda: quarantine_blobs(settings, QUARANTINE_SECRET))
    return StoreQuarantine(blobs=blobs, folder=folder, key_file=key_file)


@cache
def _pipeline() -> Pipeline:
    # Here: its libraries are installed only where runs are done.
    from lab.data.pipeline import TablePipeline  # noqa: PLC0415

    return TablePipeline()
