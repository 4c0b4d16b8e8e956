"""Try to read and to write what is not the sandbox's, and what is."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from lab.probing.files import (
    control_groups,
    make_device,
    processes_and_kernel,
    reads,
    writes,
)
from lab.probing.trial import Trial, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .targets import Targets

_HOME = "/home/scientist"
_DEVICES = ("mem", "kmsg", "kvm", "fuse", "net/tun", "loop-control", "vda", "sda", "nvme0n1")
_KERNEL_FILES = ("kcore", "kallsyms", "keys", "timer_list", "sysvipc/shm")
_WAIT_S = 0.9


def _opens(path: str) -> Callable[[], str]:
    def attempt() -> str:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        return "opened it"

    return attempt


def _lists(path: str) -> Callable[[], str]:
    return lambda: f"listed {len(list(Path(path).iterdir()))} entries"


def _owner_bits(path: str) -> Callable[[], str]:
    def attempt() -> str:
        if os.statvfs(path).f_flag & os.ST_NOSUID:
            refuse(errno.EPERM, "set-user-ID is off")
        return "set-user-ID takes effect"

    return attempt


def _door(port: int) -> Callable[[], str]:
    def attempt() -> str:
        with socket.create_connection(("127.0.0.1", port), _WAIT_S) as sock:
            sock.sendall(b"GET /.door HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = sock.recv(64)
        if not answer:
            refuse(errno.ECONNRESET, "closed without an answer")
        return "answered"

    return attempt


def trials(aims: Targets) -> Iterator[Trial]:
    """Yield everything there is to try."""
    for number, path in enumerate(aims.secret_files, 1):
        yield Trial(f"host-file-{number}", reads(path, empty_too=True))
    folders = {"system": "/usr", "etc": "/etc", "environment": "/opt/notebook/lib", "root": "/"}
    folders |= {"data": f"{_HOME}/donnees", "doors": "/opt/lab/doors", "walls": "/opt/lab/inside"}
    folders |= {f"dataset-{name}": f"{_HOME}/donnees/{name}" for name in aims.datasets}
    for name, folder in folders.items():
        yield Trial(f"write-{name}", writes(folder))
    yield from _proc(aims)
    yield from _devices()
    yield from _wanted(aims)


def _proc(aims: Targets) -> Iterator[Trial]:
    yield from processes_and_kernel(_KERNEL_FILES)
    yield Trial("proc-first-root", _lists("/proc/1/root/"))
    yield Trial("proc-first-environ", reads("/proc/1/environ"))
    if aims.host_pid:
        yield Trial("proc-outside-environ", reads(f"/proc/{aims.host_pid}/environ"))
        yield Trial("proc-outside-root", _lists(f"/proc/{aims.host_pid}/root/"))
    yield Trial("sys", _lists("/sys"))
    yield from control_groups()


def _devices() -> Iterator[Trial]:
    for name in _DEVICES:
        yield Trial(f"device-{name.replace('/', '-')}", _opens(f"/dev/{name}"))
    yield Trial("make-device", make_device)
    yield Trial("setuid-system", _owner_bits("/usr"))
    yield Trial("setuid-home", _owner_bits(_HOME))


def _wanted(aims: Targets) -> Iterator[Trial]:
    """Yield what must work, and the doors that must not."""
    yield Trial("home-write", writes(_HOME), is_wanted=True)
    yield Trial("tmp-write", writes("/tmp"), is_wanted=True)  # noqa: S108
    for name in aims.datasets:
        yield Trial(f"dataset-read-{name}", _lists(f"{_HOME}/donnees/{name}"), is_wanted=True)
    for name, port in aims.doors.items():
        yield Trial(f"door-{name}", _door(port), is_wanted=name in aims.open_doors)
