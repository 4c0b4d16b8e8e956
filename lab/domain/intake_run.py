"""A long piece of work on a dossier: a resource with progress, which can be cancelled."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from lab.domain.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lab.domain.ids import IntakeId, MemberId, RunId


class Step(Enum):
    """What a run does."""

    READ = "read"
    TREAT = "treat"
    MEASURE = "measure"
    PUBLISH = "publish"
    REVIEW = "review"


class RunState(Enum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """The process that did it ended. Nothing is half written: start another run."""


OPEN = frozenset({RunState.QUEUED, RunState.RUNNING})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        what: Stable word for what is being done, for example ``hash``.
        total: Zero where nobody knows.
    """

    what: str = ""
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as stored.

    Attributes:
        asked_by: ``None`` where the lab itself does it, on schedule.
        parameters: What the step was asked for, JSON types.
        seen_at: UTC; when the process that does it last said so.
        cancel_asked_at: UTC; set once, never cleared.
        error_code: Stable; ``error_fr`` and ``error_en`` are its sentences.
    """

    id: RunId
    intake_id: IntakeId
    step: Step
    asked_by: MemberId | None
    asked_at: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)
    state: RunState = RunState.QUEUED
    progress: Progress = Progress()
    started_at: datetime | None = None
    seen_at: datetime | None = None
    ended_at: datetime | None = None
    cancel_asked_at: datetime | None = None
    error_code: str = ""
    error_fr: str = ""
    error_en: str = ""
    version: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it waits or is under way."""
        return self.state in OPEN

    def started(self, at: datetime) -> Run:
        """Note that a process has begun it.

        Raises:
            StateError: It is not waiting.
        """
        if self.state is not RunState.QUEUED:
            raise StateError("run", self.id, state=self.state.value, wanted="start")
        return replace(self, state=RunState.RUNNING, started_at=at, seen_at=at)

    def at(self, progress: Progress, at: datetime) -> Run:
        """Note how far it is."""
        return replace(self, progress=progress, seen_at=at)

    def ended(
        self, state: RunState, at: datetime, *, code: str = "", fr: str = "", en: str = ""
    ) -> Run:
        """Note its end; ending what has ended changes nothing."""
        if self.state not in OPEN:
            return self
        return replace(self, state=state, ended_at=at, error_code=code, error_fr=fr, error_en=en)

    def cancelled(self, at: datetime) -> Run:
        """Ask for its end. One that waits ends at once; asking twice changes nothing.

        Raises:
            StateError: It has ended.
        """
        if self.state not in OPEN:
            raise StateError("run", self.id, state=self.state.value, wanted="cancel")
        asked = replace(self, cancel_asked_at=self.cancel_asked_at or at)
        return asked.ended(RunState.CANCELLED, at) if self.state is RunState.QUEUED else asked
