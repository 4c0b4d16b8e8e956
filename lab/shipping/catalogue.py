"""The images there are, as ``images/images.toml`` declares them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.shipping.errors import CatalogueError, UnknownImageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpec:
    """What one image is made of beside its Dockerfile.

    Attributes:
        on: Images of ours that it starts from; none: the base given to the build.
        lock: Folder of the uv project its packages come from, below the repository; or empty.
        extras: Of that project.
        without: Packages of the lock that are left out.
        copies: Files and folders of the repository in the build's context.
        files: Programs from outside the repository, by name.
        is_bundled: For trials; built only when asked.
    """

    name: str
    on: tuple[str, ...] = ()
    lock: str = ""
    extras: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    copies: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    is_bundled: bool = False

    @property
    def folder(self) -> str:
        """Where its Dockerfile lies, below the repository."""
        return f"images/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All images, those before that others start from."""

    root: Path
    python: str
    specs: Mapping[str, ImageSpec]

    def chosen(self, names: Iterable[str], *, with_bundled: bool = False) -> tuple[ImageSpec, ...]:
        """Return the named images, or all, after those that they start from.

        Raises:
            UnknownImageError: No image has one of the names.
        """
        wanted = list(names) or [
            spec.name for spec in self.specs.values() if with_bundled or not spec.is_bundled
        ]
        if names and with_bundled:
            wanted += [spec.name for spec in self.specs.values() if spec.is_bundled]
        found: dict[str, ImageSpec] = {}
        for name in wanted:
            if name not in self.specs:
                raise UnknownImageError(name=name, known=", ".join(self.specs))
            for each in self._before(name):
                found[each] = self.specs[each]
        return tuple(found.values())

    def deployed(self, specs: Iterable[ImageSpec]) -> tuple[ImageSpec, ...]:
        """Return those that pods run; the others are only what these start from."""
        floors = {name for spec in self.specs.values() for name in spec.on}
        return tuple(spec for spec in specs if spec.name not in floors)

    def _before(self, name: str) -> tuple[str, ...]:
        """Return an image after those that it starts from."""
        below = [each for start in self.specs[name].on for each in self._before(start)]
        return (*below, name)


def read(root: Path) -> Catalogue:
    """Read the declaration of a checkout.

    Raises:
        CatalogueError: It is not there, or says something that cannot be.
    """
    path = root / "images" / "images.toml"
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CatalogueError(path=str(path), why=error.strerror or str(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(path=str(path), why=str(error)) from error
    specs = {name: _spec(path, name, table) for name, table in content.get("images", {}).items()}
    known: set[str] = set()
    for spec in specs.values():
        for each in spec.on:
            if each not in known:  # also what would go round in a circle
                raise CatalogueError(path=str(path), why=f"{spec.name}: {each} is not above it")
        known.add(spec.name)
    return Catalogue(root=root, python=str(content.get("python", "")), specs=specs)


def _spec(path: Path, name: str, table: Mapping[str, Any]) -> ImageSpec:
    unknown = set(table) - {"on", "lock", "extras", "without", "copies", "files", "bundled"}
    if unknown:
        raise CatalogueError(path=str(path), why=f"{name}: {', '.join(sorted(unknown))}?")
    return ImageSpec(
        name=name,
        on=tuple(table.get("on", ())),
        lock=table.get("lock", ""),
        extras=tuple(table.get("extras", ())),
        without=frozenset(table.get("without", ())),
        copies=tuple(table.get("copies", ())),
        files=tuple(table.get("files", ())),
        is_bundled=bool(table.get("bundled", False)),
    )
