"""What the API server has of ours, as its watches told it: a few words for each object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from lab.providers.kubernetes import names
from lab.providers.kubernetes.comparing import fingerprint, stamp_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lab.providers.kubernetes.resources import Resource

Key: TypeAlias = tuple[str, str]
"""Namespace, empty for what has none, and name."""

_REMAINING = frozenset({"NamespaceContentRemaining", "NamespaceFinalizersRemaining"})
_FAILURES = frozenset(
    {"NamespaceDeletionContentFailure", "NamespaceDeletionDiscoveryFailure"},
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One object.

    Attributes:
        version: Its ``resourceVersion``; a greater one is newer.
        fingerprint: Of all in it that is ours to say.
        stamp: What it says it was compiled from.
        is_going: Its deletion was asked for.
        note: One more word, by kind: a namespace's slot, a Service's address,
            ``counted`` for a quota that holds, how a Job ended.
        waits: What a namespace that is going still waits for.
    """

    uid: str
    version: int
    sandbox_id: str
    fingerprint: str
    stamp: str
    is_going: bool
    note: str = ""
    waits: str = ""

    @property
    def is_untouched(self) -> bool:
        """Tell whether it is as whoever compiled it left it."""
        return self.fingerprint == self.stamp


def entry_of(resource: Resource, found: Mapping[str, Any]) -> Entry:
    """Sum one object up."""
    metadata = found["metadata"]
    version = str(metadata.get("resourceVersion", ""))
    return Entry(
        uid=str(metadata.get("uid", "")),
        version=int(version) if version.isdecimal() else 0,
        sandbox_id=(metadata.get("labels") or {}).get(names.SANDBOX, ""),
        fingerprint=fingerprint(resource.kind, found),
        stamp=stamp_of(found),
        is_going="deletionTimestamp" in metadata,
        note=_NOTES.get(resource.kind, _no_note)(found),
        waits=_waits(found) if resource.kind == "Namespace" else "",
    )


class Shelf:
    """All objects of one kind.

    Attributes:
        lost: Objects that somebody else deleted, until they are put back.
    """

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.lost: set[Key] = set()
        self._entries: dict[Key, Entry] = {}
        self._dropped: dict[Key, str] = {}
        self._by_note: dict[str, set[Key]] = {}

    def get(self, namespace: str, name: str) -> Entry | None:
        """Return one, or None where it is not known."""
        return self._entries.get((namespace, name))

    def with_note(self, note: str) -> frozenset[str]:
        """Return the names of all whose note is this."""
        return frozenset(name for _, name in self._by_note.get(note, ()))

    def items(self) -> Iterator[tuple[Key, Entry]]:
        """Return namespace and name, and the object, of each."""
        return iter(list(self._entries.items()))

    def __len__(self) -> int:
        """Count them."""
        return len(self._entries)

    def replace(self, listed: Mapping[Key, Entry], version: str) -> set[str]:
        """Take a whole list; return the sandboxes for which anything changed.

        What we wrote after the list was taken is newer than the list, and stays.
        """
        taken_at = int(version) if version.isdecimal() else 0
        newer = {
            key: entry
            for key, entry in self._entries.items()
            if entry.version > max(taken_at, _version(listed.get(key)))
        }
        before, self._entries = self._entries, {}
        self._by_note.clear()
        for key, entry in ({**listed, **newer}).items():
            self._set(key, entry)
        self._dropped.clear()
        return {
            (self._entries.get(key) or before[key]).sandbox_id
            for key in before.keys() | self._entries.keys()
            if before.get(key) != self._entries.get(key)
        }

    def put(self, found: Mapping[str, Any]) -> bool:
        """Take one object; return whether it says anything new."""
        key = key_of(found)
        before = self._entries.get(key)
        version = str(found["metadata"].get("resourceVersion", ""))
        if before is not None and version == str(before.version):
            return False
        return self.keep(key, entry_of(self.resource, found))

    def keep(self, key: Key, entry: Entry) -> bool:
        """Take one that was summed up already; return whether it says anything new."""
        if self._dropped.get(key) == entry.uid:
            return False
        before = self._entries.get(key)
        if before is not None and before.version > entry.version:
            return False
        self._set(key, entry)
        self.lost.discard(key)
        return before is None or _meaning(before) != _meaning(entry)

    def drop(self, namespace: str, name: str) -> None:
        """Forget one that we deleted, before the watch says so."""
        entry = self._unset((namespace, name))
        if entry is not None:
            self._dropped[namespace, name] = entry.uid

    def gone(self, found: Mapping[str, Any]) -> bool:
        """Take word that one was deleted; return whether that is news."""
        key = key_of(found)
        entry, uid = self._entries.get(key), str(found["metadata"].get("uid", ""))
        if self._dropped.get(key) == uid:
            del self._dropped[key]
            return False
        if entry is None or entry.uid != uid:
            return False
        self._unset(key)
        if not entry.is_going:
            self.lost.add(key)
        return True

    def forget_lost(self, namespace: str) -> None:
        """Forget what was lost in a namespace that is gone itself."""
        self.lost = {key for key in self.lost if key[0] != namespace}

    def _set(self, key: Key, entry: Entry) -> None:
        self._unset(key)
        self._entries[key] = entry
        if entry.note:
            self._by_note.setdefault(entry.note, set()).add(key)

    def _unset(self, key: Key) -> Entry | None:
        entry = self._entries.pop(key, None)
        if entry is not None and entry.note:
            named = self._by_note[entry.note]
            named.discard(key)
            if not named:
                del self._by_note[entry.note]
        return entry


def key_of(found: Mapping[str, Any]) -> Key:
    """Return namespace (empty for what has none) and name."""
    metadata = found["metadata"]
    return str(metadata.get("namespace", "")), str(metadata["name"])


def _version(entry: Entry | None) -> int:
    return entry.version if entry is not None else 0


def _meaning(entry: Entry) -> tuple[object, ...]:
    return entry.uid, entry.fingerprint, entry.is_going, entry.note, entry.waits


def _no_note(_: Mapping[str, Any]) -> str:
    return ""


def _slot(found: Mapping[str, Any]) -> str:
    return str((found["metadata"].get("annotations") or {}).get(names.SLOT, ""))


def _address(found: Mapping[str, Any]) -> str:
    return str((found.get("spec") or {}).get("clusterIP", ""))


def _counted(found: Mapping[str, Any]) -> str:
    """A quota holds once its controller has counted: until then nothing can be made."""
    hard = (found.get("status") or {}).get("hard") or {}
    return "counted" if hard.keys() >= ((found.get("spec") or {}).get("hard") or {}).keys() else ""


def _ended(found: Mapping[str, Any]) -> str:
    conditions = (found.get("status") or {}).get("conditions") or []
    held = [c["type"] for c in conditions if c.get("status") == "True"]
    return next((str(kind) for kind in held if kind in {"Complete", "Failed"}), "")


_NOTES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "Namespace": _slot,
    "Service": _address,
    "ResourceQuota": _counted,
    "Job": _ended,
}


def _waits(found: Mapping[str, Any]) -> str:
    """Say what a namespace that is going waits for, in the server's own words."""
    conditions = (found.get("status") or {}).get("conditions") or []
    held = [c for c in conditions if c.get("status") == "True"]
    told = [c for kind in (_REMAINING, _FAILURES) for c in held if c.get("type") in kind]
    return "; ".join(str(c.get("message", "")).strip() for c in told)
