"""What ``lab up`` writes down for every later command: lines of ``lab.toml``."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from lab.domain.object_store import StoreChoice
from lab.parts.message import MachineError, message

if TYPE_CHECKING:
    from pathlib import Path


def keep_port(state_dir: Path, port: int) -> None:
    """Write down the first port."""
    _keep(state_dir, "port", str(port))


def keep_storage(state_dir: Path, chosen: StoreChoice) -> None:
    """Write down the object store: what differs from the defaults.

    Raises:
        MachineError: Somebody wrote it there in another way.
    """
    usual, said = StoreChoice(), [f"kind = {json.dumps(chosen.kind.value)}"]
    for name in ("program", "endpoint", "admin", "region", "access_key", "secret_file"):
        value = getattr(chosen, name)
        if value != getattr(usual, name):
            said.append(f"{name} = {json.dumps(str(value))}")
    if chosen.encrypts:
        said.append("encrypts = true")
    _keep(state_dir, "storage", f"{{{', '.join(said)}}}")


def _keep(state_dir: Path, name: str, value: str) -> None:
    path = state_dir / "lab.toml"
    text = path.read_text("utf-8") if path.exists() else ""
    if re.search(rf"(?m)^\[{name}\b", text):
        raise MachineError(
            message("{path} holds a table [{name}]", path=path, name=name),
            message("Change it there, or take it out and give the option again."),
        )
    # At the top: what stands below a table's head belongs to that table.
    kept = re.sub(rf"(?m)^{name}\s*=.*\n?", "", text)
    path.write_text(f"{name} = {value}\n{kept}", "utf-8")
