from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
RUNTIMES = ("lab/providers/local/inside", "lab/providers/kubernetes/inside")
SHARED = "lab/probing"
NO_AIMS = 6


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", [*RUNTIMES, SHARED])
def test_what_runs_inside_imports_the_standard_library_and_what_is_shown_beside_it(
    folder: str,
) -> None:
    own = {path.stem for path in (ROOT / folder).iterdir()} if folder != SHARED else set()
    known = sys.stdlib_module_names | own
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    for file in files:
        for name in imported(file):
            is_shared = name.startswith("lab.probing.")
            assert is_shared or name.split(".")[0] in known, f"{file.relative_to(ROOT)}: {name}"


def test_the_probe_image_holds_all_that_its_program_imports(tmp_path: Path) -> None:
    for line in (ROOT / "images/probe/Dockerfile").read_text("utf-8").splitlines():
        if line.startswith("COPY "):
            _, source, target = line.split()
            shutil.copytree(ROOT / source, tmp_path / target.lstrip("/"))
    (entry,) = tmp_path.glob("**/probe/__main__.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(entry.parent)],
        cwd=tmp_path,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, "cannot be read" in done.stderr) == (NO_AIMS, True), done.stderr
