"""Proves that the cluster enforces network policies at all, before anything is trusted to them.

Kubernetes takes a NetworkPolicy from whoever may write one, and never says whether
anybody carries it out. So a few probes run in two namespaces of decoys: under deny-all,
where none may arrive at a witness, and without any policy, where they must, because a
network that carries nothing looks closed as well.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.sandbox import Stage
from lab.providers.kubernetes import containment_runs as runs
from lab.providers.kubernetes import names, objects
from lab.providers.kubernetes.enforcement_verdict import Decoyed, Decoys, Trial, Verdict, judge
from lab.providers.kubernetes.failures import ClusterError, told_by
from lab.providers.kubernetes.mould import Addresses
from lab.providers.kubernetes.proving import World, aims
from lab.providers.kubernetes.proving_plan import decoy, settle
from lab.providers.kubernetes.pulling import PullSecret
from lab.providers.kubernetes.resources import NAMESPACE, NETWORK_POLICY

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.ids import SandboxId
    from lab.providers.kubernetes.client import Client
    from lab.providers.kubernetes.containment_witnesses import Witnesses
    from lab.providers.kubernetes.containment_world import Lookout

log = logging.getLogger(__name__)


_PERIOD_S = 6 * 3600.0
_WAITS = {Verdict.UNKNOWN: 20.0, Verdict.IGNORED: 300.0}
_LOOK_S = 60.0
_POLL_S = 0.5
_GONE_S = 90.0


class Enforcement:
    """The gate before every sandbox: shut until the network is seen to enforce.

    Args:
        client: Makes the decoys.
        lab: What the objects of all sandboxes have in common.
        witnesses: Whom the decoys try to reach.
        lookout: Tells when the nodes change: then it is tried again.
        probes: What every run has in common.
        period_seconds: How often it is tried again.
        on_known: Told of each sandbox that waited for the first trial, once that has ended.

    Attributes:
        decoys: Its namespaces; never a sandbox's.
    """

    def __init__(
        self,
        *,
        client: Client,
        lab: objects.Lab,
        witnesses: Witnesses,
        lookout: Lookout,
        probes: runs.Probes,
        period_seconds: float = _PERIOD_S,
        on_known: Callable[[SandboxId], None] = lambda _: None,
    ) -> None:
        self._client, self._lab, self._witnesses = client, lab, witnesses
        self._lookout, self._probes, self._period = lookout, probes, period_seconds
        self._pulling = PullSecret(client, lab, probes.pull_secret)
        self.decoys = Decoys.of(lab.namespace)
        self._last = Trial(Verdict.UNKNOWN, "the cluster's network is being tried")
        self._task: asyncio.Task[None] | None = None
        self._on_known = on_known
        self._waiting: set[SandboxId] = set()

    @property
    def last(self) -> Trial:
        """What the last trial found."""
        return self._last

    def begin(self) -> None:
        """Try now, and from then on again and again. Beginning twice is beginning once."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_trying(), name="network enforcement")

    async def check(self, sandbox_id: SandboxId) -> None:
        """Return where a sandbox may be made.

        Raises:
            TerminalProviderError: The cluster ignores policies.
            ProviderError: It is not known yet.
        """
        self.begin()
        match self._last.verdict:
            case Verdict.ENFORCED:
                return
            case Verdict.IGNORED:
                raise TerminalProviderError(Stage.ISOLATION, self._last.detail)
            case Verdict.UNKNOWN:
                self._waiting.add(sandbox_id)
                raise ProviderError(Stage.ISOLATION, self._last.detail)

    async def aclose(self) -> None:
        """Stop trying, and take the decoys away."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def try_now(self) -> Trial:
        """Make the decoys, see what arrives, take them away.

        A trial that could not be made changes nothing of what was known: it says so.
        """
        try:
            found = await self._try()
        except (ProviderError, ClusterError, TimeoutError) as error:
            log.warning("the network could not be tried", extra={"error": str(error)})
            found = Trial(Verdict.UNKNOWN, f"the network could not be tried: {error}")
            if self._last.verdict is Verdict.UNKNOWN:
                self._last = found
            return found
        self._last = found
        log.info("the network was tried", extra={"verdict": found.verdict.value})
        if found.verdict is not Verdict.UNKNOWN:
            waiting, self._waiting = self._waiting, set()
            for sandbox_id in sorted(waiting):
                self._on_known(sandbox_id)
        return found

    async def _keep_trying(self) -> None:
        while True:
            found, nodes = await self.try_now(), await self._nodes()
            wait = _WAITS.get(found.verdict, self._period)
            for _ in range(max(1, round(wait / _LOOK_S))):
                await asyncio.sleep(min(wait, _LOOK_S))
                if await self._nodes() != nodes:
                    break

    async def _nodes(self) -> str:
        try:
            return await self._lookout.nodes_digest()
        except ProviderError:
            return ""

    async def _try(self) -> Trial:
        nonces = {decoy_id: runs.new_nonce() for decoy_id in self.decoys.both()}
        try:
            for decoy_id in nonces:
                await self._make(decoy_id)
            # Both to their end: one that failed must not leave the other without its place.
            found = await asyncio.gather(
                *(self._run(decoy_id, nonce) for decoy_id, nonce in nonces.items()),
                return_exceptions=True,
            )
        finally:
            await asyncio.shield(self._sweep())
        for one in found:
            if isinstance(one, BaseException):
                raise one
        shut, opened = (one for one in found if isinstance(one, Decoyed))
        return judge(shut, opened)

    async def _make(self, decoy_id: SandboxId) -> None:
        """Make one; what an earlier trial left goes first."""
        async with asyncio.timeout(_GONE_S):
            while True:
                found = await self._client.get(NAMESPACE, decoy_id)
                if found is None:
                    break
                if not self._is_decoy(found, decoy_id):
                    raise ProviderError(
                        Stage.ISOLATION, f"the namespace {decoy_id} exists and is not the lab's"
                    )
                await self._client.delete(NAMESPACE, decoy_id)
                await asyncio.sleep(_POLL_S)
        with told_by(Stage.ISOLATION):
            await self._client.apply(NAMESPACE, self._decoy_namespace(decoy_id))
            if decoy_id == self.decoys.closed:
                await self._client.apply(NETWORK_POLICY, objects.closed(self._lab, decoy_id))

    def _is_decoy(self, found: dict[str, Any], decoy_id: SandboxId) -> bool:
        """Tell whether a namespace is one of these, and not, by some chance, a sandbox's place."""
        labels = found["metadata"].get("labels") or {}
        is_ours = names.is_ours(found, self._lab.namespace, decoy_id)
        return is_ours and labels.get(names.COMPONENT) == names.Component.PROBE.value

    def _decoy_namespace(self, decoy_id: SandboxId) -> dict[str, Any]:
        security = {
            f"{names.POD_SECURITY_PREFIX}enforce": "restricted",
            f"{names.POD_SECURITY_PREFIX}enforce-version": objects.POD_SECURITY_VERSION,
        }
        labels = names.labels(self._lab.namespace, decoy_id, names.Component.PROBE) | security
        return {**NAMESPACE.header(), "metadata": {"name": decoy_id, "labels": labels}}

    async def _run(self, decoy_id: SandboxId, nonce: str) -> Decoyed:
        witnesses = await self._witnesses.announce(nonce)
        try:
            world = World(witnesses=witnesses)
            node = runs.choose(world, await self._lookout.hostnames(), Stage.ISOLATION)
            run = runs.new_run(decoy(world), node.name, nonce)
            text = aims(
                run,
                world,
                settle=settle(world) if decoy_id == self.decoys.closed else (),
                files_too=False,
            )
            addresses = Addresses(doors=(), gateway="127.0.0.1", hub="")
            manifest = runs.job(
                self._probes, decoy_id, run.run, aims=text, addresses=addresses, node=node
            )
            await self._pulling.put(decoy_id, Stage.ISOLATION)
            await runs.start(self._client, manifest, Stage.ISOLATION)
            ended = await self._ended(decoy_id, run.run)
            arrivals = await self._witnesses.arrivals(nonce, witnesses)
        finally:
            await self._witnesses.forget(nonce, witnesses)
        return Decoyed(run, ended, arrivals)

    async def _ended(self, decoy_id: SandboxId, run: str) -> runs.Ended:
        async with asyncio.timeout(self._probes.deadline_seconds + self._probes.margin_seconds):
            while True:
                ended, _ = await runs.look(self._client, decoy_id, run)
                if ended is not runs.Ended.NOT_YET:
                    return ended
                await asyncio.sleep(_POLL_S)

    async def _sweep(self) -> None:
        for decoy_id in self.decoys.both():
            with suppress(ClusterError):
                found = await self._client.get(NAMESPACE, decoy_id)
                if found is not None and self._is_decoy(found, decoy_id):
                    await self._client.delete(NAMESPACE, decoy_id)
