"""What becomes of images, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Reporter(Protocol):
    """Is told how far each image is; from several threads."""

    def show(self, name: str, state: str, seconds: float) -> None:
        """Take note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """What became of one image.

    Attributes:
        is_new: It was built, or pushed, now; else it was there already.
        name_there: Its local name, or its reference in the registry.
        content: The hash of what it is made of.
        size: In bytes, unpacked.
    """

    name: str
    is_new: bool
    name_there: str
    content: str
    size: int
    seconds: float
