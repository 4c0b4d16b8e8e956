"""The place of a sandbox: its folder, the homes in it, the user it runs as.

A place is made under another name and then renamed, and renamed again before
it is removed: under its own name there is only what carries our label.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import grants
from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.ids import MemberId, SandboxId
from lab.domain.sandbox import Fact, Observation, Seen, Stage
from lab.private import write_private
from lab.providers.local import launch

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.sandbox import Sandbox

OWNER = "vase-clos"
_MAKING, _REMOVING = ".making-", ".removing-"
_FREE_UIDS = (1_900_000_000, 2_000_000_000)
"""Above what containers and distributions hand out, below what a signed number holds."""
_SMALL_UIDS = (20_000, 60_000)
"""Where this lab itself runs in a container with few user ids."""


@dataclass(frozen=True, slots=True)
class Place:
    """What ``place.json`` says.

    Attributes:
        uid: The host user everything in the sandbox runs as; None without root.
        is_revoked: Its programs were stopped for good; data are still there.
    """

    owner: str
    sandbox_id: SandboxId
    agency_id: str
    uid: int | None
    members: tuple[MemberId, ...]
    is_revoked: bool = False


def read_place(state_dir: Path, sandbox_id: SandboxId) -> Place | None:
    """Return the place of a sandbox; None where there is no such folder.

    Raises:
        TerminalProviderError: There is a folder, and it is not ours.
    """
    folder = state_dir / "sandboxes" / sandbox_id
    if not os.path.lexists(folder):
        return None
    try:
        content: dict[str, Any] = json.loads((folder / "place.json").read_text("utf-8"))
        content["members"] = tuple(content["members"])
        place = Place(**content)
    except (OSError, ValueError, TypeError, KeyError):
        place = None
    if (
        folder.is_symlink()
        or place is None
        or (place.owner, place.sandbox_id)
        != (
            OWNER,
            sandbox_id,
        )
    ):
        raise TerminalProviderError(
            Stage.ISOLATION, f"the folder sandboxes/{sandbox_id} does not carry our label"
        )
    return place


class PlaceProvider:
    """Owns ISOLATION on one machine.

    Args:
        state_dir: Holds ``sandboxes``.
        run_dir: Holds ``keepers`` and ``doors``.
    """

    def __init__(self, *, state_dir: Path, run_dir: Path) -> None:
        self._state_dir = state_dir
        self._folder = state_dir / "sandboxes"
        self._keepers = run_dir / "keepers"
        self._doors = run_dir / "doors"

    @property
    def stage(self) -> Stage:
        """ISOLATION."""
        return Stage.ISOLATION

    async def observe(self, sandbox: Sandbox) -> Observation:
        """Look at the folder, the homes and the keepers."""
        try:
            return await asyncio.to_thread(self._observe, sandbox)
        except (ProviderError, OSError) as error:
            return Observation(Seen.UNKNOWN, str(error))

    async def ensure(self, sandbox: Sandbox) -> None:
        """Make the folder and the homes of all members.

        Raises:
            TerminalProviderError: A folder of that name is not ours.
            ProviderError: The disk refused.
        """
        await self._do(lambda: self._ensure(sandbox))

    async def revoke(self, sandbox_id: SandboxId) -> None:
        """Stop every program of the sandbox; keep the homes."""
        await self._do(lambda: self._revoke(sandbox_id))

    async def remove(self, sandbox_id: SandboxId) -> None:
        """Stop every program of the sandbox and delete its folder."""
        await self._do(lambda: self._remove(sandbox_id))

    async def owned(self) -> frozenset[SandboxId]:
        """Return the sandboxes that have a folder with our label, or keepers."""
        return await asyncio.to_thread(self._owned)

    async def _do(self, action: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(action)
        except OSError as error:
            raise ProviderError(self.stage, str(error)) from error

    def _observe(self, sandbox: Sandbox) -> Observation:
        place = read_place(self._state_dir, sandbox.id)
        folder = self._folder / sandbox.id
        homes = {member: (folder / "homes" / member) for member in sandbox.spec.members}
        is_present = place is not None or self._waste(sandbox.id).exists()
        running = self._running(sandbox.id)
        facts = (
            Fact("folder", f"sandboxes/{sandbox.id}", is_present),
            *(Fact("home", str(name), path.is_dir()) for name, path in homes.items()),
            *(Fact("process", str(name), name in running) for name in homes),
        )
        if place is None:
            if not is_present and not running:
                return Observation(Seen.ABSENT, facts=facts)
            return Observation(Seen.CONVERGING, "being removed", facts)
        if place.is_revoked:
            return Observation(Seen.REVOKED, facts=facts)
        lacking = [name for name, path in homes.items() if not path.is_dir()]
        if lacking:
            return Observation(Seen.ABSENT, f"no home for {', '.join(lacking)}", facts)
        return Observation(Seen.READY, facts=facts)

    def _ensure(self, sandbox: Sandbox) -> None:
        found = read_place(self._state_dir, sandbox.id)
        if found is None:
            self._make(sandbox)
            return
        homes = self._folder / sandbox.id / "homes"
        for member in sandbox.spec.members:
            _make_home(homes / member, found.uid)
        self._write(self._folder / sandbox.id, _place(sandbox, found.uid))

    def _make(self, sandbox: Sandbox) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f"{_MAKING}{sandbox.id}"
        if draft.exists():
            _delete(draft)
        (draft / "homes").mkdir(mode=0o700, parents=True)
        uid = self._free_uid() if os.geteuid() == 0 else None
        for member in sandbox.spec.members:
            _make_home(draft / "homes" / member, uid)
        self._write(draft, _place(sandbox, uid))
        draft.rename(self._folder / sandbox.id)

    @staticmethod
    def _write(folder: Path, place: Place) -> None:
        write_private(folder / "place.json", json.dumps(asdict(place)))

    def _free_uid(self) -> int:
        taken: set[int | None] = set()
        for file in self._folder.glob("*/place.json"):
            try:
                taken.add(json.loads(file.read_text("utf-8"))["uid"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
        first, last = _FREE_UIDS if _has_many_users() else _SMALL_UIDS
        while (uid := first + secrets.randbelow(last - first)) in taken:
            pass
        return uid

    def _revoke(self, sandbox_id: SandboxId) -> None:
        place = read_place(self._state_dir, sandbox_id)
        self._stop_all(sandbox_id)
        if place is not None:
            content = asdict(place) | {"is_revoked": True}
            write_private(self._folder / sandbox_id / "place.json", json.dumps(content))

    def _remove(self, sandbox_id: SandboxId) -> None:
        place = read_place(self._state_dir, sandbox_id)
        self._stop_all(sandbox_id)
        waste = self._waste(sandbox_id)
        if place is not None:
            if waste.exists():
                _delete(waste)
            (self._folder / sandbox_id).rename(waste)
        for folder in (waste, self._folder / f"{_MAKING}{sandbox_id}", self._keepers / sandbox_id):
            if folder.exists():
                _delete(folder)
        with suppress(OSError):  # it is not empty: the gateway is not done, or is gone
            (self._doors / sandbox_id).rmdir()

    def _stop_all(self, sandbox_id: SandboxId) -> None:
        for keeper in launch.running(self._keepers / sandbox_id):
            launch.stop(keeper.run_dir)

    def _running(self, sandbox_id: SandboxId) -> frozenset[str]:
        found = launch.running(self._keepers / sandbox_id)
        return frozenset(keeper.member_id for keeper in found)

    def _waste(self, sandbox_id: SandboxId) -> Path:
        return self._folder / f"{_REMOVING}{sandbox_id}"

    def _owned(self) -> frozenset[SandboxId]:
        found: set[SandboxId] = set()
        for folder in self._folder.glob("*"):
            name = folder.name.removeprefix(_REMOVING).removeprefix(_MAKING)
            if not grants.is_sandbox_id(name):
                continue
            try:
                if name != folder.name or read_place(self._state_dir, SandboxId(name)):
                    found.add(SandboxId(name))
            except TerminalProviderError:
                continue  # not ours: never touched
        found |= {
            SandboxId(folder.name)
            for folder in self._keepers.glob("*")
            if grants.is_sandbox_id(folder.name)
        }
        return frozenset(found)


def _place(sandbox: Sandbox, uid: int | None) -> Place:
    spec = sandbox.spec
    return Place(OWNER, sandbox.id, str(spec.agency_id), uid, spec.members)


def _make_home(folder: Path, uid: int | None) -> None:
    if folder.is_symlink():
        raise TerminalProviderError(Stage.ISOLATION, f"the home {folder.name} is a link")
    folder.mkdir(mode=0o700, exist_ok=True)
    if uid is not None:
        os.chown(folder, uid, uid, follow_symlinks=False)


def _has_many_users() -> bool:
    lines = Path("/proc/self/uid_map").read_text("ascii").splitlines()
    ranges = [tuple(map(int, line.split())) for line in lines]
    return any(
        first <= _FREE_UIDS[0] and first + size >= _FREE_UIDS[1] for first, _, size in ranges
    )


def _delete(folder: Path) -> None:
    """Delete a folder and what is in it. Follows no link, minds no missing right of its user."""

    def allow(_: object, path: str, __: object) -> None:
        parent = Path(path).parent
        for place in (parent, Path(path)):
            if stat.S_ISDIR(place.lstat().st_mode):
                place.chmod(0o700)
        if Path(path).is_dir() and not Path(path).is_symlink():
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)

    shutil.rmtree(folder, onerror=None if os.geteuid() == 0 else allow)
