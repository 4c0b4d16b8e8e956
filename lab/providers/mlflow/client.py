"""The few calls that the lab itself makes to MLflow, as administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.secret import Secret

WORKSPACE_HEADER = "X-MLFLOW-WORKSPACE"

_API2, _API3 = "/api/2.0/mlflow", "/api/3.0/mlflow"
_THERE, _GONE = "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST"


class TrackingError(Exception):
    """MLflow refused or did not answer.

    Attributes:
        code: MLflow's own word, or empty when it did not answer.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TrackingClient:
    """Workspaces, roles, identities. Adding what is there and taking what is not succeed."""

    def __init__(self, *, endpoint: str, username: str, password: Secret, timeout: float) -> None:
        self._auth = (username, password.reveal())
        self._client = httpx.AsyncClient(base_url=endpoint, timeout=timeout, trust_env=False)

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def ensure_workspace(self, name: str, description: str) -> None:
        """Make the workspace exist."""
        body = {"name": name, "description": description}
        await self._call("POST", f"{_API3}/workspaces", body=body, passes=_THERE)

    async def has_workspace(self, name: str) -> bool:
        """Tell whether there is a workspace of this name."""
        return bool(await self._call("GET", f"{_API3}/workspaces/{name}", passes=_GONE))

    async def workspaces(self) -> dict[str, str]:
        """Return the description of every workspace, by name."""
        answer = await self._call("GET", f"{_API3}/workspaces")
        return {w["name"]: w.get("description", "") for w in answer.get("workspaces", [])}

    async def delete_workspace(self, name: str) -> None:
        """Delete the workspace with every row that belongs to it."""
        path = f"{_API3}/workspaces/{name}"
        await self._call("DELETE", path, query={"mode": "CASCADE"}, passes=_GONE)

    async def ensure_role(self, workspace: str, name: str, permits: Mapping[str, str]) -> int:
        """Make the role exist with these permissions on everything of each kind; return its id."""
        roles = {r["name"]: r for r in await self._roles(workspace)}
        role = roles.get(name)
        if role is None:
            body = {"name": name, "workspace": workspace}
            answer = await self._call("POST", f"{_API3}/roles/create", body=body)
            role = answer["role"]
        has = {p["resource_type"] for p in role["permissions"]}
        for kind in sorted(set(permits) - has):
            body = {
                "role_id": role["id"],
                "resource_type": kind,
                "resource_pattern": "*",
                "permission": permits[kind],
            }
            await self._call("POST", f"{_API3}/roles/permissions/add", body=body, passes=_THERE)
        return int(role["id"])

    async def delete_roles(self, workspace: str) -> None:
        """Delete every role of the workspace, those that MLflow made for itself included."""
        for role in await self._roles(workspace):
            body = {"role_id": role["id"]}
            await self._call("DELETE", f"{_API3}/roles/delete", body=body, passes=_GONE)

    async def ensure_user(self, name: str, password: str) -> None:
        """Make the identity exist with this password."""
        body = {"username": name, "password": password}
        answer = await self._call("POST", f"{_API2}/users/create", body=body, passes=_THERE)
        if not answer:
            await self._call("PATCH", f"{_API2}/users/update-password", body=body)

    async def has_user(self, name: str) -> bool:
        """Tell whether there is an identity of this name."""
        query = {"username": name}
        return bool(await self._call("GET", f"{_API2}/users/get", query=query, passes=_GONE))

    async def users(self) -> frozenset[str]:
        """Return the name of every identity."""
        answer = await self._call("GET", f"{_API2}/users/list")
        return frozenset(user["username"] for user in answer.get("users", []))

    async def assign(self, name: str, role_id: int) -> None:
        """Give the identity the role."""
        body = {"username": name, "role_id": role_id}
        await self._call("POST", f"{_API3}/roles/assign", body=body, passes=_THERE)

    async def delete_user(self, name: str) -> None:
        """Delete the identity; its password stops working at once."""
        path, body = f"{_API2}/users/delete", {"username": name}
        await self._call("DELETE", path, body=body, passes=_GONE)

    async def ensure_experiment(self, name: str, *, workspace: str, auth: tuple[str, str]) -> None:
        """Make the experiment exist, as the sandbox's own identity, restored if it was deleted."""
        path, body = f"{_API2}/experiments/create", {"name": name}
        await self._call("POST", path, body=body, passes=_THERE, workspace=workspace, auth=auth)
        found = await self.experiment(name, workspace=workspace, auth=auth)
        if found and found.get("lifecycle_stage") == "deleted":
            restored = {"experiment_id": found["experiment_id"]}
            path = f"{_API2}/experiments/restore"
            await self._call("POST", path, body=restored, workspace=workspace, auth=auth)

    async def experiment(
        self, name: str, *, workspace: str, auth: tuple[str, str]
    ) -> dict[str, Any] | None:
        """Return an experiment as that identity sees it; ``None`` when it does not see any."""
        path, query = f"{_API2}/experiments/get-by-name", {"experiment_name": name}
        answer = await self._call(
            "GET",
            path,
            query=query,
            workspace=workspace,
            auth=auth,
            passes=f"{_GONE} PERMISSION_DENIED 401 403",
        )
        return answer.get("experiment")

    async def _roles(self, workspace: str) -> list[dict[str, Any]]:
        answer = await self._call("GET", f"{_API3}/roles/list", query={"workspace": workspace})
        roles: list[dict[str, Any]] = answer.get("roles", [])
        return roles

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        passes: str = "",
        workspace: str = "",
        auth: tuple[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the answer; empty when it is one of the codes that pass."""
        headers = {WORKSPACE_HEADER: workspace} if workspace else None
        try:
            reply = await self._client.request(
                method, path, json=body, params=query, headers=headers, auth=auth or self._auth
            )
        except httpx.HTTPError as error:
            raise TrackingError("", f"{path}: {type(error).__name__}") from error
        if reply.is_success:
            return _object(reply)
        code = _object(reply).get("error_code") or str(reply.status_code)
        if code in passes.split():
            return {}
        raise TrackingError(code, f"{path}: {code}")


def _object(reply: httpx.Response) -> dict[str, Any]:
    try:
        values = reply.json()
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
