"""Try to read and to write what is not the sandbox's, and what is."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.probing.files import (
    control_groups,
    make_device,
    opens_to_write,
    processes_and_kernel,
    reads,
    writes,
)
from lab.probing.trial import Trial, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a folder
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


def _devices() -> str:
    found = [entry.name for entry in Path("/dev").iterdir()]
    strange = sorted(name for name in found if name not in _HARMLESS_DEVICES)
    if not strange:
        refuse(errno.ENOENT, f"{len(found)} harmless ones")
    return f"there is {', '.join(strange[:6])}"


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
    yield Trial("token-elsewhere", reads("/run/secrets", "/var/run/secrets"))
    yield Trial("environment", _environment)
    for name, paths in _SOCKETS.items():
        yield Trial(f"socket-{name}", _exists(*paths))
    for name, paths in _HOST_FILES.items():
        yield Trial(name, reads(*paths, empty_too=True))
    yield Trial("host-mounts", _host_mounts)
    yield Trial("write-root", writes("/"))
    for folder in ("usr", "etc", "opt", "var"):
        yield Trial(f"write-{folder}", writes(f"/{folder}"))
    yield Trial("write-program", writes(str(Path(sys.argv[0]).resolve())))
    yield from _proc()
    yield Trial("devices", _devices)
    yield Trial("make-device", make_device)
    yield Trial("set-user-id", _set_user_id)


def _proc() -> Iterator[Trial]:
    yield from processes_and_kernel(_KERNEL_FILES)
    yield Trial("proc-irq", opens_to_write("/proc/irq/default_smp_affinity"))
    yield Trial("sys-firmware", reads("/sys/firmware"))
    yield Trial("sys-write", opens_to_write("/sys/kernel/profiling"))
    yield from control_groups()


def wanted() -> Iterator[Trial]:
    """Yield what must work."""
    yield Trial("tmp-write", writes("/tmp"), is_wanted=True)  # noqa: S108
