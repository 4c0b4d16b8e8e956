"""The whole lab on the cluster for tests, as its three people reach it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.cluster import release
from tests.cluster.driver import binaries
from tests.cluster.lab_on_cluster import _await_portal
from tests.cluster.release import Release
from tests.lab_command import run_lab

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.cluster.driver.cluster import Cluster

PORT = 8089
DOMAIN = "vaseclos.localhost"


@dataclass
class WholeLab:
    """A release that is up, and what its people hold.

    Attributes:
        token: The operator's, for the API.
    """

    cluster: Cluster
    release: Release
    passwords: dict[str, str]
    token: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the portal."""
        return f"http://{DOMAIN}:{PORT}"

    def lab(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run the ``lab`` command as the operator."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("LAB_")}
        env |= {"LANG": "C.UTF-8", "LAB_URL": self.address, "LAB_TOKEN": self.token}
        return run_lab(env, *arguments, seconds=seconds)

    def json(self, *arguments: str) -> Any:
        """Run it, and read what it printed."""
        done = self.lab(*arguments, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def token_of(self, login: str) -> str:
        """Return somebody's token for the API; it comes from the API's own pod."""
        said = self.kubectl(
            "exec", "-n", self.release.namespace, "deploy/api", "--",
            "/opt/lab/bin/python", "-m", "lab.seeding", "--token", login,
        )  # fmt: skip
        return said.strip().splitlines()[-1].strip()

    def as_person(self, login: str, *arguments: str, seconds: float = 400) -> Any:
        """Run the command as somebody."""
        operator, self.token = self.token, self.token_of(login)
        try:
            done = self.lab(*arguments, "-o", "json", seconds=seconds)
        finally:
            self.token = operator
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl as the cluster's administrator."""
        done = self.kubectl_says(arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kubectl_says(
        self, arguments: Sequence[str], *, stdin: str = "", seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl, and return how it ended."""
        plan = self.cluster.plan
        return subprocess.run(
            [str(binaries.known()["kubectl"]), "--kubeconfig", str(plan.kubeconfig), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            input=stdin,
        )

    def inside(self, sandbox_id: str, pod: str, program: str, *, seconds: float = 180) -> str:
        """Run a Python program in the notebook's own container, as the person would."""
        done = self.kubectl_says(
            ["exec", "-i", "-n", sandbox_id, pod, "-c", "notebook", "--",
             "/opt/notebook/bin/python", "-I", "-"],
            stdin=program,
            seconds=seconds,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def whole_lab(cluster: Cluster) -> WholeLab:
    """Bring the release up with the images of this checkout, and the way to it."""
    images = release.push_images(cluster)
    lab = Release(cluster=cluster)
    seconds = lab.install(release.trial_values(images, publicUrl=f"http://{DOMAIN}:{PORT}"))
    cluster.forward(PORT, f"{lab.namespace}/front:80")
    _await_portal(PORT)
    found = WholeLab(cluster, lab, lab.accounts(), seconds={"install": seconds})
    found.token = found.token_of("operateur")
    return found
