"""A real hub and a real proxy on free ports, with a fake portal beside them."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from lab.hub import config as hub_config
from lab.hub import process, traefik
from tests.hub import direct
from tests.hub.fake_portal import FakePortal, InThread, PortalState

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / ".build" / "notebook"
BIN = Path(sys.executable).parent
READY_SECONDS = 120
DIRECT = "tests.hub.direct:DirectLauncher"

ANNE, BRUNO = "m-00000000a1", "m-00000000b2"
SANDBOX, OTHER = "sb-00000000c3", "sb-00000000d4"


def missing() -> str:
    wanted = [BIN / "traefik", RUNTIME / "bin" / "jupyterhub-singleuser"]
    return ", ".join(str(path) for path in wanted if not path.exists())


class Stage:
    def __init__(self, root: Path, launcher: str = DIRECT) -> None:
        self.root = root
        port = direct.free_port()
        self.control_port, self.door_port = direct.free_port(), direct.free_port()
        self.people_port = direct.free_port()
        self.config = hub_config.HubConfig(
            public_url=f"http://vaseclos.localhost:{port}",
            public_port=port,
            hub_port=direct.free_port(),
            control_plane_url=f"http://127.0.0.1:{self.control_port}",
            people_port=self.people_port,
            proxy_api_port=direct.free_port(),
            state_dir=root / "state",
            run_dir=root / "run",
            secrets_dir=root / "state" / "secrets",
            runtime_env=RUNTIME,
            launcher=launcher,
            oauth_refresh_seconds=1,
            poll_seconds=2,
        )
        self.config.secrets_dir.mkdir(parents=True, mode=0o700)
        for name in hub_config.SECRETS:
            path = self.config.secrets_dir / name
            path.write_text(secrets.token_hex(32))
            path.chmod(0o600)
        self.config_path = root / "state" / "hub.json"
        hub_config.write(self.config, self.config_path)
        self.token = self.config.secret("hub-api-token")
        self.portal = PortalState(
            client_secret=self.config.secret("hub-oauth-secret"),
            hub_token=self.token,
            public_url=self.config.public_url,
            hub_url=self.config.hub_url,
            grants=self.config.state_dir / "grants",
            members={ANNE: "Anne", BRUNO: "Bruno"},
        )
        self.servers = InThread()
        fake = FakePortal(self.portal)
        self.servers.serve(fake.app(), self.control_port)
        self.servers.serve(fake.door(), self.door_port)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def give_order(self, member: str, sandbox: str, **more: Any) -> dict[str, Any]:
        home = self.root / "homes" / sandbox / member
        home.mkdir(parents=True, exist_ok=True)
        template = self.root / "templates" / "01-depart"
        if not template.exists():
            template.mkdir(parents=True)
            shutil.copy(Path(__file__).with_name("depart.ipynb"), template / "depart.ipynb")
        order = {
            "sandbox_id": sandbox,
            "member_id": member,
            "uid": None,
            "resources": {"cpu_millicores": 1000, "memory_bytes": 2**30, "storage_bytes": 2**30},
            "datasets": [],
            "template_dir": str(template),
            "entry": "depart.ipynb",
            "home": str(home),
            "doors_dir": str(self.root / "run" / "doors" / sandbox),
            "env": {"LANG": "C.UTF-8", "PIP_NO_INDEX": "1"},
        } | more
        self.portal.orders[sandbox, member] = order
        return order

    def start_hub(self) -> None:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "PYTHONPATH": str(ROOT),
            direct.DOOR_VAR: f"http://127.0.0.1:{self.door_port}",
        } | process.environment(self.config_path)
        self._run(
            "hub", process.command(Path(sys.executable)), env, process.ready_url(self.config)
        )

    def start_proxy(self) -> None:
        traefik.write(self.config)
        argv = traefik.command(self.config, BIN / "traefik")
        self._run("proxy", argv, {"HOME": str(self.root)}, traefik.ready_url(self.config))

    def _run(self, name: str, argv: tuple[str, ...], env: dict[str, str], ready: str) -> None:
        log = (self.root / f"{name}.log").open("ab")
        with log:
            self.processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *argv],
                env=env,
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.wait_until(lambda: _is_ok(ready), f"{name} is ready")

    def wait_until(self, condition: Any, what: str, seconds: float = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                logs = {p.name: p.read_text()[-3000:] for p in self.root.glob("*.log")}
                raise TimeoutError(f"not in {seconds} s: {what}; {logs}")
            for name, running in self.processes.items():
                if running.poll() is not None:
                    raise RuntimeError(
                        f"{name}: {(self.root / f'{name}.log').read_text()[-6000:]}"
                    )
            time.sleep(0.05)

    def end(self, name: str, how: signal.Signals) -> None:
        running = self.processes.pop(name)
        running.send_signal(how)
        try:
            running.wait(30)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait(10)

    def hub(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return httpx.request(
            method,
            f"{self.config.hub_url}/hub/api{path}",
            headers={"Authorization": f"token {self.token}"},
            json=body,
            timeout=60,
        )

    def start_server(self, member: str, sandbox: str, seconds: float = READY_SECONDS) -> None:
        self.hub("POST", f"/users/{member}")
        answer = self.hub("POST", f"/users/{member}/servers/{sandbox}")
        assert answer.status_code in {201, 202}, answer.text
        self.wait_until(lambda: self.is_ready(member, sandbox), "the server is ready", seconds)

    def is_ready(self, member: str, sandbox: str) -> bool:
        answer = self.hub("GET", f"/users/{member}/servers/{sandbox}")
        return answer.status_code == 200 and bool(answer.json()["ready"])

    def close(self) -> None:
        for name in list(self.processes):
            self.end(name, signal.SIGTERM)
        for status in (self.config.run_dir / "keepers").glob("*/*/status.json"):
            direct.stop_now(status.parent)
        self.servers.close()


def _is_ok(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


class ByName(httpx.HTTPTransport):
    """Sends every ``*.localhost`` name to loopback, as a browser does."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        here = httpx.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1"),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return super().handle_request(here)


def browser(**more: Any) -> httpx.Client:
    return httpx.Client(transport=ByName(), timeout=30, **more)
