"""The parts of the driver that need no cluster."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cluster.driver import addons, binaries, control, nodes, outside, volumes
from tests.cluster.driver.pki import Pki
from tests.cluster.driver.plan import Plan, PlanError
from tests.cluster.driver.processes import CHECKOUT, Parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINK_NAME_LIMIT = 15
SOCKET_PATH_LIMIT = 107


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(state=tmp_path)


@pytest.fixture
def parts(plan: Plan) -> Iterator[Parts]:
    found = Parts(plan)
    yield found
    found.end(part.name for part in found.all())


def names_and_ranges(plan: Plan) -> set[str]:
    return {
        *plan.namespaces,
        *plan.links,
        *plan.cgroups,
        *plan.ranges,
        str(plan.docker_run),
        str(plan.marker),
        *(str(node.run) for node in plan.nodes),
    }


def test_two_clusters_share_no_name_and_no_range(tmp_path: Path) -> None:
    one = Plan(name="one", octet=98, state=tmp_path)
    two = Plan(name="two", octet=99, state=tmp_path)
    assert not names_and_ranges(one) & names_and_ranges(two)
    for mine, other in zip(one.ranges, two.ranges, strict=True):
        assert not ipaddress.ip_network(mine).overlaps(ipaddress.ip_network(other))


@pytest.mark.parametrize("octet", [16, 98, 254])
def test_every_address_is_within_what_the_machine_routes_to_the_cluster(
    tmp_path: Path, octet: int
) -> None:
    plan = Plan(octet=octet, state=tmp_path)
    range4, range6 = map(ipaddress.ip_network, plan.ranges)
    for node in plan.nodes:
        assert ipaddress.ip_address(node.address) in range4
        assert ipaddress.ip_address(node.address6) in range6
        assert ipaddress.ip_network(node.pods).subnet_of(ipaddress.ip_network(plan.pods[0]))  # type: ignore[arg-type]
        assert ipaddress.ip_network(node.pods6).subnet_of(ipaddress.ip_network(plan.pods[1]))  # type: ignore[arg-type]
    services, pods = map(ipaddress.ip_network, (plan.services[0], plan.pods[0]))
    assert not services.overlaps(pods)
    assert ipaddress.ip_address(plan.dns) in services
    assert ipaddress.ip_address(plan.api_service) == services[1]


def test_the_longest_name_still_gives_links_that_the_kernel_takes(tmp_path: Path) -> None:
    plan = Plan(name="abcdefg", state=tmp_path)
    assert all(len(f"{link}0") <= LINK_NAME_LIMIT for link in plan.links)


@pytest.mark.parametrize("name", ["", "Lab", "2lab", "a-b", "abcdefgh", "../x", "a b"])
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PlanError, match="name"):
        Plan(name=name, state=tmp_path)


@pytest.mark.parametrize("octet", [0, 15, 255, 1000])
def test_an_octet_that_cannot_be_is_refused(tmp_path: Path, octet: int) -> None:
    with pytest.raises(PlanError, match="octet"):
        Plan(octet=octet, state=tmp_path)


def test_a_plan_is_found_again(plan: Plan) -> None:
    changed = dataclasses.replace(plan, leaky=True, outside=("198.51.100.7",))
    changed.save()
    assert Plan.saved(plan.state) == changed
    assert "198.51.100.7" in changed.outside_addresses


def test_where_no_cluster_was_there_is_no_plan(tmp_path: Path) -> None:
    assert Plan.saved(tmp_path / "nothing") is None


def test_every_certificate_is_of_the_authority_and_names_its_node(plan: Plan) -> None:
    control.keys(plan)
    authority = x509.load_pem_x509_certificate((plan.pki / "ca.crt").read_bytes())
    for node in plan.nodes:
        mine = x509.load_pem_x509_certificate((plan.pki / f"{node.name}.crt").read_bytes())
        mine.verify_directly_issued_by(authority)
        names = mine.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert str(names.get_values_for_type(x509.IPAddress)[0]) == node.address
        assert f"system:node:{node.name}" in mine.subject.rfc4514_string()


def test_keys_are_readable_by_root_alone_and_the_authority_s_is_written_nowhere(
    plan: Plan,
) -> None:
    control.keys(plan)
    assert all(file.stat().st_mode & 0o077 == 0 for file in plan.pki.iterdir())
    assert not (plan.pki / "ca.key").exists()
    assert plan.kubeconfig.stat().st_mode & 0o077 == 0


def test_a_kubeconfig_holds_the_key_of_its_own_certificate(tmp_path: Path) -> None:
    Pki(tmp_path, server="https://10.98.0.2:6443").issue("someone", "someone", group="a-group")
    config = yaml.safe_load((tmp_path / "someone.conf").read_text())
    assert config["clusters"][0]["cluster"]["server"] == "https://10.98.0.2:6443"
    certificate = x509.load_pem_x509_certificate((tmp_path / "someone.crt").read_bytes())
    public = certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert {"CN=someone,O=a-group"} == {certificate.subject.rfc4514_string()}


def test_the_version_that_programs_say_is_the_one_that_is_pinned() -> None:
    pins = (binaries.MODULES / "kubernetes" / "go.mod").read_text()
    assert f"k8s.io/kubernetes {binaries.KUBERNETES}\n" in pins
    minor = binaries.KUBERNETES.removeprefix("v1")
    replaced = re.findall(r"=> k8s\.io/\S+ (\S+)", pins)
    assert set(replaced) == {f"v0{minor}"}


@pytest.mark.parametrize(
    "module", [*binaries.NEEDED, *binaries.ON_DEMAND], ids=lambda module: module.name
)
def test_every_module_is_pinned_and_has_a_folder_of_its_own(module: binaries.Module) -> None:
    assert (module.source / "go.mod").exists()
    assert module.renamed == "tiny" or (module.source / "go.sum").exists()
    others = {each.folder for each in (*binaries.NEEDED, *binaries.ON_DEMAND)} - {module.folder}
    assert len(others) == len(binaries.NEEDED) + len(binaries.ON_DEMAND) - 1
    other_flags = dataclasses.replace(module, flags="-s")
    assert other_flags.folder != module.folder


def test_a_part_that_runs_is_not_started_twice(parts: Parts) -> None:
    parts.start("sleeper", "sleep", "60")
    first = parts.get("sleeper")
    parts.start("sleeper", "sleep", "60")
    assert first is not None
    assert first.alive
    assert parts.get("sleeper") == first


def test_a_part_that_ended_is_started_again(parts: Parts) -> None:
    parts.start("sleeper", "sleep", "60")
    first = parts.get("sleeper")
    assert first is not None
    first.signal(signal.SIGKILL)
    while first.alive:
        time.sleep(0.01)
    parts.start("sleeper", "sleep", "60")
    second = parts.get("sleeper")
    assert second is not None
    assert second.alive
    assert second.pid != first.pid


def test_a_paused_part_ends_too(parts: Parts) -> None:
    parts.start("sleeper", "sleep", "60")
    part = parts.get("sleeper")
    assert part is not None
    part.signal(signal.SIGSTOP)
    parts.end(["sleeper"], seconds=2)
    assert not part.alive
    assert parts.all() == []


def test_another_program_with_the_same_pid_is_left_alone(plan: Plan, parts: Parts) -> None:
    with subprocess.Popen(["sleep", "60"]) as bystander:
        folder = plan.state / "parts"
        folder.mkdir()
        record = {"pid": bystander.pid, "started": 1, "command": ["sleep"]}
        (folder / "old.json").write_text(json.dumps(record))
        parts.end(["old"], seconds=0.2)
        assert bystander.poll() is None
        bystander.kill()


def test_the_name_server_shows_no_sandbox_and_answers_none(plan: Plan) -> None:
    manifests = addons.name_server(plan, "image")
    policy = next(each for each in manifests if each["kind"] == "NetworkPolicy")
    source = policy["spec"]["ingress"][0]["from"][0]["namespaceSelector"]["matchExpressions"]
    assert source == [{"key": "vase-clos.lab/sandbox", "operator": "DoesNotExist"}]
    assert "namespace_labels !vase-clos.lab/sandbox" in addons.corefile()
    assert "forward" not in addons.corefile()


def test_volumes_are_on_both_nodes_in_folders_of_their_own(plan: Plan) -> None:
    places = volumes.folders(plan).values()
    assert len({folder for _, folder, _ in places}) == len(places) >= 60
    assert {node for node, _, _ in places} == {"node1", "node2"}


def test_two_nodes_share_no_folder_and_no_group(plan: Plan) -> None:
    one, two = plan.nodes
    mine, other = nodes.kubelet(plan, one), nodes.kubelet(plan, two)
    for key in ("cgroupRoot", "podLogsDir", "containerRuntimeEndpoint", "tlsPrivateKeyFile"):
        assert mine[key] != other[key]
    assert nodes.cni(one)["plugins"][0]["ipam"] != nodes.cni(two)["plugins"][0]["ipam"]
    assert "restrict_oom_score_adj = true" in nodes.containerd(plan, one)


def test_sockets_fit_in_the_usual_state_folder() -> None:
    plan = Plan(name="abcdefg", state=CHECKOUT / ".cache/vase-clos/cluster/state/abcdefg")
    for path in (plan.docker_socket, plan.state / "outside.sock", plan.nodes[0].run / "x.sock"):
        assert len(str(path)) <= SOCKET_PATH_LIMIT


def ip4(protocol: int, payload: bytes) -> bytes:
    head = struct.pack(
        "!BBHHHBBH4s4s",
        0x45,
        0,
        0,
        0,
        0,
        64,
        protocol,
        0,
        b"\x0a\x62\x80\x05",
        b"\xc0\x00\x02\x0a",
    )
    return b"\0" * 12 + struct.pack("!H", 0x0800) + head + payload


def ip6(protocol: int, payload: bytes) -> bytes:
    source, target = (ipaddress.ip_address(each).packed for each in ("fd62::1", "2001:db8::10"))
    head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64)
    return b"\0" * 12 + struct.pack("!H", 0x86DD) + head + source + target + payload


def tcp(flags: int) -> bytes:
    return struct.pack("!HHIIBBHHH", 40000, 443, 0, 0, 0x50, flags, 0, 0, 0)


def test_the_first_packet_of_a_connection_counts_and_its_answers_do_not() -> None:
    assert outside.arrival(ip4(6, tcp(0x02))) == ("tcp", "10.98.128.5", "192.0.2.10", 443)
    assert outside.arrival(ip6(6, tcp(0x02))) == ("tcp", "fd62::1", "2001:db8::10", 443)
    assert outside.arrival(ip4(6, tcp(0x12))) is None
    assert outside.arrival(ip4(6, tcp(0x10))) is None


def test_datagrams_and_pings_count() -> None:
    udp = struct.pack("!HHHH", 40000, 53, 8, 0)
    assert outside.arrival(ip4(17, udp)) == ("udp", "10.98.128.5", "192.0.2.10", 53)
    assert outside.arrival(ip4(1, b"\x08" + b"\0" * 7)) == ("icmp", "10.98.128.5", "192.0.2.10", 0)
    assert outside.arrival(ip6(58, b"\x80" + b"\0" * 7)) == ("icmp6", "fd62::1", "2001:db8::10", 0)


def test_what_keeps_a_link_going_is_nobody_s_attempt() -> None:
    neighbour_solicitation = b"\x87" + b"\0" * 7
    assert outside.arrival(ip6(58, neighbour_solicitation)) is None
    address_resolution = b"\0" * 12 + struct.pack("!H", 0x0806) + b"\0" * 28
    assert outside.arrival(address_resolution) is None


def driver(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    if path is not None:
        environment["PATH"] = path
    return subprocess.run(
        [sys.executable, "-m", "tests.cluster", *arguments],
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def elsewhere(tmp_path: Path) -> tuple[str, ...]:
    return ("--name", "never", "--state", str(tmp_path / "never"))


def test_a_machine_without_the_programs_is_told_so_before_anything_is_made(
    elsewhere: tuple[str, ...],
) -> None:
    done = driver(*elsewhere, "up", "--octet", "250", path="/nonexistent")
    assert done.returncode == 1
    assert done.stderr.startswith("cluster: ")
    assert len(done.stderr.splitlines()) == 1
    assert "needs root" in done.stderr or "containerd" in done.stderr
    assert not os.path.exists(elsewhere[-1])  # noqa: PTH110


def test_doctor_says_the_same_and_changes_nothing(elsewhere: tuple[str, ...]) -> None:
    done = driver(*elsewhere, "doctor", path="/nonexistent")
    assert done.returncode == 1
    assert "needs root" in done.stdout or "Debian packages are missing" in done.stdout
    assert not os.path.exists(elsewhere[-1])  # noqa: PTH110


@pytest.mark.parametrize(
    "command", [["status"], ["kubectl", "get", "nodes"], ["outside"], ["node", "stop", "node2"]]
)
def test_what_needs_a_cluster_says_in_a_line_that_none_runs(
    elsewhere: tuple[str, ...], command: list[str]
) -> None:
    done = driver(*elsewhere, *command)
    assert done.returncode == 1
    assert "no cluster runs here" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_ending_a_cluster_that_never_was_is_well(elsewhere: tuple[str, ...]) -> None:
    if os.geteuid() != 0:
        pytest.skip("ends namespaces: needs root")
    done = driver(*elsewhere, "down", "--purge")
    assert (done.returncode, done.stderr) == (0, "")
