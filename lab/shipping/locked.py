"""Which Python packages an image gets: read from ``uv.lock``, for the image's interpreter."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.markers import Marker
from packaging.utils import canonicalize_name

from lab.shipping.errors import DownloadFailedError, ToolMissingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lab.shipping.catalogue import ImageSpec

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""What the engine calls an architecture, and what wheels call it."""


@dataclass(frozen=True, slots=True, order=True)
class Requirement:
    """One package at one version; any of the hashes is right."""

    name: str
    version: str
    hashes: tuple[str, ...]

    def line(self) -> str:
        """Return it as pip reads it."""
        return " ".join((f"{self.name}=={self.version}", *(f"--hash={h}" for h in self.hashes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The interpreter and machine that the wheels are for.

    Attributes:
        python: Its whole version, as the markers of the lock see it.
        machine: As wheels call it, ``x86_64`` or ``aarch64``.
    """

    python: str
    machine: str

    @property
    def short_python(self) -> str:
        """The version without its last number."""
        return ".".join(self.python.split(".")[:2])

    def environment(self) -> dict[str, str]:
        """Return what environment markers are judged against."""
        return {
            "implementation_name": "cpython",
            "implementation_version": self.python,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": self.python,
            "python_version": self.short_python,
            "sys_platform": "linux",
        }


def requirements(root: Path, spec: ImageSpec, target: Target) -> tuple[Requirement, ...]:
    """Return what the image installs, in order of names."""
    if not spec.lock:
        return ()
    chosen = [option for extra in spec.extras for option in ("--extra", extra)]
    text = _export(root / spec.lock, "--no-dev", "--no-emit-project", *chosen)
    found = parse(text, target.environment())
    return tuple(each for each in found if each.name not in spec.without)


def tools(root: Path, target: Target) -> tuple[Requirement, ...]:
    """Return what installs the packages inside a build."""
    return parse(_export(root, "--only-group", "build-tools"), target.environment())


def parse(text: str, environment: Mapping[str, str]) -> tuple[Requirement, ...]:
    """Read exported requirements, leaving out what is for other machines."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        head, *hashes = line.split("--hash=")
        pinned, _, marker = head.partition(";")
        if marker.strip() and not Marker(marker.strip()).evaluate(dict(environment)):
            continue
        name, _, version = pinned.strip().partition("==")
        clean = tuple(sorted(each.strip() for each in hashes))
        found.append(Requirement(canonicalize_name(name.split("[")[0]), version.strip(), clean))
    return tuple(sorted(found))


def find_uv(root: Path) -> str:
    """Return the path of uv.

    Raises:
        ToolMissingError: It is nowhere.
    """
    for candidate in (
        os.environ.get("UV", ""),
        str(root / ".venv" / "bin" / "uv"),
        shutil.which("uv") or "",
        str(root / ".build" / "uv" / "bin" / "uv"),
    ):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    raise ToolMissingError(tool="uv")


def _export(project: Path, *options: str) -> str:
    root = project if (project / "lab").is_dir() else project.parents[1]
    command: Sequence[str] = (
        find_uv(root),
        "export",
        "--frozen",
        "--no-header",
        "--no-annotate",
        "--quiet",
        *options,
    )
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if done.returncode:
        why = done.stderr.strip().splitlines()
        raise DownloadFailedError(
            why=(why or ["uv export"])[0].removeprefix("error: "), detail=done.stderr
        )
    return done.stdout
