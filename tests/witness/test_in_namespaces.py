"""The witness and the probe as they are, in network namespaces of their own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
INSIDE = ROOT / "lab/providers/kubernetes/inside"
NONCE = "5" * 32
TOKEN = "a-token-of-this-test"
ASK = """
import json, sys, urllib.request
method, path = sys.argv[1:]
request = urllib.request.Request(f"http://127.0.0.1:8090{path}", method=method)
request.add_header("Authorization", "Bearer a-token-of-this-test")
print(urllib.request.urlopen(request, timeout=5).read().decode())
"""


def run(*command: str) -> str:
    done = subprocess.run(command, check=True, timeout=30, capture_output=True, text=True)
    return done.stdout


class Pair:
    """Two namespaces, one cable: the probe's side and the witness's."""

    def __init__(self) -> None:
        mark = secrets.token_hex(3)
        self.inner, self.outer = f"vc{mark}i", f"vc{mark}o"
        self.witness: subprocess.Popen[bytes] | None = None

    def make(self, folder: Path) -> None:
        for name in (self.inner, self.outer):
            run("ip", "netns", "add", name)
        cable = ("type", "veth", "peer", "w0", "netns", self.outer)
        run("ip", "-n", self.inner, "link", "add", "p0", *cable)
        for name, device, four, six in (
            (self.inner, "p0", "192.0.2.2/24", "2001:db8::2/64"),
            (self.outer, "w0", "192.0.2.1/24", "2001:db8::1/64"),
        ):
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "-n", name, "link", "set", device, "up")
            for address in (four, six):
                extra = ["nodad"] if ":" in address else []
                run("ip", "-n", name, "addr", "add", address, "dev", device, *extra)
        run("ip", "-n", self.inner, "route", "add", "default", "via", "192.0.2.1")
        self._wait_for_link_local()
        (folder / "token").write_text(TOKEN)
        env = {
            **os.environ,
            "LAB_WITNESS_TOKEN_FILE": str(folder / "token"),
            "LAB_NODE": "node1",
            "LAB_NODE_ADDRESSES": "192.0.2.1,2001:db8::1",
            "LAB_WITNESS_PORTS": "53,8888",
        }
        command = ("ip", "netns", "exec", self.outer, sys.executable, "-m", "lab.witness")
        self.witness = subprocess.Popen(command, env=env, cwd=ROOT)
        for _ in range(200):
            try:
                self.ask("GET", "/live")
            except subprocess.CalledProcessError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the witness does not answer")

    def _wait_for_link_local(self) -> None:
        for _ in range(100):
            found = run("ip", "-n", self.inner, "-6", "addr", "show", "dev", "p0")
            if "fe80" in found and "tentative" not in found:
                return
            time.sleep(0.05)

    def ask(self, method: str, path: str) -> Any:
        inside = ("ip", "netns", "exec", self.outer)
        text = run(*inside, sys.executable, "-c", ASK, method, path)
        return json.loads(text) if text.strip() else None

    def probe(self, probes: list[list[object]], place: dict[str, str]) -> dict[str, str]:
        aims = {
            "run": "r",
            "nonce": NONCE,
            "report": "",
            "places": {"node1": place},
            "probes": probes,
            "files_too": False,
        }
        env = {**os.environ, "LAB_NODE": "node1", "LAB_PROBE": json.dumps(aims)}
        done = subprocess.run(
            ("ip", "netns", "exec", self.inner, sys.executable, "-I", str(INSIDE)),
            env=env,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        report = json.loads(done.stdout)
        self.code = done.returncode
        return {item["name"]: item["outcome"] for item in report["results"]}

    def close_to(self, tables: str, verdict: str, *match: str) -> None:
        rule = ("-A", "INPUT", "-i", "w0", *match, "-j", verdict)
        run("ip", "netns", "exec", self.outer, tables, *rule)

    def close(self) -> None:
        if self.witness is not None:
            self.witness.terminate()
            self.witness.wait(10)
        for name in (self.inner, self.outer):
            subprocess.run(("ip", "netns", "delete", name), check=False, capture_output=True)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    if os.geteuid() != 0:
        pytest.skip("only root can make network namespaces")
    if shutil.which("ip") is None or shutil.which("ip6tables") is None:
        pytest.skip("iproute2 or iptables is not installed")
    pair = Pair()
    try:
        pair.make(tmp_path)
        yield pair
    finally:
        pair.close()


PROBES: list[list[object]] = [
    ["tcp4", "tcp", "@same.v4", 8888],
    ["tcp6", "tcp", "@same.v6", 8888],
    ["udp4", "udp", "@same.v4", 53],
    ["udp6", "udp", "@same.v6", 53],
    ["tcp6-link", "tcp", "@same.link", 8888],
    ["udp6-link", "udp", "@same.link", 8888],
    ["udp6-all", "spread", "ff02::1", 8888],
    ["tcp6-own-gateway", "tcp", "@own.gateway", 8888],
]
LINK = {"tcp6-link", "udp6-link", "udp6-all", "tcp6-own-gateway"}


def test_every_way_is_seen_at_both_ends_and_a_closed_one_at_none(pair: Pair) -> None:
    told = pair.ask("GET", "/addresses")
    place = {"v4": told["v4"] or "192.0.2.1", "v6": told["v6"], "link": told["link_local"]}
    assert told["tcp"] == told["udp"] == [53, 8888]
    assert pair.ask("PUT", f"/arrivals/{NONCE}") == {"tcp": [53, 8888], "udp": [53, 8888]}

    outcomes = pair.probe(PROBES, place)
    assert set(outcomes.values()) == {"open"}, outcomes
    assert pair.code == 3
    seen = pair.ask("GET", f"/arrivals/{NONCE}")["arrivals"]
    assert set(seen) == set(outcomes)

    # As a policy that knows pod addresses alone would: link-local stays open.
    pair.close_to("iptables", "DROP")
    pair.close_to("ip6tables", "REJECT", "-s", "2001:db8::/64", "-p", "tcp")
    pair.close_to("ip6tables", "DROP", "-s", "2001:db8::/64", "-p", "udp")
    pair.ask("PUT", f"/arrivals/{NONCE}")
    outcomes = pair.probe(PROBES, place)
    assert {name for name, outcome in outcomes.items() if outcome == "open"} == LINK
    assert set(pair.ask("GET", f"/arrivals/{NONCE}")["arrivals"]) == LINK

    for kind in ("tcp", "udp"):
        pair.close_to("ip6tables", "DROP", "-s", "fe80::/10", "-p", kind)
    pair.ask("PUT", f"/arrivals/{NONCE}")
    outcomes = pair.probe(PROBES, place)
    assert set(outcomes.values()) == {"blocked"}, outcomes
    assert pair.code == 0
    assert pair.ask("GET", f"/arrivals/{NONCE}")["arrivals"] == {}


def test_a_probe_with_no_witness_on_its_node_is_not_read_as_blocked(pair: Pair) -> None:
    outcomes = pair.probe([["tcp4", "tcp", "@other.v4", 8888]], {"v4": "192.0.2.1"})
    assert outcomes == {"tcp4": "unknown"}
    assert pair.code == 4
