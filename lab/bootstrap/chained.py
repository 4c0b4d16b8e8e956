"""Several providers that own one stage together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.sandbox import Observation, Seen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from lab.domain.ids import SandboxId
    from lab.domain.sandbox import Sandbox, Stage
    from lab.ports import Provider


class Chained:
    """One provider made of several: built in their order, taken down in reverse.

    Args:
        parts: In the order they are built; all own the same stage.

    Raises:
        ValueError: There is none, or they own different stages.
    """

    def __init__(self, *parts: Provider) -> None:
        if len({part.stage for part in parts}) != 1:
            raise ValueError("a chain has parts, all of one stage")
        self._parts = parts

    @property
    def stage(self) -> Stage:
        """The stage they own together."""
        return self._parts[0].stage

    async def observe(self, sandbox: Sandbox) -> Observation:
        """Look at all of them, and say how the worst one is."""
        looks = await asyncio.gather(*(self._look(part, sandbox) for part in self._parts))
        return Observation(
            worst([look.seen for look in looks]),
            "; ".join(look.detail for look in looks if look.detail),
            tuple(fact for look in looks for fact in look.facts),
        )

    async def ensure(self, sandbox: Sandbox) -> None:
        """Make each in turn. What stands on one that fails is not tried.

        Raises:
            ProviderError: One failed.
        """
        for part in self._parts:
            await part.ensure(sandbox)

    async def revoke(self, sandbox_id: SandboxId) -> None:
        """Revoke each, the last first; one that fails keeps no other open.

        Raises:
            ProviderError: At least one failed.
        """
        await self._backwards(lambda part: part.revoke(sandbox_id))

    async def remove(self, sandbox_id: SandboxId) -> None:
        """Remove each, the last first; one that fails keeps no other in place.

        Raises:
            ProviderError: At least one failed.
        """
        await self._backwards(lambda part: part.remove(sandbox_id))

    async def owned(self) -> frozenset[SandboxId]:
        """Return who has anything with any of them.

        Raises:
            ProviderError: One could not look.
        """
        found = await asyncio.gather(*(part.owned() for part in self._parts))
        return frozenset().union(*found)

    async def _look(self, part: Provider, sandbox: Sandbox) -> Observation:
        try:
            return await part.observe(sandbox)
        except Exception as error:
            # It promised not to; the others' answers still count.
            return Observation(Seen.UNKNOWN, f"internal error: {type(error).__name__}")

    async def _backwards(self, act: Callable[[Provider], Awaitable[None]]) -> None:
        errors: list[ProviderError] = []
        for part in reversed(self._parts):
            try:
                await act(part)
            except ProviderError as error:
                errors.append(error)
        if errors:
            # One that may still succeed is tried again soon, whatever another one says.
            errors.sort(key=lambda error: isinstance(error, TerminalProviderError))
            raise errors[0]


def worst(seen: Sequence[Seen]) -> Seen:
    """Sum up how the parts of a stage are, so that the planner does what they need.

    Some there and some not is REVOKED: to build, it asks for ensuring again;
    to take down, for removing. With one that cannot be looked at, what another
    one shows to be there must stay removable, so that is CONVERGING.
    """
    found = set(seen)
    if Seen.UNKNOWN in found:
        return Seen.UNKNOWN if found <= {Seen.UNKNOWN, Seen.ABSENT} else Seen.CONVERGING
    if found == {Seen.ABSENT}:
        return Seen.ABSENT
    if found & {Seen.ABSENT, Seen.REVOKED}:
        return Seen.REVOKED
    return next(each for each in (Seen.CONVERGING, Seen.DUE, Seen.READY) if each in found)
