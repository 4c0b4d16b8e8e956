"""Start bubblewrap around one program, and hold the strings that lead inside."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.sandbox import Stage
from lab.providers.local import observer, runtime, seccomp, walls
from lab.providers.local.launch import HOME
from lab.providers.local.serverlog import ServerLog
from lab.providers.local.staging import Direct, Staged

if TYPE_CHECKING:
    from lab.providers.local.launch import LaunchSpec
    from lab.providers.local.limits import Group

_BACKLOG = 128
_START_TIMEOUT_S = 25.0
_PATH = f"{runtime.NOTEBOOK}/bin:/usr/bin:/bin"


class Box:
    """One bubblewrap, from before it starts until it has ended.

    Attributes:
        listener: Where the kernel asks about connections; None when nothing is observed.
        log: What the program prints.
        init_pid: The sandbox's first process, as the host numbers it.
    """

    def __init__(self, spec: LaunchSpec, run_dir: Path, resources: ExitStack) -> None:
        self._spec = spec
        self._run_dir = run_dir
        self._resources = resources
        self.listener: int | None = None
        self.init_pid = 0
        self.log = ServerLog(run_dir / "server.log")
        self._is_observed = observer.is_possible() and not spec.open_walls
        self._control, control = self._pair()
        self._notify, notify = self._pair()
        self._handed = {"control_fd": control, "notify_fd": notify, "ingress_fd": self._ingress()}

    def start(self, group: Group) -> None:
        """Start it and wait until the program inside is about to run.

        Raises:
            TerminalProviderError: This machine does not let us build the walls.
            ProviderError: It ended or hung before the program ran.
        """
        command = shutil.which("bwrap")
        if command is None:
            raise TerminalProviderError(
                Stage.ISOLATION, "bubblewrap is missing: install the package bubblewrap"
            )
        with ExitStack() as own:
            args, handed, info = self._arguments(group, own)
            group.enter()
            try:
                self.process = subprocess.Popen(
                    [command, *args],
                    pass_fds=handed,
                    stdin=subprocess.DEVNULL,
                    stdout=self.log.writing,
                    stderr=self.log.writing,
                    env={},
                    cwd="/",
                    **self._identity(),
                )
            finally:
                group.leave()
        self.log.close_writing()
        for descriptor in self._handed.values():
            os.close(descriptor)
        self._await_start(info)

    def ask_to_end(self) -> None:
        """Ask the program inside to end."""
        with suppress(OSError):
            self._control.send(b"T")

    def kill(self) -> None:
        """End it now, and everything inside."""
        self.process.kill()

    def _pair(self) -> tuple[socket.socket, int]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return self._resources.enter_context(ours), theirs.detach()

    def _ingress(self) -> int:
        """Listen for the sandbox and hand the listener in, so that no path is shared."""
        path = self._run_dir / "ingress.sock"
        path.unlink(missing_ok=True)
        self._resources.callback(path.unlink, missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen(_BACKLOG)
        return listener.detach()

    def _arguments(self, group: Group, own: ExitStack) -> tuple[list[str], tuple[int, ...], int]:
        """Lay everything out; return the words, what is handed down, and where bwrap answers."""
        spec, made = self._spec, self._run_dir / "made"
        found = runtime.find(spec.runtime_env)
        runtime.write_scripts(found, made)
        walls.write_etc(made / "etc", spec.sandbox_id)
        (made / "empty").touch()
        stage = self._stage()
        self._prepare_home()
        info, info_in = os.pipe()
        self._resources.callback(os.close, info)
        own.callback(os.close, info_in)
        settings = _memory(own, json.dumps(self._settings(group)).encode())
        wall = _memory(own, seccomp.wall(is_observed=self._is_observed))
        words = walls.arguments(
            spec,
            found,
            made,
            stage,
            walls.Descriptors(settings=settings, info=info_in, seccomp=wall),
        )
        head, tail = words[: words.index("--")], words[words.index("--") :]
        hidden = _memory(own, b"".join(word.encode() + b"\0" for word in head))
        handed = (settings, wall, info_in, hidden, *self._handed.values())
        return ["--args", str(hidden), *tail], handed, info

    def _settings(self, group: Group) -> dict[str, Any]:
        spec = self._spec
        present = {str(port): f"{walls.DOORS_FOLDER}/{name}.sock" for port, name in spec.doors}
        base = {"HOME": HOME, "PATH": _PATH, "USER": "scientist", "LOGNAME": "scientist"}
        base |= {"LANG": "C.UTF-8", "SHELL": "/bin/bash", "TMPDIR": "/tmp"}  # noqa: S108
        library = runtime.find(spec.runtime_env).library_path
        if library:
            base["LD_LIBRARY_PATH"] = library
        return {
            "argv": spec.argv,
            "env": base | dict(spec.env),
            "cwd": spec.cwd,
            "doors": present,
            "grace_s": spec.grace_s,
            "template": walls.TEMPLATE_FOLDER if spec.template_dir else "",
            "rlimits": group.rlimits,
            "observer": base64.b64encode(seccomp.observer()).decode() if self._is_observed else "",
            "seccomp_number": seccomp.number_of("seccomp"),
            **self._handed,
        }

    def _stage(self) -> Direct | Staged:
        if os.geteuid() != 0 or not self._spec.uid:
            return Direct()
        return Staged((self._run_dir, self._spec.home, Path(__file__)))

    def _identity(self) -> dict[str, Any]:
        uid = self._spec.uid
        if os.geteuid() != 0 or not uid:
            return {}
        return {"user": uid, "group": uid, "extra_groups": [], "umask": 0o077}

    def _prepare_home(self) -> None:
        """Give the home to its user, and clear what would stand in the way of the data."""
        home, uid = self._spec.home, self._spec.uid
        if home.is_symlink() or not home.is_dir():
            raise TerminalProviderError(Stage.ISOLATION, f"the home {home.name} is not a folder")
        if uid:
            os.chown(home, uid, uid, follow_symlinks=False)
        data = home / "donnees"
        if os.path.lexists(data) and (data.is_symlink() or not data.is_dir()):
            data.rename(home / f"donnees.{os.urandom(4).hex()}")

    def _await_start(self, info: int) -> None:
        self._notify.settimeout(_START_TIMEOUT_S)
        try:
            message, listeners, _, _ = socket.recv_fds(self._notify, 512, 1)
        except OSError:
            message, listeners = b"", []
        if not message:
            self.kill()
            self.process.wait()
            raise _why(self.log.last_lines())
        self.init_pid = int(json.loads(os.read(info, 4096))["child-pid"])
        if listeners:
            self.listener = listeners[0]

    def let_go(self) -> None:
        """Let the program run, now that whoever observes it does."""
        self._notify.send(b"G")


def _memory(own: ExitStack, content: bytes) -> int:
    """Return a descriptor that reads ``content`` from its start."""
    descriptor = os.memfd_create("lab")
    own.callback(os.close, descriptor)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _why(printed: str) -> ProviderError:
    refused = ("No permissions to creat", "Creating new namespace failed", "setting up uid map")
    if any(words in printed for words in refused):
        return TerminalProviderError(
            Stage.ISOLATION, f"this machine forbids user namespaces ({printed})"
        )
    return ProviderError(Stage.ISOLATION, f"the walls could not be built: {printed or 'no word'}")
