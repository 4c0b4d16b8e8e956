"""Measures a lab of its own, and prints a table: ``make bench``. Leaves nothing behind.

What compares two ways of doing a thing runs both in turn and prints the ratio;
single times are printed with the machine's load, and no test asserts them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lab.domain.ids import MemberId, SandboxId
from lab.domain.quantity import GIB, MIB, Resources
from lab.parts.usage import memory
from lab.providers.local import launch
from tests.e2e.a_lab import RunningLab, a_lab
from tests.e2e.browser import Notebook, Person, browser

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
WORK = "sum(i * i for i in range(3_000_000))"


def main() -> None:
    """Measure and print."""
    say("load average before", "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg()))
    with tempfile.TemporaryDirectory(prefix="vase-clos-bench-") as name, a_lab(Path(name)) as lab:
        say("first start, to the address and a READY sandbox", seconds(lab.seconds))
        for each in lab.json("sandbox", "show", lab.sandbox_id)["stages"]:
            say(f"  stage {each['stage']}", seconds(each["took_seconds"]))
        memory_of(lab)
        say("'lab up' while it runs", seconds(lab.up().seconds))
        say("stop", seconds(timed(lambda: lab.lab("down"))))
        say("second start", seconds(lab.up().seconds))
        say("request filed to READY, the command included", seconds(timed(lambda: file(lab))))
        notebook(lab)
        walls(lab, Path(name))
    say("load average after", "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg()))


def say(what: str, figure: str) -> None:
    sys.stdout.write(f"{what:<56} {figure}\n")
    sys.stdout.flush()


def seconds(count: float) -> str:
    return f"{count:.1f} s"


def timed(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def memory_of(lab: RunningLab) -> None:
    status = lab.json("status")
    say("idle memory of all parts (PSS)", f"{status['pss_bytes'] / MIB:.0f} MiB")
    for part in status["parts"]:
        say(f"  {part['name']}", f"{part['pss_bytes'] / MIB:.0f} MiB")


def file(lab: RunningLab) -> None:
    purpose = ("--agency", "rft", "--purpose", "Mesure", "--dataset", "demandes-prestations")
    lab.json("request", "file", *purpose, "--wait")


def notebook(lab: RunningLab) -> None:
    with browser() as launched:
        person = Person(launched, lab.address)
        person.sign_in("scientifique", lab.accounts["scientifique"].password)
        person.go(f"/bacs/{lab.sandbox_id}")
        began = time.monotonic()
        person.page.get_by_text("Ouvrir JupyterLab").first.click()
        Notebook(person).wait()
        say("click to a notebook whose kernel answers", seconds(time.monotonic() - began))
    for keeper in launch.running(lab.settings.run_dir / "keepers"):
        if keeper.process is not None:
            _, pss = memory(keeper.process.pid, children())
            say("memory of one open notebook, kernel included (PSS)", f"{pss / MIB:.0f} MiB")


def children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    return found


def walls(lab: RunningLab, folder: Path) -> None:
    """Compare the same work inside the walls and outside, in turn."""
    home, doors = folder / "home", folder / "doors"
    for each in (home, doors):
        each.mkdir()
        each.chmod(0o755)
    spec = launch.LaunchSpec(
        sandbox_id=SandboxId("sb-00000bench"),
        member_id=MemberId("m-00000bench0"),
        uid=250_000 if os.getuid() == 0 else None,
        resources=Resources(2000, 2 * GIB, GIB),
        home=home,
        doors_dir=doors,
        doors=(),
        runtime_env=lab.settings.notebook_env,
        argv=("/opt/notebook/bin/python", "-c", WORK),
    )
    if spec.uid is not None:
        os.chown(home, spec.uid, spec.uid)
    bare = [lab.settings.notebook_env / "bin" / "python", "-c", WORK]
    ratios = []
    for turn in range(ROUNDS):
        inside = timed(lambda turn=turn: within(spec, folder / f"k{turn}"))  # type: ignore[misc]
        outside = timed(lambda: subprocess.run(bare, check=True))
        ratios.append(inside / outside)
    say(
        f"a program of {outside:.1f} s inside the walls / outside, {ROUNDS} pairs",
        f"median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}",
    )


def within(spec: launch.LaunchSpec, run_dir: Path) -> None:
    launch.start(spec, run_dir)
    deadline = time.monotonic() + 60
    while launch.status(run_dir).state in {launch.State.STARTING, launch.State.RUNNING}:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    launch.stop(run_dir)


if __name__ == "__main__":
    main()
