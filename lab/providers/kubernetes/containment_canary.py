"""Makes one proof: a pod like a notebook tries the walls, witnesses count what arrives."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from lab.domain.containment import Proof
from lab.domain.errors import ProviderError
from lab.domain.sandbox import Stage
from lab.providers.kubernetes import containment_runs as runs
from lab.providers.kubernetes import names, proving_hash
from lab.providers.kubernetes.containment_world import ways
from lab.providers.kubernetes.mould import Addresses
from lab.providers.kubernetes.proving import ReportError, aims, judge
from lab.providers.kubernetes.proving_plan import plan, settle
from lab.providers.kubernetes.pulling import PullSecret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from typing import Protocol

    from lab.domain.egress import Door
    from lab.domain.ids import SandboxId
    from lab.providers.kubernetes.containment_witnesses import Witnesses
    from lab.providers.kubernetes.containment_world import Lookout
    from lab.providers.kubernetes.proving import Run
    from lab.providers.kubernetes.session import Session

    class TakenReports(Protocol):
        """What of ``lab.ports.Reports`` a run needs."""

        async def take(self, sandbox_id: SandboxId, run: str) -> Mapping[str, Any] | None:
            """Remove and return a run's report."""
            ...

        async def drop_of(self, sandbox_id: SandboxId) -> None:
            """Delete all of a sandbox's."""
            ...


log = logging.getLogger(__name__)

_POLL_S = 0.3
_LEAST_WATCHED = 30
"""Fewer are no proof: the witnesses do not listen as they should. Two nodes have over 80."""


class Canary:
    """Runs the probes of one sandbox, and judges what they say.

    Args:
        session: What the stages share.
        witnesses: Whom to ask what arrived.
        lookout: Says what there is to aim at.
        reports: Where the gateway's report door leads.
        probes: What every run has in common.
    """

    def __init__(
        self,
        *,
        session: Session,
        witnesses: Witnesses,
        lookout: Lookout,
        reports: TakenReports,
        probes: runs.Probes,
    ) -> None:
        self._session, self._witnesses, self._lookout = session, witnesses, lookout
        self._reports, self._probes = reports, probes
        self._pulling = PullSecret(session.client, session.lab, probes.pull_secret)

    async def around(self) -> str:
        """Return the hash of the cluster around the walls, and of what tries them.

        Raises:
            ProviderError: We could not look.
        """
        content = {"nodes": await self._lookout.nodes_digest(), "probe": self._probes.image}
        pulling = await self._pulling.mark(Stage.CONTAINMENT)
        return proving_hash.digest(content | ({"pulling": pulling} if pulling else {}))

    async def prove(
        self,
        sandbox_id: SandboxId,
        grant: Mapping[str, Any],
        *,
        doors: frozenset[Door],
        walls: str,
        now: Callable[[], datetime],
    ) -> Proof:
        """Run every probe once; return what came of them, not yet signed.

        Args:
            sandbox_id: Where.
            grant: Its DOORS grant.
            doors: Of its profile.
            walls: Hash of what its walls are made of.
            now: The time.

        Raises:
            ProviderError: The probes could not be run, which proves nothing.
        """
        started_at, around = now(), await self.around()
        nonce = runs.new_nonce()
        witnesses = await self._witnesses.announce(nonce)
        try:
            world = await self._lookout.look(witnesses, sandbox_id)
            node = runs.choose(world, await self._lookout.hostnames(), Stage.CONTAINMENT)
            run = runs.new_run(plan(world, ways(grant, doors)), node.name, nonce)
            if sum(item.is_watched for item in run.planned) < _LEAST_WATCHED:
                raise ProviderError(Stage.CONTAINMENT, "the witnesses hear too few ports")
            report = f"http://{names.REPORT_HOST}:9001/report/{run.run}"
            text = aims(run, world, report=report, settle=settle(world))
            manifest = runs.job(
                self._probes,
                sandbox_id,
                run.run,
                aims=text,
                addresses=Addresses.from_grant(grant),
                node=node,
            )
            said = await self._said(sandbox_id, run, manifest)
            results = judge(run, said, await self._witnesses.arrivals(nonce, witnesses))
        except ReportError as error:
            raise ProviderError(
                Stage.CONTAINMENT, f"the report does not count: {error}"
            ) from error
        finally:
            await self._witnesses.forget(nonce, witnesses)
        return Proof(
            sandbox_id=sandbox_id,
            spec_hash=proving_hash.spec_hash(walls, around),
            started_at=started_at,
            finished_at=now(),
            results=results,
        )

    async def forget(self, sandbox_id: SandboxId) -> None:
        """Drop what runs of a sandbox have reported and nobody has read."""
        await self._reports.drop_of(sandbox_id)

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self._witnesses.aclose()

    async def _said(
        self, sandbox_id: SandboxId, run: Run, manifest: dict[str, Any]
    ) -> Mapping[str, Any]:
        """Start the run, and wait for its report.

        Raises:
            ProviderError: None came.
        """
        await self._pulling.put(sandbox_id, Stage.CONTAINMENT)
        await runs.start(self._session.client, manifest, Stage.CONTAINMENT)
        has_come = False
        try:
            said = await self._wait(sandbox_id, run.run)
            has_come = True
            return said
        finally:
            if not has_come:
                await asyncio.shield(runs.stop(self._session.client, sandbox_id, run.run))

    async def _wait(self, sandbox_id: SandboxId, run: str) -> Mapping[str, Any]:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._probes.deadline_seconds + self._probes.margin_seconds
        look_at = loop.time() + self._probes.look_seconds
        while loop.time() < until:
            said = await self._reports.take(sandbox_id, run)
            if said is not None:
                return said
            if loop.time() > look_at:
                look_at = loop.time() + self._probes.look_seconds
                ended, _ = await runs.look(self._session.client, sandbox_id, run)
                if ended is not runs.Ended.NOT_YET:
                    until = min(until, loop.time() + self._probes.late_seconds)
            await asyncio.sleep(_POLL_S)
        raise ProviderError(Stage.CONTAINMENT, await self._why_nothing(sandbox_id, run))

    async def _why_nothing(self, sandbox_id: SandboxId, run: str) -> str:
        ended, told = await runs.look(self._session.client, sandbox_id, run)
        match ended:
            case runs.Ended.WELL:
                return "the probes ended, and no report of theirs arrived"
            case runs.Ended.BADLY:
                return f"the probes did not report: {told}"
            case runs.Ended.GONE:
                return "the probes' Job was deleted"
            case runs.Ended.NOT_YET:
                return "the probes did not run in time (image, node or quota of the cluster)"
