"""Images built and pushed for real: the smallest of them, with all that it starts from."""

from __future__ import annotations

import json
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from typer.testing import CliRunner

from lab.cli import app
from lab.settings import CHECKOUT
from lab.shipping import catalogue, engine, record, reference
from lab.shipping.building import Yard
from lab.shipping.errors import BaseMissingError, BuildFailedError, PushFailedError
from tests.cluster.driver.registry import BASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.shipping.engine import Engine
    from tests.cluster.driver.cluster import Cluster


class Silent:
    def show(self, name: str, state: str, seconds: float) -> None:
        pass


@pytest.fixture
def docker(cluster: Cluster) -> Iterator[Engine]:
    if not cluster.plan.docker:
        pytest.skip("the cluster was started without the engine that builds images")
    with closing(engine.connect(f"unix://{cluster.plan.docker_socket}")) as found:
        yield found


@pytest.mark.timeout(900)
def test_the_probes_image_is_built_pushed_and_described_and_not_twice(
    cluster: Cluster, docker: Engine, tmp_path: Path
) -> None:
    known = catalogue.read(CHECKOUT)
    specs = known.chosen(["probe"])
    digests = tmp_path / "digests.json"

    def yard() -> Yard:
        return Yard(known, docker, Silent(), base=BASE, given={}, jobs=2)

    built = {each.name: each for each in yard().build(specs)}
    [pushed] = yard().push(known.deployed(specs), cluster.plan.registry, digests)
    assert not any(each.is_new for each in yard().build(specs))
    [again] = yard().push(known.deployed(specs), cluster.plan.registry, digests)
    assert not again.is_new
    assert again.name_there == pushed.name_there == record.read(digests).images["probe"].reference

    where = reference.parse(pushed.name_there)
    address = f"http://{where.registry}/v2/{where.path}/manifests/{where.digest}"
    accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
    with urllib.request.urlopen(urllib.request.Request(address, headers=accept)) as answer:
        assert answer.headers["Docker-Content-Digest"] == where.digest

    local = built["probe"].name_there
    for shell in ("/bin/sh", "/bin/bash", "/usr/bin/apt-get", "/usr/bin/dpkg", "/usr/bin/perl"):
        assert docker.read(local, shell) is None, shell
    assert docker.read(local, "/opt/lab/probe/__main__.py")
    assert b"scientist:x:1000:1000:" in (docker.read(local, "/etc/passwd") or b"")

    text = (CHECKOUT / ".build" / "sbom" / "probe.cdx.json").read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    names = {part["name"] for part in bill["components"]}
    assert {"libc6", "python3.11", "tini", "ca-certificates"} <= names
    assert not {"apt", "dpkg", "bash", "perl-base"} & names
    assert built["probe"].content in text


def test_a_step_that_fails_is_named_with_its_reason(docker: Engine, tmp_path: Path) -> None:
    (tmp_path / "images" / "bad").mkdir(parents=True)
    (tmp_path / "images" / "images.toml").write_text('python = "3.11.2"\n[images.bad]\n')
    (tmp_path / "images" / "bad" / "Dockerfile").write_text(
        "ARG BASE\nFROM ${BASE}\nRUN cat /nowhere\n"
    )
    known = catalogue.read(tmp_path)
    yard = Yard(known, docker, Silent(), base=BASE, given={}, jobs=1)
    with pytest.raises(BuildFailedError, match=r"«RUN cat /nowhere».*returned a non-zero code: 1"):
        yard.build(known.chosen([]))


def test_a_base_that_nobody_has_and_a_registry_that_is_not_there_are_said(
    docker: Engine, tmp_path: Path
) -> None:
    with pytest.raises(BaseMissingError, match=r"127\.0\.0\.1:9/none"):
        docker.base_id("127.0.0.1:9/none:1")
    (tmp_path / "images" / "tiny").mkdir(parents=True)
    (tmp_path / "images" / "images.toml").write_text('python = "3.11.2"\n[images.tiny]\n')
    (tmp_path / "images" / "tiny" / "Dockerfile").write_text(
        "FROM scratch\nCOPY images/tiny/Dockerfile /x\n"
    )
    known = catalogue.read(tmp_path)
    yard = Yard(known, docker, Silent(), base=BASE, given={}, jobs=1)
    yard.build(known.chosen([]))
    with pytest.raises(PushFailedError, match=r"127\.0\.0\.1:9 did not take tiny: .*refused"):
        yard.push(known.chosen([]), "127.0.0.1:9", tmp_path / "digests.json")


def test_an_engine_that_is_not_there_is_one_line_and_an_exit_code() -> None:
    shown = CliRunner().invoke(
        app, ["images", "list", "--host", "unix:///nowhere.sock"], env={"LC_ALL": "C.UTF-8"}
    )
    assert shown.exit_code == 2
    assert "no container engine answers at unix:///nowhere.sock: " in shown.output
    assert "Start Docker, or name another engine" in shown.output
    assert "Traceback" not in shown.output
