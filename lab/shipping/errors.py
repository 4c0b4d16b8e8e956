"""What can go wrong with images; each says it in one line."""

from __future__ import annotations


class ShippingError(Exception):
    """Images cannot be built, pushed or listed as things are here.

    Attributes:
        detail: The last lines of what the failing tool said, or nothing.
    """

    def __init__(self, text: str, *, detail: str = "") -> None:
        super().__init__(text)
        self.detail = detail


class CatalogueError(ShippingError):
    """``images/images.toml`` or a Dockerfile it names cannot be used."""

    def __init__(self, *, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path, self.why = path, why


class UnknownImageError(ShippingError):
    """No image has that name."""

    def __init__(self, *, name: str, known: str) -> None:
        super().__init__(f"there is no image {name}; there are {known}")
        self.name, self.known = name, known


class BadReferenceError(ShippingError):
    """The text names no registry or image."""

    def __init__(self, *, text: str) -> None:
        super().__init__(f"{text!r} is not the name of a registry or an image")
        self.text = text


class ToolMissingError(ShippingError):
    """A program or package that building needs is not installed."""

    def __init__(self, *, tool: str) -> None:
        super().__init__(f"{tool} is not installed")
        self.tool = tool


class FileMissingError(ShippingError):
    """A file that an image needs from outside the repository is not there."""

    def __init__(self, *, image: str, name: str) -> None:
        super().__init__(f"the image {image} needs the file {name}, which was not given")
        self.image, self.name = image, name


class EngineUnreachableError(ShippingError):
    """No container engine answers."""

    def __init__(self, *, host: str, why: str) -> None:
        super().__init__(f"no container engine answers at {host}: {why}")
        self.host, self.why = host, why


class BaseMissingError(ShippingError):
    """The engine has no such base image and cannot fetch it."""

    def __init__(self, *, base: str, why: str) -> None:
        super().__init__(f"the base image {base} cannot be had: {why}")
        self.base, self.why = base, why


class DownloadFailedError(ShippingError):
    """A locked package could not be fetched."""

    def __init__(self, *, why: str, detail: str = "") -> None:
        super().__init__(f"the locked packages could not be fetched: {why}", detail=detail)
        self.why = why


class BuildFailedError(ShippingError):
    """A step of a Dockerfile failed."""

    def __init__(self, *, image: str, step: str, why: str, detail: str = "") -> None:
        super().__init__(f"building {image} failed at «{step}»: {why}", detail=detail)
        self.image, self.step, self.why = image, step, why


class PushFailedError(ShippingError):
    """The registry did not take an image."""

    def __init__(self, *, image: str, registry: str, why: str) -> None:
        super().__init__(f"{registry} did not take {image}: {why}")
        self.image, self.registry, self.why = image, registry, why


class NotBuiltError(ShippingError):
    """An image is to be pushed that was not built from what is here now."""

    def __init__(self, *, image: str) -> None:
        super().__init__(f"{image} is not built, or changed since")
        self.image = image
