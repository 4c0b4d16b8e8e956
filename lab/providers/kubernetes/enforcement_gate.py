"""Puts the gate before ISOLATION, and everything about walls together for the reconciler."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.providers.kubernetes.containment import ContainmentProvider
from lab.providers.kubernetes.containment_canary import Canary
from lab.providers.kubernetes.containment_runs import Probes
from lab.providers.kubernetes.containment_witnesses import Witnesses
from lab.providers.kubernetes.containment_world import Lookout, Surroundings, around_us
from lab.providers.kubernetes.enforcement import Enforcement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.domain.egress import Door
    from lab.domain.ids import SandboxId
    from lab.domain.sandbox import Observation, Sandbox, Stage
    from lab.grants import Grants
    from lab.ports import Clock, Provider
    from lab.ports.shared import Proofs
    from lab.providers.kubernetes.containment_canary import TakenReports
    from lab.providers.kubernetes.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class WallSettings:
    """What the walls need to know.

    Attributes:
        proof_key: Signs proofs.
        witness_host: A name with one address for each witness.
        witness_token: What they ask for.
        probe_image: By digest.
        images: References of all that runs in sandboxes.
        internet: ``address:port`` of what stands for the internet.
        refresh: See ``ContainmentProvider``; so is ``most``.
    """

    proof_key: bytes
    witness_host: str
    witness_token: str
    probe_image: str
    images: tuple[str, ...] = ()
    internet: tuple[str, ...] = ()
    pull_secret: str = ""
    refresh: timedelta = timedelta(hours=12)
    most: timedelta = timedelta(hours=24)


class GatedIsolation:
    """ISOLATION, where no place is made before the network is seen to enforce.

    Args:
        inner: Makes the places.
        gate: Raises while none may be made.
    """

    def __init__(self, inner: Provider, gate: Enforcement) -> None:
        self._inner, self._gate = inner, gate

    @property
    def stage(self) -> Stage:
        """ISOLATION."""
        return self._inner.stage

    async def observe(self, sandbox: Sandbox) -> Observation:
        """Look; the gate says nothing about what is there already."""
        return await self._inner.observe(sandbox)

    async def ensure(self, sandbox: Sandbox) -> None:
        """Make the place, behind the gate.

        Raises:
            TerminalProviderError: The cluster ignores policies, or will refuse again.
            ProviderError: It is not known yet whether it does, or the cluster failed.
        """
        await self._gate.check(sandbox.id)
        await self._inner.ensure(sandbox)

    async def revoke(self, sandbox_id: SandboxId) -> None:
        """Revoke."""
        await self._inner.revoke(sandbox_id)

    async def remove(self, sandbox_id: SandboxId) -> None:
        """Remove."""
        await self._inner.remove(sandbox_id)

    async def owned(self) -> frozenset[SandboxId]:
        """Return the sandboxes that have a place; decoys are none.

        Called as soon as this process leads: the gate begins to look then.
        """
        self._gate.begin()
        return await self._inner.owned() - frozenset(self._gate.decoys.both())

    async def aclose(self) -> None:
        """Let go of the gate, then of the place."""
        await self._gate.aclose()
        close = getattr(self._inner, "aclose", None)
        if close is not None:
            await close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Walls:
    """CONTAINMENT, and the gate before ISOLATION."""

    containment: ContainmentProvider
    gate: Enforcement

    def guard(self, isolation: Provider) -> GatedIsolation:
        """Put the gate before the provider of places."""
        return GatedIsolation(isolation, self.gate)

    async def aclose(self) -> None:
        """End what runs."""
        await self.gate.aclose()
        await self.containment.aclose()


def build_walls(
    settings: WallSettings,
    *,
    session: Session,
    grants: Grants,
    proofs: Proofs,
    reports: TakenReports,
    doors_of: Callable[[str], frozenset[Door]],
    clock: Clock,
    env: Mapping[str, str] | None = None,
    resolv_conf: Path = Path("/etc/resolv.conf"),
) -> Walls:
    """Put it all together.

    Args:
        settings: Of the lab.
        session: What the stages share.
        grants: Where the gateway learns of doors.
        proofs: Where proofs are kept.
        reports: Where the report door leads.
        doors_of: Gives the doors of an egress profile, by its id.
        clock: The time.
        env: Of this process, where it is not its own.
        resolv_conf: Says which name servers the cluster has.
    """
    text = resolv_conf.read_text("utf-8") if resolv_conf.is_file() else ""
    told: dict[str, Any] = around_us(os.environ if env is None else env, text)
    around = Surroundings(
        namespace=session.lab.namespace,
        internet=tuple(map(_target, settings.internet)),
        images=(settings.probe_image, *settings.images),
        **told,
    )
    witnesses = Witnesses(host=settings.witness_host, token=settings.witness_token)
    lookout = Lookout(client=session.client, grants=grants, around=around)
    probes = Probes(
        lab=session.lab.namespace, image=settings.probe_image, pull_secret=settings.pull_secret
    )
    canary = Canary(
        session=session, witnesses=witnesses, lookout=lookout, reports=reports, probes=probes
    )
    return Walls(
        containment=ContainmentProvider(
            session=session,
            grants=grants,
            canary=canary,
            proofs=proofs,
            key=settings.proof_key,
            doors_of=doors_of,
            clock=clock,
            refresh=settings.refresh,
            most=settings.most,
        ),
        gate=Enforcement(
            client=session.client,
            lab=session.lab,
            witnesses=witnesses,
            lookout=lookout,
            probes=probes,
            on_known=session.tell,
        ),
    )


def _target(text: str) -> tuple[str, int]:
    """Read ``192.0.2.10:80`` or ``[2001:db8::10]:80``."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
