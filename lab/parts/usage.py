"""What the lab uses now, and whether its walls hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from lab.parts import machine, readiness
from lab.parts.supervision import SUPERVISOR, Supervisor
from lab.parts.vault import OPERATOR_TOKEN
from lab.providers.local import launch

if TYPE_CHECKING:
    from datetime import datetime

    from lab.settings import Settings


@dataclass(frozen=True, slots=True)
class PartUsage:
    """One part, and the memory of its processes.

    Attributes:
        rss_bytes: Resident, what is shared counted in each process.
        pss_bytes: What is shared counted in parts: it may be added up.
    """

    name: str
    state: str
    pid: int
    since: datetime | None
    rss_bytes: int
    pss_bytes: int


@dataclass(frozen=True, slots=True)
class Status:
    """The lab now.

    Attributes:
        sandboxes: How many live; ``None`` where the control plane does not say.
        contained: Whether every proof holds; ``None`` likewise.
    """

    address: str
    parts: tuple[PartUsage, ...]
    notebooks: int
    sandboxes: int | None
    contained: bool | None

    @property
    def is_up(self) -> bool:
        """Tell whether every part takes requests."""
        return all(part.state == "ready" for part in self.parts)

    @property
    def pss_bytes(self) -> int:
        """Memory of all parts."""
        return sum(part.pss_bytes for part in self.parts)

    def document(self) -> dict[str, Any]:
        """Write it for programs."""
        return {
            "address": self.address,
            "is_up": self.is_up,
            "parts": [
                {
                    "name": part.name,
                    "state": part.state,
                    "pid": part.pid,
                    "since": part.since.isoformat() if part.since else None,
                    "rss_bytes": part.rss_bytes,
                    "pss_bytes": part.pss_bytes,
                }
                for part in self.parts
            ],
            "pss_bytes": self.pss_bytes,
            "notebooks": self.notebooks,
            "sandboxes": self.sandboxes,
            "contained": self.contained,
        }


def look(settings: Settings) -> Status:
    """Look at everything. Nothing there is an answer too."""
    supervisor = Supervisor(settings, timeout_s=5)
    process, states = supervisor.process(), supervisor.states()
    children = _children()
    parts: list[PartUsage] = []
    with readiness.client() as asking:
        for part in machine.parts(settings):
            state = states.get(part.name)
            word = state.state.lower() if state else "stopped"
            if state is not None and state.is_running:
                word = "ready" if readiness.is_ready(part, asking) else "starting"
            pid = state.pid if state else 0
            rss, pss = memory(pid, children)
            since = state.since if state else None
            parts.append(PartUsage(part.name, word, pid, since, rss, pss))
        sandboxes, contained = _ask(settings, asking)
    # Its own memory, without the parts: they are its children.
    rss, pss = memory(process.pid if process else 0, {})
    word = "ready" if process else "stopped"
    parts.append(PartUsage(SUPERVISOR, word, process.pid if process else 0, None, rss, pss))
    notebooks = len(launch.running(settings.run_dir))
    return Status(f"{settings.public_url}/", tuple(parts), notebooks, sandboxes, contained)


def memory(pid: int, children: dict[int, list[int]]) -> tuple[int, int]:
    """Return resident and proportional bytes of a process and all below it."""
    if not pid:
        return 0, 0
    rss, pss = _of_one(pid)
    for child in children.get(pid, ()):
        more_rss, more_pss = memory(child, children)
        rss, pss = rss + more_rss, pss + more_pss
    return rss, pss


def _of_one(pid: int) -> tuple[int, int]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0, 0
    found = {line.split()[0]: line.split()[1] for line in lines[1:]}
    return int(found.get("Rss:", 0)) * 1024, int(found.get("Pss:", 0)) * 1024


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        found.setdefault(int(fields[1]), []).append(int(folder.name))
    return found


def _ask(settings: Settings, asking: httpx.Client) -> tuple[int | None, bool | None]:
    """Return how many sandboxes live, and whether the proofs of all that are ready hold."""
    try:
        token = settings.secret(OPERATOR_TOKEN)
        root = f"{settings.api_url}/api/v1/sandboxes"
        headers = {"Authorization": f"Bearer {token}"}
        found: list[dict[str, Any]] = []
        proofs: list[bool] = []
        query = {"live_only": "true", "limit": "100"}
        while True:
            page = asking.get(root, params=query, headers=headers).raise_for_status().json()
            found += page["items"]
            if not page["next"]:
                break
            query["after"] = page["next"]
        for each in found:
            if each["phase"] == "ready":
                answer = asking.get(f"{root}/{each['id']}/proof", headers=headers)
                proofs.append(answer.is_success and bool(answer.json()["holds"]))
    except (OSError, ValueError, KeyError, httpx.HTTPError):
        return None, None
    return len(found), all(proofs) if proofs else None
