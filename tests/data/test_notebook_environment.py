from __future__ import annotations

import json
import os
import stat
import subprocess
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.data.parts import free_ports, running

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK_ENV = ROOT / ".build" / "notebook"
BUILD = ROOT / "images" / "notebook" / "build.sh"
TOKEN = "only-for-this-test"

pytestmark = [
    pytest.mark.real,
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def lab_url(home: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    # A script of this name that leaves a trace: the server has no business with a registry.
    bin_dir = home / "bin"
    bin_dir.mkdir()
    script = bin_dir / "npm"
    script.write_text(f"#!/bin/sh\ntouch {home}/started-npm\nexit 1\n")
    script.chmod(0o755)
    env = {
        "PATH": f"{bin_dir}:{NOTEBOOK_ENV / 'bin'}:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": "porte",
        "AWS_SECRET_ACCESS_KEY": "it's only a door",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
        "AWS_REGION": "us-east-1",
    }
    argv = [str(NOTEBOOK_ENV / "bin" / "jupyter-lab"), "--allow-root", f"--port={port}"]
    argv += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"]
    with running(argv, home / "lab.log", env, f"{url}/api"):
        yield url


def get(url: str) -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        body = answer.read().decode()
    return json.loads(body) if body.startswith("{") else body


def page_config(lab_url: str) -> dict[str, Any]:
    page = get(f"{lab_url}/lab")
    text = page.split('id="jupyter-config-data" type="application/json">')[1].split("</script>")[0]
    return dict(json.loads(text))


def test_a_second_build_does_nothing_and_at_once() -> None:
    before = (NOTEBOOK_ENV / ".stamp").stat().st_mtime_ns
    subprocess.run([BUILD], check=True, timeout=10)
    assert (NOTEBOOK_ENV / ".stamp").stat().st_mtime_ns == before


def test_a_failed_download_is_told_in_one_line(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_HTTP_RETRIES": "0",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [BUILD, tmp_path / "env"],
        env=env,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("notebook environment: a download or an installation failed")
    assert "run the same command again" in line
    assert not (tmp_path / "env" / ".stamp").exists()


def test_another_user_can_read_all_of_it() -> None:
    for name in ("bin/python", "etc/jupyter/jupyter_server_config.py", "share/jupyter/lab"):
        mode = (NOTEBOOK_ENV / name).stat().st_mode
        assert mode & stat.S_IROTH, name


def test_scripts_work_wherever_it_is_mounted() -> None:
    shebang = (NOTEBOOK_ENV / "bin" / "jupyter-lab").read_bytes()[:400]
    assert str(ROOT).encode() not in shebang


def test_jupyterlab_is_in_french(lab_url: str) -> None:
    plugin = get(f"{lab_url}/lab/api/settings/@jupyterlab/translation-extension:plugin")
    assert plugin["schema"]["properties"]["locale"]["default"] == "fr_FR"
    catalogue = get(f"{lab_url}/lab/api/translations/fr_FR")["data"]["jupyterlab"]
    assert len(catalogue) > 500


def test_nothing_in_it_calls_outside_by_itself(lab_url: str, home: Path) -> None:
    config = page_config(lab_url)
    assert config["news"] == {"disabled": True}
    assert config["extensionManager"]["can_install"] is False
    assert "@jupyterlab/extensionmanager-extension" in config["disabledExtensions"]
    assert not config["exposeAppInBrowser"]
    # The page still names a public MathJax; JupyterLab 4 carries its own and never asks for it.
    scripts = (NOTEBOOK_ENV / "share/jupyter/lab/static").glob("*.js")
    assert not any(b"fullMathjaxUrl" in script.read_bytes() for script in scripts)
    assert not (home / "started-npm").exists()


def test_terminals_are_there(lab_url: str) -> None:
    assert page_config(lab_url)["terminalsAvailable"] is True


def test_the_home_is_made_ready_for_duckdb_with_a_private_secret(lab_url: str, home: Path) -> None:
    assert get(f"{lab_url}/api")["version"]
    # What the server starts at its start may end a little later: ask DuckDB until it is there.
    script = (
        "import duckdb, pathlib, time\n"
        "secrets = pathlib.Path.home() / '.duckdb/stored_secrets/stockage.duckdb_secret'\n"
        "deadline = time.monotonic() + 30\n"
        "while not secrets.exists() and time.monotonic() < deadline: time.sleep(0.1)\n"
        "print(duckdb.sql('SELECT secret_string FROM duckdb_secrets()').fetchone()[0])\n"
        'print(duckdb.sql("SELECT installed FROM duckdb_extensions() '
        "WHERE extension_name = 'httpfs'\").fetchone()[0])\n"
    )
    done = subprocess.run(
        [NOTEBOOK_ENV / "bin" / "python", "-c", script],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    secret, installed = done.stdout.splitlines()
    assert "endpoint=127.0.0.1:9000" in secret
    assert "url_style=path" in secret
    assert "use_ssl=false" in secret
    assert installed == "True"
    stored = home / ".duckdb" / "stored_secrets" / "stockage.duckdb_secret"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
