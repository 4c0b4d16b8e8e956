"""The images there are, as ``images/images.toml`` declares them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lab.shipping.errors import CatalogueError, UnknownImageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


_LISTS = ("on", "extras", "drop", "copies", "files", "go")
_KEYS = {*_LISTS, "lock", "target", "without", "keep", "bundled"}
_PACKAGES = "-packages"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpec:
    """What one image is made of beside its Dockerfile.

    Attributes:
        on: Images of ours that it starts from; none: the base given to the build.
        lock: Folder of the uv project its packages come from, below the repository; or empty.
        extras: Of that project.
        without: Packages of the lock that are left out.
        target: Where they are installed.
        drop: Patterns of files of packages that are taken away.
        keep: Packages of which only the named files stay.
        copies: Files and folders of the repository in the build's context.
        files: Programs from outside the repository, by name.
        go: Go programs in the image, whose modules the bill of materials lists.
        is_bundled: For trials; built only when asked.
    """

    name: str
    on: tuple[str, ...] = ()
    lock: str = ""
    extras: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    target: str = "/opt/lab"
    drop: tuple[str, ...] = ()
    keep: Mapping[str, Sequence[str]] = field(default_factory=dict)
    copies: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    go: tuple[str, ...] = ()
    is_bundled: bool = False

    @property
    def dockerfile(self) -> str:
        """Where its Dockerfile lies, below the repository."""
        return f"images/{'packages' if self.lock else self.name}/Dockerfile"


def argument(name: str) -> str:
    """Return what a Dockerfile calls an image that it starts from."""
    return "PACKAGES" if name.endswith(_PACKAGES) else name.upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All images, those before that others start from.

    Attributes:
        root: The checkout.
        base: What the first of them start from where nothing else is said.
        python: The base's version of it, whole.
    """

    root: Path
    base: str
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
                known = (each for each in self.specs if not each.endswith(_PACKAGES))
                raise UnknownImageError(name=name, known=", ".join(known))
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
    specs = {
        spec.name: spec
        for name, table in content.get("images", {}).items()
        for spec in _specs(path, name, table)
    }
    known: set[str] = set()
    for spec in specs.values():
        for each in spec.on:
            if each not in known:  # also what would go round in a circle
                raise CatalogueError(path=str(path), why=f"{spec.name}: {each} is not above it")
        known.add(spec.name)
    return Catalogue(
        root=root,
        base=str(content.get("base", "")),
        python=str(content.get("python", "")),
        specs=specs,
    )


def _specs(path: Path, name: str, table: Mapping[str, Any]) -> tuple[ImageSpec, ...]:
    """Return an image, after the one that holds its packages."""
    unknown = set(table) - _KEYS
    if unknown:
        raise CatalogueError(path=str(path), why=f"{name}: {', '.join(sorted(unknown))}?")
    lists = {key: tuple(table.get(key, ())) for key in _LISTS}
    image = ImageSpec(
        name=name,
        on=lists["on"],
        copies=lists["copies"],
        files=lists["files"],
        go=lists["go"],
        is_bundled=bool(table.get("bundled", False)),
    )
    if "lock" not in table:
        return (image,)
    packages = ImageSpec(
        name=f"{name}{_PACKAGES}",
        on=tuple(dict.fromkeys(("base", *image.on))),
        lock=str(table["lock"]),
        extras=lists["extras"],
        without=frozenset(table.get("without", ())),
        target=str(table.get("target", "/opt/lab")),
        drop=lists["drop"],
        keep=dict(table.get("keep", {})),
        copies=("images/packages/install.py",),
        is_bundled=image.is_bundled,
    )
    return (packages, replace(image, on=(packages.name,)))
