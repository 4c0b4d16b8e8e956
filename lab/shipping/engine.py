"""The container engine: builds, tags and pushes images through its API."""

from __future__ import annotations

import io
import os
import re
import socket
import tarfile
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.shipping.errors import (
    BaseMissingError,
    BuildFailedError,
    EngineUnreachableError,
    PushFailedError,
    ToolMissingError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from lab.shipping.reference import Reference

LABEL = "vase-clos.lab/content"
"""On every image: the hash of what it was made from."""
_DEFAULT_HOST = "unix:///var/run/docker.sock"
_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)", re.DOTALL)
_API = "1.41"
"""Docker 20.10's; asking for the newest would cost a question first."""
_KEPT_LINES = 30
_TIMEOUT_S = 1800
_TRIES = 2


@dataclass(frozen=True, slots=True)
class Built:
    """An image in the engine.

    Attributes:
        size: In bytes, unpacked.
    """

    id: str
    size: int


class Engine:
    """One engine.

    Args:
        client: The low-level client of the docker package.
    """

    def __init__(self, client: Any, *, host: str) -> None:
        self._client, self.host = client, host

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    @property
    def architecture(self) -> str:
        """What the engine builds for, as it calls it."""
        return str(self._client.version()["Arch"])

    def base_id(self, base: str) -> str:
        """Return which image a base's name stands for, fetching it where it is not there.

        Raises:
            BaseMissingError: It cannot be had.
        """
        if (found := self.find(base)) is not None:
            return found.id
        try:
            with closing(self._client.pull(base, stream=True, decode=True)) as events:
                for event in events:
                    if "error" in event:
                        raise BaseMissingError(base=base, why=str(event["error"]))
        except _api_error() as error:
            raise BaseMissingError(base=base, why=_why(error)) from error
        if (found := self.find(base)) is None:
            raise BaseMissingError(base=base, why="the engine did not keep it")
        return found.id

    def find(self, name: str) -> Built | None:
        """Return an image of the engine, or nothing."""
        try:
            seen = self._client.inspect_image(name)
        except _api_error() as error:
            if _status(error) == 404:  # noqa: PLR2004  # HTTP's own number
                return None
            raise
        return Built(str(seen["Id"]), int(seen["Size"]))

    def build(
        self,
        image: str,
        archive: Path,
        *,
        tag: str,
        dockerfile: str,
        arguments: Mapping[str, str],
        content: str,
        say: Callable[[str], None],
    ) -> Built:
        """Build an image from a context.

        Args:
            image: Its name, for messages.
            archive: The context.
            tag: What the engine is to call it.
            dockerfile: Its path in the context.
            arguments: Of the build.
            content: The hash to label it with.
            say: Told each step, ``3/12``.

        Raises:
            BuildFailedError: A step failed.
        """
        step, log = "", []
        try:
            with archive.open("rb") as file:
                events = self._client.build(
                    fileobj=file,
                    custom_context=True,
                    dockerfile=dockerfile,
                    tag=tag,
                    buildargs=dict(arguments),
                    labels={LABEL: content},
                    network_mode="host",
                    rm=True,
                    forcerm=True,
                    decode=True,
                    timeout=_TIMEOUT_S,
                )
                with closing(events):
                    for event in events:
                        text = str(event.get("stream", ""))
                        if found := _STEP.match(text):
                            step = " ".join(found[3].split())
                            say(f"{found[1]}/{found[2]}")
                        log += [line for line in text.splitlines() if line.strip()]
                        if "error" in event:
                            raise self._failed(image, step, str(event["error"]), log)
        except _api_error() as error:
            raise self._failed(image, step, _why(error), log) from error
        built = self.find(tag)
        if built is None:
            raise self._failed(image, step, "the engine did not keep the image", log)
        return built

    def push(self, image: str, tag: str, to: Reference, say: Callable[[str], None]) -> str:
        """Push an image; return its digest.

        Raises:
            PushFailedError: The registry does not answer or refuses.
        """
        why = ""
        try:
            self._client.tag(tag, to.repository, to.tag, force=True)
            for attempt in range(_TRIES):  # a registry that drops one connection takes the next
                pushing = self._client.push(to.repository, to.tag, stream=True, decode=True)
                with closing(pushing):
                    digest, why = _follow(pushing, say)
                if digest:
                    return digest
                if attempt == _TRIES - 1 or "denied" in why or "unauthorized" in why:
                    break
        except _api_error() as error:
            why = _why(error)
        raise PushFailedError(image=image, registry=to.registry, why=why)

    def is_remote(self, reference: Reference) -> bool:
        """Tell whether a registry has an image, by its digest."""
        try:
            self._client.inspect_distribution(str(reference))
        except _api_error():
            return False
        return True

    def read(self, name: str, path: str) -> bytes | None:
        """Return a file of an image, or nothing where it has none of that name."""
        container = self._client.create_container(name, command=["/none"])
        try:
            stream, _ = self._client.get_archive(container["Id"], path)
            with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
                member = tar.extractfile(tar.next() or "")
                return member.read() if member else None
        except _api_error() as error:
            if _status(error) == 404:  # noqa: PLR2004  # HTTP's own number
                return None
            raise
        finally:
            self._client.remove_container(container["Id"], v=True, force=True)

    @staticmethod
    def _failed(image: str, step: str, why: str, log: list[str]) -> BuildFailedError:
        detail = "\n".join(log[-_KEPT_LINES:])
        return BuildFailedError(image=image, step=step, why=" ".join(why.split()), detail=detail)


def connect(host: str = "") -> Engine:
    """Return the engine at an address, else the one that the environment names.

    Raises:
        EngineUnreachableError: None answers there.
        ToolMissingError: The docker package is not installed.
    """
    try:
        import docker  # noqa: PLC0415  # of the extra `images`: an operator's, not a part's
    except ImportError as error:
        raise ToolMissingError(tool="vase-clos[images]") from error
    where = host or os.environ.get("DOCKER_HOST") or _DEFAULT_HOST
    try:
        _knock(where)
        client = docker.APIClient(base_url=where, version=_API, timeout=_TIMEOUT_S)
    except Exception as error:
        raise EngineUnreachableError(host=where, why=_why(error)) from error
    try:
        client.ping()
    except Exception as error:
        client.close()
        raise EngineUnreachableError(host=where, why=_why(error)) from error
    return Engine(client, host=where)


def _follow(events: Iterator[Mapping[str, Any]], say: Callable[[str], None]) -> tuple[str, str]:
    """Watch a push; return its digest, or why there is none."""
    layers: dict[str, bool] = {}
    why = "it gave no digest"
    for event in events:
        if "error" in event:
            return "", " ".join(str(event["error"]).split())
        if "id" in event:
            status = str(event.get("status", ""))
            layers[event["id"]] = status.startswith(("Pushed", "Layer already", "Mounted"))
            say(f"{sum(layers.values())}/{len(layers)}")
        aux = event.get("aux") or {}
        if "Digest" in aux:
            return str(aux["Digest"]), ""
    return "", why


def _api_error() -> type[Exception]:
    from docker.errors import APIError  # noqa: PLC0415  # as above

    return APIError  # type: ignore[no-any-return]


def _status(error: Exception) -> int:
    return int(getattr(getattr(error, "response", None), "status_code", 0) or 0)


def _knock(host: str) -> None:
    """Connect once to a local engine: the docker package leaks the socket where it cannot."""
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(host.removeprefix("unix://"))


def _why(error: Exception) -> str:
    """Return an error's reason in one line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(getattr(error, "explanation", None) or error).split())
