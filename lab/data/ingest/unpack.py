"""What a file is, and its bytes, unpacked within limits."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import IO, TYPE_CHECKING, BinaryIO

from lab.data.errors import DataError
from lab.data.ingest.model import Format, Progress, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lab.data.ingest.model import Limits

CHUNK_BYTES = 8 * 2**20
_FREE_BYTES = 16 * 2**20  # small enough to be harmless whatever the ratio
_HEAD_BYTES = 4096

BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
"""What the standard library raises of a ZIP: broken, cut, or packed in a way it does not know."""


class Wrapping(Enum):
    """How the text of a file is packed."""

    NONE = "none"
    GZIP = "gzip"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class Origin:
    """A raw file and how its bytes are to be taken.

    Attributes:
        path: Of the raw file.
        size: Bytes of the raw file.
        format: What it is; DELIMITED stands for any text until its content is seen.
        wrapping: How its text is packed.
        limits: What is refused.
    """

    path: Path
    size: int
    format: Format
    wrapping: Wrapping
    limits: Limits

    def chunks(self, step: Step, progress: Callable[[Progress], None]) -> Iterator[bytes]:
        """Yield the unpacked bytes in order, telling how far the raw file is read.

        Raises:
            DataError: ``zip_bomb``, ``corrupt_archive``.
        """
        done = 0
        with self.path.open("rb") as raw, _unpacked(raw, self.wrapping) as stream:
            while True:
                chunk = _read(stream, self.wrapping)
                if not chunk:
                    break
                done += len(chunk)
                if self.wrapping is not Wrapping.NONE:
                    check_unpacked(done, self.size, self.limits)
                yield chunk
                progress(Progress(step, min(raw.tell(), self.size), self.size))
        progress(Progress(step, self.size, self.size))


def probe(path: Path, limits: Limits) -> Origin:
    """Tell what a file is by its first bytes.

    Raises:
        DataError: ``empty_file``, ``file_too_large``, ``old_excel``, ``several_members``,
            ``corrupt_archive``, ``encrypted_archive``, ``nested_archive``.
    """
    size = path.stat().st_size
    if size == 0:
        raise DataError("empty_file", fr="Le fichier est vide.", en="The file is empty.")
    if size > limits.max_bytes:
        raise DataError(
            "file_too_large",
            fr=f"Le fichier a {size} octets; la limite est de {limits.max_bytes} octets.",
            en=f"The file has {size} bytes; the limit is {limits.max_bytes} bytes.",
        )
    with path.open("rb") as raw:
        head = raw.read(_HEAD_BYTES)
    form, wrapping = Format.DELIMITED, Wrapping.NONE
    if head.startswith(b"PAR1"):
        form = Format.PARQUET
    elif head.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError(
            "old_excel",
            fr="Ce fichier est un ancien classeur (.xls) ou un classeur chiffré : "
            "enregistrez-le en .xlsx, sans mot de passe.",
            en="This file is an old workbook (.xls) or an encrypted one: save it as .xlsx, "
            "without a password.",
        )
    elif head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        form, wrapping = _look_into_zip(path)
    elif head.startswith(b"\x1f\x8b"):
        wrapping = Wrapping.GZIP
    return Origin(path, size, form, wrapping, limits)


def check_unpacked(unpacked: int, packed: int, limits: Limits) -> None:
    """Refuse what unpacks to too much.

    Raises:
        DataError: ``zip_bomb``.
    """
    if unpacked <= limits.max_unpacked_bytes and (
        unpacked <= _FREE_BYTES or unpacked <= packed * limits.max_unpacked_ratio
    ):
        return
    raise DataError(
        "zip_bomb",
        fr=f"Une fois décompressé, ce fichier de {packed} octets dépasse {unpacked} octets : "
        f"la limite est de {limits.max_unpacked_ratio} fois sa taille et de "
        f"{limits.max_unpacked_bytes} octets.",
        en=f"Once unpacked, this file of {packed} bytes is over {unpacked} bytes: the limit is "
        f"{limits.max_unpacked_ratio} times its size and {limits.max_unpacked_bytes} bytes.",
    )


def corrupt(cause: str) -> DataError:
    """Make the error of a file that cannot be opened as what it says it is."""
    return DataError(
        "corrupt_archive",
        fr=f"Le fichier est abîmé ou incomplet ({cause}).",
        en=f"The file is damaged or incomplete ({cause}).",
    )


def _look_into_zip(path: Path) -> tuple[Format, Wrapping]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            names = {m.filename for m in members}
            if any(m.flag_bits & 1 for m in members):
                raise DataError(
                    "encrypted_archive",
                    fr="L’archive est chiffrée : déposez le fichier sans mot de passe.",
                    en="The archive is encrypted: bring the file without a password.",
                )
            if "xl/workbook.xml" in names:
                return Format.EXCEL, Wrapping.NONE
            # What macOS adds beside each file is no data.
            members = [m for m in members if not m.filename.startswith("__MACOSX/")]
            if len(members) != 1:
                raise DataError(
                    "several_members",
                    fr=f"L’archive contient {len(members)} fichiers : il en faut un seul.",
                    en=f"The archive holds {len(members)} files: it must hold exactly one.",
                )
            with archive.open(members[0]) as inner:
                if inner.read(4)[:4] in {b"PK\x03\x04", b"PAR1"}:
                    raise DataError(
                        "nested_archive",
                        fr="L’archive contient une archive, un classeur ou un Parquet : "
                        "déposez-le directement.",
                        en="The archive holds an archive, a workbook or a Parquet file: "
                        "bring it as it is.",
                    )
    except (*BROKEN_ZIP, OSError) as error:
        raise corrupt(type(error).__name__) from error
    return Format.DELIMITED, Wrapping.ZIP


@contextmanager
def _unpacked(raw: BinaryIO, wrapping: Wrapping) -> Iterator[IO[bytes] | gzip.GzipFile]:
    if wrapping is Wrapping.NONE:
        yield raw
    elif wrapping is Wrapping.GZIP:
        with gzip.GzipFile(fileobj=raw) as stream:
            yield stream
    else:
        try:
            archive = zipfile.ZipFile(raw)
        except zipfile.BadZipFile as error:
            raise corrupt(type(error).__name__) from error
        with archive:
            name = next(
                m.filename
                for m in archive.infolist()
                if not m.is_dir() and not m.filename.startswith("__MACOSX/")
            )
            with archive.open(name) as member:
                yield member


def _read(stream: IO[bytes] | gzip.GzipFile, wrapping: Wrapping) -> bytes:
    if wrapping is Wrapping.NONE:
        return stream.read(CHUNK_BYTES)
    try:
        return stream.read(CHUNK_BYTES)
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise corrupt(type(error).__name__) from error
