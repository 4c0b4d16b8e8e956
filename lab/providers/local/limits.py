"""What one sandbox may use of the machine: control groups where we may write them.

A sandbox has one group, with one leaf per member's program. Where a resource
has no writable group, something weaker takes its place, and ``describe_limits``
says so:

* cpu: the program is kept on as many cores as were granted (not a share of them);
* memory: each process by RLIMIT_DATA, and the sum by the keeper, which looks
  every two seconds and kills the largest process; a faster burst is not caught;
* pids: RLIMIT_NPROC, counted within the sandbox's own user namespace;
* disk, always: the keeper looks every two seconds; over the size, writes to
  files are refused until space is freed; well over it, the program is ended.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.domain.quantity import Resources

MOST_PROCESSES = 1024
CONTROLLERS = ("cpu", "memory", "pids")
INSTEAD = {"cpu": "affinity", "memory": "rlimit+watch", "pids": "rlimit", "disk": "watch"}

_NAME = "vase-clos"
_PERIOD_US = 100_000
_KILL_S = 3.0
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Tree:
    """A hierarchy of control groups in which we may make our own.

    Attributes:
        version: 1 or 2.
        base: Our folder in it.
        controllers: What it limits.
        origin: The group that we are in.
    """

    version: int
    base: Path
    controllers: frozenset[str]
    origin: Path

    @property
    def label(self) -> str:
        """How it is called for people."""
        return f"cgroup-v{self.version}"


def trees() -> tuple[Tree, ...]:
    """Find the hierarchies we may write in, each controller once; version 2 first."""
    found: list[Tree] = []
    taken: set[str] = set()
    for version, mount, origin, controllers in sorted(_hierarchies(), reverse=True):
        wanted = controllers & set(CONTROLLERS) - taken
        tree = _try(version, mount, origin, frozenset(wanted)) if wanted else None
        if tree is not None:
            found.append(tree)
            taken |= tree.controllers
    return tuple(found)


def _hierarchies() -> Iterator[tuple[int, Path, Path, frozenset[str]]]:
    """Yield version, mount point, our own group and controllers of each mounted hierarchy."""
    mine: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text("utf-8").splitlines():
        _, names, path = line.split(":", 2)
        mine |= dict.fromkeys(names.split(","), path)
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        inner, mount = left.split()[3:5]
        if kind == "cgroup2":
            with suppress(OSError):
                listed = Path(mount, "cgroup.controllers").read_text("ascii").split()
                yield 2, Path(mount), _own(mount, inner, mine.get("", "/")), frozenset(listed)
        elif kind == "cgroup":
            for name in frozenset(options.split(",")) & frozenset(CONTROLLERS):
                own = _own(mount, inner, mine.get(name, "/"))
                yield 1, Path(mount), own, frozenset({name})


def _own(mount: str, inner: str, path: str) -> Path:
    """Return our group's folder, of which the mount may show only a part."""
    relative = path.removeprefix(inner if inner != "/" else "")
    return Path(mount, relative.lstrip("/"))


def _try(version: int, mount: Path, origin: Path, controllers: frozenset[str]) -> Tree | None:
    bases = [origin / _NAME] if version == 1 else [mount / _NAME, origin.parent / _NAME]
    for base in bases:
        if mount != base.parent and mount not in base.parents:
            continue
        try:
            base.mkdir(exist_ok=True)
            usable = controllers if version == 1 else controllers & _given(base)
            probe = base / f"probe-{os.getpid()}"
            probe.mkdir(exist_ok=True)
            can_move = os.geteuid() == 0 or (_move(probe) and _move(origin))
            probe.rmdir()
        except OSError:
            continue
        if usable and can_move:
            return Tree(version, base, frozenset(usable), origin)
    return None


def _given(base: Path) -> frozenset[str]:
    """Hand our controllers of version 2 down, and tell which there are."""
    listed = frozenset((base / "cgroup.controllers").read_text("ascii").split())
    wanted = listed & frozenset(CONTROLLERS)
    if wanted:
        (base / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in wanted))
    return wanted


def describe_limits() -> dict[str, str]:
    """Tell, for ``lab doctor``, what limits each resource on this machine."""
    means = dict(INSTEAD)
    for tree in trees():
        means |= dict.fromkeys(tree.controllers, tree.label)
    return means


class Group:
    """The groups of one member's program in one sandbox.

    Args:
        sandbox_id: Names the group that carries the limits.
        member_id: Names the leaf.
        resources: Of the whole sandbox; 0 sets no limit.
        record: Where the leaves are written down, for whoever cleans up after a crash.
    """

    def __init__(
        self, sandbox_id: str, member_id: str, resources: Resources, record: Path
    ) -> None:
        self._resources = resources
        self._record = record
        self._means = dict(INSTEAD)
        self._leaves: list[tuple[Path, Path]] = []
        self._affinity = os.sched_getaffinity(0)
        for tree in trees():
            for _ in range(_TRIES):
                with suppress(OSError):  # another member's keeper may just have removed it
                    self._make(tree, tree.base / sandbox_id, member_id)
                    break
        record.write_text(json.dumps([str(leaf) for leaf, _ in self._leaves]), "utf-8")

    def _make(self, tree: Tree, folder: Path, member_id: str) -> None:
        folder.mkdir(exist_ok=True)
        for name, value in _settings(tree, self._resources):
            if (folder / name).exists():
                (folder / name).write_text(value, "ascii")
        if tree.version == 2:  # noqa: PLR2004
            words = " ".join(f"+{name}" for name in tree.controllers)
            (folder / "cgroup.subtree_control").write_text(words, "ascii")
        leaf = folder / member_id
        leaf.mkdir(exist_ok=True)
        self._leaves.append((leaf, tree.origin))
        self._means |= dict.fromkeys(tree.controllers, tree.label)

    @property
    def rlimits(self) -> dict[str, int]:
        """What the program's first process sets for itself and its descendants."""
        found = {"RLIMIT_CORE": 0}
        if self._means["pids"] == INSTEAD["pids"]:
            found["RLIMIT_NPROC"] = MOST_PROCESSES
        if self.watches_memory:
            found["RLIMIT_DATA"] = self._resources.memory_bytes
        if self._resources.storage_bytes:
            found["RLIMIT_FSIZE"] = self._resources.storage_bytes
        return found

    @property
    def watches_memory(self) -> bool:
        """Tell whether nobody but the keeper limits the sum of memory."""
        return self._means["memory"] == INSTEAD["memory"] and self._resources.memory_bytes > 0

    def enter(self) -> None:
        """Put this process in, so that what it starts is born inside."""
        for leaf, _ in self._leaves:
            _move(leaf)
        if self._means["cpu"] == INSTEAD["cpu"] and self._resources.cpu_millicores:
            count = max(1, -(-self._resources.cpu_millicores // 1000))
            os.sched_setaffinity(0, set(sorted(self._affinity)[:count]))

    def leave(self) -> None:
        """Take this process out again."""
        for _, origin in self._leaves:
            _move(origin)
        os.sched_setaffinity(0, self._affinity)

    def describe(self) -> dict[str, str]:
        """Tell what limits each resource of this sandbox."""
        return dict(self._means)

    def release(self) -> None:
        """End what is left in the groups, and remove them."""
        release(self._record)


def _settings(tree: Tree, resources: Resources) -> Iterator[tuple[str, str]]:
    """Yield the files to write, in the order the kernel wants."""
    quota = resources.cpu_millicores * _PERIOD_US // 1000
    memory = str(resources.memory_bytes)
    if "pids" in tree.controllers:
        yield "pids.max", str(MOST_PROCESSES)
    if "cpu" in tree.controllers and quota:
        if tree.version == 1:
            yield "cpu.cfs_period_us", str(_PERIOD_US)
            yield "cpu.cfs_quota_us", str(quota)
        else:
            yield "cpu.max", f"{quota} {_PERIOD_US}"
    if "memory" in tree.controllers and resources.memory_bytes:
        if tree.version == 1:
            yield "memory.limit_in_bytes", memory
            yield "memory.memsw.limit_in_bytes", memory
        else:
            yield "memory.max", memory
            yield "memory.swap.max", "0"


def _move(group: Path) -> bool:
    """Put this process in a group; tell whether the kernel let us."""
    try:
        (group / "cgroup.procs").write_text(str(os.getpid()), "ascii")
    except OSError:
        return False
    return True


def release(record: Path) -> None:
    """End what is left in the groups written down in ``record``, and remove them."""
    try:
        leaves = [Path(text) for text in json.loads(record.read_text("utf-8"))]
    except (OSError, ValueError):
        return
    for leaf in leaves:
        _empty(leaf)
        for folder in (leaf, leaf.parent):  # the sandbox's own goes with its last member
            with suppress(OSError):
                folder.rmdir()
    record.unlink(missing_ok=True)


def _empty(leaf: Path) -> None:
    deadline = time.monotonic() + _KILL_S
    while time.monotonic() < deadline:
        try:
            pids = [int(word) for word in (leaf / "cgroup.procs").read_text("ascii").split()]
        except OSError:
            return
        pids = [pid for pid in pids if pid not in {0, os.getpid()}]
        if not pids:
            return
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, 9)
        time.sleep(0.02)
