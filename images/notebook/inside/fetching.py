"""Data sets, from the storage door to a folder, each byte checked. Standard library only.

What is to be fetched, with sizes and digests, comes from the control plane's rows in
``LAB_DATASETS``: the store is not asked what it thinks that it holds.
"""

# run by its path, in the image

from __future__ import annotations

import hashlib
import http.client
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from signing import Signer
from starting import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BUCKET = "jeux"
TARGET = Path("/home/scientist/donnees")
TOLD = Path("/dev/termination-log")
"""What is written there reaches whoever waits for the notebook."""

PATIENCE_SECONDS = 60.0
"""A door that has just been opened may not answer at once."""

PAUSE_SECONDS = 0.5
BLOCK = 1 << 20


class FetchError(Exception):
    """A data set is not as it should be; the message is for a person."""


@dataclass(frozen=True)
class File:
    """One file of one version."""

    dataset: str
    version: int
    name: str
    size: int
    sha256: str

    @property
    def key(self) -> str:
        """Where it lies in the bucket."""
        return f"{self.dataset}/v{self.version}/{self.name}"


def wanted(text: str) -> Iterator[File]:
    """Read what is to be fetched.

    Raises:
        FetchError: It cannot be read, or a name leads out of its folder.
    """
    try:
        for entry in json.loads(text or "[]"):
            for file in entry["files"]:
                found = File(
                    str(entry["id"]),
                    int(entry["version"]),
                    str(file["name"]),
                    int(file["size"]),
                    str(file["sha256"]),
                )
                if any(part in {"", ".", ".."} for part in found.key.split("/")):
                    raise FetchError(f"Nom de fichier refusé : {found.key}")
                yield found
    except (ValueError, KeyError, TypeError) as error:
        raise FetchError("La liste des jeux de données est illisible.") from error


class Door:
    """The storage door, and what opens it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        where = urlsplit(env["AWS_ENDPOINT_URL"])
        self._host, self._port = where.hostname or "", where.port or 80
        self._authority = where.netloc
        self._signer = Signer(
            access_key=env["AWS_ACCESS_KEY_ID"],
            secret_key=env["AWS_SECRET_ACCESS_KEY"],
            region=env.get("AWS_REGION", "us-east-1"),
        )

    def read(self, key: str) -> Iterator[bytes]:
        """Return the bytes of one object.

        Raises:
            OSError: The door does not answer, or not yet.
            FetchError: It refuses, or there is no such object.
        """
        path = f"/{BUCKET}/{quote(key)}"
        connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        try:
            connection.request("GET", path, headers=self._signer.headers(self._authority, path))
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                answer.read()
                raise _said(answer.status, key)
            while block := answer.read(BLOCK):
                yield block
        except http.client.HTTPException as error:
            raise OSError(str(error) or type(error).__name__) from error
        finally:
            connection.close()


def _said(status: int, key: str) -> Exception:
    if status >= http.client.INTERNAL_SERVER_ERROR or status in {401, 403, 429}:
        # A key that was just made may not have reached the door.
        return PermissionError(f"la porte du stockage répond {status} pour {key}")
    return FetchError(f"Le stockage répond {status} pour {key}.")


def fetch(file: File, door: Door, target: Path) -> bool:
    """Bring one file; tell whether it had to be fetched.

    Raises:
        OSError: The door does not answer.
        FetchError: What came is not what was published.
    """
    place = target / file.dataset / file.name
    if place.exists() and _digest(place) == (file.size, file.sha256):
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        with draft.open("wb") as out:
            for block in door.read(file.key):
                out.write(block)
        if _digest(draft) != (file.size, file.sha256):
            raise FetchError(f"{file.key} n’est pas ce qui a été publié : empreinte différente.")
        draft.chmod(0o444)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
    return True


def _digest(path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def fetch_all(env: Mapping[str, str], target: Path, patience_seconds: float) -> int:
    """Bring everything, waiting for a door that is slow to open; return how many files came.

    Raises:
        FetchError: The reason, for a person.
    """
    door, came = Door(env), 0
    deadline = time.monotonic() + patience_seconds
    for file in wanted(env.get("LAB_DATASETS", "")):
        while True:
            try:
                came += fetch(file, door, target)
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise FetchError(f"{file.key} ne peut pas être lu : {error}") from error
                time.sleep(PAUSE_SECONDS)
    return came


def main() -> int:
    """Fetch, and say in one line what went wrong."""
    try:
        env = environment(os.environ)
        fetch_all(env, TARGET, PATIENCE_SECONDS)
    except FetchError as error:
        message = str(error)
    except (OSError, KeyError) as error:
        message = f"Les accès au stockage ne sont pas en place ({error})."
    else:
        return 0
    sys.stderr.write(message + "\n")
    if TOLD.exists():
        TOLD.write_text(message, encoding="utf-8")
    return 1
