"""Makes a virtual environment from locked wheels, without a package index, in an image's build.

Wheels lie in /wheels beside requirements.txt, uv's own in /tools. Every wheel's hash must be in
the requirements. What else to do stands in /wheels/install.json, which `lab images build` writes
from images/images.toml: the folder, and what nothing in the image reads and is taken away.
"""

# run by its path

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

PYTHON = "/usr/bin/python3"


def main() -> None:
    """Make it."""
    options = json.loads(Path("/wheels/install.json").read_text("utf-8"))
    target = Path(options["target"])
    uv = unpack_uv()
    if not (target / "bin" / "python").exists():
        run(uv, "venv", "--quiet", "--no-project", f"--python={PYTHON}", str(target))
    run(
        uv,
        *("pip", "install", "--quiet", f"--python={target}/bin/python", "--no-cache"),
        *("--no-index", "--find-links=/wheels", "--no-deps", "--require-hashes"),
        *("--link-mode=copy", "--requirement=/wheels/requirements.txt"),
    )
    [library] = target.glob("lib/python3.*/site-packages")
    for pattern in options["drop"]:
        for path in library.glob(pattern):
            remove(path)
    for package, names in options["keep"].items():
        keep_only(library / package, {library / package / name for name in names})
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
    subprocess.run(command, check=is_checked, env=environment)


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
