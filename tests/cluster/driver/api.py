"""A small client of the API server: JSON as it comes, one connection for each call."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.driver.plan import Plan

Json = dict[str, Any]
PORT = 6443
MANAGER = "test-cluster"
PLURALS = {"NetworkPolicy": "networkpolicies", "StorageClass": "storageclasses"}


class ApiError(Exception):
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

    def is_ready(self) -> bool:
        """Whether the API server says that it is."""
        try:
            return self.call("GET", "/readyz") == b"ok"
        except ApiError:
            return False

    def apply(self, *objects: Json) -> None:
        """Server-side apply: made or brought to this form."""
        for each in objects:
            path = f"{path_of(each)}?fieldManager={MANAGER}&force=true"
            self.call("PATCH", path, each, kind="application/apply-patch+yaml")

    def patch(self, path: str, body: Json) -> None:
        """Merge into one object."""
        self.call("PATCH", path, body, kind="application/merge-patch+json")

    def delete(self, path: str) -> None:
        """Delete one object or a collection; the absent is deleted."""
        try:
            self.call("DELETE", path)
        except ApiError as error:
            if error.status != http.client.NOT_FOUND:
                raise

    def watch(self, path: str, *, seconds: int) -> Iterator[Json]:
        """Events from now on, until the time is over."""
        connection = http.client.HTTPSConnection(
            self._host, PORT, context=self._tls, timeout=seconds + 10
        )
        try:
            mark = "&" if "?" in path else "?"
            connection.request("GET", f"{path}{mark}watch=1&timeoutSeconds={seconds}")
            answer = connection.getresponse()
            while line := answer.readline():
                event: Json = json.loads(line)
                yield event
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(status=0, message=str(error)) from error
        finally:
            connection.close()

    def call(
        self, method: str, path: str, body: Json | None = None, *, kind: str = "application/json"
    ) -> bytes:
        """One call.

        Raises:
            ApiError: With the status, 0 where there was no answer.
        """
        connection = http.client.HTTPSConnection(self._host, PORT, context=self._tls, timeout=30)
        try:
            content = json.dumps(body).encode() if body is not None else None
            connection.request(method, path, content, {"Content-Type": kind} if content else {})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(status=0, message=str(error)) from error
        finally:
            connection.close()
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
