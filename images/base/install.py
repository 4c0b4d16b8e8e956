"""Makes a virtual environment from locked wheels, without a package index, in an image's build.

::

    python3 install.py /opt/lab --drop 'pyarrow/tests' --keep 'statsmodels:__init__.py,_version.py'

Wheels lie in /wheels beside requirements.txt, uv's own in /tools. Every wheel's hash must be in
the requirements. ``--drop`` takes away what nothing in the image reads; ``--keep`` takes away all
of a package but what it names.
"""

# ruff: noqa: INP001  # run by its path

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

PYTHON = "/usr/bin/python3"


def main() -> None:
    """Make it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target", type=Path)
    parser.add_argument("--drop", action="append", default=[])
    parser.add_argument("--keep", action="append", default=[])
    options = parser.parse_args()
    target: Path = options.target
    uv = unpack_uv()
    run(uv, "venv", "--quiet", "--no-project", f"--python={PYTHON}", str(target))
    run(
        uv,
        *("pip", "install", "--quiet", f"--python={target}/bin/python", "--no-cache"),
        *("--no-index", "--find-links=/wheels", "--no-deps", "--require-hashes"),
        *("--link-mode=copy", "--requirement=/wheels/requirements.txt"),
    )
    [library] = target.glob("lib/python3.*/site-packages")
    for pattern in options.drop:
        for path in library.glob(pattern):
            remove(path)
    for each in options.keep:
        package, _, names = each.partition(":")
        keep_only(library / package, {library / package / name for name in names.split(",")})
    # Kept without dates: the file system is read-only, and a copy may change them.
    run(
        str(target / "bin" / "python"),
        *("-m", "compileall", "-qq", "-j0", "--invalidation-mode=unchecked-hash", str(library)),
        is_checked=False,  # packages carry templates that are no Python
    )


def unpack_uv() -> str:
    """Return the path of uv, taken out of its wheel."""
    [wheel] = Path("/tools").glob("uv-*.whl")
    with zipfile.ZipFile(wheel) as content:
        [name] = [each for each in content.namelist() if each.endswith("/scripts/uv")]
        path = Path("/tools/uv")
        path.write_bytes(content.read(name))
    path.chmod(0o755)
    return str(path)


def run(*command: str, is_checked: bool = True) -> None:
    """Run a program; end with it where it fails."""
    environment = os.environ | {"UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never"}
    subprocess.run(command, check=is_checked, env=environment)  # noqa: S603


def keep_only(folder: Path, kept: set[Path]) -> None:
    """Remove what is below a folder and neither kept nor on the way to it."""
    for each in folder.iterdir():
        if each in kept:
            continue
        if any(each in path.parents for path in kept):
            keep_only(each, kept)
        else:
            remove(each)


def remove(path: Path) -> None:
    """Remove a file or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


if __name__ == "__main__":
    main()
