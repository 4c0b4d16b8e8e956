"""The walls, as arguments for bubblewrap. One place, used by notebooks and by the proof."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab import probing
from lab.providers.local import runtime as environment
from lab.providers.local.launch import HOME

if TYPE_CHECKING:
    from lab.providers.local.launch import LaunchSpec
    from lab.providers.local.staging import Direct, Staged

INSIDE_ID = 1000
INSIDE_FOLDER = "/opt/lab/inside"
_PROBING_FOLDER = "/opt/lab/shared/lab/probing"
DOORS_FOLDER = "/opt/lab/doors"
TEMPLATE_FOLDER = "/opt/lab/template"
_MACHINE_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""
_SHM_BYTES = 512 * 1024**2
_MASKED_FILES = (
    "kcore",
    "keys",
    "key-users",
    "kallsyms",
    "kmsg",
    "sysrq-trigger",
    "timer_list",
    "sched_debug",
    "config.gz",
    "iomem",
    "ioports",
    "slabinfo",
    "vmallocinfo",
    "kpagecount",
    "kpageflags",
    "modules",
    "diskstats",
    "partitions",
    "swaps",
)
_MASKED_FOLDERS = ("acpi", "scsi", "irq", "bus", "fs", "driver", "dynamic_debug", "sysvipc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors:
    """Open files that bubblewrap and the sandbox's first process inherit."""

    settings: int
    info: int
    seccomp: int | None


def arguments(
    spec: LaunchSpec,
    runtime: environment.Runtime,
    made: Path,
    stage: Direct | Staged,
    descriptors: Descriptors,
) -> list[str]:
    """Write the command line of one sandbox.

    Args:
        spec: Who is inside.
        runtime: The notebook environment.
        made: Folder of the keeper with ``etc``, ``bin``, ``pyvenv.cfg`` and ``empty``.
        stage: Shows folders to the user that the sandbox runs as.
        descriptors: What is handed down.
    """
    python = ["--", runtime.python, "-I", "-S", "-B", INSIDE_FOLDER, str(descriptors.settings)]
    ending = ["--info-fd", str(descriptors.info), *_library(runtime), *python]
    if spec.open_walls:
        return [
            *_open(),
            *_runtime(runtime, made, stage),
            *_inside(stage),
            *_own(spec, stage),
            *ending,
        ]
    closed = [
        *_namespaces(spec),
        *_machine(made, stage),
        *_proc(made, stage),
        *_runtime(runtime, made, stage),
        *_inside(stage),
        *_own(spec, stage),
    ]
    closed += ["--remount-ro", "/dev", "--remount-ro", "/"]
    return [*closed, "--seccomp", str(descriptors.seccomp), *ending]


def _namespaces(spec: LaunchSpec) -> list[str]:
    unshared = ("user", "pid", "net", "ipc", "uts", "cgroup")
    return [
        *(f"--unshare-{kind}" for kind in unshared),
        "--disable-userns",
        "--die-with-parent",
        "--new-session",
        "--as-pid-1",
        "--clearenv",
        *("--cap-drop", "ALL"),
        *("--uid", str(INSIDE_ID), "--gid", str(INSIDE_ID)),
        *("--hostname", spec.sandbox_id),
    ]


def _open() -> list[str]:
    """No wall: the machine as it is, to show that the probes can see it."""
    empty = ["--tmpfs", "/opt", "--tmpfs", "/home"]
    return ["--dev-bind", "/", "/", *empty, "--die-with-parent", "--clearenv", "--cap-add", "ALL"]


def _machine(made: Path, stage: Direct | Staged) -> list[str]:
    args = ["--ro-bind", "/usr", "/usr", "--tmpfs", "/usr/local", "--remount-ro", "/usr/local"]
    for folder in _MACHINE_FOLDERS:
        path = Path(folder)
        if path.is_symlink():
            args += ["--symlink", str(path.readlink()), folder]
        elif path.is_dir():
            args += ["--ro-bind", folder, folder]
    args += ["--dev", "/dev", "--size", str(_SHM_BYTES), "--perms", "1777", "--tmpfs", "/dev/shm"]  # noqa: S108
    args += ["--ro-bind", stage.show(made / "etc"), "/etc"]
    for name in ("ld.so.cache", "alternatives", "localtime"):
        if Path("/etc", name).exists():
            args += ["--ro-bind", f"/etc/{name}", f"/etc/{name}"]
    return [*args, "--dir", "/var", "--symlink", "/tmp", "/var/tmp"]  # noqa: S108


def _proc(made: Path, stage: Direct | Staged) -> list[str]:
    empty = stage.show(made / "empty")
    args = ["--proc", "/proc"]
    for name in _MASKED_FILES:
        if Path("/proc", name).exists():
            args += ["--ro-bind", empty, f"/proc/{name}"]
    for name in _MASKED_FOLDERS:
        if Path("/proc", name).is_dir():
            args += ["--tmpfs", f"/proc/{name}", "--remount-ro", f"/proc/{name}"]
    return args


def _runtime(runtime: environment.Runtime, made: Path, stage: Direct | Staged) -> list[str]:
    args: list[str] = []
    shown = (
        *runtime.binds,
        (f"{environment.NOTEBOOK}/bin", made / "bin"),
        (f"{environment.NOTEBOOK}/pyvenv.cfg", made / "pyvenv.cfg"),
    )
    for target, source in shown:
        args += ["--ro-bind", stage.show(source.resolve()), target]
    for target in runtime.hidden:
        args += ["--tmpfs", target, "--remount-ro", target]
    return args


def _inside(stage: Direct | Staged) -> list[str]:
    """Bind our own programs, and under its own name the package that they import."""
    folder, shared = Path(__file__).parent / "inside", Path(probing.__file__).parent
    args = ["--ro-bind", stage.show(folder), INSIDE_FOLDER]
    return [*args, "--ro-bind", stage.show(shared), _PROBING_FOLDER]


def _own(spec: LaunchSpec, stage: Direct | Staged) -> list[str]:
    """What is the person's: home, data sets, doors, temporary files."""
    bind = "--bind" if spec.open_walls else "--ro-bind"
    data = f"{HOME}/donnees"
    args = ["--bind", stage.show(spec.home), HOME, "--perms", "0755", "--tmpfs", data]
    for name, folder in spec.datasets:
        args += [bind, stage.show(folder.resolve()), f"{data}/{name}"]
    if not spec.open_walls:
        args += ["--remount-ro", data]
        args += ["--size", str(spec.tmp_bytes), "--perms", "1777", "--tmpfs", "/tmp"]  # noqa: S108
    args += [bind, stage.show(spec.doors_dir.resolve()), DOORS_FOLDER]
    if spec.template_dir is not None:
        args += [bind, stage.show(spec.template_dir.resolve()), TEMPLATE_FOLDER]
    return args


def _library(runtime: environment.Runtime) -> list[str]:
    path = runtime.library_path
    return ["--setenv", "LD_LIBRARY_PATH", path] if path else []


def write_etc(folder: Path, sandbox_id: str) -> None:
    """Fill the ``etc`` that is shown inside: one user, this host, no other name."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "passwd": f"scientist:x:{INSIDE_ID}:{INSIDE_ID}::{HOME}:/bin/bash\n",
        "group": f"scientist:x:{INSIDE_ID}:\n",
        "hosts": f"127.0.0.1 localhost {sandbox_id}\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        # Nothing listens there: a look-up fails at once, and is seen as one.
        "resolv.conf": "nameserver 127.0.0.1\noptions attempts:1 timeout:1\n",
        "ld.so.cache": "",
        "localtime": "",
        # Where fc-list is installed, matplotlib asks it: without a configuration it complains
        # in the first cell of the first notebook.
        "fonts/fonts.conf": _FONTS,
    }
    (folder / "fonts").mkdir(exist_ok=True)
    for name, text in content.items():
        (folder / name).write_text(text, "ascii")
    (folder / "alternatives").mkdir(exist_ok=True)
