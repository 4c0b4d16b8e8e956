"""What each sandbox should have, as stamps: compiled once, compared at every look.

A look at a sandbox that is as it should be costs a few dictionary reads. What the stamps
are compiled from is kept beside them, so nothing here can be out of date.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lab.providers.kubernetes import objects
from lab.providers.kubernetes.comparing import stamp_of
from lab.providers.kubernetes.resources import (
    LIMIT_RANGE,
    NAMESPACE,
    NETWORK_POLICY,
    RESOURCE_QUOTA,
    ROLE_BINDING,
    SERVICE,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.egress import Door
    from lab.domain.ids import SandboxId
    from lab.domain.sandbox import Sandbox
    from lab.providers.kubernetes.cache import Entry
    from lab.providers.kubernetes.objects import Lab
    from lab.providers.kubernetes.resources import Resource

_MOST = 3 * 8_192


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object that should be there.

    Attributes:
        word: What it is called for people.
        stamp: Of what it is compiled to.
        proved: Of the part of it that a proof is about.
    """

    resource: Resource
    namespace: str
    name: str
    word: str
    stamp: str
    proved: str

    def stands(self, known: Entry | None) -> bool:
        """Tell whether what is known of it is what it should be."""
        return (
            known is not None
            and not known.is_going
            and known.fingerprint == known.stamp == self.stamp
        )


class WantedObjects:
    """Knows what each sandbox of one lab should have."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._known: dict[tuple[str, SandboxId], tuple[object, tuple[Wanted, ...]]] = {}

    def place(self, sandbox: Sandbox, slot: int) -> Wanted:
        """Return its namespace."""

        def compiled() -> tuple[Wanted, ...]:
            made = objects.namespace(self._lab, sandbox, slot)
            return (_wanted(NAMESPACE, made, "namespace"),)

        return self._once("place", sandbox.id, slot, compiled)[0]

    def parts(self, sandbox: Sandbox) -> tuple[Wanted, ...]:
        """Return what stands in its namespace from the start."""

        def compiled() -> tuple[Wanted, ...]:
            lab = self._lab
            return (
                _wanted(NETWORK_POLICY, objects.closed(lab, sandbox.id), "network policy"),
                _wanted(RESOURCE_QUOTA, objects.resource_quota(lab, sandbox), "resource quota"),
                _wanted(LIMIT_RANGE, objects.limit_range(lab, sandbox), "limit range"),
                _wanted(ROLE_BINDING, objects.hub_rights(lab, sandbox.id), "role binding"),
            )

        return self._once("parts", sandbox.id, sandbox.spec, compiled)

    def walls(
        self, sandbox_id: SandboxId, slot: int, doors: frozenset[Door]
    ) -> tuple[Wanted, ...]:
        """Return the policy that closes all, the one that opens the doors, their address."""

        def compiled() -> tuple[Wanted, ...]:
            lab = self._lab
            opened = objects.door_policy(lab, sandbox_id, slot, doors)
            return (
                _wanted(NETWORK_POLICY, objects.closed(lab, sandbox_id), "policy"),
                _wanted(NETWORK_POLICY, opened, "policy"),
                replace(
                    _wanted(
                        SERVICE,
                        objects.door_service(lab, sandbox_id, slot),
                        "service of the doors",
                    ),
                    # A port that nothing opens is no way: one more, and what was proved holds.
                    proved=stamp_of(objects.door_service(lab, sandbox_id, slot, with_wall=False)),
                ),
            )

        return self._once("walls", sandbox_id, (slot, doors), compiled)

    def _once(
        self,
        what: str,
        sandbox_id: SandboxId,
        made_from: object,
        compiled: Callable[[], tuple[Wanted, ...]],
    ) -> tuple[Wanted, ...]:
        known = self._known.get((what, sandbox_id))
        if known is not None and known[0] == made_from:
            return known[1]
        if len(self._known) >= _MOST:
            self._known.clear()
        made = compiled()
        self._known[what, sandbox_id] = made_from, made
        return made


def _wanted(resource: Resource, made: dict[str, Any], word: str) -> Wanted:
    metadata, stamp = made["metadata"], stamp_of(made)
    return Wanted(
        resource=resource,
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        word=word,
        stamp=stamp,
        proved=stamp,
    )
