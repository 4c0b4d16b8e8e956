"""Programs of the machine, started and waited for."""

from __future__ import annotations

import subprocess

from tests.cluster.driver.telling import CannotDoError


def run(*command: str, text: str | None = None, seconds: float = 120) -> str:
    """Standard output of a program that must succeed.

    Raises:
        CannotDoError: It failed; the message ends with its last line.
    """
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=False, timeout=seconds
        )
    except FileNotFoundError as error:
        raise CannotDoError(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CannotDoError(f"{' '.join(command)}: no end within {seconds:.0f} s") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise CannotDoError(f"{' '.join(command[:9])}: {lines[-1]}")
    return done.stdout


def attempt(*command: str, seconds: float = 60) -> str | None:
    """Standard output, or ``None`` where the program failed or is not there."""
    try:
        return run(*command, seconds=seconds)
    except CannotDoError:
        return None


def inside(namespace: str, *command: str) -> str:
    """Run in a network namespace, the machine's mounts in sight (``ip netns exec`` hides some)."""
    return run("nsenter", f"--net=/run/netns/{namespace}", *command)
