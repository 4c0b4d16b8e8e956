from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lab.hub import config as hub_config
from lab.hub import on_cluster, setup, traefik

if TYPE_CHECKING:
    from pathlib import Path

CLUSTER = json.dumps({"namespace": "vase-clos", "hub_url": "http://hub:8081", "images": {}})


def told(tmp_path: Path, **more: str) -> hub_config.HubConfig:
    secrets = tmp_path / "secrets"
    secrets.mkdir(exist_ok=True)
    for number, name in enumerate((*hub_config.SECRETS, hub_config.FRONT_SECRET)):
        (secrets / name).write_text(f"{number}0123456789abcdef" * 3)
    return on_cluster.configuration(
        {
            "LAB_PUBLIC_URL": "https://labo.exemple.test/",
            "LAB_STATE_DIR": str(tmp_path),
            "LAB_CLUSTER": CLUSTER,
        }
        | more
    )


def test_a_pod_is_told_by_its_environment_alone(tmp_path: Path) -> None:
    config = told(tmp_path, LAB_NOTEBOOK_IDLE="PT30M", LAB_HUB_PATIENCE_SECONDS="30")
    assert config.on_cluster
    assert config.public_url == "https://labo.exemple.test"
    assert config.hub_url == "http://hub:8081"
    assert config.hub_bind_url == "http://0.0.0.0:8081"
    assert config.secrets_dir == tmp_path / "secrets"
    assert config.idle_seconds == 1800
    assert config.patience_seconds == 30


def test_a_file_wins_where_one_is_named(tmp_path: Path) -> None:
    config = told(tmp_path).model_copy(update={"hub_port": 9999})
    hub_config.write(config, tmp_path / "hub.json")
    assert on_cluster.configuration({hub_config.ENV_VAR: str(tmp_path / "hub.json")}) == config


def test_the_database_with_a_password_is_a_secret_and_a_file_is_the_default(
    tmp_path: Path,
) -> None:
    config = told(tmp_path)
    assert config.database().startswith(f"sqlite:///{tmp_path}")
    (config.secrets_dir / hub_config.DATABASE_SECRET).write_text(
        "postgresql+psycopg://h:p@d/hub\n"
    )
    assert config.database() == "postgresql+psycopg://h:p@d/hub"
    assert "p@d" not in config.model_dump_json()


def test_a_front_needs_no_key_of_the_hubs(tmp_path: Path) -> None:
    config = told(tmp_path)
    token = config.front_token()
    for name in hub_config.SECRETS:
        (config.secrets_dir / name).unlink()
    assert config.front_token() == token
    traefik.write(config)
    written = (config.routes_dir / traefik.LAB_ROUTES).read_text()
    assert token not in written
    (config.secrets_dir / hub_config.FRONT_SECRET).unlink()
    with pytest.raises(hub_config.SecretError):
        config.front_token()


def test_the_front_listens_to_its_pod_and_leads_to_services(tmp_path: Path) -> None:
    config = told(tmp_path, LAB_HUB_TRUSTED_PROXIES="10.0.0.0/8,192.0.2.1")
    static, dynamic = traefik.static_config(config), traefik.dynamic_config(config)["http"]
    web = static["entryPoints"][traefik.ENTRY]
    assert web["address"] == ":8000"
    assert web["forwardedHeaders"]["trustedIPs"] == ["10.0.0.0/8", "192.0.2.1"]
    assert static["entryPoints"][traefik.API_ENTRY]["address"].startswith("127.0.0.1:")
    urls = {
        name: server["url"]
        for name, service in dynamic["services"].items()
        for server in service["loadBalancer"]["servers"]
    }
    assert urls == {
        "portal": "http://api:8001",
        "hub": "http://hub:8081",
        "people": "http://gateway:8003",
    }
    # What stands before it speaks TLS; whoever says otherwise is not believed.
    (scheme,) = web["http"]["middlewares"]
    headers = dynamic["middlewares"][scheme.removesuffix("@file")]["headers"]
    assert headers["customRequestHeaders"]["X-Forwarded-Proto"] == "https"


def test_every_refusal_of_one_machine_is_there_on_a_cluster(tmp_path: Path) -> None:
    cluster = told(tmp_path)
    machine = cluster.model_copy(update={"runtime": "machine"})
    routers = [traefik.dynamic_config(config)["http"]["routers"] for config in (cluster, machine)]
    assert routers[0].keys() - routers[1].keys() == {"ping"}
    for name in routers[1].keys() - {"proxy-api"}:
        assert routers[0][name] == routers[1][name]


def test_the_hubs_own_settings_are_those_of_one_machine_but_where_things_are(
    tmp_path: Path,
) -> None:
    cluster = setup.traits(told(tmp_path))
    hub = cluster["JupyterHub"]
    assert hub["hub_connect_url"] == "http://hub:8081"
    assert hub["spawner_class"].__name__ == "KubernetesSandboxSpawner"
    assert hub["proxy_class"].__name__ == "FrontProxy"
    assert hub["cleanup_servers"] is False
    assert cluster["FrontProxy"]["should_start"] is False
