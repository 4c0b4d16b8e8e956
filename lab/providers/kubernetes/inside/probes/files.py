"""Try to read and to write what is not the sandbox's, and what is."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .trial import Trial, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a folder
_FEW_PROCESSES = 16
_MEM_DEVICE = os.makedev(1, 1)
_HARMLESS_DEVICES = frozenset({
    *("null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts", "shm"),
    *("mqueue", "fd", "stdin", "stdout", "stderr", "core", "termination-log"),
})
_KERNEL_FILES = ("kcore", "keys", "timer_list", "sched_debug", "latency_stats", "scsi/scsi")
_SOCKETS: dict[str, tuple[str, ...]] = {
    "docker": ("/var/run/docker.sock", "/run/docker.sock"),
    "containerd": ("/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock"),
    "crio": ("/run/crio/crio.sock", "/var/run/crio/crio.sock"),
    "kubelet": ("/var/lib/kubelet/pods", "/var/lib/kubelet/device-plugins/kubelet.sock"),
}
_HOST_FILES: dict[str, tuple[str, ...]] = {
    "host-root": ("/host", "/rootfs", "/mnt/host"),
    "kubelet-files": ("/var/lib/kubelet", "/etc/kubernetes", "/var/lib/etcd", "/var/lib/rancher"),
    "shadow": ("/etc/shadow", "/etc/gshadow"),
    "root-home": ("/root",),
}
_OUR_FILE_SYSTEMS = frozenset({
    *("overlay", "proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "devtmpfs"),
})
_OUR_MOUNTS = ("/dev/", "/etc/", "/tmp", "/home/", "/run/.containerenv")  # noqa: S108


def _exists(*paths: str) -> Callable[[], str]:
    def attempt() -> str:
        found = [path for path in paths if os.path.lexists(path)]
        if not found:
            refuse(errno.ENOENT, "there is none")
        return f"there is {', '.join(found)}"

    return attempt


def _reads(*paths: str) -> Callable[[], str]:
    """Return what opens the first that can be opened and has anything in it."""

    def attempt() -> str:
        last: OSError = OSError(errno.ENOENT, "there is none")
        for path in paths:
            try:
                return _read(path)
            except OSError as error:
                last = error
        raise last

    return attempt


def _read(path: str) -> str:
    if Path(path).is_dir():
        found = len(list(Path(path).iterdir()))
        if not found:
            refuse(errno.ENODATA, "it is empty")
        return f"listed {found} entries of {path}"
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        found = len(os.read(handle, 64))
    except BlockingIOError:
        found = 1
    finally:
        os.close(handle)
    if not found:
        refuse(errno.ENODATA, "it is empty")
    return f"read {path}"


def _writes(folder: str) -> Callable[[], str]:
    def attempt() -> str:
        path = f"{folder}/.probe-{os.getpid()}"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.unlink(path)  # noqa: PTH108
        return f"wrote a file in {folder}"

    return attempt


def _opens_to_write(path: str) -> Callable[[], str]:
    def attempt() -> str:
        os.close(os.open(path, os.O_WRONLY))  # nothing is ever written
        return f"opened {path} to write"

    return attempt


def _environment() -> str:
    """Look for services of the cluster, and for keys, in what this pod was told.

    Of the API server's address the kubelet tells every container, asked or not; that it
    does not answer has a probe of its own.
    """
    strange = sorted(
        name
        for name in os.environ
        if (name.endswith("_SERVICE_HOST") and not name.startswith("KUBERNETES_"))
        or name.endswith(("_TOKEN", "_PASSWORD", "_SECRET", "KUBECONFIG"))
    )
    if not strange:
        refuse(errno.ENOENT, "no service of the cluster, and no key")
    return f"{', '.join(strange[:4])} in the environment"


def _count_processes() -> str:
    found = sum(entry.name.isdecimal() for entry in Path("/proc").iterdir())
    if found <= _FEW_PROCESSES:
        refuse(errno.ESRCH, f"{found} processes are seen")
    return f"{found} processes are seen"


def _devices() -> str:
    found = [entry.name for entry in Path("/dev").iterdir()]
    strange = sorted(name for name in found if name not in _HARMLESS_DEVICES)
    if not strange:
        refuse(errno.ENOENT, f"{len(found)} harmless ones")
    return f"there is {', '.join(strange[:6])}"


def _make_device() -> str:
    path = f"/tmp/probe-device-{os.getpid()}"  # noqa: S108
    os.mknod(path, stat.S_IFCHR | 0o600, _MEM_DEVICE)
    os.unlink(path)  # noqa: PTH108
    return "made a device"


def _control_group() -> str:
    with open("/proc/self/mountinfo", encoding="utf-8") as file:  # noqa: PTH123
        lines = [line.split(" - ") for line in file]
    kinds = {"cgroup", "cgroup2"}
    mounted = [left.split()[4] for left, right in lines if right.split()[0] in kinds]
    for folder in mounted:
        with suppress(OSError):
            os.mkdir(f"{folder}/probe")  # noqa: PTH102
            os.rmdir(f"{folder}/probe")  # noqa: PTH106
            return f"made a group in {folder}"
    raise OSError(errno.EROFS, f"{len(mounted)} hierarchies, none writable")


def _release_agent() -> str:
    for folder in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
        with suppress(OSError):
            os.close(os.open(f"{folder}/release_agent", os.O_WRONLY))
            return "may name a program for the node to run"
    raise OSError(errno.ENOENT, "there is none")


def _host_mounts() -> str:
    """Look for a file system of the node's that no pod of ours has a volume for."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8") as file:  # noqa: PTH123
        for line in file:
            left, right = line.split(" - ")
            target, kind = left.split()[4], right.split()[0]
            if kind not in _OUR_FILE_SYSTEMS and not target.startswith(_OUR_MOUNTS):
                found.append(f"{target} ({kind})")
    if not found:
        refuse(errno.ENOENT, "none but a pod's own")
    return f"there is {', '.join(found[:4])}"


def _set_user_id() -> str:
    """Look for a program that would change who runs it, where that may take effect."""
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123
        if "NoNewPrivs:\t1" in file.read():
            refuse(errno.EPERM, "new privileges are off, set-user-ID has no effect")
    for folder in ("/usr/bin", "/bin", "/usr/sbin", "/opt"):
        for entry in os.scandir(folder) if Path(folder).is_dir() else ():
            if entry.is_file() and entry.stat(follow_symlinks=False).st_mode & stat.S_ISUID:
                return f"{entry.path} takes effect"
    return "set-user-ID takes effect"


def trials() -> Iterator[Trial]:
    """Yield everything there is to try."""
    yield Trial("token", _exists(_TOKEN, f"{_TOKEN}/token"))
    yield Trial("token-elsewhere", _reads("/run/secrets", "/var/run/secrets"))
    yield Trial("environment", _environment)
    for name, paths in _SOCKETS.items():
        yield Trial(f"socket-{name}", _exists(*paths))
    for name, paths in _HOST_FILES.items():
        yield Trial(name, _reads(*paths))
    yield Trial("host-mounts", _host_mounts)
    yield Trial("write-root", _writes("/"))
    for folder in ("usr", "etc", "opt", "var"):
        yield Trial(f"write-{folder}", _writes(f"/{folder}"))
    yield Trial("write-program", _writes(str(Path(sys.argv[0]).resolve())))
    yield from _proc()
    yield Trial("devices", _devices)
    yield Trial("make-device", _make_device)
    yield Trial("set-user-id", _set_user_id)


def _proc() -> Iterator[Trial]:
    yield Trial("proc-count", _count_processes)
    for name in _KERNEL_FILES:
        yield Trial(f"proc-{name.replace('/', '-').replace('_', '-')}", _reads(f"/proc/{name}"))
    yield Trial("proc-sysrq", _opens_to_write("/proc/sysrq-trigger"))
    yield Trial("proc-core-pattern", _opens_to_write("/proc/sys/kernel/core_pattern"))
    yield Trial("proc-hostname", _opens_to_write("/proc/sys/kernel/hostname"))
    yield Trial("proc-ip-forward", _opens_to_write("/proc/sys/net/ipv4/ip_forward"))
    yield Trial("proc-irq", _opens_to_write("/proc/irq/default_smp_affinity"))
    yield Trial("sys-firmware", _reads("/sys/firmware"))
    yield Trial("sys-write", _opens_to_write("/sys/kernel/profiling"))
    yield Trial("cgroup-write", _control_group)
    yield Trial("cgroup-release-agent", _release_agent)


def wanted() -> Iterator[Trial]:
    """Yield what must work."""
    yield Trial("tmp-write", _writes("/tmp"))  # noqa: S108
