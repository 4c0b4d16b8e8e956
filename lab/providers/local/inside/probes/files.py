"""Try to read and to write what is not the sandbox's, and what is."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from .trial import Targets, Trial, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HOME = "/home/scientist"
_FEW_PROCESSES = 16
_CONTROL_GROUPS = frozenset({"cgroup", "cgroup2"})
_MEM_DEVICE = os.makedev(1, 1)
_DEVICES = ("mem", "kmsg", "kvm", "fuse", "net/tun", "loop-control", "vda", "sda", "nvme0n1")
_KERNEL_FILES = ("kcore", "kallsyms", "keys", "timer_list", "sysvipc/shm")
_WAIT_S = 0.9


def _writes(folder: str, nonce: str) -> Callable[[], str]:
    def attempt() -> str:
        path = f"{folder}/.probe-{nonce[:16]}"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.unlink(path)  # noqa: PTH108
        return "wrote a file"

    return attempt


def _opens_to_write(path: str) -> Callable[[], str]:
    def attempt() -> str:
        os.close(os.open(path, os.O_WRONLY))  # nothing is ever written
        return "opened it to write"

    return attempt


def _opens(path: str) -> Callable[[], str]:
    def attempt() -> str:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        return "opened it"

    return attempt


def _reads(path: str) -> Callable[[], str]:
    def attempt() -> str:
        if os.path.isdir(path):  # noqa: PTH112
            return f"listed {len(list(Path(path).iterdir()))} entries"
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            found = len(os.read(handle, 64))
        except BlockingIOError:
            found = 1
        finally:
            os.close(handle)
        if not found:
            refuse(errno.ENODATA, "it is empty")
        return "read it"

    return attempt


def _lists(path: str) -> Callable[[], str]:
    return lambda: f"listed {len(list(Path(path).iterdir()))} entries"


def _count_processes() -> str:
    found = sum(entry.name.isdecimal() for entry in Path("/proc").iterdir())
    if found <= _FEW_PROCESSES:
        refuse(errno.ESRCH, f"{found} processes are seen")
    return f"{found} processes are seen"


def _control_groups() -> str:
    """Try to make a group in each hierarchy that is mounted here."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:  # noqa: PTH123
        lines = [line.split(" - ") for line in file]
    mounted = [left.split()[4] for left, right in lines if right.split()[0] in _CONTROL_GROUPS]
    for folder in mounted:
        try:
            os.mkdir(f"{folder}/probe")  # noqa: PTH102
        except OSError:
            continue
        os.rmdir(f"{folder}/probe")  # noqa: PTH106
        return f"made a group in {folder}"
    raise OSError(errno.ENOENT, f"{len(mounted)} hierarchies, none writable")


def _release_agent() -> str:
    for folder in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
        try:
            os.close(os.open(f"{folder}/release_agent", os.O_WRONLY))
        except OSError:
            continue
        return "may name a program for the host to run"
    raise OSError(errno.ENOENT, "there is none")


def _make_device() -> str:
    path = f"/tmp/probe-device-{os.getpid()}"  # noqa: S108
    os.mknod(path, stat.S_IFCHR | 0o600, _MEM_DEVICE)
    os.unlink(path)  # noqa: PTH108
    return "made a device"


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
        yield Trial(f"host-file-{number}", _reads(path))
    folders = {"system": "/usr", "etc": "/etc", "environment": "/opt/notebook/lib", "root": "/"}
    folders |= {"data": f"{_HOME}/donnees", "doors": "/opt/lab/doors", "walls": "/opt/lab/inside"}
    folders |= {f"dataset-{name}": f"{_HOME}/donnees/{name}" for name in aims.datasets}
    for name, folder in folders.items():
        yield Trial(f"write-{name}", _writes(folder, aims.nonce))
    yield from _proc(aims)
    yield from _devices()
    yield from _wanted(aims)


def _proc(aims: Targets) -> Iterator[Trial]:
    yield Trial("proc-count", _count_processes)
    yield Trial("proc-first-root", _lists("/proc/1/root/"))
    yield Trial("proc-first-environ", _reads("/proc/1/environ"))
    if aims.host_pid:
        yield Trial("proc-outside-environ", _reads(f"/proc/{aims.host_pid}/environ"))
        yield Trial("proc-outside-root", _lists(f"/proc/{aims.host_pid}/root/"))
    for name in _KERNEL_FILES:
        yield Trial(f"proc-{name.replace('/', '-').replace('_', '-')}", _reads(f"/proc/{name}"))
    yield Trial("proc-sysrq", _opens_to_write("/proc/sysrq-trigger"))
    yield Trial("proc-core-pattern", _opens_to_write("/proc/sys/kernel/core_pattern"))
    yield Trial("proc-hostname", _opens_to_write("/proc/sys/kernel/hostname"))
    yield Trial("proc-ip-forward", _opens_to_write("/proc/sys/net/ipv4/ip_forward"))
    yield Trial("sys", _lists("/sys"))
    yield Trial("cgroup-write", _control_groups)
    yield Trial("cgroup-release-agent", _release_agent)


def _devices() -> Iterator[Trial]:
    for name in _DEVICES:
        yield Trial(f"device-{name.replace('/', '-')}", _opens(f"/dev/{name}"))
    yield Trial("make-device", _make_device)
    yield Trial("setuid-system", _owner_bits("/usr"))
    yield Trial("setuid-home", _owner_bits(_HOME))


def _wanted(aims: Targets) -> Iterator[Trial]:
    """Yield what must work, and the doors that must not."""
    yield Trial("home-write", _writes(_HOME, aims.nonce), is_wanted=True)
    yield Trial("tmp-write", _writes("/tmp", aims.nonce), is_wanted=True)  # noqa: S108
    for name in aims.datasets:
        yield Trial(f"dataset-read-{name}", _lists(f"{_HOME}/donnees/{name}"), is_wanted=True)
    for name, port in aims.doors.items():
        yield Trial(f"door-{name}", _door(port), is_wanted=name in aims.open_doors)
