"""The few calls a hub makes to a cluster, inside one sandbox's namespace. JSON as it comes."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

import aiohttp

REQUEST_SECONDS = 10

Json = dict[str, Any]


class ClusterRefusalError(Exception):
    """The API server did not do it.

    Attributes:
        status: The HTTP status; 0 when it could not be reached.
        message: Its own words.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status, self.message = status, message

    @property
    def may_pass(self) -> bool:
        """Whether the same call may work later."""
        return (
            self.status in {0, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT}
            or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        )


class ClusterApi:
    """Pods and claims of sandboxes.

    Args:
        core: KubeSpawner's client of the core API group.
    """

    def __init__(self, core: Any) -> None:
        self._core = core

    async def pod(self, namespace: str, name: str) -> Json | None:
        """Return a pod, or nothing where there is none."""
        return await self._unless_absent(self._core.read_namespaced_pod, name, namespace)

    async def claim(self, namespace: str, name: str) -> Json | None:
        """Return a volume claim, or nothing where there is none."""
        read = self._core.read_namespaced_persistent_volume_claim
        return await self._unless_absent(read, name, namespace)

    async def events(self, namespace: str, names: frozenset[str]) -> list[Json]:
        """Return what was said of the objects with these names, oldest first."""
        found = await self._call(self._core.list_namespaced_event, namespace)
        events = [e for e in found["items"] if e["involvedObject"].get("name") in names]
        return sorted(events, key=_time_of)

    async def create_pod(self, namespace: str, pod: Json) -> Json:
        """Post a pod; what the API server made of it comes back."""
        return await self._call(self._core.create_namespaced_pod, namespace, pod)

    async def create_claim(self, namespace: str, claim: Json) -> None:
        """Post a volume claim, unless it is there: what it holds stays."""
        name = claim["metadata"]["name"]
        if await self.claim(namespace, name) is not None:
            return
        create = self._core.create_namespaced_persistent_volume_claim
        try:
            await self._call(create, namespace, claim)
        except ClusterRefusalError as refusal:
            if refusal.status != HTTPStatus.CONFLICT:
                raise

    async def delete_pod(self, namespace: str, name: str, *, grace_seconds: int | None) -> None:
        """Delete a pod; deleting what is not there succeeds.

        Args:
            namespace: Where it is.
            name: Its name.
            grace_seconds: ``None`` for the pod's own; 0 does not wait for its node to agree.
        """
        more = {} if grace_seconds is None else {"grace_period_seconds": grace_seconds}
        try:
            await self._call(self._core.delete_namespaced_pod, name, namespace, **more)
        except ClusterRefusalError as refusal:
            if refusal.status != HTTPStatus.NOT_FOUND:
                raise

    async def _unless_absent(self, read: Any, name: str, namespace: str) -> Json | None:
        try:
            return await self._call(read, name, namespace)
        except ClusterRefusalError as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def _call(self, method: Any, *args: Any, **more: Any) -> Json:
        try:
            response = await method(
                *args, **more, _preload_content=False, _request_timeout=REQUEST_SECONDS
            )
            async with response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            raise ClusterRefusalError(0, str(error) or type(error).__name__) from error
        body = _decoded(text)
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise ClusterRefusalError(response.status, str(body.get("message", text)))
        return body


def _decoded(text: str) -> Json:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _time_of(event: Json) -> str:
    return str(
        event.get("lastTimestamp")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp", "")
    )
