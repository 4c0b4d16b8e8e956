"""``images/digests.json``: what was pushed where; the chart deploys exactly that."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from lab.shipping.errors import CatalogueError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """One image in a registry.

    Attributes:
        reference: With its digest.
        content: The hash of what it was made from.
        size: In bytes, unpacked.
    """

    reference: str
    content: str
    size: int


@dataclass(slots=True)
class Digests:
    """All images that were pushed."""

    registry: str = ""
    images: dict[str, Pushed] = field(default_factory=dict)

    def put(self, registry: str, name: str, pushed: Pushed) -> None:
        """Note an image; another registry starts the list anew."""
        if registry != self.registry:
            self.registry, self.images = registry, {}
        self.images[name] = pushed


def read(path: Path) -> Digests:
    """Read the file; empty where it is not there.

    Raises:
        CatalogueError: It is not what this program writes.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        images = {name: Pushed(**each) for name, each in content["images"].items()}
        return Digests(content["registry"], images)
    except FileNotFoundError:
        return Digests()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CatalogueError(path=str(path), why=f"cannot be read: {error}") from error


def write(path: Path, digests: Digests) -> None:
    """Write the file, whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(asdict(digests), indent=2, sort_keys=True) + "\n", "utf-8")
    fresh.replace(path)
