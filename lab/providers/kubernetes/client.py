"""Speaks to the API server in JSON as it comes; ``kubernetes.aio`` brings the transport.

The library reads kubeconfig files and service accounts, keeps tokens fresh and holds
the connections. Its typed models stay out: they cost twice the CPU and drop what they
do not know.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from kubernetes.aio.client import ApiClient

from lab.providers.kubernetes import failures
from lab.providers.kubernetes.identity import configuration
from lab.providers.kubernetes.names import FIELD_MANAGER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from lab.providers.kubernetes.resources import Resource

WATCH_SECONDS = 290
OPEN = "OPEN"
_TRIES = 4
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 4.0
_PAGE = 500
_MOST_AT_ONCE = 32
_NOT_FOUND, _CREATED, _ERRORS = 404, 201, 400


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, Any] | None = None
    content_type: str = "application/json"
    limits: aiohttp.ClientTimeout

    def __str__(self) -> str:
        return f"{self.method.lower()} {self.path}"


@dataclass(frozen=True, slots=True)
class Applied:
    """What a write left.

    Attributes:
        content: The object, as the server has it now.
        is_new: It was not there before.
    """

    content: dict[str, Any]
    is_new: bool


class Client:
    """One identity at one API server.

    Args:
        kubeconfig: Where it says who we are; None takes the pod's own service account.
        context: One of the file's contexts; empty takes its current one.
        timeout_seconds: For one answer; none is waited for much longer, tries included.

    Attributes:
        counts: How many requests were sent, by verb; retries count.
    """

    def __init__(
        self, kubeconfig: Path | None = None, context: str = "", timeout_seconds: float = 10
    ) -> None:
        self._kubeconfig, self._context = kubeconfig, context
        self._limits = aiohttp.ClientTimeout(total=timeout_seconds, connect=5)
        self._patience = timeout_seconds
        self._api: ApiClient | None = None
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(_MOST_AT_ONCE)
        self._quiet_until = 0.0
        self._is_closed = False
        self.counts: Counter[str] = Counter()

    async def aclose(self) -> None:
        """Let go of every connection, for good."""
        self._is_closed = True
        if self._api is not None:
            await self._api.close()  # type: ignore[no-untyped-call]
            self._api = None

    async def get(
        self, resource: Resource, name: str, namespace: str | None = None
    ) -> dict[str, Any] | None:
        """Return one object, or None where there is none.

        Raises:
            ClusterError: We could not look.
        """
        path = resource.path(namespace, name)
        status, body = await self._call("GET", path)
        return None if status == _NOT_FOUND else body

    async def pages(
        self, resource: Resource, *, namespace: str | None = None, selector: str = ""
    ) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
        """Yield all objects page by page, each with the version of the whole list.

        Raises:
            ExpiredError: The list grew too old while it was read.
            ClusterError: We could not look.
        """
        query = {"limit": str(_PAGE)} | ({"labelSelector": selector} if selector else {})
        while True:
            _, body = await self._call("GET", resource.path(namespace), query=query)
            metadata = body.get("metadata", {})
            yield body.get("items") or [], str(metadata.get("resourceVersion", ""))
            if not metadata.get("continue"):
                return
            query["continue"] = metadata["continue"]

    async def list(
        self, resource: Resource, *, namespace: str | None = None, selector: str = ""
    ) -> tuple[list[dict[str, Any]], str]:
        """Return all objects, and the version to watch from.

        Raises:
            ClusterError: We could not look.
        """
        found: list[dict[str, Any]] = []
        version = ""
        async for page in self.pages(resource, namespace=namespace, selector=selector):
            found += page[0]
            version = page[1]
        return found, version

    async def apply(self, resource: Resource, wanted: Mapping[str, Any]) -> Applied:
        """Write what is ours of one object, whoever wrote it before.

        Raises:
            ClusterError: The server refused, or did not answer.
        """
        metadata = wanted["metadata"]
        status, body = await self._call(
            "PATCH",
            resource.path(metadata.get("namespace"), metadata["name"]),
            query={"fieldManager": FIELD_MANAGER, "force": "true"},
            body=wanted,
            content_type="application/apply-patch+yaml",
        )
        return Applied(body, status == _CREATED)

    async def create(self, resource: Resource, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Make one object that must not be there yet.

        Raises:
            ConflictError: It is there.
            ClusterError: The server refused, or did not answer.
        """
        path = resource.path(wanted["metadata"].get("namespace"))
        query = {"fieldManager": FIELD_MANAGER}
        return (await self._call("POST", path, query=query, body=wanted))[1]

    async def correct(
        self, resource: Resource, name: str, namespace: str | None, change: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Change some fields, and take away those that are None (a merge patch).

        A ``resourceVersion`` in the change must be the current one.

        Raises:
            ConflictError: It changed since it was read.
            ClusterError: The server refused, or did not answer.
        """
        _, body = await self._call(
            "PATCH",
            resource.path(namespace, name),
            query={"fieldManager": FIELD_MANAGER},
            body=change,
            content_type="application/merge-patch+json",
        )
        return body

    async def delete(
        self, resource: Resource, name: str, *, namespace: str | None = None, uid: str = ""
    ) -> dict[str, Any] | None:
        """Begin to delete one object; return what is left of it, None where nothing is.

        Args:
            resource: Its kind.
            name: Its name.
            namespace: Where it is.
            uid: Delete this very object, and not another that took its name.

        Raises:
            ConflictError: Another object has that name now.
            ClusterError: The server refused, or did not answer.
        """
        body: dict[str, Any] = {"propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        path = resource.path(namespace, name)
        status, found = await self._call("DELETE", path, body=body)
        return None if status == _NOT_FOUND or found.get("kind") == "Status" else found

    async def watch(
        self, resource: Resource, *, namespace: str | None, selector: str, version: str
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield events from ``version`` on until the server ends the stream.

        The first one is our own and says that the stream is open: the server may have
        nothing to tell for a minute.

        Raises:
            ExpiredError: The version is too old.
            ClusterError: The stream was cut, or never came.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
            "labelSelector": selector,
        }
        path = resource.path(namespace)
        # Bookmarks come about once a minute: a silence of two is a dead connection.
        limits = aiohttp.ClientTimeout(total=None, connect=5, sock_read=120)
        try:
            response = await self._send(
                _Request(method="GET", path=path, query=query, limits=limits)
            )
            try:
                if response.status >= _ERRORS:
                    raise _failure(response, await response.read(), f"watch {path}")
                yield {"type": OPEN}
                while line := await response.content.readline():
                    yield json.loads(line)
            finally:
                response.close()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise failures.UnreachableError(f"watch {path}: {_words(error)}") from error

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> tuple[int, dict[str, Any]]:
        """Send; where the server asks for time, give it some, and try again.

        404 is an answer. Every call may be sent twice: what we write is the same each time.
        """
        request = _Request(
            method=method,
            path=path,
            query=query or {},
            body=body,
            content_type=content_type,
            limits=self._limits,
        )
        until = asyncio.get_running_loop().time() + self._patience
        wait = _FIRST_WAIT_S
        for tries_left in range(_TRIES - 1, -1, -1):
            try:
                async with self._slots:
                    await self._keep_quiet()
                    return await self._once(request)
            except (failures.BusyError, failures.UnreachableError) as error:
                asked = max(error.retry_after, wait * (0.5 + random.random()))  # noqa: S311 - jitter
                now = asyncio.get_running_loop().time()
                if not tries_left or asked > _LONGEST_WAIT_S or now + asked > until:
                    raise
                if isinstance(error, failures.BusyError):
                    # The others wait too: a server that sheds load means all of us.
                    self._quiet_until = now + asked
                await asyncio.sleep(asked)
                wait *= 2
        raise AssertionError("unreachable")

    async def _keep_quiet(self) -> None:
        left = self._quiet_until - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)

    async def _once(self, request: _Request) -> tuple[int, dict[str, Any]]:
        try:
            response = await self._send(request)
            data = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise failures.UnreachableError(
                f"{request}: the API server does not answer ({_words(error)})"
            ) from error
        if response.status >= _ERRORS and response.status != _NOT_FOUND:
            raise _failure(response, data, str(request))
        if response.status == _NOT_FOUND and request.method in {"POST", "PUT", "PATCH"}:
            raise failures.ClusterError(f"{request}: the namespace is gone", status=_NOT_FOUND)
        try:
            return response.status, cast("dict[str, Any]", json.loads(data))
        except ValueError as error:
            raise failures.UnreachableError(f"{request}: the answer is no JSON") from error

    async def _send(self, request: _Request) -> aiohttp.ClientResponse:
        self.counts[request.method] += 1
        api = await self._open()
        method, url, headers, _, _ = await api.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query.items()),
            header_params={"Content-Type": request.content_type, "Accept": "application/json"},
            auth_settings=["BearerToken"],
        )
        answer = await api.rest_client.request(  # type: ignore[no-untyped-call]
            method, url, headers=headers, body=request.body, _request_timeout=request.limits
        )
        return cast("aiohttp.ClientResponse", answer.response)

    async def _open(self) -> ApiClient:
        async with self._opening:
            if self._is_closed:
                raise failures.ClusterError("the way to the API server was closed")
            if self._api is None:
                self._api = ApiClient(await configuration(self._kubeconfig, self._context))
                self._api.user_agent = FIELD_MANAGER
            return self._api


def _failure(response: aiohttp.ClientResponse, data: bytes, what: str) -> failures.ClusterError:
    try:
        body = json.loads(data)
    except ValueError:
        body = {"message": data[:200].decode("utf-8", "replace")}
    after = response.headers.get("Retry-After", "")
    return failures.from_answer(
        response.status,
        body if isinstance(body, dict) else {},
        what,
        retry_after=float(after) if after.isdecimal() else 0,
    )


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
