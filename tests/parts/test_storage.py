from __future__ import annotations

import secrets
import tomllib
from pathlib import Path

import pytest

from lab.cli.storage_choice import AdminKind, Details, choice
from lab.domain.object_store import StoreChoice, StoreKind
from lab.parts import kept, machine, storage
from lab.parts.message import MachineError
from lab.settings import Settings

URL = "https://s3.example.org"


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(secrets.token_urlsafe(32))
    path.chmod(0o600)
    return path


def elsewhere(secret_file: Path) -> StoreChoice:
    made = choice(URL, Details(access_key="lab", secret_file=secret_file, admin=AdminKind.MINIO))
    assert made is not None
    return made


def with_store(settings: Settings, chosen: StoreChoice) -> Settings:
    return settings.model_copy(update={"storage": chosen})


@pytest.mark.parametrize(
    ("said", "details", "why"),
    [
        ("ceph", Details(), "neither seaweedfs, minio nor a URL"),
        ("external", Details(), "neither seaweedfs, minio nor a URL"),
        (None, Details(admin=AdminKind.MINIO), "say which store"),
        (None, Details(program=Path("/bin/true")), "say which store"),
        ("seaweedfs", Details(program=Path("/bin/true")), "do not go with --storage seaweedfs"),
        ("minio", Details(access_key="x"), "do not go with --storage minio"),
        (URL, Details(access_key="x"), "needs --storage-access-key and --storage-secret-file"),
        (URL, Details(secret_file=Path("k")), "needs --storage-access-key"),
        ("ftp://x", Details(access_key="x", secret_file=Path("k")), "no address of an object"),
        (f"{URL}/a", Details(access_key="x", secret_file=Path("k")), "no address of an object"),
        ("http://a:b@x", Details(access_key="x", secret_file=Path("k")), "no address of an"),
    ],
)
def test_options_that_do_not_fit_are_refused(said: str | None, details: Details, why: str) -> None:
    with pytest.raises(MachineError, match=why):
        choice(said, details)


def test_nothing_said_is_nothing_chosen() -> None:
    assert choice(None, Details()) is None


def test_the_choice_is_kept_and_read_back(settings: Settings, secret_file: Path) -> None:
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    path = settings.state_dir / "lab.toml"
    path.write_text('time_zone = "UTC"\n[providers.data]\nuse = "s3"\n')
    first = StoreChoice(kind=StoreKind.MINIO, program=Path("/opt/a b/minio"), encrypts=True)
    for chosen in (first, elsewhere(secret_file), StoreChoice()):
        kept.keep_storage(settings.state_dir, chosen)
        kept.keep_port(settings.state_dir, 9100)
        found = Settings(state_dir=settings.state_dir)
        assert (found.storage, found.port, found.time_zone) == (chosen, 9100, "UTC")
    assert tomllib.loads(path.read_text())["providers"] == {"data": {"use": "s3"}}


def test_a_choice_that_somebody_wrote_in_another_way_is_left_alone(settings: Settings) -> None:
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    text = '[storage]\nkind = "minio"\n'
    (settings.state_dir / "lab.toml").write_text(text)
    with pytest.raises(MachineError, match="holds a table"):
        kept.keep_storage(settings.state_dir, StoreChoice())
    assert (settings.state_dir / "lab.toml").read_text() == text


def test_a_store_that_others_run_is_no_part(settings: Settings, secret_file: Path) -> None:
    external = with_store(settings, elsewhere(secret_file))
    assert [part.name for part in machine.parts(external)] == list(machine.NAMES[1:])
    own = with_store(settings, StoreChoice(kind=StoreKind.MINIO))
    assert [part.name for part in machine.parts(own)] == list(machine.NAMES)


def test_no_minio_and_bad_secret_files_are_said_with_what_to_do(
    settings: Settings, secret_file: Path, tmp_path: Path
) -> None:
    named = StoreChoice(kind=StoreKind.MINIO, program=tmp_path / "none")
    external = with_store(settings, elsewhere(secret_file))
    secret_file.chmod(0o644)
    found = [storage.problem(with_store(settings, named)), storage.problem(external)]
    secret_file.unlink()
    found.append(storage.problem(external))
    told = [tuple(map(str, each)) for each in found if each]
    assert "is no program" in told[0][0]
    assert "--storage-program" in told[0][1]
    assert "can be read by others" in told[1][0]
    assert "cannot be read" in told[2][0]
    assert "--storage-secret-file" in told[2][1]
