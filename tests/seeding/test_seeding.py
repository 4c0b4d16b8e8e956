from __future__ import annotations

import json
import os
import re
import secrets
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet

from lab import bootstrap
from lab.bootstrap.keeping import ShippedAttempts, StoredProofs
from lab.data.publication import SHIPPED
from lab.domain.errors import TerminalProviderError
from lab.providers.s3.options import build_datasets
from lab.seeding.__main__ import main
from lab.seeding.datasets import Shipped
from lab.seeding.sowing import ACCOUNTS, Sowing
from lab.settings import Settings
from lab.store import open_store
from tests.parts_fixtures import Storage, storage
from tests.postgres_fixture import PostgresServer, postgres
from tests.world import FakeNotebooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from lab.bootstrap import Lab
    from lab.providers.s3.datasets import DatasetStorage

__all__ = ["postgres", "storage"]

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

DIGEST = "registry:5000/x@sha256:" + "a" * 64


@pytest.fixture
def keep(storage: Storage, tmp_path: Path) -> Callable[[str], DatasetStorage]:
    def made(bucket: str) -> DatasetStorage:
        return build_datasets({
            "endpoint": storage.endpoint,
            "access_key": storage.admin_name,
            "secret_file": storage.secret_file,
            "grants_dir": tmp_path / "grants",
            "datasets_dir": tmp_path / f"datasets-{secrets.token_hex(3)}",
            "data_bucket": bucket,
        })

    return made


async def new_lab() -> Lab:
    store = await open_store("sqlite+aiosqlite://")
    systems = bootstrap.Outside(
        providers={},
        notebooks=FakeNotebooks(),
        attempts=ShippedAttempts(),
        proofs=StoredProofs(store),
    )
    return await bootstrap.build(
        Settings(), store=store, systems=systems, certificate_key="long enough for the tests"
    )


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    made = await new_lab()
    yield made
    await made.aclose()


async def test_people_are_made_once_and_keep_their_passwords(lab: Lab) -> None:
    chosen = {"operateur": "un mot de passe choisi"}
    first = await Sowing(lab, chosen=chosen).people(has_demo=True)
    assert set(first) == {account.login for account in ACCOUNTS}
    assert first["operateur"] == chosen["operateur"]
    assert len(set(first.values())) == len(first)
    assert await Sowing(lab).people(has_demo=True) == {}
    for login in ("operateur", "demandeur"):
        member = await lab.members.sign_in(login, first[login])
        assert member is not None


async def test_without_a_demo_there_is_an_operator_and_nobody_else(lab: Lab) -> None:
    assert set(await Sowing(lab).people(has_demo=False)) == {"operateur"}
    async with lab.store.read() as tx:
        assert await tx.agencies.all() == []


async def test_data_sets_are_published_once_and_again_where_one_side_lost_them(
    lab: Lab, keep: Callable[[str], DatasetStorage]
) -> None:
    bucket = f"jeux-{secrets.token_hex(4)}"
    assert await Shipped(lab, keep(bucket)).publish() == len(SHIPPED)
    assert await Shipped(lab, keep(bucket)).publish() == 0
    async with lab.store.read() as tx:
        known = {ref: await tx.datasets.version(ref) for ref in SHIPPED}

    elsewhere = f"jeux-{secrets.token_hex(4)}"  # the store was lost: the very same bytes come back
    assert await Shipped(lab, keep(elsewhere)).publish() == 0
    for ref, version in known.items():
        assert version is not None
        files = await keep(elsewhere).published(ref)
        assert files is not None
        assert {file.sha256 for file in files} == {file.sha256 for file in version.files}

    fresh = await new_lab()  # the rows were lost: they are read back from the store
    assert await Shipped(fresh, keep(bucket)).publish() == len(SHIPPED)
    async with fresh.store.read() as tx:
        assert {ref: await tx.datasets.version(ref) for ref in SHIPPED} == known
    await fresh.aclose()


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: value for name, value in os.environ.items() if name.startswith("LAB_")}
    for name in before:
        del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            os.environ.pop(name, None)
        os.environ.update(before)


def settings_of_a_cluster(folder: Path, url: str, storage: Storage) -> dict[str, str]:
    kept = folder / "secrets"
    kept.mkdir()
    (kept / "certificate-key").write_text(secrets.token_urlsafe(32))
    (kept / "grants-key").write_text(Fernet.generate_key().decode())
    (kept / "s3-admin-key").write_text(storage.secret)
    (kept / "demo-passwords").write_text(json.dumps({"reviseur": "mot-de-passe-de-revision"}))
    cluster = {
        "images": {"notebook": DIGEST, "probe": DIGEST},
        "storage_url": storage.endpoint,
        "storage_admin": "seaweedfs",
        "storage_access_key": storage.admin_name,
    }
    return {
        "LAB_RUNTIME": "kubernetes",
        "LAB_STATE_DIR": str(folder),
        "LAB_DATABASE_URL": url,
        "LAB_PUBLIC_URL": "http://vaseclos.localhost:8080",
        "LAB_CLUSTER": json.dumps(cluster),
    }


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main(arguments)
    return capsys.readouterr().out


def test_the_job_may_run_again_and_tells_a_password_once(
    postgres: PostgresServer,
    storage: Storage,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = postgres.url(postgres.new_database())
    with environment(settings_of_a_cluster(tmp_path, url, storage)):
        first = run(capsys, "--demo")
        assert len(re.findall(r"^account \S+: password \S{16}$", first, re.MULTILINE)) == 5
        assert "account reviseur: password as chosen" in first
        assert "mot-de-passe-de-revision" not in first
        assert re.search(r"data sets published: [0-2]$", first, re.MULTILINE)
        assert run(capsys, "--demo") == "data sets published: 0\n"
        link = run(capsys, "--link", "operateur").strip()
        assert link.startswith("http://vaseclos.localhost:8080/entrer?jeton=")
        token = run(capsys, "--token", "lab-commande").strip()
        assert re.fullmatch(r"[A-Za-z0-9_-]{20,}", token)
        with pytest.raises(SystemExit, match=r"^lab\.seeding: no member 'personne'$"):
            run(capsys, "--link", "personne")


def test_a_database_that_never_comes_is_said_in_a_line(
    storage: Storage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"postgresql+psycopg://lab@/lab?host={tmp_path}/nothing"
    values = settings_of_a_cluster(tmp_path, url, storage)
    with (
        environment(values),
        pytest.raises(SystemExit, match=r"^lab\.seeding: the database does not answer$"),
    ):
        run(capsys, "--wait", "0")


def test_it_needs_no_other_secret_than_those_it_uses(tmp_path: Path) -> None:
    values: dict[str, Any] = {"LAB_RUNTIME": "kubernetes", "LAB_STATE_DIR": str(tmp_path)}
    with environment(values), pytest.raises(SystemExit, match="LAB_CLUSTER"):
        main(["--demo"])
    assert sys.modules["lab.seeding.__main__"]


async def test_a_storage_without_a_folder_copies_nothing(lab: Lab, storage: Storage) -> None:
    copyless = build_datasets({
        "endpoint": storage.endpoint,
        "access_key": storage.admin_name,
        "secret_file": storage.secret_file,
        "data_bucket": f"jeux-{secrets.token_hex(4)}",
    })
    ref = next(iter(SHIPPED))
    with pytest.raises(TerminalProviderError, match="not published"):
        await copyless.prepare(ref)
    assert await Shipped(lab, copyless).publish() == len(SHIPPED)
    await copyless.prepare(ref)
    assert copyless.is_ready(ref)
    with pytest.raises(ValueError, match="copies no data sets"):
        copyless.path(ref)
