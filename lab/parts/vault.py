"""The lab's secrets: made once, at random, readable by their owner only."""

from __future__ import annotations

import secrets
import stat
from typing import TYPE_CHECKING

from lab.domain.secret import Secret
from lab.parts.message import Message, message
from lab.private import write_private

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    "hub-api-token",
    "hub-oauth-secret",
    "hub-key",
    "gateway-key",
    "proof-key",
    "certificate-key",
    "quarantine-key",
    "session-key",
    "metrics-token",
    "mlflow-admin-password",
    "s3-admin-key",
)
OPERATOR_TOKEN = "operator-token"  # noqa: S105  # the name of a file
_BITS_FOR_OTHERS = 0o077


def problems(folder: Path) -> list[Message]:
    """Say what is wrong with the secrets that are there already; those missing are fine."""
    if not folder.exists():
        return []
    if folder.is_symlink() or not folder.is_dir():
        return [message("{path} is not a folder", path=folder)]
    found = [_of_mode(folder, "700")] if _is_open_to_others(folder) else []
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            found.append(message("{path} is not a plain file", path=path))
        elif _is_open_to_others(path):
            found.append(_of_mode(path, "600"))
        elif path.name in NAMES and not _is_fit(path):
            found.append(
                message(
                    "the secret {path} is empty, too short or a placeholder: "
                    "delete it and one will be made at random",
                    path=path,
                )
            )
    return found


def ensure(folder: Path) -> tuple[str, ...]:
    """Make the secrets that are missing, whole or not at all; return their names."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = tuple(name for name in NAMES if not (folder / name).exists())
    for name in made:
        put(folder, name, secrets.token_urlsafe(32))
    return made


def put(folder: Path, name: str, value: str) -> None:
    """Write one secret, or replace it, whole or not at all."""
    write_private(folder / name, value)


def _is_open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & _BITS_FOR_OTHERS)


def _of_mode(path: Path, mode: str) -> Message:
    return message("{path} can be read by others: chmod {mode} {path}", path=path, mode=mode)


def _is_fit(path: Path) -> bool:
    try:
        Secret.checked(path.read_text(encoding="ascii"), name=path.name)
    except (ValueError, OSError):
        return False
    return True
