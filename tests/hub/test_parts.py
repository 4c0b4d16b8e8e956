from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import ValidationError

from lab.domain.ids import SandboxId
from lab.hub import config as hub_config
from lab.hub import csp, grant, notebook, orders, process, traefik
from lab.hub.home import MARK, place_template
from lab.hub.orders import LaunchRefusedError
from lab.hub.proxy import LabTraefikProxy
from tests.hub.direct import free_port

MEMBER, SANDBOX = "m-00000000a1", "sb-00000000c3"


@pytest.fixture
def told(tmp_path: Path) -> hub_config.HubConfig:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for number, name in enumerate(hub_config.SECRETS):
        (secrets / name).write_text(f"{number}0123456789abcdef" * 3)
    return hub_config.HubConfig(
        public_url="http://vaseclos.localhost:8000",
        public_port=8000,
        hub_port=8002,
        control_plane_url="http://127.0.0.1:8001",
        people_port=8003,
        proxy_api_port=8006,
        state_dir=tmp_path,
        run_dir=tmp_path / "run",
        secrets_dir=secrets,
        runtime_env=tmp_path / "env",
    )


def test_what_is_written_is_read_back(told: hub_config.HubConfig, tmp_path: Path) -> None:
    hub_config.write(told, tmp_path / "hub.json")
    assert hub_config.load(tmp_path / "hub.json") == told
    with pytest.raises(ValidationError):
        hub_config.HubConfig.model_validate(told.model_dump() | {"surprise": 1})


@pytest.mark.parametrize("content", ["", "brief", "changeme", "a" * 64, "abab" * 16])
def test_a_placeholder_is_no_secret(told: hub_config.HubConfig, content: str) -> None:
    (told.secrets_dir / "hub-key").write_text(content)
    with pytest.raises(hub_config.SecretError) as error:
        told.derived_key("cookies")
    assert not content or content not in str(error.value)


def test_one_secret_gives_a_key_for_each_purpose(told: hub_config.HubConfig) -> None:
    keys = {told.derived_key(purpose) for purpose in ("cookies", "auth-state", "traefik-api")}
    assert {len(key) for key in keys} == {32}
    assert len(keys) == 3


def test_the_proxy_listens_on_loopback_and_calls_nobody(told: hub_config.HubConfig) -> None:
    static = traefik.static_config(told)
    assert all(e["address"].startswith("127.0.0.1:") for e in static["entryPoints"].values())
    assert static["global"] == {"checkNewVersion": False, "sendAnonymousUsage": False}
    servers = [
        server["url"]
        for service in traefik.dynamic_config(told)["http"]["services"].values()
        for server in service["loadBalancer"]["servers"]
    ]
    assert servers
    assert all(url.startswith("http://127.0.0.1:") for url in servers)


def test_the_proxys_files_are_whole_private_and_hold_no_password(
    told: hub_config.HubConfig,
) -> None:
    static = traefik.write(told)
    routes = told.routes_dir / traefik.LAB_ROUTES
    for path in (static, routes):
        assert path.stat().st_mode & 0o777 == 0o600
        assert traefik.api_password(told) not in path.read_text()
    assert yaml.safe_load(routes.read_text()) == traefik.dynamic_config(told)
    assert traefik.command(told, Path("/x/traefik"))[1].endswith(str(static))


def test_the_hub_is_told_where_to_read_and_no_secret_on_its_command_line(
    told: hub_config.HubConfig, tmp_path: Path
) -> None:
    argv = process.command(Path("/x/python"))
    assert argv[-1].endswith("jupyterhub_config.py")
    words = [*argv, *process.environment(tmp_path / "hub.json").values()]
    assert not any(told.secret(name) in word for name in hub_config.SECRETS for word in words)


def test_a_policy_allows_this_server_and_no_other_address() -> None:
    policy = csp.notebook_policy("http://p.localhost:1", "m.p.localhost:1", "/user/m/s/")
    allowed = {
        word
        for part in policy.split("; ")
        for word in part.split(" ")[1:]
        if "//" in word and not part.startswith("frame-ancestors")
    }
    assert allowed == {"http://m.p.localhost:1/user/m/s/", "ws://m.p.localhost:1/user/m/s/"}
    assert "default-src 'none'" in policy
    assert csp.file_policy("http://p:1", "m:1", "/user/m/s/").endswith("sandbox allow-scripts")
    assert csp.response_headers(policy)["Report-To"] == ""


def test_the_sandbox_gets_the_door_and_not_the_hub() -> None:
    hub = {
        "JUPYTERHUB_API_TOKEN": "real-token",
        "JPY_API_TOKEN": "real-token",
        "JUPYTERHUB_API_URL": "http://127.0.0.1:8002/hub/api",
        "JUPYTERHUB_ACTIVITY_URL": "http://127.0.0.1:8002/hub/api/users/m/activity",
        "PATH": "/usr/bin",
        "HOME": "/root",
    }
    env = notebook.environment(
        hub,
        {"PIP_NO_INDEX": "1", "JUPYTERHUB_API_TOKEN": "x"},
        token="porte-1",
        hub_url=notebook.DOOR_URL,
        idle_seconds=7200,
    )
    assert "real-token" not in env.values()
    assert env["JUPYTERHUB_API_TOKEN"] == "porte-1"
    assert env["JUPYTERHUB_API_URL"] == "http://127.0.0.1:8081/hub/api"
    assert env["JUPYTERHUB_ACTIVITY_URL"] == "http://127.0.0.1:8081/hub/api/users/m/activity"
    assert not {"PATH", "HOME", "JPY_API_TOKEN"} & env.keys()
    assert env["PIP_NO_INDEX"] == "1"


def test_a_grant_is_private_and_goes_as_often_as_one_likes(tmp_path: Path) -> None:
    given = grant.HubGrant(
        endpoint="http://127.0.0.1:1/hub/api",
        token="t",
        door_token=grant.new_door_token(),
        client_id="c",
        member_id=MEMBER,
        server_name=SANDBOX,
        server_prefix="/user/m/s/",
    )
    grant.write(given, tmp_path)
    path = tmp_path / SandboxId(SANDBOX) / f"hub-{MEMBER}.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["door_token"] == given.door_token
    assert grant.new_door_token() != given.door_token
    for _ in range(2):
        grant.remove(tmp_path, SANDBOX, MEMBER)
        assert not path.exists()


@pytest.fixture
def template(tmp_path: Path) -> Path:
    folder = tmp_path / "gabarits" / "01-depart"
    (folder / "plus").mkdir(parents=True)
    (folder / "depart.ipynb").write_text("un")
    (folder / "plus" / "b.py").write_text("deux")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_a_template_is_copied_once_and_never_over_a_persons_work(
    template: Path, home: Path
) -> None:
    first = place_template(template, home, None)
    assert first == home / "01-depart"
    assert (first / "plus" / "b.py").read_text() == "deux"
    (first / "depart.ipynb").write_text("mon travail")
    assert place_template(template, home, None) is None

    (template / "depart.ipynb").write_text("nouvelle version")
    beside = place_template(template, home, None)
    assert beside is not None
    assert beside.name.startswith("01-depart-")
    assert (first / "depart.ipynb").read_text() == "mon travail"
    assert (beside / "depart.ipynb").read_text() == "nouvelle version"
    assert place_template(template, home, None) is None
    assert {p.name for p in home.iterdir()} == {first.name, beside.name}


def test_links_left_in_a_home_lead_the_copy_nowhere(
    template: Path, home: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (home / "01-depart").symlink_to(outside)
    made = place_template(template, home, os.getuid())
    assert made is not None
    assert made.parent == home
    assert not list(outside.iterdir())

    (home / "01-depart").unlink()
    (home / "01-depart").mkdir()
    secret = tmp_path / "secret"
    secret.write_text("x")
    (home / "01-depart" / MARK).symlink_to(secret)
    place_template(template, home, None)
    assert secret.read_text() == "x"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, {"detail": ""}, "Vous n’avez pas accès"),
        (404, {}, "n’existe pas"),
        (409, {"detail": "tracking"}, "(tracking)"),
        (500, [], "a refusé"),
        (200, {"sandbox_id": "x"}, "illisible"),
        (
            200,
            {
                "sandbox_id": "sb-00000000ff",
                "member_id": MEMBER,
                "resources": {"cpu_millicores": 1, "memory_bytes": 1},
                "home": "/h",
                "doors_dir": "/d",
            },
            "un autre bac",
        ),
    ],
)
async def test_nothing_but_an_order_for_this_very_server_is_leave_to_start(
    status: int, body: object, said: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        with pytest.raises(LaunchRefusedError) as error:
            await orders.fetch(url, "t", sandbox=SANDBOX, member=MEMBER, kind=orders.LaunchOrder)
    assert said in error.value.jupyterhub_message


async def test_a_silent_control_plane_is_no_leave_to_start() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(LaunchRefusedError, match="ne répond pas"):
        await orders.fetch(url, "t", sandbox=SANDBOX, member=MEMBER, kind=orders.LaunchOrder)


async def test_when_the_last_server_goes_traefik_can_still_read_the_routes(
    told: hub_config.HubConfig, tmp_path: Path
) -> None:
    file = tmp_path / "hub.toml"
    proxy = LabTraefikProxy(
        lab=told, dynamic_config_file=str(file), should_start=False, traefik_api_password="x" * 20
    )
    for routespec, data in (
        ("vaseclos.localhost/hub/", {"hub": True}),
        ("m-1.vaseclos.localhost/user/m-1/sb-1/", {"user": "m-1", "server_name": "sb-1"}),
    ):
        made = proxy._dynamic_config_for_route(routespec, "http://127.0.0.1:1", data)
        await proxy._apply_dynamic_config(*made)
    assert "[http.middlewares." in file.read_text()
    await proxy._delete_dynamic_config(*proxy._keys_for_route(routespec))
    # An empty table makes traefik refuse the whole file when it starts.
    assert "middlewares" not in file.read_text()
    assert "[http.routers." in file.read_text()
