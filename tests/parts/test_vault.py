from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from lab.parts import vault

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "secrets"
    vault.ensure(made)
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_random_private_and_made_once(folder: Path) -> None:
    before = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(before) == set(vault.NAMES)
    assert len(set(before.values())) == len(vault.NAMES)
    assert mode(folder) == 0o700
    assert {mode(path) for path in folder.iterdir()} == {0o600}
    assert vault.ensure(folder) == ()
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert vault.problems(folder) == []


def test_a_missing_secret_is_made_again_and_the_others_stay(folder: Path) -> None:
    (folder / "hub-key").unlink()
    kept = (folder / "proof-key").read_text()
    assert vault.ensure(folder) == ("hub-key",)
    assert (folder / "proof-key").read_text() == kept


@pytest.mark.parametrize(
    "value", ["", "\n", "changeme", "changeme-changeme-changeme-0123456789", "x" * 43, "short"]
)
def test_a_placeholder_is_refused(folder: Path, value: str) -> None:
    (folder / "gateway-key").write_text(value)
    (found,) = vault.problems(folder)
    assert "gateway-key" in str(found)
    assert "placeholder" in str(found)


@pytest.mark.parametrize("bits", [0o644, 0o640, 0o606])
def test_a_secret_that_others_can_read_is_refused(folder: Path, bits: int) -> None:
    (folder / "proof-key").chmod(bits)
    (found,) = vault.problems(folder)
    assert "chmod 600" in str(found)


def test_a_folder_that_others_can_read_is_refused(folder: Path) -> None:
    folder.chmod(0o755)
    assert "chmod 700" in str(vault.problems(folder)[0])


def test_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("x")
    (folder / "session-key").unlink()
    (folder / "session-key").symlink_to(tmp_path / "elsewhere")
    assert any("not a plain file" in str(each) for each in vault.problems(folder))


def test_the_operators_token_is_replaced_whole(folder: Path) -> None:
    vault.put(folder, vault.OPERATOR_TOKEN, "one")
    vault.put(folder, vault.OPERATOR_TOKEN, "two")
    assert (folder / vault.OPERATOR_TOKEN).read_text() == "two"
    assert {path.name for path in folder.iterdir()} == {*vault.NAMES, vault.OPERATOR_TOKEN}
