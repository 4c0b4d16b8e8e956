from __future__ import annotations

import pytest

from lab.domain.quantity import MIB, Resources
from lab.providers.local import launch, limits
from tests.local.bench import PYTHON, Bench

pytestmark = pytest.mark.real


def group_of(name: str) -> bool:
    return limits.describe_limits()[name].startswith("cgroup")


def test_memory_beyond_the_limit_ends_only_what_asked_for_it(bench: Bench) -> None:
    neighbour = bench.start(bench.spec())
    code = """
import subprocess, sys
eat = "x = [bytes([1]) * 10_000_000 for _ in range(200)]"
print(subprocess.run([sys.executable, "-c", eat], stderr=subprocess.DEVNULL).returncode)
"""
    spec = bench.spec(PYTHON, "-c", code, resources=Resources(1000, 256 * MIB, 0))
    assert int(bench.run(spec)) != 0
    assert launch.status(neighbour.run_dir).is_running


def test_processes_and_tmp_are_bounded(bench: Bench) -> None:
    seen = bench.python(
        """
        import errno, json, os, time
        found = {}
        try:
            with open("/tmp/big", "wb") as file:
                for _ in range(20):
                    file.write(bytes(1_000_000))
        except OSError as error:
            found["tmp"] = errno.errorcode[error.errno]
        children = []
        try:
            for _ in range(3000):
                pid = os.fork()
                if pid == 0:
                    time.sleep(60)
                    os._exit(0)
                children.append(pid)
        except OSError as error:
            found["fork"] = errno.errorcode[error.errno]
        for pid in children:
            os.kill(pid, 9)
        print(json.dumps(found))
        """,
        tmp_bytes=8 * MIB,
    )
    assert seen == {"tmp": "ENOSPC", "fork": "EAGAIN"}


def test_over_its_size_a_home_takes_no_more_until_space_is_freed(bench: Bench) -> None:
    code = """
import os, time
def put(name, size):
    try:
        with open(name, "wb") as file:
            file.write(b"x" * size)
        return True
    except OSError:
        return False
def wait(size, wanted):
    deadline = time.monotonic() + 20
    while put("probe", size) is not wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return put("probe", size) is wanted
print(put("a", 6_000_000), put("b", 5_200_000), wait(10, False), os.remove("a"), wait(10, True))
"""
    spec = bench.spec(PYTHON, "-c", code, resources=Resources(1000, 0, 10_000_000))
    assert bench.run(spec).split() == ["True", "True", "True", "None", "True"]


def test_far_over_its_size_a_home_ends_its_program(bench: Bench) -> None:
    code = (
        "[open(str(n), 'wb').write(bytes(900_000)) for n in range(9)]\nimport time; time.sleep(60)"
    )
    spec = bench.spec(PYTHON, "-c", code, resources=Resources(1000, 0, 1_000_000))
    bench.run(spec)
    keeper = launch.status(bench.run_dir(spec))
    assert (keeper.state, keeper.disk) == (launch.State.STOPPED, "far_over")
    assert "home" in keeper.detail
