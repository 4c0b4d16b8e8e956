"""The notebook environment as it is shown inside: nothing of the machine but what it needs.

A virtual environment's python is a link to an interpreter elsewhere (the
system's, pyenv's, uv's), often in somebody's home. The interpreter, its
standard library and its shared library are shown under ``/opt/python``; the
environment under ``/opt/notebook``, with its scripts pointing there.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.errors import TerminalProviderError
from lab.domain.sandbox import Stage

if TYPE_CHECKING:
    from pathlib import Path

NOTEBOOK = "/opt/notebook"
PYTHON = "/opt/python"

_VERSION = re.compile(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where an environment and its interpreter are, and what they are called inside.

    Attributes:
        binds: What is shown read-only: path inside, path outside.
        hidden: Folders inside those binds that are covered by an empty one.
        python: The bare interpreter, as seen inside.
    """

    environment: Path
    binds: tuple[tuple[str, Path], ...]
    hidden: tuple[str, ...]
    python: str

    @property
    def library_path(self) -> str:
        """Where the interpreter's shared library is, if not in the system; else empty."""
        return f"{PYTHON}/lib" if self.python.startswith(PYTHON) else ""


def find(environment: Path) -> Runtime:
    """Look an environment over.

    Raises:
        TerminalProviderError: It is no virtual environment, or its interpreter is gone.
    """
    config, link = environment / "pyvenv.cfg", environment / "bin" / "python"
    if not config.is_file() or not link.exists():
        raise TerminalProviderError(
            Stage.ISOLATION, f"the notebook environment is missing or broken: {environment}"
        )
    real = link.resolve()
    match = _VERSION.search(config.read_text("utf-8"))
    version = f"{match[1]}.{match[2]}" if match else real.name.removeprefix("python")
    parts = tuple(
        (f"{NOTEBOOK}/{child.name}", child)
        for child in sorted(environment.iterdir())
        if child.is_dir() and not child.is_symlink() and child.name != "bin"
    )
    prefix = real.parent.parent
    if str(prefix) == "/usr":
        return Runtime(environment, parts, (), str(real))
    inner = f"{PYTHON}/lib/python{version}"
    library = prefix / "lib" / f"python{version}"
    shared = tuple(
        (f"{PYTHON}/lib/{file.name}", file.resolve())
        for file in sorted((prefix / "lib").glob("libpython*.so*"))
    )
    binary = (f"{PYTHON}/bin/python{version}", real)
    hidden = f"{inner}/site-packages" if (library / "site-packages").is_dir() else None
    return Runtime(
        environment,
        (binary, (inner, library), *shared, *parts),
        (hidden,) if hidden else (),
        binary[0],
    )


def write_scripts(runtime: Runtime, folder: Path) -> None:
    """Make the ``bin`` folder and ``pyvenv.cfg`` that are shown inside.

    Args:
        runtime: As ``find`` returned it.
        folder: Filled with ``bin/`` and ``pyvenv.cfg``.
    """
    binaries = folder / "bin"
    shutil.rmtree(binaries, ignore_errors=True)
    binaries.mkdir(parents=True)
    env = runtime.environment
    old = {f"{env}/bin/".encode(), f"{env.resolve()}/bin/".encode()}
    for file in (env / "bin").iterdir():
        target = binaries / file.name
        if file.name.startswith("python"):
            target.symlink_to(runtime.python)
        elif file.is_file() and not file.name.lower().startswith("activate"):
            content = file.read_bytes()
            if content.startswith(b"#!"):
                for path in old:
                    content = content.replace(path, f"{NOTEBOOK}/bin/".encode())
            target.write_bytes(content)
            target.chmod(0o755)
    (folder / "pyvenv.cfg").write_text(
        f"home = {runtime.python.rpartition('/')[0]}\ninclude-system-site-packages = false\n",
        "ascii",
    )
