"""The settings of this provider, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from lab.domain.egress import Door
from lab.domain.sandbox import Stage
from lab.providers.local.containment import ContainmentProvider
from lab.providers.local.place import PlaceProvider
from lab.providers.local.where import SystemClock, Where

if TYPE_CHECKING:
    from lab.ports import Provider


class Options(BaseModel):
    """What may be set.

    Attributes:
        state_dir: What is kept.
        run_dir: Sockets; a short path.
        runtime_env: The notebook environment.
        doors_of: Gives the names of the doors of an egress profile.
        proof_refresh: Age from which a proof is made anew.
        proof_most: Age from which a proof counts no more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    state_dir: Path
    run_dir: Path
    runtime_env: Path
    doors_of: Callable[[str], Iterable[str]] | Mapping[str, tuple[str, ...]]
    proof_refresh: timedelta = timedelta(hours=12)
    proof_most: timedelta = timedelta(hours=24)

    def doors(self, profile_id: str) -> frozenset[Door]:
        """Return the doors of a profile; one that is not known has none."""
        if callable(self.doors_of):
            names = self.doors_of(profile_id)
        else:
            names = self.doors_of.get(profile_id, ())
        return frozenset(Door(name) for name in names)


def build_provider(stage: Stage, options: Mapping[str, Any]) -> Provider:
    """Make a provider.

    Raises:
        ValueError: It serves no such stage, or an option is wrong.
    """
    checked = Options(**options)
    if stage is Stage.ISOLATION:
        return PlaceProvider(state_dir=checked.state_dir, run_dir=checked.run_dir)
    if stage is Stage.CONTAINMENT:
        return ContainmentProvider(
            where=Where(
                state_dir=checked.state_dir,
                run_dir=checked.run_dir,
                runtime_env=checked.runtime_env,
            ),
            doors_of=checked.doors,
            clock=SystemClock(),
            refresh=checked.proof_refresh,
            most=checked.proof_most,
        )
    msg = f"the local provider serves isolation and containment, not {stage.value}"
    raise ValueError(msg)
