from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from lab.shipping import context
from lab.shipping.catalogue import ImageSpec
from lab.shipping.context import Context
from lab.shipping.errors import CatalogueError, FileMissingError
from lab.shipping.locked import Requirement, Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPEC = ImageSpec(name="tiny", on=("base",), copies=("code",), files=("tool",))
HERE = Target(python="3.11.2", machine="x86_64")
PACKAGE = Requirement("a", "1", ("sha256:aa",))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    checkout = tmp_path / "checkout"
    (checkout / "images" / "tiny").mkdir(parents=True)
    (checkout / "images" / "tiny" / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    (checkout / "code" / "deep" / "__pycache__").mkdir(parents=True)
    (checkout / "code" / "deep" / "a.py").write_text("a = 1\n")
    (checkout / "code" / "deep" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"x")
    (checkout / "code" / "run").write_text("#!/bin/sh\n")
    (checkout / "code" / "run").chmod(0o755)
    (tmp_path / "tool").write_bytes(b"a program")
    return checkout


def made(root: Path, *, base: str = "1", spec: ImageSpec = SPEC, version: str = "1") -> Context:
    return Context(
        spec=spec,
        target=HERE,
        files=context.collect(root, spec, {"tool": root.parent / "tool"}),
        requirements=(Requirement("a", version, ("sha256:aa",)),),
        bases={"BASE": ("base:x", base)},
    )


def test_a_context_holds_what_the_image_is_made_of_and_no_leftovers(root: Path) -> None:
    assert sorted(made(root).files) == [
        "code/deep/a.py",
        "code/run",
        "files/tool",
        "images/tiny/Dockerfile",
    ]


def test_the_same_content_gives_the_same_bytes(root: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    first, second = tmp_path / "1.tar", tmp_path / "2.tar"
    made(root).write(first, {PACKAGE: wheel})
    (root / "code" / "deep" / "a.py").touch()
    wheel.touch()
    made(root).write(second, {PACKAGE: wheel})
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as tar:
        modes = {each.name: each.mode for each in tar}
    assert modes["code/run"] == 0o755
    assert modes["code/deep/a.py"] == 0o644
    assert modes["files/tool"] == 0o755
    assert modes["wheels/a-1-py3-none-any.whl"] == 0o644


@pytest.mark.parametrize(
    "edit",
    [
        lambda root: (root / "code" / "deep" / "a.py").write_text("a = 2\n"),
        lambda root: (root / "code" / "deep" / "a.py").chmod(0o755),
        lambda root: (root / "code" / "deep" / "a.py").rename(root / "code" / "deep" / "b.py"),
        lambda root: (root / "code" / "new").write_text(""),
        lambda root: (root / "images" / "tiny" / "Dockerfile").write_text("FROM scratch\n"),
        lambda root: (root.parent / "tool").write_bytes(b"another program"),
    ],
    ids=["bytes", "mode", "name", "new file", "Dockerfile", "program"],
)
def test_whatever_changes_the_image_changes_its_content(
    root: Path, edit: Callable[[Path], object]
) -> None:
    before = made(root).content()
    edit(root)
    assert made(root).content() != before


def test_base_packages_and_options_change_the_content(root: Path) -> None:
    before = made(root).content()
    other = ImageSpec(name="tiny", on=("base",), copies=("code",), files=("tool",), drop=("x",))
    assert before not in {
        made(root, base="2").content(),
        made(root, version="2").content(),
        made(root, spec=other).content(),
    }


def test_leftovers_of_python_change_nothing(root: Path) -> None:
    before = made(root).content()
    (root / "code" / "deep" / "__pycache__" / "b.pyc").write_bytes(b"y")
    assert made(root).content() == before


def test_a_file_edited_during_the_build_does_not_slip_in(root: Path, tmp_path: Path) -> None:
    taken = made(root)
    (root / "code" / "deep" / "a.py").write_text("a = 666\n")
    taken.write(tmp_path / "x.tar", {PACKAGE: root.parent / "tool"})
    with tarfile.open(tmp_path / "x.tar") as tar:
        file = tar.extractfile("code/deep/a.py")
        assert file is not None
        assert file.read() == b"a = 1\n"


def test_what_is_missing_is_named(root: Path) -> None:
    with pytest.raises(FileMissingError, match="tool"):
        context.collect(root, SPEC, {})
    with pytest.raises(CatalogueError, match="policies"):
        context.collect(root, ImageSpec(name="tiny", copies=("policies",)), {})
