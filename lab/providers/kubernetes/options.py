"""The settings of this provider, checked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from lab import grants as keeping
from lab.domain.sandbox import Stage
from lab.domain.walls import Peer
from lab.providers.kubernetes.access import KubernetesAccess
from lab.providers.kubernetes.client import Client
from lab.providers.kubernetes.isolation import NamespaceProvider
from lab.providers.kubernetes.objects import DEFAULT_SELECTORS, Lab
from lab.providers.kubernetes.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.ports import Provider


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, UTC and aware."""
        return datetime.now(UTC)


class Options(BaseModel):
    """What may be set.

    Attributes:
        session: What the stages share; made from the rest where none is given.
        namespace: Where the lab itself runs; also the mark of what it owns.
        kubeconfig: Where it says who we are; the pod's own service account without it.
        context: Of that file; its current one where empty.
        timeout_seconds: How long one answer of the API server may take.
        gateway_selector: Labels of the gateway's pods.
        hub_selector: Labels of the hub's pods.
        front_selector: Labels of the pods that browsers speak to.
        hub_service: The hub's Service, in the lab's namespace.
        on_foreign_edit: Told of each edit by another hand that was put back.
        grants: Where grants are kept.
        grants_dir: The same, as a folder.
        keys_rewrite: Age from which a sandbox's keys are written once more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    session: Session | None = None
    namespace: str = "vase-clos"
    kubeconfig: Path | None = None
    context: str = ""
    timeout_seconds: Annotated[float, Field(gt=0)] = 10
    gateway_selector: dict[str, str] = dict(DEFAULT_SELECTORS[Peer.GATEWAY])
    hub_selector: dict[str, str] = dict(DEFAULT_SELECTORS[Peer.HUB])
    front_selector: dict[str, str] = dict(DEFAULT_SELECTORS[Peer.FRONT])
    hub_service: str = "hub"
    on_foreign_edit: Callable[..., Any] | None = None
    grants: Any = None
    grants_dir: Path | None = None
    keys_rewrite: timedelta = timedelta(hours=12)

    def lab(self) -> Lab:
        """Return what the objects of all sandboxes have in common."""
        selectors = {
            Peer.GATEWAY: self.gateway_selector,
            Peer.HUB: self.hub_selector,
            Peer.FRONT: self.front_selector,
        }
        return Lab(namespace=self.namespace, selectors=selectors)


def open_session(options: Mapping[str, Any]) -> Session:
    """Make what the stages share: to be given to each of them as ``session``.

    Raises:
        ValueError: An option is unknown or wrong.
    """
    return _session(Options.model_validate(options))


def build_provider(stage: Stage, options: Mapping[str, Any]) -> Provider:
    """Make a provider.

    Raises:
        ValueError: It serves no such stage, or an option is unknown, missing or wrong.
    """
    read = Options.model_validate(options)
    session = read.session or _session(read)
    match stage:
        case Stage.ISOLATION:
            return NamespaceProvider(session)
        case Stage.WORKSPACE:
            return KubernetesAccess(
                session,
                grants=keeping.chosen(read.grants, read.grants_dir),
                clock=SystemClock(),
                rewrite=read.keys_rewrite,
            )
        case Stage.CONTAINMENT | Stage.DATA | Stage.TRACKING:
            # Walls need more than settings say: whoever puts the lab together builds them.
            msg = f"kubernetes serves isolation and workspace by name, not {stage.value}"
            raise ValueError(msg)


def _session(read: Options) -> Session:
    return Session(
        client=Client(read.kubeconfig, read.context, read.timeout_seconds),
        lab=read.lab(),
        hub_service=read.hub_service,
        on_foreign_edit=read.on_foreign_edit,
    )
