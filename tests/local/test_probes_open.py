"""The probes in a sandbox without walls: that they can fail is what makes them worth something."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.bench import CHECKOUT, RUNTIME, lacking

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

PORT = 4433  # in a network namespace of its own
OUTSIDE = (
    *("192.0.2.10/32", "192.0.2.53/32", "198.51.100.10/32", "203.0.113.5/32"),
    *("169.254.169.254/32", "100.100.100.200/32", "168.63.129.16/32", "169.254.1.1/32"),
    *("2001:db8::10/128", "fd00:ec2::254/128"),
)

ARRIVE_OUTSIDE = {
    *("tcp4-internet", "udp4-internet", "tcp6-internet", "udp6-internet"),
    *("tcp4-private", "udp4-private", "tcp-host-1", "udp-host-1"),
    *(f"{kind}-metadata-{number}" for kind in ("tcp", "udp") for number in (1, 2, 3, 4)),
    *("udp4-link-local", "udp4-multicast", "udp4-broadcast", "dns-udp", "dns-tcp"),
}
ARRIVE_ON_THE_HOST = {
    *("tcp-host-loopback-1", "udp-host-loopback", "tcp-neighbour-1", "abstract-socket"),
    "unix-socket-1",
}
FOUND_OPEN = {
    *("interfaces", "routes", "socket-raw4", "socket-raw4-any", "socket-raw6", "socket-packet"),
    *("socket-netlink-audit", "host-file-1", "write-system", "write-etc", "write-root"),
    *("write-data", "write-dataset-demandes", "write-doors"),
    *("proc-count", "proc-outside-environ"),
    *("proc-outside-root", "proc-core-pattern", "proc-hostname", "proc-ip-forward", "sys"),
    *("mount-tmpfs", "mount-bind", "mount-remount", "umount", "pivot-root", "chroot", "fsopen"),
    *("open-tree", "move-mount", "name-to-handle", "unshare-mount", "unshare-net", "setns"),
    *("unshare-user", "clone-user", "clone3", "ptrace", "process-vm-readv", "pidfd-getfd"),
    *("signal-outside", "acct", "swapon", "sethostname", "settimeofday", "personality"),
    *("root-user", "become-root", "capabilities-eff", "capabilities-prm", "capabilities-bnd"),
    *("no-filter", "make-device"),
}


def run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=30)


@pytest.fixture
def network() -> Iterator[tuple[str, str]]:
    if why := lacking():
        pytest.skip(why)
    if os.geteuid() != 0:
        pytest.skip("only root can make network namespaces")
    if shutil.which("ip") is None:
        pytest.skip("iproute2 is not installed")
    mark = secrets.token_hex(3)
    inner, outer = f"vc{mark}i", f"vc{mark}o"
    try:
        for name in (inner, outer):
            run("ip", "netns", "add", name)
        run("ip", "-n", inner, "link", "add", inner, "type", "veth", "peer", outer, "netns", outer)
        for name in (inner, outer):
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "-n", name, "link", "set", name, "up")
        for address in OUTSIDE:
            extra = ["nodad"] if ":" in address else []
            run("ip", "-n", outer, "addr", "add", address, "dev", outer, *extra)
        run("ip", "-n", inner, "addr", "add", "192.0.2.200/32", "dev", inner)
        run("ip", "-n", inner, "addr", "add", "2001:db8::200/128", "dev", inner, "nodad")
        for name in (inner, outer):
            run("ip", "-n", name, "route", "add", "default", "dev", name)
            run("ip", "-n", name, "-6", "route", "add", "default", "dev", name)
        yield inner, outer
    finally:
        for name in (inner, outer):
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)


def probe(namespace: str, nonce: str, port: int) -> tuple[dict[str, Any], dict[str, int]]:
    folder = tempfile.mkdtemp(prefix="vc-")
    try:
        command = ["nsenter", f"--net=/run/netns/{namespace}", sys.executable, "-m"]
        command += ["tests.local.opened", folder, str(RUNTIME), nonce, str(port)]
        done = subprocess.run(
            command, cwd=CHECKOUT, check=True, capture_output=True, text=True, timeout=90
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    content = json.loads(done.stdout)
    answers = {a["name"]: a for a in content["answers"] if "name" in a}
    assert {"end": True} in content["answers"], content["log"][-2000:]
    return answers, content["arrivals"]


def test_without_walls_the_same_probes_come_out_open_and_arrive(network: tuple[str, str]) -> None:
    inner, outer = network
    nonce = secrets.token_hex(16)
    command = ["nsenter", f"--net=/run/netns/{outer}", sys.executable, "-m"]
    with subprocess.Popen(
        [*command, "tests.local.outside", nonce, str(PORT)],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as outside:  # fmt: skip
        assert outside.stdout is not None
        assert outside.stdout.readline() == "listening\n"
        answers, on_host = probe(inner, nonce, PORT)
        counted, _ = outside.communicate("", timeout=20)
    arrivals = json.loads(counted)
    opened = {name for name, answer in answers.items() if answer["outcome"] == "open"}
    print(f"open without walls: {len(opened)} of {len(answers)}")  # noqa: T201
    print("not shown open:", {n: a["detail"] for n, a in answers.items() if n not in opened})  # noqa: T201
    assert len(opened) >= 90
    assert not ARRIVE_OUTSIDE - arrivals.keys()
    assert not ARRIVE_ON_THE_HOST - on_host.keys()
    assert not (ARRIVE_OUTSIDE | ARRIVE_ON_THE_HOST | FOUND_OPEN) - opened


def test_where_there_is_a_network_and_no_word_nothing_is_sent(network: tuple[str, str]) -> None:
    inner, outer = network
    nonce = secrets.token_hex(16)
    command = ["nsenter", f"--net=/run/netns/{outer}", sys.executable, "-m"]
    with subprocess.Popen(
        [*command, "tests.local.outside", nonce, str(PORT)],
        cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as outside:  # fmt: skip
        assert outside.stdout is not None
        assert outside.stdout.readline() == "listening\n"
        answers, _ = probe(inner, nonce, 0)
        counted, _ = outside.communicate("", timeout=20)
    assert json.loads(counted) == {}
    assert answers["tcp4-internet"]["outcome"] == "open"
    assert "another interface is up" in answers["tcp4-internet"]["detail"]
