from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from lab.shipping import catalogue, record, reference
from lab.shipping.building import Yard
from lab.shipping.engine import Built
from lab.shipping.errors import (
    BuildFailedError,
    CatalogueError,
    NotBuiltError,
    PushFailedError,
)
from lab.shipping.turn import alone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lab.shipping.reference import Reference

DECLARED = """
base = "debian:12"
python = "3.11.2"
[images.base]
[images.one]
on = ["base"]
copies = ["code"]
[images.two]
on = ["base"]
[images.extra]
bundled = true
"""
DIGEST = "sha256:" + "0" * 64


class Memory:
    """An engine and a registry that keep nothing but names."""

    architecture = "amd64"

    def __init__(self) -> None:
        self.images: dict[str, str] = {}
        self.remote: set[str] = set()
        self.built: list[str] = []
        self.pushed: list[str] = []
        self.breaks: set[str] = set()
        self.base = "sha256:base"

    def base_id(self, base: str) -> str:
        assert base == "debian:12"
        return self.base

    def find(self, name: str) -> Built | None:
        return Built(self.images[name], 100) if name in self.images else None

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
        assert archive.stat().st_size
        assert dockerfile == f"images/{image}/Dockerfile"
        for each in arguments.values():
            assert each == "debian:12" or each in self.images, "what it starts from is not there"
        if image in self.breaks:
            raise BuildFailedError(image=image, step="RUN x", why="it broke")
        say("1/1")
        self.images[tag] = content
        self.built.append(image)
        return Built(content, 100)

    def push(self, image: str, tag: str, to: Reference, say: Callable[[str], None]) -> str:
        assert tag in self.images
        if image in self.breaks:
            raise PushFailedError(image=image, registry=to.registry, why="denied")
        say("1/1")
        digest = f"sha256:{self.images[tag]}"
        self.remote.add(f"{to.repository}@{digest}")
        self.pushed.append(image)
        return digest

    def is_remote(self, reference_: Reference) -> bool:
        return str(reference_) in self.remote

    def read(self, name: str, path: str) -> bytes | None:
        assert name in self.images
        assert path
        return None


class Silent:
    def show(self, name: str, state: str, seconds: float) -> None:
        assert name
        assert state
        assert seconds >= 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("base", "one", "two", "extra"):
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    (tmp_path / "images" / "extra" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "images" / "images.toml").write_text(DECLARED)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("a = 1\n")
    return tmp_path


def yard(root: Path, engine: Memory) -> Yard:
    known = catalogue.read(root)
    return Yard(known, engine, Silent(), base=known.base, given={}, jobs=2)  # type: ignore[arg-type]


def build(root: Path, engine: Memory, *names: str) -> dict[str, bool]:
    shipped = yard(root, engine).build(catalogue.read(root).chosen(names))
    return {each.name: each.is_new for each in shipped}


def push(root: Path, engine: Memory, registry: str = "r.example.org") -> dict[str, bool]:
    known, place = catalogue.read(root), yard(root, engine)
    specs = known.chosen([])
    place.build(specs)
    shipped = place.push(known.deployed(specs), registry, root / "digests.json")
    return {each.name: each.is_new for each in shipped}


def test_all_is_built_once_and_nothing_twice(root: Path) -> None:
    engine = Memory()
    assert build(root, engine) == {"base": True, "one": True, "two": True}
    assert engine.built[0] == "base"
    assert build(root, engine) == {"base": False, "one": False, "two": False}
    assert sorted(engine.built) == ["base", "one", "two"]


def test_only_what_changed_is_built_again(root: Path) -> None:
    engine = Memory()
    build(root, engine)
    (root / "code" / "a.py").write_text("a = 2\n")
    assert build(root, engine) == {"base": False, "one": True, "two": False}


def test_another_base_builds_everything_anew(root: Path) -> None:
    engine = Memory()
    build(root, engine)
    engine.base = "sha256:another"
    assert build(root, engine) == {"base": True, "one": True, "two": True}


def test_what_the_engine_lost_is_built_again(root: Path) -> None:
    engine = Memory()
    build(root, engine)
    lost = next(name for name in engine.images if "/two:" in name)
    del engine.images[lost]
    assert build(root, engine) == {"base": False, "one": False, "two": True}


def test_a_bill_of_materials_is_written_for_each_and_again_for_what_changed(root: Path) -> None:
    engine = Memory()
    build(root, engine)
    path = root / ".build" / "sbom" / "one.cdx.json"
    before = json.loads(path.read_text())["serialNumber"]
    (root / "code" / "a.py").write_text("a = 2\n")
    build(root, engine)
    assert json.loads(path.read_text())["serialNumber"] != before


def test_a_build_that_fails_stops_and_says_which(root: Path) -> None:
    engine = Memory()
    engine.breaks = {"base"}
    with pytest.raises(BuildFailedError, match="base"):
        build(root, engine)
    assert engine.built == []
    assert not list((root / ".build" / "images").glob("*.tar"))


def test_digests_are_noted_and_what_is_there_is_not_pushed_again(root: Path) -> None:
    engine = Memory()
    assert push(root, engine) == {"one": True, "two": True}
    noted = record.read(root / "digests.json")
    assert noted.registry == "r.example.org"
    assert set(noted.images) == {"one", "two"}
    for name, each in noted.images.items():
        assert each.reference == f"r.example.org/vase-clos/{name}@sha256:{each.content}"
        assert reference.parse(each.reference).digest
    assert push(root, engine) == {"one": False, "two": False}
    assert sorted(engine.pushed) == ["one", "two"]


def test_what_the_registry_lost_is_pushed_again(root: Path) -> None:
    engine = Memory()
    push(root, engine)
    engine.remote.clear()
    assert push(root, engine) == {"one": True, "two": True}


def test_another_registry_gets_all_and_the_file_names_that_one(root: Path) -> None:
    engine = Memory()
    push(root, engine)
    assert push(root, engine, "other.example.org/x") == {"one": True, "two": True}
    noted = record.read(root / "digests.json")
    assert noted.registry == "other.example.org/x"
    assert all(each.reference.startswith("other.") for each in noted.images.values())


def test_what_was_pushed_before_one_failed_is_noted(root: Path) -> None:
    engine = Memory()
    push(root, engine)
    (root / "code" / "a.py").write_text("a = 2\n")
    engine.breaks = set()
    build(root, engine)
    engine.breaks = {"one"}
    with pytest.raises(PushFailedError, match=r"r\.example\.org did not take one: denied"):
        push(root, engine)
    assert set(record.read(root / "digests.json").images) == {"one", "two"}


def test_an_image_that_is_not_built_is_not_pushed(root: Path) -> None:
    known = catalogue.read(root)
    with pytest.raises(NotBuiltError):
        yard(root, Memory()).push(known.chosen(["extra"]), "r.example.org", root / "d.json")


def test_digests_that_nobody_can_read_are_refused(root: Path) -> None:
    for text in ("{", "[]", '{"registry": "x", "images": {"a": {"size": 1}}}'):
        (root / "digests.json").write_text(text)
        with pytest.raises(CatalogueError, match="cannot be read"):
            record.read(root / "digests.json")


def test_two_commands_at_one_image_take_turns_and_the_second_builds_nothing(root: Path) -> None:
    engine = Memory()
    seen: list[dict[str, bool]] = []
    with alone(root / ".build" / "images", "base"):
        threads = [
            threading.Thread(target=lambda: seen.append(build(root, engine))) for _ in range(2)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join(0.3)
        assert engine.built == []
    for each in threads:
        each.join(10)
    assert sorted(engine.built) == ["base", "one", "two"]
    assert len(seen) == 2


def test_who_waits_says_so_and_another_thing_does_not_wait(tmp_path: Path) -> None:
    waited, entered = threading.Event(), threading.Event()

    def second() -> None:
        with alone(tmp_path, "a", waited.set):
            entered.set()

    with alone(tmp_path, "a"), alone(tmp_path, "b", lambda: pytest.fail("nobody to wait for")):
        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(5)
        assert not entered.is_set()
    thread.join(5)
    assert entered.is_set()


def test_pushing_what_was_built_before_needs_no_build(root: Path) -> None:
    engine = Memory()
    build(root, engine)
    known = catalogue.read(root)
    specs = known.chosen(["one"])
    [pushed] = yard(root, engine).push(known.deployed(specs), "r.example.org", root / "d.json")
    assert pushed.name == "one"
    assert pushed.is_new
