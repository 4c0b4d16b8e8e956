"""The release as an operator lives with it: test, upgrade, rollback, and a refusal to leave.

The tests of this module are one story and run in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import helm_python as helm
import pytest

from tests.cluster import release
from tests.cluster.chart import previous
from tests.cluster.credentials import replaced_under
from tests.cluster.driver.telling import CannotDoError, say
from tests.cluster.whole import DOMAIN, PORT, WholeLab, whole_lab
from tests.e2e.a_lab import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.driver.cluster import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

Json = dict[str, Any]


@dataclass
class Story:
    lab: WholeLab
    values: Json
    sandbox_id: str = ""
    uid: str = ""

    def notebook(self) -> Json:
        path = f"/api/v1/namespaces/{self.sandbox_id}/pods"
        (pod,) = [
            each
            for each in self.lab.release.api.get(path)["items"]
            if each["metadata"]["labels"]["vase-clos.lab/component"] == "notebook"
        ]
        found: Json = pod
        return found

    def secrets(self) -> Json:
        path = f"/api/v1/namespaces/{self.lab.release.namespace}/secrets/lab-secrets"
        found: Json = self.lab.release.api.get(path)["data"]
        return found

    def still_runs(self) -> None:
        """The very pod that was started first, never started anew, and its server answers."""
        pod = self.notebook()
        assert pod["metadata"]["uid"] == self.uid
        assert [each["restartCount"] for each in pod["status"]["containerStatuses"]] == [0]
        answered = self.lab.inside(
            self.sandbox_id,
            pod["metadata"]["name"],
            "import socket; socket.create_connection(('127.0.0.1', 8888), 5); print('oui')",
        )
        assert answered.strip() == "oui"


@pytest.fixture(scope="module")
def story(cluster: Cluster) -> Iterator[Story]:
    lab = whole_lab(cluster)
    url = f"http://{DOMAIN}:{PORT}"
    story = Story(lab, release.trial_values(release.pushed(), publicUrl=url))
    yield story
    if story.sandbox_id:
        lab.lab("sandbox", "delete", story.sandbox_id, "--yes", "--wait", seconds=400)


def test_helm_test_finds_every_part_at_work(story: Story) -> None:
    said = story.lab.release.test()

    # Helm tells a pod's lines once for each of its containers and once in all.
    assert len({line for line in said.splitlines() if line.startswith("ok ")}) == 7, said
    assert "ÉCHEC" not in said


def test_a_notebook_is_opened(story: Story) -> None:
    filed = story.lab.as_person(
        "demandeur", "request", "file", "--agency=rft", "--purpose=Une mise à jour",
        "--dataset=rand-hie", "--colleague=scientifique", "--wait",
    )  # fmt: skip
    story.sandbox_id = filed["sandbox_id"]
    story.lab.as_person("scientifique", "sandbox", "open", story.sandbox_id)
    story.uid = story.notebook()["metadata"]["uid"]

    story.still_runs()


def test_a_credential_that_is_replaced_is_soon_used_by_what_runs(story: Story) -> None:
    pod = story.notebook()["metadata"]["name"]

    said, seconds = replaced_under(story.lab, story.sandbox_id, pod)

    assert said == ["read", "refused", "read"]
    say(f"a credential was replaced under a running notebook in {seconds:.1f} s")
    story.still_runs()


def test_an_upgrade_keeps_secrets_and_notebooks(story: Story) -> None:
    before = story.secrets()
    changed = story.values | {"timeZone": "America/Montreal"}

    story.lab.release.install(changed)

    assert story.secrets() == before
    story.still_runs()


def test_a_rollback_keeps_them_too(story: Story) -> None:
    before = story.secrets()

    story.lab.release.rollback()

    assert story.secrets() == before
    story.still_runs()


def test_an_upgrade_from_the_chart_before_this_one_keeps_them(
    story: Story, tmp_path: Path
) -> None:
    commit = previous.revision()
    if not commit:
        pytest.skip("no commit before this one is at hand")
    chart = previous.unpack(commit, tmp_path)
    try:
        story.lab.release.install(story.values, chart=chart)
    except CannotDoError as error:
        pytest.skip(f"the chart of {commit[:8]} did not take these values: {error}")
    story.still_runs()

    story.lab.release.install(story.values)

    story.still_runs()
    assert "ÉCHEC" not in story.lab.release.test()


def test_it_refuses_to_go_while_a_sandbox_exists(story: Story) -> None:
    with pytest.raises(helm.HelmError):
        story.lab.release.uninstall()

    story.still_runs()
    said = story.lab.kubectl(
        "logs", "-n", story.lab.release.namespace, "job/uninstall", "--tail=20"
    )
    assert story.sandbox_id in said
    # The pod that refused stays, so that its words can be read.
    assert eventually(
        lambda: all("uninstall-" in line for line in story.lab.release.unready().splitlines()),
        seconds=60,
    )
    assert "ÉCHEC" not in story.lab.release.test()


def test_it_goes_once_there_is_none(story: Story) -> None:
    done = story.lab.lab("sandbox", "delete", story.sandbox_id, "--yes", "--wait", seconds=400)
    assert done.returncode == 0, done.stderr
    story.sandbox_id = ""
    kept = story.secrets()

    story.lab.release.uninstall()

    def left() -> list[str]:
        return [pod["metadata"]["name"] for pod in story.lab.release.pods()]

    assert eventually(lambda: left() == [], seconds=90), left()
    assert story.secrets() == kept
    policies = story.lab.kubectl("get", "validatingadmissionpolicy", "-o", "name")
    assert "vase-clos-pods" not in policies
