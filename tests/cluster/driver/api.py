"""A small client of the API server: JSON as it comes, no connection kept."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.cluster.driver.telling import CannotDoError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.cluster.driver.plan import Plan

Json = dict[str, Any]
PORT = 6443
MANAGER = "test-cluster"
AT_ONCE = 8
PATIENCE_SECONDS = 300  # a collection is deleted object by object
PLURALS = {"NetworkPolicy": "networkpolicies", "StorageClass": "storageclasses"}


class ApiError(CannotDoError):
    """The API server answered, and not well; or did not answer (status 0)."""

    def __init__(self, *, status: int, message: str) -> None:
        super().__init__(f"API server: {status} {message}")
        self.status = status


class Api:
    """The administrator's way to the API server of a cluster."""

    def __init__(self, plan: Plan) -> None:
        self._host = plan.api
        self._tls = ssl.create_default_context(cafile=str(plan.pki / "ca.crt"))
        self._tls.load_cert_chain(plan.pki / "admin.crt", plan.pki / "admin.key")

    def get(self, path: str) -> Json:
        """One object, or a list of them."""
        answer: Json = json.loads(self.call("GET", path))
        return answer

    def is_ready(self, seconds: int = 10) -> bool:
        """Whether the API server says that it is, within this time."""
        with contextlib.closing(self._connect(seconds)) as connection:
            try:
                return _call(connection, "GET", "/readyz", None, kind="") == b"ok"
            except ApiError:
                return False

    def apply(self, *objects: Json) -> None:
        """Server-side apply, in this order: made or brought to this form."""
        with contextlib.closing(self._connect()) as connection:
            for each in objects:
                path = f"{path_of(each)}?fieldManager={MANAGER}&force=true"
                _call(connection, "PATCH", path, each, kind="application/apply-patch+yaml")

    def apply_many(self, objects: Sequence[Json]) -> None:
        """Apply objects that do not wait for one another, several at a time."""
        shares = [objects[start::AT_ONCE] for start in range(min(AT_ONCE, len(objects)))]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(lambda share: self.apply(*share), shares):
                pass

    def patch(self, path: str, body: Json) -> None:
        """Merge into one object."""
        self.call("PATCH", path, body, kind="application/merge-patch+json")

    def delete(self, path: str) -> None:
        """Delete one object or a collection at once, no grace; the absent is deleted."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}
        with contextlib.closing(self._connect(PATIENCE_SECONDS)) as connection:
            try:
                _call(connection, "DELETE", path, options, kind="application/json")
            except ApiError as error:
                if error.status != http.client.NOT_FOUND:
                    raise

    def watch(self, path: str, *, seconds: int) -> Iterator[Json]:
        """Events from now on, until the time is over."""
        mark = "&" if "?" in path else "?"
        with contextlib.closing(self._connect(seconds + 10)) as connection:
            try:
                connection.request("GET", f"{path}{mark}watch=1&timeoutSeconds={seconds}")
                answer = connection.getresponse()
                while line := answer.readline():
                    event: Json = json.loads(line)
                    yield event
            except (OSError, http.client.HTTPException) as error:
                raise ApiError(status=0, message=str(error)) from error

    def call(
        self, method: str, path: str, body: Json | None = None, *, kind: str = "application/json"
    ) -> bytes:
        """One call.

        Raises:
            ApiError: With the status, 0 where there was no answer.
        """
        with contextlib.closing(self._connect()) as connection:
            return _call(connection, method, path, body, kind=kind)

    def _connect(self, seconds: int = 30) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._host, PORT, context=self._tls, timeout=seconds)


def _call(
    connection: http.client.HTTPSConnection,
    method: str,
    path: str,
    body: Json | None,
    *,
    kind: str,
) -> bytes:
    content = json.dumps(body).encode() if body is not None else None
    try:
        connection.request(method, path, content, {"Content-Type": kind} if content else {})
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise ApiError(status=0, message=str(error)) from error
    if answer.status >= http.client.BAD_REQUEST:
        raise ApiError(status=answer.status, message=text.decode(errors="replace")[:500])
    return text


def path_of(manifest: Json) -> str:
    """Where an object of this form lives."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    space = manifest["metadata"].get("namespace")
    place = f"/namespaces/{space}" if space else ""
    plural = PLURALS.get(kind, f"{kind.lower()}s")
    return f"{root}{place}/{plural}/{manifest['metadata']['name']}"
