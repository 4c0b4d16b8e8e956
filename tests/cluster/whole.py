"""The whole lab on the cluster for tests, as its three people reach it."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.cluster import release
from tests.cluster.conftest import READY
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
    _tokens: dict[str, str] = field(default_factory=dict)

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

    def asked(self, path: str) -> Any:
        """Return what the API answers the operator: for what is looked at again and again."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{PORT}/api/v1/{path}",
            headers={"Host": f"{DOMAIN}:{PORT}", "Authorization": f"Bearer {self.token}"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            return json.load(answer)

    def phase(self, sandbox_id: str) -> str:
        """Return how far a sandbox is."""
        return str(self.asked(f"sandboxes/{sandbox_id}")["phase"])

    def token_of(self, login: str) -> str:
        """Return somebody's token for the API; it comes from the API's own pod, once."""
        if login in self._tokens:
            return self._tokens[login]
        said = self.kubectl(
            "exec", "-n", self.release.namespace, "deploy/api", "--",
            "/opt/lab/bin/python", "-m", "lab.seeding", "--token", login,
        )  # fmt: skip
        self._tokens[login] = said.strip().splitlines()[-1].strip()
        return self._tokens[login]

    def as_person(self, login: str, *arguments: str, seconds: float = 400) -> Any:
        """Run the command as somebody."""
        operator, self.token = self.token, self.token_of(login)
        try:
            done = self.lab(*arguments, "-o", "json", seconds=seconds)
        finally:
            self.token = operator
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def kubectl(self, *arguments: str, stdin: str = "", seconds: float = 120) -> str:
        """Run kubectl as the cluster's administrator."""
        done = self.kubectl_says(arguments, stdin=stdin, seconds=seconds)
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
    # Whoever runs several files has pushed the images before the first.
    images = release.pushed() if os.environ.get(READY) else release.push_images(cluster)
    lab = Release(cluster=cluster)
    values = release.trial_values(images, publicUrl=f"http://{DOMAIN}:{PORT}")
    seconds = 0.0 if lab.is_there(values) else lab.install(values)
    cluster.forward(PORT, f"{lab.namespace}/front:80")
    _await_portal(PORT)
    found = WholeLab(cluster, lab, lab.accounts(), seconds={"install": seconds})
    found.token = found.token_of("operateur")
    return found
