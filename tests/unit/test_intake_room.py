from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.bootstrap.room import allowed_bytes
from lab.domain.errors import InvalidError
from lab.domain.intake_room import check_room, needed_bytes, rows_that_fit
from lab.domain.quantity import GIB, MIB

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_said_to_fit_fits_and_one_more_row_does_not() -> None:
    rows = rows_that_fit(4 * GIB, 12)
    assert rows > 1_000_000
    check_room(rows, 12, 4 * GIB)
    with pytest.raises(InvalidError) as refused:
        check_room(rows + 1, 12, 4 * GIB)
    (problem,) = refused.value.problems
    assert (problem.field, problem.code) == ("table", "over_memory")
    facts = dict(problem.facts)
    assert facts["limit"] == "4096"
    assert int(facts["needed"]) * MIB >= needed_bytes(rows + 1, 12)
    assert facts["rows"] == str(rows)


def test_where_nobody_knows_nothing_is_refused_and_too_little_fits_nothing() -> None:
    check_room(10**9, 2000, None)
    assert rows_that_fit(1, 12) == 0
    assert rows_that_fit(GIB, 0) > 0


def machine(root: Path, *, available_kib: int = 10 * 1024 * 1024) -> None:
    own = root / "proc/self"
    own.mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {available_kib} kB\n")
    (own / "status").write_text("VmHWM:\t 9 kB\nVmRSS:\t 1024 kB\n")


def test_the_tightest_group_above_the_process_counts(tmp_path: Path) -> None:
    machine(tmp_path)
    assert allowed_bytes(tmp_path) == 10 * GIB + MIB
    (tmp_path / "proc/self/cgroup").write_text("0::/pods/one\n")
    (tmp_path / "proc/self/mountinfo").write_text(
        "30 1 0:2 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
    )
    group = tmp_path / "sys/fs/cgroup/pods/one"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    assert allowed_bytes(tmp_path) == 10 * GIB + MIB
    (group.parent / "memory.max").write_text(f"{3 * GIB}\n")
    assert allowed_bytes(tmp_path) == 3 * GIB
    (group / "memory.max").write_text(f"{2 * GIB}\n")
    assert allowed_bytes(tmp_path) == 2 * GIB


def test_the_first_version_of_groups_counts_too(tmp_path: Path) -> None:
    machine(tmp_path)
    (tmp_path / "proc/self/cgroup").write_text("4:memory:/box\n1:name=systemd:/\n")
    (tmp_path / "proc/self/mountinfo").write_text(
        "31 1 0:3 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "32 1 0:4 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
    )
    group = tmp_path / "sys/fs/cgroup/memory/box"
    group.mkdir(parents=True)
    (group / "memory.limit_in_bytes").write_text(f"{GIB}\n")
    assert allowed_bytes(tmp_path) == GIB


def test_a_machine_that_says_nothing_has_no_known_limit(tmp_path: Path) -> None:
    assert allowed_bytes(tmp_path) is None
    assert (allowed_bytes() or 0) > 0
