"""What this machine lacks for a cluster, each in one line; looks and changes nothing."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.driver import binaries, cgroups
from tests.cluster.driver.commands import attempt, run
from tests.cluster.driver.plan import cache
from tests.cluster.driver.telling import CannotDoError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.driver.plan import Plan

GIB = 1 << 30
MEMORY_BYTES, DISK_BYTES = 3 * GIB, 8 * GIB
COMMANDS = {
    "ip": "iproute2",
    "iptables": "iptables",
    "ip6tables": "iptables",
    "ipset": "ipset",
    "nft": "nftables",
    "conntrack": "conntrack",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "containerd": "containerd",
    "runc": "runc",
    "docker-registry": "docker-registry",
}
DOCKER_COMMANDS = {"dockerd": "docker.io", "docker": "docker.io", "debootstrap": "debootstrap"}
PLUGINS = Path("/usr/lib/cni")
NAMESPACES = ("unshare", "--net", "--mount")
CONTROLLERS = ("cpu", "memory", "pids")
# In namespaces that end with the shell: nothing of the machine is touched.
REHEARSAL = (
    ("a pair of links", "ip link add rehearse0 type veth peer name rehearse1"),
    ("a bridge", "ip link add rehearse2 type bridge"),
    ("IPv6", "ip -6 address add fd00:1::1/64 dev rehearse0"),
    ("forwarding", "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"),
    ("nftables", "nft add table inet rehearse"),
    ("iptables", "iptables -A INPUT -m comment --comment x -m conntrack --ctstate NEW -j REJECT"),
    ("ip6tables", "ip6tables -A INPUT -s fe80::/10 -j REJECT"),
    ("ipset", "ipset create rehearse hash:ip"),
    (
        "overlay mounts",
        (
            "mount -t tmpfs t /mnt && mkdir /mnt/1 /mnt/2 /mnt/3 /mnt/4 && "
            "mount -t overlay -o lowerdir=/mnt/1,upperdir=/mnt/2,workdir=/mnt/3 t /mnt/4"
        ),
    ),
)


def problems(plan: Plan) -> list[str]:
    """Everything that is missing, the first thing first; empty where a cluster can start."""
    checks: tuple[Callable[[Plan], list[str]], ...] = (
        _system,
        _commands,
        _groups,
        _kernel,
        _compiler,
        _room,
        _addresses,
    )
    found: list[str] = []
    for check in checks:
        found += check(plan)
        if found and check is _system:
            break
    return found


def beyond_help(plan: Plan) -> list[str]:
    """What no installation on this machine would change."""
    return _system(plan) or _groups(plan) + _namespaces(plan)


def refuse(plan: Plan) -> None:
    """Say what is missing before anything is changed.

    Raises:
        CannotDoError: With every problem, one a line.
    """
    found = problems(plan)
    if found:
        raise CannotDoError("; ".join(found))


def _system(_: Plan) -> list[str]:
    if sys.platform != "linux":
        return [f"a cluster needs Linux, and this is {sys.platform}"]
    if os.geteuid() != 0:
        return ["a cluster needs root: run it as root, or with sudo"]
    return []


def _commands(plan: Plan) -> list[str]:
    wanted = COMMANDS | (DOCKER_COMMANDS if plan.docker else {})
    packages = {package for command, package in wanted.items() if not shutil.which(command)}
    if not (PLUGINS / "bridge").exists():
        packages.add("containernetworking-plugins")
    if not packages:
        return []
    return [
        (
            f"Debian packages are missing: {' '.join(sorted(packages))} "
            "('images/machine/install.sh cluster' installs them)"
        )
    ]


def _groups(_: Plan) -> list[str]:
    hierarchies = cgroups.hierarchies() if cgroups.ROOT.exists() else []
    if hierarchies == [cgroups.ROOT]:
        there = (cgroups.ROOT / "cgroup.controllers").read_text().split()
        writable = os.access(cgroups.ROOT / "cgroup.procs", os.W_OK)
    else:
        there = [each.name for each in hierarchies]
        writable = all(os.access(each, os.W_OK) for each in hierarchies)
    missing = [each for each in CONTROLLERS if not any(each in name.split(",") for name in there)]
    if missing:
        return [f"the kernel gives no control groups for {', '.join(missing)}"]
    return [] if writable else ["control groups cannot be made: /sys/fs/cgroup is read-only"]


def _namespaces(_: Plan) -> list[str]:
    if attempt(*NAMESPACES, "true") is None:
        return ["the kernel gives no network and mount namespaces (unshare fails)"]
    return []


def _kernel(plan: Plan) -> list[str]:
    found = _namespaces(plan)
    if found:
        return found
    script = "\n".join(
        f"{{ {step}; }} >/dev/null 2>&1 || echo '{what}'" for what, step in REHEARSAL
    )
    refused = run(*NAMESPACES, "sh", "-c", script).splitlines()
    return [f"the kernel refuses in a namespace: {', '.join(refused)}"] if refused else []


def _compiler(_: Plan) -> list[str]:
    there = binaries.known()
    complete = all(name in there for module in binaries.NEEDED for name in module.programs)
    if complete or binaries.go():
        return []
    return [binaries.NO_GO]


def _room(plan: Plan) -> list[str]:
    found = []
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        available = int(value.split()[0]) * 1024
        if name == "MemAvailable" and available < MEMORY_BYTES:
            found.append(
                f"{available / GIB:.1f} GiB of memory are free, {MEMORY_BYTES // GIB} needed"
            )
    for folder in dict.fromkeys((plan.state, cache())):
        there = next(each for each in (folder, *folder.parents) if each.exists())
        free = shutil.disk_usage(there).free
        if free < DISK_BYTES:
            found.append(f"{free / GIB:.1f} GiB are free at {there}, {DISK_BYTES // GIB} needed")
    return found


def _addresses(plan: Plan) -> list[str]:
    owner = plan.owner()
    if owner not in {None, plan.state}:
        return [
            (
                f"a cluster named {plan.name} runs from {owner}: take '--state {owner}', "
                "or another --name and --octet"
            )
        ]
    lines = (attempt("ip", "route", "show", "root", plan.ranges[0]) or "").splitlines()
    others = [line for line in lines if f"dev {plan.links[0]}0" not in line]
    if others:
        return [f"this machine uses {plan.ranges[0]} already ({others[0].strip()}): take --octet"]
    return []
