"""The lease as an object of the API server."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from lab.providers.kubernetes import failures
from lab.providers.kubernetes.names import FIELD_MANAGER, MANAGED_BY
from lab.providers.kubernetes.resources import LEASE
from lab.reconciling.lease import LeaseError, LeaseTakenError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.providers.kubernetes.client import Client

_SECONDS = 4
"""Of one call. Shorter than the renewal is apart, so that one that hangs costs one renewal."""


class ClusterLease:
    """Implements ``lab.reconciling.lease.LeaseApi``."""

    def __init__(self, client: Client, *, namespace: str, name: str = "reconciler") -> None:
        self._client, self._namespace, self._name = client, namespace, name

    async def get(self) -> dict[str, Any] | None:
        """Return it, or nothing where there is none."""
        with _told():
            async with asyncio.timeout(_SECONDS):
                return await self._client.get(LEASE, self._name, self._namespace)

    async def create(self, lease: Mapping[str, Any]) -> dict[str, Any]:
        """Make it."""
        metadata = {
            "name": self._name,
            "namespace": self._namespace,
            "labels": {MANAGED_BY: FIELD_MANAGER},
        }
        whole = {"apiVersion": LEASE.group, "kind": LEASE.kind, "metadata": metadata, **lease}
        with _told():
            async with asyncio.timeout(_SECONDS):
                return await self._client.create(LEASE, whole)

    async def replace(self, lease: Mapping[str, Any]) -> dict[str, Any]:
        """Write it, if it is still the version that was read."""
        version = lease["metadata"]["resourceVersion"]
        change = {"metadata": {"resourceVersion": version}, "spec": lease["spec"]}
        with _told():
            async with asyncio.timeout(_SECONDS):
                return await self._client.correct(LEASE, self._name, self._namespace, change)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except failures.ConflictError as error:
        raise LeaseTakenError(str(error)) from error
    except failures.ClusterError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise LeaseTakenError("somebody deleted the lease") from error
        raise LeaseError(str(error)) from error
    except TimeoutError as error:
        raise LeaseError("the API server does not answer in time") from error
