"""From a fresh container to a notebook server. Standard library only."""

# run by its path, in the image

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ACCESS = Path("/etc/lab/acces")
TEMPLATES = Path("/opt/lab/templates")
NOTEBOOK_ENV = Path("/opt/notebook")
INIT = Path("/usr/bin/tini")

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)


def access(folder: Path = ACCESS) -> dict[str, str]:
    """Return what the sandbox's own Secret holds, one environment variable per file."""
    if not folder.is_dir():
        return {}
    return {
        path.name: path.read_text(encoding="utf-8").strip()
        for path in sorted(folder.iterdir())
        if _VARIABLE.fullmatch(path.name) and path.is_file()
    }


def environment(given: Mapping[str, str], folder: Path = ACCESS) -> dict[str, str]:
    """Return the server's environment. A key that is a file wins: it may be newer."""
    env = {**given, **access(folder)}
    if "SSL_CERT_FILE" not in env:
        # Some libraries want a list of authorities to be there even for plain HTTP.
        for bundle in NOTEBOOK_ENV.glob("lib/python3*/site-packages/certifi/cacert.pem"):
            env["SSL_CERT_FILE"] = str(bundle)
    return env


def lay_template(name: str, home: Path, templates: Path = TEMPLATES) -> None:
    """Copy the template into the home as the hub does on one machine; a full home is no obstacle.

    Args:
        name: Of the template; empty for none.
        home: The member's own folder.
        templates: Where the image has them.
    """
    from home import place_template  # noqa: PLC0415 - the image lays the hub's module beside this

    if not name or not (templates / name).is_dir():
        return
    try:
        place_template(templates / name, home, None)
    except OSError as error:
        sys.stderr.write(f"Le gabarit n’a pas pu être copié : {error.strerror}\n")


def main(argv: Sequence[str]) -> int:
    """Become the notebook server; only comes back where there is nothing to become."""
    if not argv:
        sys.stderr.write("Il faut dire quoi démarrer.\n")
        return 2
    env = environment(os.environ)
    lay_template(env.get("LAB_TEMPLATE", ""), Path(env.get("HOME", "/home/scientist")))
    # An init of its own: what a terminal leaves behind is buried, and all of it hears the end.
    command = [*([str(INIT), "-g", "--"] if INIT.exists() and os.getpid() == 1 else []), *argv]
    os.umask(0o077)
    os.chdir(env.get("HOME", "/"))
    try:
        os.execve(command[0], command, env)  # noqa: S606 - that is its purpose
    except OSError as error:
        sys.stderr.write(f"{command[0]} ne démarre pas : {error.strerror}\n")
    return 127
