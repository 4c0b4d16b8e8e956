"""The registry that the nodes pull from, and a dockerd of our own that builds for it."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import shutil
import tarfile
from typing import TYPE_CHECKING, Any

import yaml

from tests.cluster.driver.commands import run
from tests.cluster.driver.plan import cache
from tests.cluster.driver.telling import CannotDoError, say, until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.cluster.driver.plan import Plan
    from tests.cluster.driver.processes import Parts

BASE = "vase-clos-base:bookworm"
BASE_PACKAGES = "minbase"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar"


def start_registry(plan: Plan, parts: Parts) -> None:
    """Debian's registry, at the machine's end of the pair that joins it to the cluster."""
    config = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {
            "filesystem": {"rootdirectory": str(plan.images / "registry")},
            "delete": {"enabled": True},
        },
        "http": {"addr": plan.registry},
    }
    path = plan.state / "registry.yaml"
    path.write_text(yaml.safe_dump(config))
    program = shutil.which("docker-registry") or "docker-registry"
    parts.start("registry", program, "serve", str(path))
    registry = Registry(plan.registry)
    until("the registry", registry.answers, seconds=20, logs=parts.logs / "registry.log")


def start_docker(plan: Plan, parts: Parts) -> None:
    """dockerd on a socket of its own; it makes no bridge, no rule and no forwarding."""
    folder = plan.docker_run
    folder.mkdir(parents=True, exist_ok=True)
    # A folder, not arguments: a setting of the machine's own daemon must not count here.
    (plan.state / "dockerd.json").write_text("{}")
    parts.start(
        "docker",
        "unshare",
        "--mount",
        shutil.which("dockerd") or "dockerd",
        f"--config-file={plan.state / 'dockerd.json'}",
        f"--host=unix://{plan.docker_socket}",
        f"--data-root={plan.images / 'docker'}",
        f"--exec-root={folder}",
        f"--pidfile={folder / 'docker.pid'}",
        f"--cgroup-parent=/{plan.name}-docker",
        "--exec-opt=native.cgroupdriver=cgroupfs",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        f"--insecure-registry={plan.registry}",
    )


def docker_answers(plan: Plan) -> bool:
    """Whether dockerd takes orders."""
    return _docker(plan, "version", "--format", "{{.Server.Version}}") is not None


def provide_base(plan: Plan) -> None:
    """Import Debian's base as an image, bootstrapped once and kept in the user's cache."""
    if _docker(plan, "image", "inspect", BASE) is not None:
        return
    archive = base_archive()
    say(f"importing {BASE}")
    run("docker", "--host", f"unix://{plan.docker_socket}", "import", str(archive), BASE)


def base_archive() -> Path:
    """The base of all images, as an archive; bootstrapped where the cache has none."""
    archive = cache() / f"base-bookworm-{BASE_PACKAGES}.tar"
    if archive.exists():
        return archive
    say("bootstrapping Debian for the base of the images (once, about a minute)")
    archive.parent.mkdir(parents=True, exist_ok=True)
    tree = archive.with_suffix(".tree")
    shutil.rmtree(tree, ignore_errors=True)
    try:
        variant = f"--variant={BASE_PACKAGES}"
        run("debootstrap", variant, "bookworm", str(tree), seconds=900)
        for each in (tree / "var/cache/apt/archives").glob("*.deb"):
            each.unlink()
        part = archive.with_suffix(".part")
        run("tar", "--numeric-owner", "-C", str(tree), "-cf", str(part), ".", seconds=300)
        part.rename(archive)
    finally:
        shutil.rmtree(tree, ignore_errors=True)
    return archive


def _docker(plan: Plan, *arguments: str) -> str | None:
    try:
        return run("docker", "--host", f"unix://{plan.docker_socket}", *arguments, seconds=20)
    except CannotDoError:
        return None


class Registry:
    """Pushes images of a few files without any builder: the pause image, the name server."""

    def __init__(self, address: str) -> None:
        self._address = address

    def answers(self) -> bool:
        """Whether the registry takes calls."""
        try:
            return self._call("GET", "/v2/")[0] == http.client.OK
        except OSError:
            return False

    def push(self, image: str, *, files: Mapping[str, bytes], entry: list[str]) -> str:
        """Push an image that holds these files and nothing else; same files, same digest.

        Args:
            image: Name and tag.
            files: Content of each, by absolute path; all executable.
            entry: The program and its arguments.

        Returns:
            The reference by digest.
        """
        name, _, tag = image.partition(":")
        layer = _layer(files)
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": entry, "User": "65534:65534"},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
        text = json.dumps(config, sort_keys=True).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(name, text, kind=CONFIG),
            "layers": [self._blob(name, layer, kind=LAYER)],
        }
        body = json.dumps(manifest, sort_keys=True).encode()
        status, _ = self._call("PUT", f"/v2/{name}/manifests/{tag}", body, kind=MANIFEST)
        if status != http.client.CREATED:
            raise CannotDoError(f"the registry refused {image}: {status}")
        return f"{self._address}/{name}@{_digest(body)}"

    def _blob(self, name: str, content: bytes, *, kind: str) -> dict[str, Any]:
        digest = _digest(content)
        if self._call("HEAD", f"/v2/{name}/blobs/{digest}")[0] != http.client.OK:
            _, place = self._call("POST", f"/v2/{name}/blobs/uploads/")
            path = place.removeprefix(f"http://{self._address}")
            mark = "&" if "?" in path else "?"
            status, _ = self._call("PUT", f"{path}{mark}digest={digest}", content)
            if status != http.client.CREATED:
                raise CannotDoError(f"the registry refused a part of {name}: {status}")
        return {"mediaType": kind, "size": len(content), "digest": digest}

    def _call(
        self, method: str, path: str, body: bytes = b"", *, kind: str = "application/octet-stream"
    ) -> tuple[int, str]:
        host, _, port = self._address.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers.get("Location", "")
        finally:
            connection.close()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _layer(files: Mapping[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.mode, entry.size = 0o755, len(content)
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()
