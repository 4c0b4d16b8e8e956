from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lab.domain.attempt import Rule
from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.quantity import MIB
from lab.providers.local import launch, processes, watch
from tests.local.bench import CHECKOUT, PYTHON, UID, Bench, wait_for

pytestmark = pytest.mark.real


def tree_of(keeper: launch.Keeper) -> list[processes.ProcessId]:
    assert keeper.process is not None
    found = [processes.identify(pid) for pid in watch.descendants(keeper.process.pid)]
    return [process for process in found if process is not None]


def test_a_spec_survives_json(bench: Bench) -> None:
    spec = bench.spec("a", "b", env={"X": "é"}, template_dir=Path("/t"), uid=7)
    assert launch.LaunchSpec.from_json(spec.to_json()) == spec


def test_a_program_runs_as_a_plain_user_with_only_the_environment_it_was_given(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERY_SECRET", "of the host")
    seen = bench.python(
        """
        import json, os
        print(json.dumps({
            "uid": os.getuid(), "pid": os.getpid(), "env": dict(os.environ),
            "status": open("/proc/self/status").read(), "host": os.uname().nodename,
        }))
        """,
        env={"JUPYTERHUB_USER": "m-0000000001"},
    )
    assert seen["uid"] == 1000
    assert seen["pid"] < 10
    assert seen["host"].startswith("sb-")
    assert set(seen["env"]) - {"LC_CTYPE", "LD_LIBRARY_PATH"} == {
        "HOME", "PATH", "USER", "LOGNAME", "LANG", "SHELL", "TMPDIR", "JUPYTERHUB_USER",
    }  # fmt: skip
    assert "NoNewPrivs:\t1" in seen["status"]
    assert "Seccomp:\t2" in seen["status"]
    for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb"):
        assert f"Cap{kind}:\t0000000000000000" in seen["status"]


def test_what_is_shown_is_the_system_the_environment_and_what_was_given(bench: Bench) -> None:
    seen = bench.python(
        """
        import json, os, sys
        def tries(path):
            try:
                open(path, "w").close()
                return "written"
            except OSError as error:
                return type(error).__name__
        paths = ["/usr/x", "/etc/x", "/x", "/opt/notebook/lib/x", "/home/x", "/dev/x",
                 "/home/scientist/donnees/x", "/home/scientist/donnees/demandes/x",
                 "/home/scientist/x", "/tmp/x", "/dev/shm/x", "/opt/lab/doors/x",
                 "/opt/lab/inside/x", "/opt/lab/shared/x", "/opt/lab/shared/lab/probing/x"]
        print(json.dumps({
            "root": sorted(os.listdir("/")), "home": os.listdir("/home"),
            "etc": sorted(os.listdir("/etc")), "usr_local": os.listdir("/usr/local"),
            "fonts": os.listdir("/etc/fonts"),
            "prefix": sys.prefix, "base": sys.base_prefix, "file": os.__file__,
            "pids": [x for x in os.listdir("/proc") if x.isdecimal()],
            "write": {path: tries(path) for path in paths},
            "data": open("/home/scientist/donnees/demandes/table.csv").read(),
        }))
        """
    )
    assert set(seen["root"]) <= {
        "bin", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "opt", "proc", "sbin",
        "tmp", "usr", "var",
    }  # fmt: skip
    assert seen["home"] == ["scientist"]
    assert seen["usr_local"] == []
    assert "shadow" not in seen["etc"]
    assert seen["fonts"] == ["fonts.conf"]
    assert seen["prefix"] == "/opt/notebook"
    assert seen["file"].startswith(("/opt/python", "/usr/lib"))
    assert len(seen["pids"]) == 2  # the first process and this one
    writable = {path for path, result in seen["write"].items() if result == "written"}
    assert writable == {"/home/scientist/x", "/tmp/x", "/dev/shm/x"}
    assert seen["data"].startswith("a,b")


def test_the_home_stays_and_the_template_never_covers_what_is_there(bench: Bench) -> None:
    template = bench.folder / "template"
    (template / "sub").mkdir(parents=True)
    (template / "depart.ipynb").write_text("new")
    (template / "sub" / "deep.txt").write_text("deep")
    code = "import os; print(open('depart.ipynb').read()); open('depart.ipynb','w').write('mine')"
    spec = bench.spec(PYTHON, "-c", code, template_dir=template)
    assert "new" in bench.run(spec)
    assert "mine" in bench.run(spec)
    assert (spec.home / "sub" / "deep.txt").read_text() == "deep"
    if UID is not None:
        assert (spec.home / "depart.ipynb").stat().st_uid == UID


def test_a_link_in_the_place_of_the_data_folder_does_no_harm(bench: Bench) -> None:
    spec = bench.spec(PYTHON, "-c", "import os; print(os.listdir('donnees'))")
    (spec.home / "donnees").symlink_to("/etc")
    assert "demandes" in bench.run(spec)


def test_a_home_that_is_a_link_is_refused(bench: Bench) -> None:
    spec = bench.spec()
    (spec.home.parent / "link").symlink_to("/etc")
    with pytest.raises(ProviderError, match="not a folder"):
        bench.start(replace(spec, home=spec.home.parent / "link"))


def test_starting_twice_is_starting_once_and_another_spec_replaces_it(bench: Bench) -> None:
    spec = bench.spec()
    first, second = bench.start(spec), bench.start(spec)
    assert first.process == second.process
    assert [k.process for k in launch.running(bench.folder)] == [first.process]
    other = launch.start(replace(spec, env={"A": "1"}), bench.run_dir(spec))
    assert other.process != first.process
    assert first.process is not None
    assert not first.process.is_alive


def test_stopping_ends_everything_and_is_repeatable(bench: Bench) -> None:
    code = "import subprocess; subprocess.run(['setsid', 'sleep', '300'])"
    spec = bench.spec(PYTHON, "-c", code)
    keeper = bench.start(spec)
    wait_for(lambda: len(tree_of(keeper)) >= 5)  # keeper, bwrap, init, python, sleep
    tree = tree_of(keeper)
    assert launch.stop(bench.run_dir(spec)).state is launch.State.STOPPED
    assert not [process for process in tree if process.is_alive]
    assert launch.stop(bench.run_dir(spec)).state is launch.State.STOPPED
    assert launch.stop(bench.folder / "nothing").state is launch.State.ABSENT
    assert not (bench.run_dir(spec) / "groups.json").exists()


def test_a_program_that_ignores_the_request_is_ended_all_the_same(bench: Bench) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
    spec = bench.spec(PYTHON, "-c", f"{code}\nwhile True: time.sleep(1)", grace_s=0.3)
    keeper = bench.start(spec)
    wait_for(lambda: "1" in (bench.run_dir(spec) / "server.log").read_text())
    tree = tree_of(keeper)
    launch.stop(bench.run_dir(spec))
    assert not [process for process in tree if process.is_alive]


def test_a_pid_that_was_reused_is_never_killed(bench: Bench) -> None:
    spec = bench.spec()
    bench.start(spec)
    launch.stop(bench.run_dir(spec))
    with subprocess.Popen(["sleep", "60"]) as innocent:
        file = bench.run_dir(spec) / "status.json"
        content = json.loads(file.read_text()) | {"state": "running"}
        content["process"]["pid"] = innocent.pid
        file.write_text(json.dumps(content))
        assert launch.status(file.parent).state is launch.State.DEAD
        launch.stop(file.parent)
        assert innocent.poll() is None
        innocent.kill()


def test_when_the_keeper_is_killed_nothing_inside_survives(bench: Bench) -> None:
    code = "import subprocess; subprocess.run(['setsid', 'sleep', '300'])"
    spec = bench.spec(PYTHON, "-c", code)
    keeper = bench.start(spec)
    assert keeper.process is not None
    wait_for(lambda: len(tree_of(keeper)) >= 5)
    tree = tree_of(keeper)
    os.kill(keeper.process.pid, signal.SIGKILL)
    wait_for(lambda: not any(process.is_alive for process in tree), 5)
    assert launch.status(bench.run_dir(spec)).state is launch.State.DEAD
    again = bench.start(spec)
    assert again.is_running


def test_a_keeper_survives_who_started_it(bench: Bench) -> None:
    spec = bench.spec()
    code = (
        "import sys; from pathlib import Path; from lab.providers.local import launch;"
        "launch.start(launch.LaunchSpec.from_json(sys.stdin.read()), Path(sys.argv[1]))"
    )
    command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-c", code]
    subprocess.run(
        [*command, str(bench.run_dir(spec))], input=spec.to_json().encode(), check=True,
        cwd=CHECKOUT, timeout=30,
    )  # fmt: skip
    keeper = launch.status(bench.run_dir(spec))
    assert keeper.state is launch.State.RUNNING
    assert keeper.process is not None
    assert os.getsid(keeper.process.pid) != os.getsid(0)


def test_orphans_inside_are_buried(bench: Bench) -> None:
    seen = bench.python(
        """
        import json, os, subprocess, time
        subprocess.run(["sh", "-c", "for i in 1 2 3 4 5; do (sleep 0.1 &) ; done"])
        def state(pid):
            try:
                return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]
            except OSError:  # it ended between the two looks
                return ""
        def states():
            return [s for p in os.listdir("/proc") if p.isdecimal() and (s := state(p))]
        deadline = time.monotonic() + 5
        while len(seen := states()) > 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        print(json.dumps(seen))
        """
    )
    assert len(seen) == 2
    assert "Z" not in seen


def test_what_a_program_prints_is_kept_in_bounded_files(bench: Bench) -> None:
    spec = bench.spec(PYTHON, "-c", "for _ in range(4000): print('x' * 1000)\nprint('the end')")
    assert bench.run(spec).endswith("the end\n")
    files = list(bench.run_dir(spec).glob("server.log*"))
    assert sum(file.stat().st_size for file in files) <= 2 * MIB


def test_attempts_to_get_out_are_observed_and_fail_at_once(bench: Bench) -> None:
    spec = bench.spec(
        PYTHON,
        "-c",
        """
import json, socket, time, urllib.request
def tries(call):
    began = time.monotonic()
    try:
        call()
        return "open", 0
    except OSError as error:
        return type(error).__name__, time.monotonic() - began
def send(address, kind=socket.SOCK_DGRAM, family=socket.AF_INET):
    with socket.socket(family, kind) as sock:
        sock.sendto(b"x", address)
print(json.dumps([tries(call) for call in (
    lambda: urllib.request.urlopen("https://192.0.2.10", timeout=30),
    lambda: urllib.request.urlopen("https://example.org", timeout=30),
    lambda: send(("198.51.100.7", 123)),
    lambda: send(("2001:db8::5", 99), family=socket.AF_INET6),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP),
    lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    lambda: [send(("203.0.113.9", 1000 + n)) for n in (1,) * 1],
    lambda: socket.create_connection(("127.0.0.1", 9), 5),
)]))
""",
    )
    results = json.loads(bench.run(spec))
    assert all(kind != "open" and took < 1 for kind, took in results)
    if not launch.status(bench.run_dir(spec)).observes:
        pytest.skip("this kernel has no user notification")
    seen = {(attempt.rule, attempt.target) for attempt in bench.attempts(spec)}
    assert seen == {
        (Rule.NO_NETWORK, "192.0.2.10:443"),
        (Rule.NO_NAMES, "127.0.0.1:53"),
        (Rule.NO_NETWORK, "198.51.100.7:123"),
        (Rule.NO_NETWORK, "[2001:db8::5]:99"),
        (Rule.NO_RAW, "raw ipv4"),
        (Rule.NO_RAW, "icmp ipv4"),
        (Rule.NO_RAW, "packet"),
        (Rule.NO_NETWORK, "203.0.113.9:1001"),
    }


def test_a_storm_of_attempts_is_counted_in_few_lines(bench: Bench) -> None:
    code = """
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(3000):
    try: sock.sendto(b"x", ("192.0.2.1", 1 + n))
    except OSError: pass
"""
    spec = bench.spec(PYTHON, "-c", code)
    bench.run(spec)
    found = bench.attempts(spec)
    if not launch.status(bench.run_dir(spec)).observes:
        pytest.skip("this kernel has no user notification")
    # port 53 has a rule of its own
    assert sum(a.count for a in found) == 3000
    assert len(found) < 400


def serve_door(path: Path, answer: bytes) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o666)
    listener.listen(16)

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                said = b""
                while data := peer.recv(65536):  # until the other side half-closes
                    said += data
                peer.sendall(answer + str(len(said)).encode())

    threading.Thread(target=serve, daemon=True).start()
    return listener


def test_a_door_carries_and_half_closes_and_other_ports_are_shut(bench: Bench) -> None:
    spec = bench.spec(
        PYTHON,
        "-c",
        """
import json, socket
def ask(port, size):
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        sock.sendall(b"x" * size)
        sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b"")).decode()
def tries(port):
    try:
        return ask(port, 3)
    except OSError as error:
        return type(error).__name__
print(json.dumps([ask(5000, 3), ask(5000, 5_000_000), tries(9000), tries(8081)]))
""",
        doors=((5000, "tracking"), (9000, "storage")),
    )
    with serve_door(spec.doors_dir / "tracking.sock", b"tracking "):
        seen = json.loads(bench.run(spec))
    assert seen[:2] == ["tracking 3", "tracking 5000000"]
    assert seen[2] == "" or seen[2].endswith("Error")  # nobody behind the door
    assert seen[3] == "ConnectionRefusedError"  # not a door of this sandbox


SERVER = """
import socket, threading
server = socket.create_server(("127.0.0.1", 8888))
while True:
    peer, _ = server.accept()
    def echo(peer=peer):
        while data := peer.recv(65536):
            peer.sendall(data)
        peer.sendall(b"bye")
        peer.close()
    threading.Thread(target=echo).start()
"""


def connect(keeper: launch.Keeper) -> socket.socket:
    def attempt() -> socket.socket | None:
        sock = socket.create_connection(("127.0.0.1", keeper.port), 10)
        sock.sendall(b"hello")
        if sock.recv(5) == b"hello":
            return sock
        sock.close()
        return None

    found = wait_for(attempt)
    assert isinstance(found, socket.socket)
    return found


def test_the_front_leads_inside_keeps_half_closes_and_drops_when_stopped(bench: Bench) -> None:
    spec = bench.spec(PYTHON, "-c", SERVER)
    keeper = bench.start(spec)
    with connect(keeper) as first, connect(keeper) as second:
        first.shutdown(socket.SHUT_WR)
        assert first.recv(10) == b"bye"
        assert first.recv(10) == b""
        big = os.urandom(3_000_000)
        threading.Thread(target=second.sendall, args=(big,), daemon=True).start()
        back = b""
        while len(back) < len(big):
            back += second.recv(65536)
        assert back == big
        launch.stop(bench.run_dir(spec))
        assert second.recv(10) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", keeper.port), 5)


def test_a_sandbox_reaches_neither_the_host_nor_another_sandbox(bench: Bench) -> None:
    other = bench.spec(PYTHON, "-c", SERVER)
    keeper = bench.start(other)
    connect(keeper).close()
    with socket.create_server(("127.0.0.1", 0)) as host:
        ports = [keeper.port, host.getsockname()[1]]
        seen = bench.python(
            f"""
            import json, socket
            found = []
            for port in {ports}:
                try:
                    socket.create_connection(("127.0.0.1", port), 5)
                    found.append("open")
                except OSError as error:
                    found.append(type(error).__name__)
            print(json.dumps(found))
            """
        )
        host.settimeout(0.2)
        with pytest.raises(TimeoutError):
            host.accept()
    assert seen == ["ConnectionRefusedError"] * 2


def test_a_missing_environment_or_bubblewrap_is_said_plainly(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TerminalProviderError, match="notebook environment is missing"):
        bench.start(bench.spec(runtime_env=bench.folder))
    if UID is not None:
        with pytest.raises(TerminalProviderError, match="user id"):
            bench.start(bench.spec(uid=None))
    monkeypatch.setattr(os, "defpath", str(bench.folder))
    with pytest.raises(TerminalProviderError, match="bubblewrap is missing"):
        bench.start(bench.spec())


def test_no_keeper_of_these_tests_is_left(bench: Bench) -> None:
    began = time.monotonic()
    assert launch.running(bench.folder) == ()
    assert time.monotonic() - began < 5


def test_no_descriptor_of_the_walls_reaches_the_program(bench: Bench) -> None:
    seen = bench.python(
        """
        import json, os
        print(json.dumps([os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                          if os.path.exists(f"/proc/self/fd/{n}")]))
        """
    )
    assert len(seen) == 3
    assert all(target == "/dev/null" or target.startswith("pipe:") for target in seen)


def test_two_starts_at_the_same_moment_give_one_keeper(bench: Bench) -> None:
    spec = bench.spec()
    found: list[launch.Keeper] = []
    threads = [threading.Thread(target=lambda: found.append(bench.start(spec))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 2
    assert len(launch.running(bench.folder)) == 1
