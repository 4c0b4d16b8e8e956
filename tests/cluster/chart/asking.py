"""An API server asked as somebody: the administrator, or whom the administrator stands in for."""

from __future__ import annotations

import base64
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

_PLURALS = {
    "NetworkPolicy": "networkpolicies",
    "PriorityClass": "priorityclasses",
    "RuntimeClass": "runtimeclasses",
    "StorageClass": "storageclasses",
    "Ingress": "ingresses",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "Endpoints": "endpoints",
}
CLUSTER_WIDE = frozenset({
    "CustomResourceDefinition",
    "Namespace",
    "Node",
    "PersistentVolume",
    "ClusterRole",
    "ClusterRoleBinding",
    "PriorityClass",
    "RuntimeClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
})


@dataclass(frozen=True, slots=True)
class Who:
    """An identity to stand in for."""

    name: str
    groups: tuple[str, ...] = ()

    @classmethod
    def account(cls, namespace: str, name: str) -> Who:
        """Return a service account as the API server sees it."""
        groups = (
            "system:serviceaccounts",
            f"system:serviceaccounts:{namespace}",
            "system:authenticated",
        )
        return cls(f"system:serviceaccount:{namespace}:{name}", groups)

    def headers(self) -> list[tuple[str, str]]:
        """Return the request headers that say so."""
        return [
            ("Impersonate-User", self.name),
            *(("Impersonate-Group", group) for group in self.groups),
        ]


class Api:
    """One API server, by its kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text("utf-8"))
        cluster = config["clusters"][0]["cluster"]
        user = config["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for kind in ("certificate", "key"):
                file = Path(folder, kind)
                file.touch(mode=0o600)
                file.write_bytes(base64.b64decode(user[f"client-{kind}-data"]))
                files.append(str(file))
            context.load_cert_chain(*files)
        self.kubeconfig = kubeconfig
        self._client = httpx.Client(
            base_url=cluster["server"], verify=context, timeout=30, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        who: Who | None = None,
        dry: bool = False,
        kind: str = "application/json",
    ) -> httpx.Response:
        """Ask once; the answer may be a refusal."""
        return self._client.request(
            method,
            path,
            json=body,
            params={"dryRun": "All"} if dry else None,
            headers=[("Content-Type", kind), *(who.headers() if who else ())],
        )

    def apply(
        self, manifest: Json, *, who: Who | None = None, dry: bool = False
    ) -> httpx.Response:
        """Server-side apply, by force."""
        params = {"fieldManager": "vase-clos", "force": "true"} | (
            {"dryRun": "All"} if dry else {}
        )
        headers = [
            ("Content-Type", "application/apply-patch+yaml"),
            *(who.headers() if who else ()),
        ]
        path = path_of(manifest)
        return self._client.request("PATCH", path, json=manifest, params=params, headers=headers)

    def create(
        self, manifest: Json, *, who: Who | None = None, dry: bool = True
    ) -> httpx.Response:
        """Post an object; by default only to see whether it would be let in."""
        return self.ask("POST", path_of(manifest).rpartition("/")[0], manifest, who=who, dry=dry)

    def must(self, method: str, path: str, body: Json | None = None, **more: Any) -> Json:
        """Ask, and fail the test where it is refused."""
        answer = self.ask(method, path, body, **more)
        assert answer.is_success, (method, path, answer.status_code, answer.text[:800])
        found: Json = answer.json()
        return found

    def may(self, who: Who, attributes: Mapping[str, str]) -> bool:
        """Ask the API server itself whether somebody may do something."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": who.name,
                "groups": list(who.groups),
                "resourceAttributes": dict(attributes),
            },
        }
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        return bool(self.must("POST", path, review)["status"]["allowed"])


def path_of(manifest: Json) -> str:
    """Where an object of this form lives."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    place = (
        "" if kind in CLUSTER_WIDE else f"/namespaces/{manifest['metadata'].get('namespace', '')}"
    )
    return f"{root}{place}/{plural(kind)}/{manifest['metadata'].get('name', '')}"


def plural(kind: str) -> str:
    """Return what a kind is called in an address."""
    return _PLURALS.get(kind, f"{kind.lower()}s")
