"""A whole lab for tests: `lab up` on free ports with its own folder, `lab down` at the end."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.parts.listeners import taken
from lab.settings import Settings
from tests.lab_command import run_lab

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

START_TIMEOUT_S = 240


def free_block() -> int:
    # Below the ports that the system gives away by itself, at random: others look here too.
    for _ in range(200):
        base = random.randrange(10_000, 32_000, 16)
        if all(taken(base + offset) is None for offset in range(16)):
            return base
    raise AssertionError("no 16 free ports in a row")


@dataclass(frozen=True)
class Account:
    login: str
    name: str
    role: str
    agency_id: str
    password: str
    link: str


@dataclass
class RunningLab:
    settings: Settings
    env: dict[str, str]
    accounts: dict[str, Account] = field(default_factory=dict)
    sandbox_id: str = ""
    said: str = ""
    seconds: float = 0.0
    was_running: bool = False

    @property
    def address(self) -> str:
        return f"{self.settings.public_url}/"

    @property
    def api_url(self) -> str:
        return self.settings.api_url

    @property
    def operator_token(self) -> str:
        return self.settings.secret("operator-token")

    def lab(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        return run_lab(self.env, *arguments, seconds=seconds)

    def json(self, *arguments: str) -> Any:
        done = self.lab(*arguments, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def up(self, *arguments: str) -> RunningLab:
        timeout = ("--timeout", str(START_TIMEOUT_S))
        done = self.lab("up", "-o", "json", *timeout, *arguments, seconds=2 * START_TIMEOUT_S + 60)
        assert done.returncode == 0, done.stderr + self.logs()
        told = json.loads(done.stdout)
        # A password is told once: what was told before stays known.
        for account in told["accounts"]:
            known = self.accounts.get(account["login"])
            if known and not account["password"]:
                account["password"] = known.password
            self.accounts[account["login"]] = Account(**account)
        self.sandbox_id, self.seconds = told["sandbox_id"], told["seconds"]
        self.was_running, self.said = told["was_running"], done.stderr
        return self

    def part(self, name: str) -> dict[str, Any]:
        found = self.lab("status", "-o", "json")
        parts = json.loads(found.stdout)["parts"]
        return next(each for each in parts if each["name"] == name)

    def logs(self) -> str:
        folder = self.settings.state_dir / "logs"
        texts = ((path.name, path.read_text(errors="replace")) for path in folder.glob("*.log"))
        return "".join(f"\n== {name}\n{text[-1500:]}" for name, text in texts)


@contextmanager
def a_lab(folder: Path, *arguments: str, **settings: str) -> Iterator[RunningLab]:
    state_dir = folder / "lab"
    env = {k: v for k, v in os.environ.items() if not k.startswith("LAB_")}
    env |= {
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "LAB_STATE_DIR": str(state_dir),
        "LAB_PORT": str(free_block()),
        **settings,
    }
    found = RunningLab(Settings(state_dir=state_dir, port=int(env["LAB_PORT"])), env)
    try:
        yield found.up(*arguments)
    finally:
        down = found.lab("down", seconds=180)
        kept = os.environ.get("LAB_KEEP_LOGS")
        if kept:
            shutil.copytree(state_dir / "logs", Path(kept) / folder.name, dirs_exist_ok=True)
        assert down.returncode == 0, down.stderr


def eventually(check: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return True
        time.sleep(0.2)
    return check()
