from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.local.bench import CHECKOUT, lacking

pytestmark = pytest.mark.real

SYSTEM = "/usr/bin/python3"
PLAIN = 1_890_000_001


def test_a_plain_user_gets_the_same_walls_and_says_which_limits_are_weaker() -> None:
    if why := lacking():
        pytest.skip(why)
    if subprocess.run([SYSTEM, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
                      check=False).returncode:  # fmt: skip
        pytest.skip("the system has no Python 3.11")
    folder = Path(tempfile.mkdtemp(prefix="vc-"))
    try:
        # What a plain user can read: not root's interpreter, perhaps not even this checkout.
        shutil.copytree(CHECKOUT / "lab", folder / "code" / "lab")
        (folder / "code" / "tests" / "local").mkdir(parents=True)
        for name in ("plain.py",):
            shutil.copy(CHECKOUT / "tests" / "local" / name, folder / "code" / "tests" / "local")
        own = folder / "own"
        own.mkdir()
        subprocess.run([SYSTEM, "-m", "venv", "--without-pip", str(own / "env")], check=True)
        folder.chmod(0o755)
        command = [SYSTEM, "-m", "tests.local.plain", str(own)]
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", f"{PLAIN}:{PLAIN}", str(own)], check=True)
            plain = ["setpriv", "--reuid", str(PLAIN), "--regid", str(PLAIN), "--clear-groups"]
            command = [*plain, *command]
        done = subprocess.run(
            command, cwd=folder / "code", capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stderr
        seen = json.loads(done.stdout)
    finally:
        shutil.rmtree(folder)
    print(seen["means"])  # noqa: T201
    assert seen["uid"] != 0
    assert seen["printed"] == ["OSError", "True", "11", "1000"], seen["log"]
    if seen["observes"]:
        assert seen["attempts"] == [["no_network", "192.0.2.10:443"]]
    assert seen["failures"] == ""
    assert seen["holds"]
    assert seen["count"] >= 100
