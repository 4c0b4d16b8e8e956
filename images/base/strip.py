"""Leaves a Debian system with the named packages and what they need, and nothing else.

Run once, as root, in the build of an image, never on a machine: ::

    python3 strip.py keep python3 tini --without debconf openssl

The package manager goes too, but dpkg's list stays and stays true: scanners and the bill of
materials read it. Copyright files stay, as licences ask.
"""

# run by its path

from __future__ import annotations

import contextlib
import re
import shutil
import sys
from pathlib import Path

STATUS = Path("/var/lib/dpkg/status")
INFO = Path("/var/lib/dpkg/info")
WASTE = (
    *("/var/lib/apt", "/var/cache", "/var/log", "/usr/share/man", "/usr/share/info"),
    *("/usr/share/locale", "/usr/share/lintian", "/usr/share/bash-completion", "/usr/share/pam"),
    *("/usr/share/bug", "/usr/share/perl5", "/etc/apt", "/tmp", "/root", "/run"),
    *("/var/lib/dpkg/status-old", "/var/lib/dpkg/available-old", "/var/backups"),
)
KEPT_EMPTY = ("/var/cache", "/var/log", "/tmp", "/root", "/run", "/var/lib/apt")

Paragraph = dict[str, str]


def read_status() -> dict[str, tuple[Paragraph, str]]:
    """Return the installed packages: fields, and the text they were read from."""
    found = {}
    for text in STATUS.read_text("utf-8").split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+): (.*)$", text, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            found[fields["Package"]] = (fields, text.strip("\n"))
    return found


def names(field: str) -> list[list[str]]:
    """Read a list of dependencies: for each, the packages that satisfy it."""
    return [
        [re.split(r"[ (:]", choice.strip())[0] for choice in each.split("|")]
        for each in field.split(",")
        if each.strip()
    ]


def closure(
    installed: dict[str, tuple[Paragraph, str]], roots: set[str], without: set[str]
) -> set[str]:
    """Return the roots that are installed and all that they depend on."""
    provided: dict[str, list[str]] = {}
    for name, (fields, _) in installed.items():
        for [virtual] in names(fields.get("Provides", "")):
            provided.setdefault(virtual, []).append(name)
    kept: set[str] = set()
    waiting = [name for name in roots if name in installed]
    while waiting:
        name = waiting.pop()
        if name in kept or name in without:
            continue
        kept.add(name)
        fields = installed[name][0]
        for choices in names(fields.get("Depends", "")) + names(fields.get("Pre-Depends", "")):
            real = [n for c in choices for n in ([c] if c in installed else provided.get(c, []))]
            waiting += [each for each in real if each not in without][:1]
    return kept


def files_of(fields: Paragraph) -> set[str]:
    """Return what dpkg says that a package put on disk."""
    for stem in (fields["Package"], f"{fields['Package']}:{fields.get('Architecture', '')}"):
        listed = INFO / f"{stem}.list"
        if listed.exists():
            return set(listed.read_text("utf-8").splitlines()) - {"/.", ""}
    return set()


def resolved(path: str) -> str:
    """Return a path with its folder's links followed: /bin/x and /usr/bin/x are one file."""
    return str(Path(path).parent.resolve() / Path(path).name)


def main() -> None:
    """Strip the system."""
    arguments = sys.argv[2:]
    cut = arguments.index("--without") if "--without" in arguments else len(arguments)
    roots, without = set(arguments[:cut]), set(arguments[cut + 1 :])
    installed = read_status()
    kept = closure(installed, roots, without)
    keep_files = {resolved(p) for name in kept for p in files_of(installed[name][0])}
    gone = {
        path
        for name in installed.keys() - kept
        for each in files_of(installed[name][0])
        if (path := resolved(each)) not in keep_files and not path.endswith("/copyright")
    }
    for path in sorted(gone, reverse=True):  # what is in a folder before the folder
        remove(Path(path))
    for name in installed.keys() - kept:
        for each in (*INFO.glob(f"{name}.*"), *INFO.glob(f"{name}:*")):
            each.unlink(missing_ok=True)
    texts = [text for name, (_, text) in sorted(installed.items()) if name in kept]
    STATUS.write_text("\n\n".join(texts) + "\n", "utf-8")
    for path in WASTE:
        clear(Path(path))
    for document in Path("/usr/share/doc").rglob("*"):
        if document.name != "copyright" and not document.is_dir():
            document.unlink()
    drop_installers()
    drop_dead_links()
    print(f"kept {len(kept)} packages of {len(installed)}: {' '.join(sorted(kept))}")


def remove(path: Path) -> None:
    """Remove a file or a link, or a folder that is empty."""
    with contextlib.suppress(OSError):  # not empty, or a name that was never made
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            path.rmdir()


def clear(path: Path) -> None:
    """Empty a folder; remove it unless programs expect to find it."""
    if path.is_dir() and not path.is_symlink():
        for each in path.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each, ignore_errors=True)
            else:
                remove(each)
    if str(path) not in KEPT_EMPTY:
        remove(path)


def drop_installers() -> None:
    """Remove what installs Python packages, where the base brings it."""
    for library in Path("/usr/local/lib").glob("python3*/site-packages"):
        for pattern in ("pip*", "setuptools*", "wheel*", "_distutils_hack", "distutils-pre*"):
            for each in library.glob(pattern):
                clear(each)
                remove(each)
    for each in Path("/usr/local/bin").glob("pip*"):
        remove(each)


def drop_dead_links() -> None:
    """Remove links to what is gone."""
    for folder in ("/usr/bin", "/usr/sbin", "/usr/lib", "/etc/alternatives"):
        for each in (*Path(folder).iterdir(),):
            if each.is_symlink() and not each.exists():
                each.unlink()


if __name__ == "__main__":
    main()
