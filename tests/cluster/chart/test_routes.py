"""The chart's HTTPRoute, where the cluster knows the kind by the Gateway API's own definition."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import helm_python as helm
import pytest
import yaml

from tests.cluster.driver import binaries
from tests.cluster.release import CHART
from tests.helm.rendering import values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.chart.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

MODULE = "sigs.k8s.io/gateway-api"
DEFINITION = "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"
KIND_SECONDS = 30


def definition() -> dict[str, Any]:
    """Return the definition of HTTPRoute, from the module that ``go.sum`` pins."""
    compiler = binaries.go()
    if compiler is None:
        pytest.skip(binaries.NO_GO)
    done = subprocess.run(
        [compiler, "mod", "download", "-json", MODULE],
        cwd=binaries.MODULES / "gateway",
        env={**os.environ, "GOFLAGS": "-mod=readonly"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"{MODULE} cannot be had: {done.stderr[-200:]}")
    found: dict[str, Any] = yaml.safe_load(
        Path(json.loads(done.stdout)["Dir"], DEFINITION).read_text("utf-8")
    )
    return found


@pytest.fixture(scope="module")
def knowing(world: World) -> Iterator[World]:
    """The cluster once it knows HTTPRoute; what was not there before goes again."""
    path = "/apis/gateway.networking.k8s.io/v1"
    was_known = world.api.ask("GET", path).is_success
    made = definition()
    if not was_known:
        assert world.api.apply(made).is_success
    deadline = time.monotonic() + KIND_SECONDS
    while "httproutes" not in world.api.ask("GET", path).text:
        assert time.monotonic() < deadline, "the kind is not served"
        time.sleep(0.2)
    yield world
    if not was_known:
        name = made["metadata"]["name"]
        world.api.must("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")


def test_a_route_is_rendered_and_taken_where_its_kind_is_known(knowing: World) -> None:
    given = values("gateway", sharedObjects={"create": False})
    # In a place of its own: what is in the world's is no release's.
    place = f"{knowing.lab}-r"
    with helm.Config(kubeconfig_path=knowing.api.kubeconfig, namespace=place) as config:
        made = config.install(CHART, "routes", given, namespace=place, dry_run="server")
    found = [each for each in yaml.safe_load_all(made["manifest"]) if each]
    (route,) = [each for each in found if each["kind"] == "HTTPRoute"]
    route["metadata"]["namespace"] = knowing.lab
    answer = knowing.api.apply(route, dry=True)

    assert answer.is_success, answer.text
    assert answer.json()["spec"]["hostnames"] == ["labo.example.org", "*.labo.example.org"]
    assert not [each for each in found if each["kind"] == "Ingress"]
    broken = route | {"spec": route["spec"] | {"hostnames": ["pas un nom"]}}
    assert knowing.api.apply(broken, dry=True).status_code == 422
