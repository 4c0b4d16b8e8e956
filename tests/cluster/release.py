"""The lab as a Helm release on the cluster for tests: installed, upgraded, tested, removed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from base64 import b64decode
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import helm_python as helm
import yaml

from tests.cluster.driver import binaries
from tests.cluster.driver.api import ApiError
from tests.cluster.driver.processes import CHECKOUT
from tests.cluster.driver.registry import BASE
from tests.cluster.driver.telling import CannotDoError, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.cluster.driver.api import Api
    from tests.cluster.driver.cluster import Cluster

Json = dict[str, Any]
CHART = CHECKOUT / "helm" / "lab"
DIGESTS = CHECKOUT / "images" / "digests.json"
NAME, NAMESPACE = "lab", "vase-clos"
INSTALL_SECONDS, TEST_SECONDS, REMOVE_SECONDS = 900, 300, 180
LOOK_SECONDS = 1.0
ENDED = {"Succeeded": "done", "Failed": "failed"}
OWNER = "meta.helm.sh/release-name"
SHARED = (
    "/apis/scheduling.k8s.io/v1/priorityclasses/vase-clos-lab",
    "/apis/scheduling.k8s.io/v1/priorityclasses/vase-clos-probe",
    "/apis/scheduling.k8s.io/v1/priorityclasses/vase-clos-notebook",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles/vase-clos-hub-in-sandbox",
)


def push_images(cluster: Cluster) -> Json:
    """Build and push what changed since last time; return the values that name the images.

    Raises:
        CannotDoError: An image cannot be built; its own words were shown.
    """
    lab = Path(sys.executable).parent / "lab"
    minio = binaries.ensure("minio")["minio"]
    told = {
        "DOCKER_HOST": f"unix://{cluster.plan.state / 'docker.sock'}",
        "LAB_IMAGE_BASE": BASE,
        "LAB_IMAGE_REGISTRY": cluster.plan.registry,
    }
    command = (lab, "images", "push", "--with-bundled", "--file", f"minio={minio}")
    done = subprocess.run(command, cwd=CHECKOUT, env=os.environ | told, check=False)
    if done.returncode:
        raise CannotDoError("the images are not there")
    return pushed()


def pushed() -> Json:
    """Return the values that name the images that were pushed last.

    Raises:
        CannotDoError: None was.
    """
    try:
        found: Json = json.loads(DIGESTS.read_text("utf-8"))
    except OSError as error:
        raise CannotDoError("no image was pushed yet: lab images push --with-bundled") from error
    return found


def trial_values(images: Mapping[str, Any], **more: Any) -> Json:
    """Return the values of a trial with these images."""
    trial: Json = yaml.safe_load((CHART / "ci" / "trial.yaml").read_text("utf-8"))
    return trial | dict(images) | more


@dataclass(kw_only=True)
class Release:
    """One release. Every method may be repeated.

    Attributes:
        show: Told of each change while a release comes up.
    """

    cluster: Cluster
    name: str = NAME
    namespace: str = NAMESPACE
    show: Callable[[str], None] = say
    _said: dict[str, str] = field(default_factory=dict)

    @property
    def api(self) -> Api:
        """The administrator's way to the API server."""
        return self.cluster.api()

    def config(self) -> helm.Config:
        """Open what Helm acts through; the caller closes it."""
        return helm.Config(kubeconfig_path=self.cluster.plan.kubeconfig, namespace=self.namespace)

    def exists(self) -> bool:
        """Whether there is such a release."""
        with self.config() as config:
            try:
                config.status(self.name)
            except helm.HelmNotFoundError:
                return False
            return True

    def is_there(self, values: Json) -> bool:
        """Whether the release is as this chart with these values would leave it, and ready."""
        try:
            mark = json.loads(self._mark.read_text("utf-8"))
        except (OSError, ValueError):
            return False
        with self.config() as config:
            try:
                found = config.status(self.name)
            except helm.HelmNotFoundError:
                return False
        is_same = mark == {"revision": found["revision"], "content": _content(values)}
        return is_same and found["status"] == "deployed" and not self.unready()

    def install(self, values: Json, *, chart: Path = CHART, wait: bool = True) -> float:
        """Install, or upgrade what is there; return how many seconds it took.

        Raises:
            CannotDoError: It did not come up; says what is not ready, and why.
        """
        began = time.monotonic()
        self._make_place()
        options = {"namespace": self.namespace, "timeout": INSTALL_SECONDS}
        options |= {"wait": "watcher"} if wait else {}
        act = "upgrade" if self.exists() else "install"
        if act == "install" and self._shared_by_others():
            values = values | {"sharedObjects": {"create": False}}
        ended = threading.Event()
        watching = threading.Thread(target=self._watch, args=(ended,), daemon=True)
        watching.start()
        try:
            self._settle()
            with self.config() as config:
                made = getattr(config, act)(chart, self.name, values, **options)
        except helm.HelmError as error:
            raise CannotDoError(f"helm {act}: {error}\n{self.unready()}") from error
        finally:
            ended.set()
            watching.join(5)
        if chart == CHART and wait:
            mark = {"revision": made["revision"], "content": _content(values)}
            self._mark.write_text(json.dumps(mark), "utf-8")
        return time.monotonic() - began

    def test(self) -> str:
        """Run ``helm test``; return what its pod said.

        Raises:
            helm.HelmReleaseError: Something does not answer as it should.
        """
        with self.config() as config:
            told = config.test(self.name, timeout=TEST_SECONDS, logs=True)
        return str(told.get("logs", ""))

    def rollback(self, version: int | None = None) -> None:
        """Go back to an earlier revision."""
        with self.config() as config:
            config.rollback(self.name, version=version, timeout=INSTALL_SECONDS, wait="watcher")

    def uninstall(self) -> None:
        """Remove it; its secrets and volumes stay.

        Raises:
            helm.HelmReleaseError: Sandboxes exist.
        """
        with self.config() as config:
            config.uninstall(
                self.name, ignore_not_found=True, timeout=REMOVE_SECONDS, wait="watcher"
            )

    def accounts(self) -> dict[str, str]:
        """Return logins and first passwords."""
        path = f"/api/v1/namespaces/{self.namespace}/secrets/lab-secrets"
        data = self.api.get(path)["data"]
        found: dict[str, str] = json.loads(b64decode(data["demo-passwords"]))
        return found

    def pods(self) -> list[Json]:
        """Return the pods of the lab itself."""
        found: list[Json] = self.api.get(f"/api/v1/namespaces/{self.namespace}/pods")["items"]
        return found

    def unready(self) -> str:
        """Say what is not ready, and why, as far as the cluster knows."""
        try:
            lines = [
                f"  {pod['metadata']['name']}: {state}"
                for pod in self.pods()
                if (state := state_of(pod)) not in {"ready", "done"}
            ]
        except ApiError as error:
            return str(error)
        return "\n".join(lines)

    def _settle(self) -> None:
        """Go back from an upgrade that was killed in its middle: Helm begins no other one."""
        with self.config() as config:
            try:
                is_pending = config.status(self.name)["status"].startswith("pending-")
            except helm.HelmNotFoundError:
                return
            if is_pending:
                config.rollback(self.name, timeout=INSTALL_SECONDS, wait="watcher")

    @property
    def _mark(self) -> Path:
        """Where it is kept what was installed last, beside the cluster's own state."""
        return self.cluster.plan.state / f"release-{self.namespace}-{self.name}.json"

    def _make_place(self) -> None:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        metadata = {"name": self.namespace, "labels": labels}
        self.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def _shared_by_others(self) -> bool:
        """Tell whether what all labs of a cluster share is there already, and no release's.

        It is used as it is: it may be somebody's who works on this cluster too.

        Raises:
            CannotDoError: Only a part of it is there.
        """
        there = [path for path in SHARED if self._is_anothers(path)]
        if there and len(there) < len(SHARED):
            names = ", ".join(path.rpartition("/")[2] for path in there)
            raise CannotDoError(
                f"{names}: there already, and not of a release. Whoever made them must remove "
                "them, or make the others too"
            )
        return bool(there)

    def _is_anothers(self, path: str) -> bool:
        try:
            metadata = self.api.get(path)["metadata"]
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return OWNER not in metadata.get("annotations", {})

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(LOOK_SECONDS):
            try:
                pods = self.pods()
            except ApiError:
                continue
            for pod in pods:
                name, state = pod["metadata"]["name"], state_of(pod)
                if self._said.get(name) != state:
                    self._said[name] = state
                    self.show(f"{name:34} {state}")


def _content(values: Json) -> str:
    """Return what tells one chart with its values from another."""
    found = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for file in sorted(each for each in CHART.rglob("*") if each.is_file()):
        found.update(f"{file.relative_to(CHART)}\0".encode() + file.read_bytes() + b"\0")
    return found.hexdigest()


def state_of(pod: Json) -> str:
    """Return one word for how far a pod is, with the reason where it does not come up."""
    status = pod["status"]
    if status.get("phase") in ENDED:
        return ENDED[status["phase"]]
    if pod["metadata"].get("deletionTimestamp"):
        return "ending"
    for each in status.get("containerStatuses", []):
        waiting = each["state"].get("waiting")
        if waiting and waiting.get("reason") != "ContainerCreating":
            return f"waiting: {waiting['reason']}, started {each['restartCount']} times"
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    if conditions.get("Ready", {}).get("status") == "True":
        return "ready"
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return f"waiting for room: {scheduled.get('message', '')}"
    return "starting" if status.get("phase") == "Running" else "waiting"
