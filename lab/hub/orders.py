"""Launch orders: what the control plane says may start, and with what."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lab.domain.quantity import Resources

TIMEOUT = aiohttp.ClientTimeout(total=20)


class OrderedResources(BaseModel):
    """What the server gets, in the units of the domain."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    cpu_millicores: int = Field(ge=0)
    memory_bytes: int = Field(ge=0)
    storage_bytes: int = Field(ge=0, default=0)

    def as_domain(self) -> Resources:
        """Return it as the domain knows it."""
        return Resources(self.cpu_millicores, self.memory_bytes, self.storage_bytes)


class OrderedDataset(BaseModel):
    """One dataset version, and where its read-only copy lies."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    path: Path


class LaunchOrder(BaseModel):
    """Leave to start one notebook server.

    Attributes:
        uid: The user it runs as on the machine; ``None`` for the one that runs the lab.
        template_dir: What is copied into the home the first time.
        entry: The file of the template that opens first.
        doors: Loopback port inside, and which door it leads to; no other listens.
        env: The sandbox's own environment, without what the hub adds.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    sandbox_id: str
    member_id: str
    uid: int | None = None
    resources: OrderedResources
    datasets: tuple[OrderedDataset, ...] = ()
    template_dir: Path | None = None
    entry: str = ""
    home: Path
    doors_dir: Path
    doors: tuple[tuple[int, str], ...] = ((8081, "hub"),)
    env: dict[str, str] = {}


class PodOrder(BaseModel):
    """Leave to start one notebook server on a cluster.

    Attributes:
        template: The folder of the home that holds the template.
        entry: The file of the template that opens first.
        pod: Everything but what the hub adds, as it is posted.
        claim: The home, made once and kept.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    sandbox_id: str
    member_id: str
    template: str = ""
    entry: str = ""
    pod: dict[str, Any]
    claim: dict[str, Any]


Order = TypeVar("Order", LaunchOrder, PodOrder)


class LaunchRefusedError(Exception):
    """Nothing may start. The hub shows ``jupyterhub_message`` to whoever waits."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.jupyterhub_message = message


async def fetch(
    control_plane_url: str, token: str, *, sandbox: str, member: str, kind: type[Order]
) -> Order:
    """Ask the control plane for leave to start one server.

    Args:
        control_plane_url: Where it is.
        token: The hub's own.
        sandbox: In which sandbox.
        member: Whose server.
        kind: What an order is on this runtime.

    Raises:
        LaunchRefusedError: It refused, did not answer, or answered nonsense.
    """
    url = f"{control_plane_url}/internal/v1/sandboxes/{sandbox}/launch"
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT, headers=headers) as session,
            session.get(url, params={"member": member}) as response,
        ):
            status, body = response.status, await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise LaunchRefusedError(
            "Le plan de contrôle ne répond pas. Réessayez dans un instant."
        ) from error
    if status != 200:  # noqa: PLR2004 - the one status that is leave
        raise LaunchRefusedError(_reason(status, body))
    return _checked(body, sandbox=sandbox, member=member, kind=kind)


def _checked(body: Any, *, sandbox: str, member: str, kind: type[Order]) -> Order:
    """An order for another server than the one asked about is no order."""
    try:
        order = kind.model_validate(body)
    except ValidationError as error:
        raise LaunchRefusedError("L’ordre de démarrage est illisible.") from error
    if (order.sandbox_id, order.member_id) != (sandbox, member):
        raise LaunchRefusedError("L’ordre de démarrage est pour un autre bac à sable.")
    return order


_SENTENCES = {
    401: "Le plan de contrôle n’a pas reconnu le concentrateur de carnets.",
    403: "Vous n’avez pas accès à ce bac à sable.",
    404: "Ce bac à sable n’existe pas ou n’existe plus.",
    409: "Ce bac à sable n’est pas prêt : ses murs ne sont pas tous prouvés.",
}


def _reason(status: int, body: Any) -> str:
    """Say it in French; the control plane's own words come after ours."""
    said = body.get("detail", "") if isinstance(body, dict) else ""
    sentence = _SENTENCES.get(status, "Le plan de contrôle a refusé le démarrage.")
    return f"{sentence} ({said})" if isinstance(said, str) and said else sentence
