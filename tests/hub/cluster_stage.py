"""A real hub and a real front as they run in pods, on this machine, before some cluster."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
from pathlib import Path
from typing import Any

from lab.domain.ids import MemberId, SandboxId
from lab.domain.quantity import GIB, MIB, Resources
from lab.hub import config as hub_config
from lab.hub import process, traefik
from lab.providers.kubernetes import pods
from tests.hub import direct
from tests.hub.fake_portal import FakePortal, InThread, PortalState
from tests.hub.stage import ANNE, BRUNO, READY_SECONDS, ROOT, RUNTIME, Stage

LAB = "vase-clos"
PYTHON = Path(sys.executable)
DIGEST = "registre.test/vase-clos/notebook@sha256:" + "0" * 64


class ClusterStage(Stage):
    """The same portal beside it; pods instead of processes."""

    def __init__(self, root: Path, kubeconfig: Path, **more: Any) -> None:
        self.root, self.kubeconfig = root, kubeconfig
        ports = {name: direct.free_port() for name in ("front", "hub", "control", "api", "people")}
        self.control_port = ports["control"]
        self.config = hub_config.HubConfig.model_validate(
            {
                "runtime": "kubernetes",
                "public_url": f"http://vaseclos.localhost:{ports['front']}",
                "public_port": ports["front"],
                "hub_port": ports["hub"],
                "hub_service_url": f"http://127.0.0.1:{ports['hub']}",
                "control_plane_url": f"http://127.0.0.1:{ports['control']}",
                "people_port": ports["people"],
                "proxy_api_port": ports["api"],
                "state_dir": root / "state",
                "run_dir": root / "run",
                "secrets_dir": root / "state" / "secrets",
                "runtime_env": RUNTIME,
                "oauth_refresh_seconds": 1,
                "poll_seconds": 1,
                "start_timeout_seconds": 60,
            }
            | more
        )
        self.config.secrets_dir.mkdir(parents=True, mode=0o700)
        for name in (*hub_config.SECRETS, hub_config.FRONT_SECRET):
            (self.config.secrets_dir / name).write_text(secrets.token_hex(32))
        self.config_path = root / "state" / "hub.json"
        hub_config.write(self.config, self.config_path)
        self.token = self.config.secret("hub-api-token")
        self.portal = PortalState(
            client_secret=self.config.secret("hub-oauth-secret"),
            hub_token=self.token,
            public_url=self.config.public_url,
            hub_url=self.config.hub_url,
            grants=root / "none",
            members={ANNE: "Anne", BRUNO: "Bruno"},
        )
        self.servers = InThread()
        self.servers.serve(FakePortal(self.portal).app(), self.control_port)
        self.processes = {}

    def give_order(self, member: str, sandbox: str, **more: Any) -> dict[str, Any]:
        ids = {"sandbox_id": SandboxId(sandbox), "member_id": MemberId(member)}
        pod: dict[str, Any] = {
            "lab": LAB,
            "image": DIGEST,
            "resources": Resources(500, 768 * MIB, GIB),
            "addresses": pods.Addresses(
                doors=("storage", "tracking"), gateway="192.0.2.7", hub="192.0.2.8"
            ),
            "env": {"PIP_NO_INDEX": "1"},
            "template_id": "01-depart",
            "entry": "depart.ipynb",
        }
        order = {
            "sandbox_id": sandbox,
            "member_id": member,
            "template": "01-depart",
            "entry": "depart.ipynb",
            "pod": pods.notebook_pod(**ids, **pod | more),
            "claim": pods.home_claim(
                lab=more.get("lab", LAB), storage_bytes=GIB, storage_class="", **ids
            ),
        }
        self.portal.orders[sandbox, member] = order
        return order

    def _env(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "PYTHONPATH": str(ROOT),
            "KUBECONFIG": str(self.kubeconfig),
        } | process.environment(self.config_path)

    def start_hub(self) -> None:
        argv = process.command(PYTHON)
        ready = f"http://127.0.0.1:{self.config.hub_port}/hub/api/health"
        self._run("hub", argv, self._env(), ready)

    def start_proxy(self) -> None:
        argv = (str(PYTHON), "-m", "lab.hub.front")
        self._run("front", argv, self._env(), traefik.ready_url(self.config))

    def start_server(self, member: str, sandbox: str, seconds: float = READY_SECONDS) -> None:
        """Start a server, and fail with what was said of it as soon as it failed."""
        self.hub("POST", f"/users/{member}")
        answer = self.hub("POST", f"/users/{member}/servers/{sandbox}")
        assert answer.status_code in {201, 202}, answer.text

        def is_over() -> bool:
            server = self.hub("GET", f"/users/{member}/servers/{sandbox}").json()
            return server["ready"] or not server["pending"]

        self.wait_until(is_over, "the start is over", seconds)
        if not self.is_ready(member, sandbox):
            path = f"/users/{member}/servers/{sandbox}/progress"
            raise AssertionError(self.hub("GET", path).text[-600:])

    def last_words(self, member: str, sandbox: str) -> dict[str, Any]:
        """Start a server that is meant to fail; return the last thing said of it."""
        self.hub("POST", f"/users/{member}")
        self.hub("POST", f"/users/{member}/servers/{sandbox}")
        events = self.hub("GET", f"/users/{member}/servers/{sandbox}/progress").text
        last: dict[str, Any] = json.loads(events.rpartition("data:")[2].strip())
        return last

    def stop_server(self, member: str, sandbox: str) -> None:
        self.hub("DELETE", f"/users/{member}/servers/{sandbox}")

        def is_stopped() -> bool:
            answer = self.hub("GET", f"/users/{member}/servers/{sandbox}")
            return answer.status_code == 404 or answer.json()["stopped"]

        self.wait_until(is_stopped, "the server is stopped", READY_SECONDS)

    def close(self) -> None:
        for name in list(self.processes):
            self.end(name, signal.SIGTERM)
        self.servers.close()
