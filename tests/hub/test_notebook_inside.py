from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.hub.direct import free_port
from tests.hub.fake_portal import InThread
from tests.hub.fake_store import KEYS, Store, dataset

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
INSIDE = ROOT / "images" / "notebook" / "inside"


@pytest.fixture(autouse=True)
def _as_in_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(INSIDE))


def inside(name: str) -> Any:
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    servers = InThread()
    store = Store(free_port())
    servers.serve(store.app(), store.port)
    yield store
    servers.close()


def order(name: str, content: bytes) -> str:
    return json.dumps([dataset("prestations", 2, name, content)])


def env(store: Store, datasets: str) -> dict[str, str]:
    return {"AWS_ENDPOINT_URL": store.url, "LAB_DATASETS": datasets, **KEYS}


def test_data_come_whole_read_only_and_once(store: Store, tmp_path: Path) -> None:
    content = os.urandom(3 << 20)
    store.objects["/jeux/prestations/v2/data file.csv"] = content
    store.asked.clear()
    told = env(store, order("data file.csv", content))
    assert inside("fetching").fetch_all(told, tmp_path, 1) == 1
    place = tmp_path / "prestations" / "data file.csv"
    assert place.read_bytes() == content
    assert place.stat().st_mode & 0o777 == 0o444
    assert inside("fetching").fetch_all(told, tmp_path, 1) == 0
    assert len(store.asked) == 1


def test_bytes_that_are_not_those_published_are_not_laid_down(
    store: Store, tmp_path: Path
) -> None:
    store.objects["/jeux/prestations/v2/data.csv"] = b"changed"
    fetching = inside("fetching")
    with pytest.raises(fetching.FetchError, match="empreinte différente"):
        fetching.fetch_all(env(store, order("data.csv", b"original")), tmp_path, 1)
    assert not list((tmp_path / "prestations").iterdir())


def test_a_door_that_opens_late_is_waited_for(store: Store, tmp_path: Path) -> None:
    store.objects["/jeux/prestations/v2/late.csv"] = b"late"
    store.closed_for = 2
    assert inside("fetching").fetch_all(env(store, order("late.csv", b"late")), tmp_path, 10) == 1


def test_a_door_that_stays_shut_and_a_file_that_is_not_there_are_told_in_a_line(
    store: Store, tmp_path: Path
) -> None:
    fetching = inside("fetching")
    with pytest.raises(fetching.FetchError, match="répond 404"):
        fetching.fetch_all(env(store, order("absent.csv", b"")), tmp_path, 1)
    wrong = env(store, order("absent.csv", b"")) | {"AWS_SECRET_ACCESS_KEY": "autre"}
    with pytest.raises(fetching.FetchError, match="répond 403"):
        fetching.fetch_all(wrong, tmp_path, 0)
    nobody = wrong | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    with pytest.raises(fetching.FetchError, match="ne peut pas être lu"):
        fetching.fetch_all(nobody, tmp_path, 0)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", ""])
def test_no_name_leads_out_of_the_folder(store: Store, tmp_path: Path, name: str) -> None:
    fetching = inside("fetching")
    with pytest.raises(fetching.FetchError, match="refusé"):
        fetching.fetch_all(env(store, order(name, b"")), tmp_path, 1)
    assert not list(tmp_path.iterdir())


def test_a_signature_is_the_one_of_the_known_library() -> None:
    now = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
    headers = (
        inside("signing")
        .Signer(access_key="AKIDEXAMPLE", secret_key="wJalrXUtnFEMI", region="us-east-1")
        .headers("donnees.lab:9000", "/jeux/a%20b/v1/x", now)
    )
    request = AWSRequest("GET", "http://donnees.lab:9000/jeux/a%20b/v1/x")
    request.context["timestamp"] = "20261122T023000Z"
    for name in ("x-amz-date", "x-amz-content-sha256"):
        request.headers[name] = headers[name]
    auth = S3SigV4Auth(Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI"), "s3", "us-east-1")
    expected = auth.signature(
        auth.string_to_sign(request, auth.canonical_request(request)), request
    )
    assert headers["Authorization"].endswith(expected)


def test_keys_are_files_and_win_over_what_was_given(tmp_path: Path) -> None:
    (tmp_path / "AWS_ACCESS_KEY_ID").write_text("neuve\n")
    (tmp_path / "..data").mkdir()
    (tmp_path / "not-a-variable").write_text("x")
    found = inside("starting").environment({"AWS_ACCESS_KEY_ID": "vieille", "LANG": "C"}, tmp_path)
    assert found["AWS_ACCESS_KEY_ID"] == "neuve"
    assert found["LANG"] == "C"
    assert "not-a-variable" not in found
    assert inside("starting").access(tmp_path / "absent") == {}


def test_the_entry_lays_the_template_and_becomes_the_server(tmp_path: Path) -> None:
    image, home = tmp_path / "lab", tmp_path / "home"
    templates = tmp_path / "templates" / "01-depart"
    for folder in (image, home, templates):
        folder.mkdir(parents=True)
    (templates / "depart.ipynb").write_text("{}")
    for path in INSIDE.glob("*.py"):
        (image / path.name).write_bytes(path.read_bytes())
    (image / "home.py").write_bytes((ROOT / "lab" / "hub" / "home.py").read_bytes())
    starting = (image / "starting.py").read_text()
    (image / "starting.py").write_text(
        starting.replace('"/opt/lab/templates"', repr(str(templates.parent)))
    )
    entry = (INSIDE / "entry").read_text().replace("/opt/notebook/bin/python", sys.executable)
    (image / "entry").write_text(entry)
    (image / "entry").chmod(0o755)
    said = subprocess.run(
        [image / "entry", "/usr/bin/env"],
        env={"HOME": str(home), "LAB_TEMPLATE": "01-depart"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "LAB_TEMPLATE=01-depart" in said
    assert (home / "01-depart" / "depart.ipynb").read_text() == "{}"
    nothing = subprocess.run([image / "entry"], env={"HOME": str(home)}, check=False)
    assert nothing.returncode == 2
    absent = subprocess.run(
        [image / "entry", "/absent"], env={"HOME": str(home)}, capture_output=True, check=False
    )
    assert absent.returncode == 127
    assert b"Traceback" not in absent.stderr


def test_the_scripts_of_the_image_can_be_run() -> None:
    for name in ("entry", "lab-fetch-data"):
        assert (INSIDE / name).stat().st_mode & 0o111
        assert (INSIDE / name).read_text().startswith("#!/opt/notebook/bin/python -I\n")
