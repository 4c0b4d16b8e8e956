"""What this machine can do for sandboxes, in plain words, for ``lab doctor``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from lab.domain.errors import LabError
from lab.domain.quantity import GIB
from lab.providers.local import limits, observer, seccomp

if TYPE_CHECKING:
    from pathlib import Path

LEAST_VERSION = (0, 8)
"""Of bubblewrap; the first that can forbid user namespaces inside."""

_LEAST_DISK_BYTES = 2 * GIB
_NOBODY = 65534
_MEANS_FR = {
    "affinity": "nombre de cœurs (pas de part de temps)",
    "rlimit": "limite par utilisateur du bac à sable",
    "rlimit+watch": "limite par processus, et somme regardée toutes les deux secondes",
    "watch": "taille regardée toutes les deux secondes",
}
_MEANS_EN = {
    "affinity": "number of cores (no share of time)",
    "rlimit": "limit per sandbox user",
    "rlimit+watch": "limit per process, and the sum looked at every two seconds",
    "watch": "size looked at every two seconds",
}


class Verdict(Enum):
    """What a check says."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: Stable.
        fr: A sentence, in French; so is ``do_fr``.
        do_fr: What to do about it; empty where there is nothing to do.
    """

    name: str
    verdict: Verdict
    fr: str
    en: str
    do_fr: str = ""
    do_en: str = ""


def checks(state_dir: Path) -> list[Check]:
    """Look at everything that sandboxes need. Changes nothing that stays."""
    return [
        bubblewrap(),
        user_namespaces(),
        filters(),
        observation(),
        *(_limit(name, means) for name, means in limits.describe_limits().items()),
        disk(state_dir),
    ]


def bubblewrap() -> Check:
    """Look for bubblewrap."""
    name = "bubblewrap"
    command = shutil.which("bwrap")
    if command is None:
        return Check(
            name,
            Verdict.FAIL,
            "Bubblewrap n’est pas installé.",
            "Bubblewrap is not installed.",
            "Installez le paquet bubblewrap.",
            "Install the package bubblewrap.",
        )
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    version = done.stdout.strip().rpartition(" ")[2]
    numbers = tuple(int(word) for word in re.findall(r"\d+", version)[:2])
    if numbers < LEAST_VERSION:
        return Check(
            name,
            Verdict.FAIL,
            f"Bubblewrap {version} est trop ancien.",
            f"Bubblewrap {version} is too old.",
            "Il faut la version 0.8 ou une plus récente (Debian 12).",
            "Version 0.8 or later is needed (Debian 12).",
        )
    return Check(name, Verdict.OK, f"Bubblewrap {version}.", f"Bubblewrap {version}.")


def user_namespaces() -> Check:
    """Try to build an empty sandbox as a plain user."""
    name = "user-namespaces"
    is_root = os.geteuid() == 0
    command = ["bwrap", "--unshare-user", "--unshare-net", "--unshare-pid"]
    command += ["--ro-bind", "/", "/", "--proc", "/proc", "true"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
            cwd="/",
            user=_NOBODY if is_root else None,
            group=_NOBODY if is_root else None,
            extra_groups=() if is_root else None,
        )
        why = done.stderr.strip() if done.returncode else ""
    except (OSError, subprocess.SubprocessError) as error:
        why = str(error)
    if not why:
        return Check(
            name,
            Verdict.OK,
            "Les espaces de noms d’utilisateur sont permis.",
            "User namespaces are allowed.",
        )
    return Check(
        name,
        Verdict.FAIL,
        f"Cette machine interdit les espaces de noms d’utilisateur ({why}).",
        f"This machine forbids user namespaces ({why}).",
        "Permettez-les\N{NO-BREAK SPACE}: sysctl kernel.unprivileged_userns_clone=1,"
        " user.max_user_namespaces plus grand que 0, et aucun profil AppArmor qui les refuse.",
        "Allow them: sysctl kernel.unprivileged_userns_clone=1,"
        " user.max_user_namespaces above 0, and no AppArmor profile that refuses them.",
    )


def filters() -> Check:
    """Compile the wall's system call filter."""
    name = "seccomp"
    try:
        seccomp.wall(is_observed=True)
    except LabError as error:
        return Check(
            name,
            Verdict.FAIL,
            f"Le filtre d’appels système ne se compile pas ({error}).",
            f"The system call filter does not compile ({error}).",
            "Installez le paquet libseccomp2.",
            "Install the package libseccomp2.",
        )
    return Check(
        name,
        Verdict.OK,
        "Le filtre d’appels système se compile.",
        "The system call filter compiles.",
    )


def observation() -> Check:
    """Look whether refused connections can be seen."""
    name = "seccomp-notification"
    try:
        is_possible = observer.is_possible()
    except LabError:
        is_possible = False
    if is_possible:
        return Check(
            name,
            Verdict.OK,
            "Les tentatives de connexion refusées peuvent être observées.",
            "Refused connection attempts can be observed.",
        )
    return Check(
        name,
        Verdict.WARN,
        "Ce noyau ne permet pas d’observer les tentatives de connexion; elles restent refusées.",
        "This kernel cannot show connection attempts; they are refused all the same.",
        "Un noyau 5.5 ou plus récent le permet.",
        "A kernel from 5.5 on can.",
    )


def _limit(name: str, means: str) -> Check:
    words = {
        "cpu": ("processeur", "CPU"),
        "memory": ("mémoire", "memory"),
        "pids": ("processus", "processes"),
        "disk": ("disque", "disk"),
    }
    fr, en = words[name]
    if means.startswith("cgroup") or name == "disk":
        return Check(
            f"limit-{name}",
            Verdict.OK,
            f"Limite ({fr})\N{NO-BREAK SPACE}: {_MEANS_FR.get(means, means)}.",
            f"Limit ({en}): {_MEANS_EN.get(means, means)}.",
        )
    return Check(
        f"limit-{name}",
        Verdict.WARN,
        f"Limite ({fr})\N{NO-BREAK SPACE}: {_MEANS_FR[means]};"
        " le groupe de contrôle n’est pas à nous.",
        f"Limit ({en}): {_MEANS_EN[means]}; the control group is not ours to write.",
        "Démarrez le laboratoire en root, ou dans une unité systemd avec Delegate=yes.",
        "Start the lab as root, or in a systemd unit with Delegate=yes.",
    )


def disk(state_dir: Path) -> Check:
    """Look at the room left where homes are kept."""
    folder = next(path for path in (state_dir, *state_dir.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    gib = f"{free / GIB:.1f}"
    fr = f"Il reste {gib.replace('.', ',')}\N{NO-BREAK SPACE}Gio pour les dossiers personnels."
    en = f"{gib} GiB are left for homes."
    if free >= _LEAST_DISK_BYTES:
        return Check("disk", Verdict.OK, fr, en)
    return Check(
        "disk",
        Verdict.WARN,
        fr,
        en,
        "Libérez de l’espace, ou changez LAB_STATE_DIR.",
        "Free some space, or change LAB_STATE_DIR.",
    )
