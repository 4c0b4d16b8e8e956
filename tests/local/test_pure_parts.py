from __future__ import annotations

import errno
import json
import os
import socket
import struct
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.domain.attempt import Rule
from lab.domain.containment import Expected, Outcome, ProbeResult, Proof
from lab.domain.errors import TerminalProviderError
from lab.domain.ids import MemberId, SandboxId
from lab.domain.quantity import Resources
from lab.probing.trial import Trial
from lab.providers.local import (
    attempts,
    doctor,
    limits,
    observer,
    processes,
    proofs,
    runtime,
    watch,
)
from lab.providers.local.attempts import AttemptLog
from lab.providers.local.inside.probes.run import run
from lab.providers.local.watch import Disk
from tests.conftest import NOON

if TYPE_CHECKING:
    from pathlib import Path


def four(host: str, port: int) -> bytes:
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(host)


def six(host: str, port: int) -> bytes:
    address = socket.inet_pton(socket.AF_INET6, host)
    return struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", port, 0) + address + bytes(4)


@pytest.mark.parametrize(
    ("address", "rule", "target"),
    [
        (four("192.0.2.1", 443), Rule.NO_NETWORK, "192.0.2.1:443"),
        (four("192.0.2.1", 53), Rule.NO_NAMES, "192.0.2.1:53"),
        (four("127.0.0.1", 53), Rule.NO_NAMES, "127.0.0.1:53"),
        (six("2001:db8::1", 80), Rule.NO_NETWORK, "[2001:db8::1]:80"),
        (six("::ffff:192.0.2.1", 80), Rule.NO_NETWORK, "192.0.2.1:80"),
    ],
)
def test_an_address_outside_is_an_attempt(address: bytes, rule: Rule, target: str) -> None:
    assert observer.judge(address) == (rule, target)


@pytest.mark.parametrize(
    "address",
    [
        b"",
        b"\x02\x00",
        four("127.0.0.1", 8888),
        four("127.9.9.9", 1),
        four("0.0.0.0", 1),
        six("::1", 9000),
        six("::ffff:127.0.0.1", 9000),
        six("2001:db8::1", 80)[:20],
        struct.pack("=H", socket.AF_UNIX) + b"/run/x.sock",
        struct.pack("=H", socket.AF_UNSPEC) + bytes(14),
    ],
)
def test_what_stays_inside_is_none(address: bytes) -> None:
    assert observer.judge(address) is None


def test_repeats_are_counted_and_targets_are_bounded(tmp_path: Path) -> None:
    file = tmp_path / "attempts.jsonl"
    log = AttemptLog(file, SandboxId("sb-1"), MemberId("m-1"))
    for _ in range(1000):
        log.add(Rule.NO_NETWORK, "192.0.2.1:1")
    for number in range(1000):
        log.add(Rule.NO_NETWORK, f"192.0.2.1:{number}")
    log.flush()
    log.flush()
    found, offset = attempts.read(file)
    assert sum(attempt.count for attempt in found) == 2000
    assert len(found) < 60
    assert attempts.MANY in {attempt.target for attempt in found}
    assert offset == file.stat().st_size
    with file.open("a") as out:
        out.write('not json\n{"rule": "unknown"}\n{"half')
    assert attempts.read(file, offset)[0] == []


def test_a_home_is_judged_by_its_size(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100_000))
    (tmp_path / "loop").symlink_to("/usr")
    assert 100_000 <= watch.size_of(tmp_path) < 120_000
    assert watch.judge(10, 10) is Disk.WITHIN
    assert watch.judge(11, 10) is Disk.OVER
    assert watch.judge(13, 10) is Disk.FAR_OVER
    assert watch.judge(10**15, 0) is Disk.WITHIN


def test_a_process_is_known_by_when_it_started() -> None:
    me = processes.identify(os.getpid())
    assert me is not None
    assert me.is_alive
    assert not processes.ProcessId(me.pid, me.started + 1, me.boot).is_alive
    assert not processes.ProcessId(me.pid, me.started, "another boot").is_alive
    assert processes.identify(2**22 + 1) is None
    assert processes.end(processes.ProcessId(me.pid, me.started + 1, me.boot), grace_s=0)


def test_an_environment_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TerminalProviderError):
        runtime.find(tmp_path)


def test_scripts_of_an_environment_point_where_it_is_shown(tmp_path: Path) -> None:
    env = tmp_path / "env"
    prefix = tmp_path / "base"
    (prefix / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    (prefix / "bin").mkdir()
    (prefix / "bin" / "python3.11").write_text("")
    (env / "bin").mkdir(parents=True)
    (env / "lib").mkdir()
    (env / "bin" / "python").symlink_to(prefix / "bin" / "python3.11")
    (env / "bin" / "tool").write_text(f"#!{env}/bin/python\nimport tool\n")
    (env / "pyvenv.cfg").write_text(f"home = {prefix}/bin\nversion_info = 3.11.7\n")
    found = runtime.find(env)
    assert found.python == "/opt/python/bin/python3.11"
    assert found.hidden == ("/opt/python/lib/python3.11/site-packages",)
    assert ("/opt/notebook/lib", env / "lib") in found.binds
    made = tmp_path / "made"
    for _ in range(2):
        runtime.write_scripts(found, made)
    assert (made / "bin" / "tool").read_text().startswith("#!/opt/notebook/bin/python\n")
    assert (made / "bin" / "python").readlink().name == "python3.11"
    assert str(tmp_path) not in (made / "pyvenv.cfg").read_text()


def proof() -> Proof:
    result = ProbeResult("é", Expected.BLOCKED, Outcome.BLOCKED, "no", 0, 3)
    return Proof(SandboxId("sb-1"), "h", NOON, NOON + timedelta(seconds=2), (result,))


def test_a_proof_survives_its_file_and_any_change_shows(tmp_path: Path) -> None:
    key = proofs.key(tmp_path / "secrets" / "proof-key")
    assert proofs.key(tmp_path / "secrets" / "proof-key") == key
    assert (tmp_path / "secrets" / "proof-key").stat().st_mode & 0o777 == 0o600
    signed = proofs.sign(proof(), key)
    file = tmp_path / "proof.json"
    proofs.write(file, signed)
    assert proofs.read(file) == signed
    assert proofs.is_genuine(signed, key)
    assert not proofs.is_genuine(proof(), key)
    assert not proofs.is_genuine(signed, b"another")
    content = json.loads(file.read_text())
    content["results"][0]["outcome"] = "open"
    assert not proofs.is_genuine(proofs.from_content(content), key)
    file.write_text("{}")
    assert proofs.read(file) is None
    assert proofs.read(tmp_path / "none") is None


def test_what_does_not_answer_or_breaks_is_never_read_as_refused() -> None:
    def late() -> str:
        raise TimeoutError

    def broken() -> str:
        raise RuntimeError

    def refused() -> str:
        raise OSError(errno.EPERM, "no")

    outcomes = [
        run(Trial("x", attempt), must_not_send="")["outcome"]
        for attempt in (late, broken, refused, lambda: "yes")
    ]
    assert outcomes == ["unknown", "unknown", "blocked", "open"]
    kept = run(Trial("x", refused, is_outward=True), must_not_send="eth0 is up")
    assert (kept["outcome"], kept["detail"]) == ("open", "eth0 is up")


def test_the_doctor_says_everything_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = doctor.checks(tmp_path / "not" / "yet")
    assert {check.name for check in found} >= {
        "bubblewrap", "user-namespaces", "seccomp", "seccomp-notification", "limit-cpu",
        "limit-memory", "limit-pids", "limit-disk", "disk",
    }  # fmt: skip
    for check in found:
        assert check.fr
        assert check.en
        assert bool(check.do_fr) == bool(check.do_en) == (check.verdict is not doctor.Verdict.OK)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.bubblewrap().verdict is doctor.Verdict.FAIL
    assert doctor.user_namespaces().verdict is doctor.Verdict.FAIL


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (1, {
            "pids.max": "1024", "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "150000",
            "memory.limit_in_bytes": "1000", "memory.memsw.limit_in_bytes": "1000",
        }),
        (2, {
            "pids.max": "1024", "cpu.max": "150000 100000", "memory.max": "1000",
            "memory.swap.max": "0",
        }),
    ],
)  # fmt: skip
def test_limits_are_written_as_each_version_wants(
    version: int, expected: dict[str, str], tmp_path: Path
) -> None:
    tree = limits.Tree(version, tmp_path, frozenset(limits.CONTROLLERS), tmp_path)
    assert dict(limits._settings(tree, Resources(1500, 1000, 0))) == expected
    assert dict(limits._settings(tree, Resources())) == {"pids.max": "1024"}
