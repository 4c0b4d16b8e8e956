"""Dossiers: how they are kept, where raw files lie, and what works on tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path

    from lab.domain.dataset import Dataset, DatasetFile, DatasetRef, DatasetVersion
    from lab.domain.evidence import (
        ColumnChoice,
        ColumnFinding,
        Figures,
        PrivacyPolicy,
        Scope,
        Technique,
    )
    from lab.domain.ids import AgencyId, DatasetId, IntakeId, RunId
    from lab.domain.intake import Intake
    from lab.domain.intake_run import Progress, Run
    from lab.ports.store import Filter, Page


@dataclass(frozen=True, slots=True)
class Spend:
    """What one synthesis took from its source's budget, whether its result is used or not.

    Attributes:
        sha256: Of the raw file.
    """

    run_id: RunId
    dataset_id: DatasetId
    sha256: str
    epsilon: Decimal
    delta: Decimal
    at: datetime


class Intakes(Protocol):
    """Dossiers, the runs of each, and what syntheses have spent."""

    async def get(self, intake_id: IntakeId) -> Intake | None:
        """Return the dossier, or nothing."""
        ...

    async def put(self, intake: Intake) -> Intake:
        """Write, and return it at its new version.

        Raises:
            ConflictError: It changed since it was read.
        """
        ...

    async def page(self, which: Filter) -> Page[Intake]:
        """Return one page, newest first. ``person``: deposited, asked for or supervises it."""
        ...

    async def register(self, agency_id: AgencyId | None = None) -> Sequence[Intake]:
        """Return those that were published, whatever became of them, oldest first (art. 9)."""
        ...

    async def of_dataset(self, dataset_id: DatasetId) -> Sequence[Intake]:
        """Return the data set's, newest first."""
        ...

    async def to_review(self, before: datetime) -> Sequence[Intake]:
        """Return those published whose review date comes until then, soonest first."""
        ...

    async def to_destroy(self) -> Sequence[Intake]:
        """Return those that have ended and whose raw file was not yet seen gone."""
        ...

    async def get_run(self, run_id: RunId) -> Run | None:
        """Return the run, or nothing."""
        ...

    async def put_run(self, run: Run) -> Run:
        """Write, and return it at its new version.

        Raises:
            ConflictError: It changed since it was read.
        """
        ...

    async def runs_of(self, intake_id: IntakeId) -> Sequence[Run]:
        """Return the dossier's runs, newest first."""
        ...

    async def open_runs(self) -> Sequence[Run]:
        """Return the runs that wait or are under way, oldest first."""
        ...

    async def spend(self, spend: Spend) -> None:
        """Write it down; the same run again changes nothing."""
        ...

    async def spends(self, dataset_id: DatasetId, sha256: str) -> Sequence[Spend]:
        """Return what was spent by syntheses of this data set or of this very file."""
        ...


class Quarantine(Protocol):
    """Where raw files lie, encrypted, out of reach of every sandbox.

    Everything of a dossier is under its id. Nothing here is ever a sandbox's.
    """

    async def receive(
        self, intake_id: IntakeId, chunks: AsyncIterator[bytes], *, limit_bytes: int
    ) -> tuple[str, int]:
        """Encrypt a raw file as it comes; return the SHA-256 of its bytes and their number.

        What was there before stays until all of it is here.

        Raises:
            DepositError: It is longer than the limit, or empty.
        """
        ...

    def opened(self, intake_id: IntakeId) -> AbstractContextManager[Workplace]:
        """Return a private folder for one run; whatever happens, nothing is left of it."""
        ...

    async def destroy(self, intake_id: IntakeId) -> tuple[str, ...]:
        """Destroy everything of a dossier; return what was then looked for and not there.

        Raises:
            OSError: Something is still there; call again.
        """
        ...

    async def sweep(self) -> int:
        """Destroy the folders of runs that ended with their process; return how many."""
        ...


class Workplace(Protocol):
    """The folder of one run. What is kept from it is encrypted first."""

    @property
    def folder(self) -> Path:
        """Empty at first; readable by the lab only."""
        ...

    def unseal(self, name: str) -> Path:
        """Decrypt what was kept under a name into the folder; ``raw`` is the raw file.

        Raises:
            SealError: It is not there, was changed, or was encrypted with another key.
        """
        ...

    def seal(self, path: Path, name: str) -> None:
        """Encrypt and keep a file under a name, in place of what it held."""
        ...


@dataclass(frozen=True, slots=True)
class TableRead:
    """What reading a raw file gave.

    Attributes:
        sha256: Hexadecimal, of the raw bytes that were read.
        report: How it was read (format, encoding, missing codes), JSON types.
    """

    row_count: int
    sha256: str
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a table shall be treated.

    Attributes:
        columns: All of them, in the table's order.
        parameters: Of the technique, as a person gave them, JSON types.
        k: Size of the smallest class that is asked for, where the technique makes classes.
        policy: The thresholds, as they are now.
        seed: For what is random and needs no secrecy; never for noise.
    """

    technique: Technique
    columns: tuple[ColumnChoice, ...]
    parameters: Mapping[str, Any]
    scope: Scope
    k: int
    policy: PrivacyPolicy
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """What an analysis found.

    Attributes:
        failures: What speaks against a very low risk besides the figures; stable words.
    """

    figures: Figures
    report: Mapping[str, Any]
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Treated:
    """What a technique made.

    Attributes:
        outcome: What it tells of its work, JSON types.
    """

    row_count: int
    outcome: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Card:
    """What a version says of itself.

    Attributes:
        evidence: Of the dossier, JSON types; goes into the descriptor as it is.
    """

    dataset: Dataset
    version: int
    published_at: datetime
    columns: tuple[ColumnChoice, ...]
    treatment: str
    purposes: str
    evidence: Mapping[str, Any]


class Pipeline(Protocol):
    """Works on tables. Each call may take minutes, and is made in a thread.

    A table is a Parquet file. Every call reads and writes only the paths it is
    given, and calls ``tell`` often enough that a person who cancels does not wait.

    Raises:
        DataError: Whoever brought the data, or chose the parameters, can mend it.
    """

    def read(
        self, raw: Path, table: Path, *, name: str, tell: Callable[[Progress], None]
    ) -> TableRead:
        """Write the raw file, called ``name``, as a table."""
        ...

    def scan(self, table: Path, *, tell: Callable[[Progress], None]) -> tuple[ColumnFinding, ...]:
        """Say what each column seems to be, over all rows."""
        ...

    def assess(self, table: Path, plan: Plan, *, tell: Callable[[Progress], None]) -> Measured:
        """Analyse a table as it is, without its identifiers (art. 5 and 8)."""
        ...

    def recount(
        self,
        table: Path,
        plan: Plan,
        final: Mapping[str, Any],
        *,
        tell: Callable[[Progress], None],
    ) -> Measured:
        """Count a published table anew, all its rows, and judge it by the thresholds of ``plan``.

        Args:
            table: As it was published.
            plan: How it was made, with the thresholds of today.
            final: The report of its final analysis: what needs the source is read there.
            tell: Told how far it is.
        """
        ...

    def anonymise(
        self, table: Path, target: Path, plan: Plan, *, tell: Callable[[Progress], None]
    ) -> Treated:
        """Generalise and suppress to k-anonymity, or only leave columns out."""
        ...

    def synthesise(
        self, table: Path, target: Path, plan: Plan, *, tell: Callable[[Progress], None]
    ) -> Treated:
        """Draw a table with differential privacy, within ``epsilon`` and ``delta``."""
        ...

    def measure(
        self, table: Path, treated: Path, plan: Plan, *, tell: Callable[[Progress], None]
    ) -> Measured:
        """Measure the three criteria and the utility of what would be published (art. 7)."""
        ...

    def package(self, treated: Path, folder: Path, card: Card) -> DatasetVersion:
        """Write a version's files into ``folder``, which must not be there."""
        ...


class Publications(Protocol):
    """Where the bytes of published versions are kept."""

    async def publish(self, version: DatasetVersion, files: Mapping[str, Path]) -> None:
        """Store a version. Publishing the very same again changes nothing.

        Raises:
            StateError: The version is published with other bytes.
            ProviderError: The store failed; call again.
        """
        ...

    async def published(self, ref: DatasetRef) -> tuple[DatasetFile, ...] | None:
        """Return what a published version holds; ``None`` when it is not published."""
        ...

    async def fetch(self, ref: DatasetRef, name: str, folder: Path) -> Path:
        """Return a copy of one file of a published version, in a folder, its bytes checked.

        Raises:
            TerminalProviderError: It was never published, or is not what was published.
            ProviderError: The store failed; call again.
        """
        ...
