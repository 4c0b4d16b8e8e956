"""A pipeline that does nothing to data, and what a dossier needs, for tests."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lab.bootstrap import Intaking
from lab.domain.dataset import Column, DataClass, DatasetFile, DatasetRef, DatasetVersion
from lab.domain.errors import ProviderError, StateError
from lab.domain.evidence import ColumnChoice, ColumnFinding, Figures, Hit, Scope
from lab.domain.intake_run import Progress
from lab.domain.privacy import Criterion, Role
from lab.domain.sandbox import Stage
from lab.ports import Measured, TableRead, Treated
from lab.providers.quarantine import FileQuarantine
from lab.services.intake_drafts import IntakeDraft

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from lab.ports import Card, Plan

    Tell = Callable[[Progress], None]

RAW = "nas;sexe;montant\n046 454 286;F;1\n130 692 544;H;2\n".encode("latin-1")
FINDINGS = (
    ColumnFinding(
        "nas",
        "string",
        Role.IDENTIFIER,
        drop=True,
        hits=(Hit("nas", 1.0, ("046…",)),),
        must_go=True,
    ),
    ColumnFinding("sexe", "string", Role.QUASI_IDENTIFIER, distinct=2),
    ColumnFinding("montant", "integer", Role.SENSITIVE, distinct=2),
)
CHOICES = (
    ColumnChoice("nas", Role.IDENTIFIER, keep=False),
    ColumnChoice("sexe", Role.QUASI_IDENTIFIER, label_fr="Sexe", label_en="Sex"),
    ColumnChoice("montant", Role.SENSITIVE, label_fr="Montant", label_en="Amount"),
)
GOOD = Figures(11, dict.fromkeys(Criterion, 0.05), control_held=True)


class FakePipeline:
    def __init__(self) -> None:
        self.figures = GOOD
        self.raises: Exception | None = None
        self.waits = False
        self.reached = threading.Event()
        self.called: list[str] = []

    def read(self, raw: Path, table: Path, *, name: str, tell: Tell) -> TableRead:
        self._begin("read", tell)
        content = raw.read_bytes()
        table.write_bytes(content)
        rows = content.count(b"\n") - 1
        return TableRead(rows, hashlib.sha256(content).hexdigest(), {"format": name[-3:]})

    def scan(self, table: Path, *, tell: Tell) -> tuple[ColumnFinding, ...]:
        self._begin("scan", tell)
        assert table.exists()
        return FINDINGS

    def assess(self, table: Path, plan: Plan, *, tell: Tell) -> Measured:
        self._begin("assess", tell)
        assert table.exists()
        assert plan.columns == CHOICES
        return Measured(self.figures, {"k": self.figures.k})

    def recount(
        self, table: Path, plan: Plan, final: Mapping[str, object], *, tell: Tell
    ) -> Measured:
        self._begin("recount", tell)
        assert table.exists()
        assert plan.columns == CHOICES
        assert final == {"utilité": 0.9}
        return Measured(Figures(self.figures.k), {"k": self.figures.k})

    def anonymise(self, table: Path, target: Path, plan: Plan, *, tell: Tell) -> Treated:
        self._begin("anonymise", tell)
        return self._copy(table, target, plan)

    def synthesise(self, table: Path, target: Path, plan: Plan, *, tell: Tell) -> Treated:
        self._begin("synthesise", tell)
        return self._copy(table, target, plan)

    def measure(self, table: Path, treated: Path, plan: Plan, *, tell: Tell) -> Measured:
        self._begin("measure", tell)
        assert treated.read_bytes().endswith(str(plan.k).encode())
        assert table.read_bytes() == RAW
        return Measured(self.figures, {"utilité": 0.9})

    def package(self, treated: Path, folder: Path, card: Card) -> DatasetVersion:
        folder.mkdir()
        content = treated.read_bytes() + card.published_at.isoformat().encode()
        (folder / "data.parquet").write_bytes(content)
        (folder / "croissant.json").write_bytes(b'{"@type": "sc:Dataset"}')
        columns = tuple(Column(c.name, "string", c.label_fr, c.label_en) for c in card.columns)
        files = (
            _file(folder / "data.parquet", "application/x-parquet"),
            _file(folder / "croissant.json", "application/ld+json"),
        )
        ref = DatasetRef(card.dataset.id, card.version)
        return DatasetVersion(ref, 2, columns, files, card.published_at)

    def _copy(self, table: Path, target: Path, plan: Plan) -> Treated:
        target.write_bytes(table.read_bytes() + str(plan.k).encode())
        return Treated(2, {"levels": {"sexe": 0}})

    def _begin(self, what: str, tell: Tell) -> None:
        self.called.append(what)
        tell(Progress(what, 1, 2))
        self.reached.set()
        while self.waits:
            threading.Event().wait(0.005)
            tell(Progress(what, 1, 2))
        if self.raises is not None:
            raise self.raises


def _file(path: Path, media_type: str) -> DatasetFile:
    content = path.read_bytes()
    return DatasetFile(path.name, len(content), hashlib.sha256(content).hexdigest(), media_type)


@dataclass
class FakePublications:
    kept: dict[DatasetRef, tuple[DatasetVersion, dict[str, bytes]]] = field(default_factory=dict)
    fails: bool = False

    async def publish(self, version: DatasetVersion, files: Mapping[str, Path]) -> None:
        if self.fails:
            raise ProviderError(Stage.DATA, "no answer")
        there = self.kept.get(version.ref)
        if there is not None and there[0].files != version.files:
            raise StateError("dataset version", "x", state="published", wanted="change")
        content = {name: path.read_bytes() for name, path in files.items()}
        self.kept[version.ref] = (version, content)

    async def published(self, ref: DatasetRef) -> tuple[DatasetFile, ...] | None:
        return self.kept[ref][0].files if ref in self.kept else None

    async def fetch(self, ref: DatasetRef, name: str, folder: Path) -> Path:
        (folder / name).write_bytes(self.kept[ref][1][name])
        return folder / name


@dataclass
class Dossiers:
    """What the tests hold of a lab's dossiers."""

    folder: Path
    pipeline: FakePipeline = field(default_factory=FakePipeline)
    publications: FakePublications = field(default_factory=FakePublications)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        key_file = self.folder / "quarantine-key"
        key_file.write_text("8f3kd02jslq94mzx7c6v5b1n\n")
        self.place = self.folder / "quarantine"
        self.quarantine = FileQuarantine(folder=self.place, key_file=key_file)

    def intaking(self) -> Intaking:
        return Intaking(
            quarantine=self.quarantine,
            pipeline=lambda: self.pipeline,
            publications=lambda: self.publications,
        )

    def files(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.place)) for path in self.place.rglob("*") if path.is_file()
        )


async def sent(data: bytes = RAW) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 7):
        yield data[start : start + 7]


def intake_draft(**changes: Any) -> IntakeDraft:
    good = IntakeDraft(
        agency_id="rft",
        dataset="prestations-2026",
        title_fr="Prestations de 2026",
        title_en="Benefits of 2026",
        description_fr="Une ligne par demande.",
        description_en="One row for each claim.",
        purposes="Prévoir les délais de traitement.",
        licence="Usage interne",
        source="Régie fictive",
        asked=DataClass.ANONYMISED,
        scope=Scope.BETWEEN,
        supervisor="supervisor",
        requester="requester",
    )
    return replace(good, **changes)


EPSILON = Decimal(1)
