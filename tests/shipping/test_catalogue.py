from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lab.settings import CHECKOUT
from lab.shipping import catalogue
from lab.shipping.errors import CatalogueError, UnknownImageError

if TYPE_CHECKING:
    from pathlib import Path


def write(root: Path, text: str) -> Path:
    (root / "images").mkdir()
    (root / "images" / "images.toml").write_text(text, "utf-8")
    return root


def test_the_images_of_the_lab_are_declared_and_have_what_they_are_made_of() -> None:
    found = catalogue.read(CHECKOUT)
    assert {"lab", "hub", "notebook", "mlflow", "probe", "minio", "postgres"} <= set(found.specs)
    for spec in found.specs.values():
        for path in (spec.dockerfile, *spec.copies):
            assert (CHECKOUT / path).exists(), f"{spec.name}: {path}"


def test_every_argument_of_a_dockerfile_is_given() -> None:
    found = catalogue.read(CHECKOUT)
    for spec in found.specs.values():
        text = (CHECKOUT / spec.dockerfile).read_text("utf-8")
        wanted = set(re.findall(r"^ARG (\w+)", text, re.MULTILINE))
        given = {catalogue.argument(name) for name in spec.on}
        if spec.lock:
            given |= {"FLOOR"}
        assert wanted <= (given or {"BASE"}), spec.name


def test_no_image_runs_as_root_and_none_fetches_from_outside_the_build() -> None:
    found = catalogue.read(CHECKOUT)
    for spec in found.deployed(found.chosen([], with_bundled=True)):
        stages = (CHECKOUT / spec.dockerfile).read_text("utf-8").split("\nFROM ")
        users = re.findall(r"^USER (\S+)", stages[-1], re.MULTILINE)
        starts = stages[-1].split("\n")[0]
        assert users in ([], ["1000:1000"]), spec.name
        assert users or starts != "scratch", spec.name  # else the user of its floor
        assert not re.search(r"curl|wget|https?://(?!deb\.debian\.org)|^ADD", stages[-1])
    for floor in ("base", "bare"):
        assert "USER 1000:1000" in (CHECKOUT / "images" / floor / "Dockerfile").read_text("utf-8")


def test_images_come_after_those_they_start_from_and_once() -> None:
    found = catalogue.read(CHECKOUT)
    names = [spec.name for spec in found.chosen(["lab", "hub", "lab"])]
    assert names == ["base", "bare", "lab-packages", "lab", "hub-packages", "hub"]


def test_bundled_images_are_chosen_only_when_asked() -> None:
    found = catalogue.read(CHECKOUT)
    assert "minio" not in {spec.name for spec in found.chosen([])}
    assert "minio" in {spec.name for spec in found.chosen([], with_bundled=True)}
    assert [spec.name for spec in found.chosen(["minio"])] == ["minio"]


def test_floors_are_not_deployed() -> None:
    found = catalogue.read(CHECKOUT)
    names = {spec.name for spec in found.deployed(found.chosen([]))}
    assert names == {"lab", "hub", "notebook", "mlflow", "probe"}


def test_a_name_that_is_not_there_is_said_with_those_that_are() -> None:
    with pytest.raises(UnknownImageError, match="there is no image carnet; there are base"):
        catalogue.read(CHECKOUT).chosen(["carnet"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[images.a]\non = ['b']\n[images.b]\n", "a: b is not above it"),
        ("[images.a]\non = ['a']\n", "a: a is not above it"),
        ("[images.a]\ncoppies = ['x']\n", r"a: coppies\?"),
        ("[images.a\n", "Expected"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(CatalogueError, match=why):
        catalogue.read(write(tmp_path, text))


def test_a_checkout_without_declaration_is_said(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"images\.toml: No such file"):
        catalogue.read(tmp_path)
