"""Fetches locked wheels, by hash, into one folder that builds take them from."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from lab.shipping.errors import DownloadFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lab.shipping.locked import Requirement, Target

OLDEST_GLIBC, NEWEST_GLIBC = 5, 36
"""Minor versions: wheels for glibc 2.5 to 2.36, which Debian 12 has, run in the images."""
_AT_ONCE = 3
_CHUNK = 1 << 20


class Wheelhouse:
    """The folder of wheels.

    Args:
        folder: Where they are kept; made when needed. It may be carried to a machine
            without a package index.
        say: Told in a line what is being fetched.
    """

    def __init__(self, folder: Path, say: Callable[[int], None]) -> None:
        self._folder, self._say = folder, say

    def ensure(self, wanted: Iterable[Requirement], target: Target) -> dict[Requirement, Path]:
        """Return the wheel of each package, fetching what is not there.

        Raises:
            DownloadFailedError: One could not be fetched, or is not what the lock says.
        """
        packages = tuple(dict.fromkeys(wanted))
        self._folder.mkdir(parents=True, exist_ok=True)
        found = self._find(packages)
        missing = [each for each in packages if each not in found]
        if missing:
            self._say(len(missing))
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda share: self._fetch(share, target), shares(missing, _AT_ONCE)))
            found = self._find(packages)
        for each in packages:
            if each not in found:
                raise DownloadFailedError(why=f"{each.name} {each.version} has no wheel that fits")
        return found

    def _find(self, packages: Sequence[Requirement]) -> dict[Requirement, Path]:
        """Return the right wheels that are there; what is not as locked does not count."""
        there: dict[tuple[str, str], list[Path]] = {}
        for path in self._folder.glob("*.whl"):
            try:
                name, version, _, _ = parse_wheel_filename(path.name)
            except InvalidWheelFilename:
                continue
            there.setdefault((canonicalize_name(name), str(version)), []).append(path)
        found = {}
        for each in packages:
            for path in there.get((each.name, each.version), ()):
                if f"sha256:{digest_of(path)}" in each.hashes:
                    found[each] = path
        return found

    def _fetch(self, packages: Sequence[Requirement], target: Target) -> None:
        platforms = [
            f"manylinux_2_{minor}_{target.machine}"
            for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)
        ]
        others = ("manylinux2014", "manylinux2010", "manylinux1", "linux")
        platforms += [f"{other}_{target.machine}" for other in others]
        with tempfile.TemporaryDirectory() as scratch:
            listed = Path(scratch, "requirements.txt")
            listed.write_text("".join(f"{each.line()}\n" for each in packages), "utf-8")
            command = (
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input"),
                *("--disable-pip-version-check", "--no-deps", "--require-hashes"),
                *("--only-binary=:all:", "--implementation=cp"),
                f"--python-version={target.short_python}",
                f"--abi=cp{target.short_python.replace('.', '')}",
                *(f"--platform={platform}" for platform in platforms),
                *(f"--dest={self._folder}", f"--requirement={listed}"),
            )
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            errors = [line for line in said.splitlines() if line.startswith("ERROR:")]
            why = (errors or said.splitlines() or ["pip"])[-1].removeprefix("ERROR: ")
            raise DownloadFailedError(why=why, detail=said)


def shares(packages: Sequence[Requirement], count: int) -> list[list[Requirement]]:
    """Split packages among calls of pip, which refuses two versions of one package."""
    found: list[list[Requirement]] = []
    rest = list(packages)
    while rest:
        first = {each.name: each for each in reversed(rest)}
        rest = [each for each in rest if first[each.name] is not each]
        once = list(first.values())
        found += [share for start in range(count) if (share := once[start::count])]
    return found


def digest_of(path: Path) -> str:
    """Return a file's SHA-256, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()
