"""What a build is given: the Dockerfile, files of the repository, wheels; and the hash of it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.shipping.errors import CatalogueError, FileMissingError
from lab.shipping.wheels import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lab.shipping.catalogue import ImageSpec
    from lab.shipping.locked import Requirement, Target

_RECIPE = "1"
"""Part of every hash: another number builds everything anew."""
_LEFT_OUT = {"__pycache__", ".ruff_cache", ".mypy_cache", ".ipynb_checkpoints"}
_DATE = 315532800
"""1980: the oldest date that a zip archive can carry."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a context, as it was when it was read: it may be edited during the build.

    Attributes:
        content: Its bytes, or where they lie for a large file from outside the repository.
        mode: Only whether it can be run matters.
    """

    content: bytes | Path
    mode: int

    def digest(self) -> str:
        """Return its SHA-256."""
        if isinstance(self.content, bytes):
            return hashlib.sha256(self.content).hexdigest()
        return digest_of(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All that one build is made from.

    Attributes:
        files: Of the repository or from outside it, by their path in the context.
        requirements: What is installed, and by which tools.
        bases: What each ``ARG`` names: a local reference, and the hash or id of what it is.
    """

    spec: ImageSpec
    target: Target
    files: Mapping[str, File]
    requirements: tuple[Requirement, ...] = ()
    tools: tuple[Requirement, ...] = ()
    bases: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def content(self) -> str:
        """Return the hash of everything the image is made of."""
        made_of = {
            "recipe": _RECIPE,
            "python": self.target.python,
            "machine": self.target.machine,
            "bases": {name: identity for name, (_, identity) in self.bases.items()},
            "files": [
                (name, file.mode, file.digest()) for name, file in sorted(self.files.items())
            ],
            "requirements": [each.line() for each in self.requirements],
            "options": self._options() if self.requirements else "",
            "tools": [each.line() for each in self.tools],
        }
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()

    def arguments(self) -> dict[str, str]:
        """Return the build's arguments."""
        return {name: reference for name, (reference, _) in self.bases.items()}

    def write(self, archive: Path, wheels: Mapping[Requirement, Path]) -> None:
        """Write it as the archive that an engine reads. Same content, same bytes."""
        with tarfile.open(archive, "w") as tar:
            for name in self.spec.copies:
                if name not in self.files:
                    empty = _entry(name, 0, 0o755)
                    empty.type = tarfile.DIRTYPE
                    tar.addfile(empty)
            for name, file in sorted(self.files.items()):
                _add(tar, name, file)
            if self.requirements:
                text = "".join(f"{each.line()}\n" for each in self.requirements).encode()
                _add(tar, "wheels/requirements.txt", File(text, 0o644))
                _add(tar, "wheels/install.json", File(self._options().encode(), 0o644))
            for folder, packages in (("wheels", self.requirements), ("tools", self.tools)):
                for each in packages:
                    _add(tar, f"{folder}/{wheels[each].name}", File(wheels[each], 0o644))

    def _options(self) -> str:
        """Return what images/packages/install.py reads."""
        spec = self.spec
        keep = {name: list(files) for name, files in spec.keep.items()}
        return json.dumps({"target": spec.target, "drop": spec.drop, "keep": keep}, sort_keys=True)


def collect(root: Path, spec: ImageSpec, given: Mapping[str, Path]) -> dict[str, File]:
    """Return the files of an image's context, by their path in it.

    Args:
        root: The checkout.
        spec: The image.
        given: Programs from outside the repository, by name.

    Raises:
        CatalogueError: The repository lacks a file or folder of the image.
        FileMissingError: A program was not given, or is not there.
    """
    found: dict[str, File] = {}
    for name in (spec.dockerfile, *spec.copies):
        path = root / name
        if not path.exists():
            raise CatalogueError(path=name, why=f"is not there, and {spec.name} is made of it")
        found.update({str(each.relative_to(root)): _read(each) for each in _walk(path)})
    for name in spec.files:
        if name not in given or not given[name].is_file():
            raise FileMissingError(image=spec.name, name=name)
        found[f"files/{name}"] = File(given[name], 0o755)
    return found


def _read(path: Path) -> File:
    return File(path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644)


def _walk(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for each in sorted(path.iterdir()):
        if each.name not in _LEFT_OUT and each.suffix != ".pyc":
            yield from _walk(each)


def _add(tar: tarfile.TarFile, name: str, file: File) -> None:
    if isinstance(file.content, bytes):
        tar.addfile(_entry(name, len(file.content), file.mode), io.BytesIO(file.content))
        return
    with file.content.open("rb") as opened:
        tar.addfile(_entry(name, file.content.stat().st_size, file.mode), opened)


def _entry(name: str, size: int, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, mode, _DATE
    return entry
