"""Names of images and registries, read and written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.shipping.errors import BadReferenceError

PROJECT = "vase-clos"
_HOST = r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = re.compile(rf"{_HOST}(?:/{_PART})*")
_REFERENCE = re.compile(
    rf"(?P<registry>{_HOST})/(?P<path>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an image lies.

    Attributes:
        path: Below the registry.
        tag: Empty where none is said.
        digest: ``sha256:`` and 64 hexadecimal digits; empty where none is said.
    """

    registry: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def repository(self) -> str:
        """The registry and the path."""
        return f"{self.registry}/{self.path}"

    def __str__(self) -> str:
        """Write it as engines read it."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"


def parse(text: str) -> Reference:
    """Read a reference that names its registry.

    Raises:
        BadReferenceError: It is none.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None or not _names_a_host(found["registry"]):
        raise BadReferenceError(text=text)
    return Reference(found["registry"], found["path"], found["tag"] or "", found["digest"] or "")


def registry(text: str) -> str:
    """Return a registry, or a path in one, as it is written before an image's name.

    Raises:
        BadReferenceError: It names none.
    """
    clean = text.removeprefix("https://").removeprefix("http://").rstrip("/")
    if not _REGISTRY.fullmatch(clean) or not _names_a_host(clean.split("/")[0]):
        raise BadReferenceError(text=text)
    return clean


def local(name: str, content: str) -> str:
    """Return what an image is called in the engine that built it."""
    return f"{PROJECT}/{name}:{content[:16]}"


def remote(where: str, name: str, content: str) -> Reference:
    """Return where an image is pushed."""
    return parse(f"{where}/{PROJECT}/{name}:{content[:16]}")


def _names_a_host(text: str) -> bool:
    """Tell a host from the first part of a path: engines do it the same way."""
    return any(sign in text for sign in ".:[") or text == "localhost"
