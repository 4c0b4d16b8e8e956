"""Makes what is there what was compiled; writes nothing where it is already.

Only what carries our label is touched. What somebody else changed or deleted is put
back, and told: a wall that moves by another hand is news even after it stands again.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.providers.kubernetes import names
from lab.providers.kubernetes.cache import Entry, entry_of, key_of
from lab.providers.kubernetes.comparing import correction, differences, stamp_of
from lab.providers.kubernetes.failures import ConflictError, NotOursError, TerminatingError
from lab.providers.kubernetes.resources import ROLE_BINDING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lab.providers.kubernetes.cache import Shelf
    from lab.providers.kubernetes.client import Client
    from lab.providers.kubernetes.resources import Resource

log = logging.getLogger(__name__)

_TRIES = 3


@dataclass(frozen=True, slots=True)
class ForeignEdit:
    """Something of ours that another hand changed, and that was put back.

    Attributes:
        kind: As Kubernetes calls it.
        name: In its namespace.
        fields: Paths of what differed; empty where the whole object was deleted.
        writers: Who wrote it beside us, as the server recorded.
    """

    sandbox_id: str
    kind: str
    name: str
    fields: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()


class Applier:
    """Writes the objects of one lab.

    Args:
        lab: The lab's namespace, as in the owner's label.
        on_foreign_edit: Told of each edit that was put back; for the audit trail.
    """

    def __init__(
        self,
        client: Client,
        *,
        lab: str,
        on_foreign_edit: Callable[[ForeignEdit], Awaitable[None]] | None = None,
    ) -> None:
        self._client, self._lab, self._tell = client, lab, on_foreign_edit

    async def put(
        self,
        resource: Resource,
        shelf: Shelf,
        wanted: Mapping[str, Any],
        *,
        is_fresh: bool = False,
    ) -> tuple[Entry, bool]:
        """Make one object as compiled; return it, and whether it is new.

        Args:
            resource: Its kind.
            shelf: What is known of that kind.
            wanted: As compiled and stamped.
            is_fresh: Its namespace was made a moment ago by us: what is absent was not taken.

        Raises:
            NotOursError: Another object has that name.
            TerminatingError: It is being deleted.
            ClusterError: The server refused, or did not answer.
        """
        key = key_of(wanted)
        known = shelf.get(*key)
        if known is not None and not known.is_going and _is_same(known, wanted):
            return known, False
        if known is None:
            # Asked before: the watch may tell of what we make before the answer comes.
            was_lost = key in shelf.lost and not is_fresh
            # Made only where nothing is: an apply would take over what another has there.
            with suppress(ConflictError):
                entry = entry_of(resource, await self._client.create(resource, wanted))
                shelf.keep(key, entry)
                if was_lost:
                    await self._told(resource, wanted, None)
                return entry, True
        found = await self._client.get(resource, key[1], key[0] or None)
        if found is not None:
            await self._check(resource, shelf, wanted, found)
            entry = entry_of(resource, found)
            if _is_same(entry, wanted):
                shelf.keep(key, entry)
                return entry, False
        entry, is_new = await self._write(resource, wanted, found)
        shelf.keep(key, entry)
        if found is not None and stamp_of(found) == stamp_of(wanted):
            await self._told(resource, wanted, found)
        return entry, is_new

    async def drop(
        self, resource: Resource, shelf: Shelf, namespace: str, name: str, sandbox_id: str
    ) -> bool:
        """Delete one object of ours; tell whether nothing is left of it.

        What is not ours is left where it is, and is nothing to us.

        Raises:
            ClusterError: The server refused, or did not answer.
        """
        for _ in range(_TRIES):
            found = await self._client.get(resource, name, namespace or None)
            if found is None or not names.is_ours(found, self._lab, sandbox_id):
                shelf.drop(namespace, name)
                return True
            if "deletionTimestamp" in found["metadata"]:
                shelf.put(found)
                return False
            uid = str(found["metadata"]["uid"])
            try:
                left = await self._client.delete(
                    resource, name, namespace=namespace or None, uid=uid
                )
            except ConflictError:
                continue  # another took its name in between: look again
            if left is not None and "deletionTimestamp" in left["metadata"]:
                shelf.put(left)
                return False
            shelf.drop(namespace, name)
            return True
        raise ConflictError(f"delete {resource.plural}/{name}: it keeps changing")

    async def _check(
        self, resource: Resource, shelf: Shelf, wanted: Mapping[str, Any], found: dict[str, Any]
    ) -> None:
        name = wanted["metadata"]["name"]
        sandbox_id = wanted["metadata"]["labels"][names.SANDBOX]
        if not names.is_ours(found, self._lab, sandbox_id):
            raise NotOursError(
                f"{resource.plural}/{name} exists and does not carry the label of this lab: "
                "it is left as it is"
            )
        if "deletionTimestamp" in found["metadata"]:
            shelf.put(found)
            raise TerminatingError(f"{resource.plural}/{name} is still being deleted")

    async def _write(
        self, resource: Resource, wanted: Mapping[str, Any], found: dict[str, Any] | None
    ) -> tuple[Entry, bool]:
        if found is not None and _needs_another(resource, wanted, found):
            metadata = found["metadata"]
            await self._client.delete(
                resource, metadata["name"], namespace=metadata["namespace"], uid=metadata["uid"]
            )
            found = None
        if found is not None and stamp_of(found) == stamp_of(wanted):
            # An apply keeps what only another hand wrote: for a moment, and for admission,
            # the wall would still be open. One change puts all of it back.
            content, is_new = await self._correct(resource, wanted, found), False
        else:
            applied = await self._client.apply(resource, wanted)
            content, is_new = applied.content, applied.is_new
        for _ in range(_TRIES):
            entry = entry_of(resource, content)
            if entry.fingerprint == stamp_of(wanted):
                return entry, is_new
            content = await self._correct(resource, wanted, content)
        left = ", ".join(differences(resource.kind, wanted, content))
        raise ConflictError(
            f"{resource.plural}/{wanted['metadata']['name']}: another hand keeps changing {left}"
        )

    async def _correct(
        self, resource: Resource, wanted: Mapping[str, Any], content: dict[str, Any]
    ) -> dict[str, Any]:
        """Put back all that differs, and take away what only another hand wrote."""
        name, namespace = wanted["metadata"]["name"], wanted["metadata"].get("namespace")
        version = {"resourceVersion": content["metadata"]["resourceVersion"]}
        change = correction(resource.kind, wanted, content)
        change["metadata"] = change.get("metadata", {}) | version
        try:
            return await self._client.correct(resource, name, namespace, change)
        except ConflictError:
            found = await self._client.get(resource, name, namespace)
            if found is None:
                raise
            return found

    async def _told(
        self, resource: Resource, wanted: Mapping[str, Any], found: dict[str, Any] | None
    ) -> None:
        fields = differences(resource.kind, wanted, found) if found else []
        edit = ForeignEdit(
            sandbox_id=wanted["metadata"]["labels"][names.SANDBOX],
            kind=resource.kind,
            name=wanted["metadata"]["name"],
            fields=tuple(fields),
            writers=_writers(found or {}),
        )
        log.warning(
            "put back what another hand changed",
            extra={
                "sandbox_id": edit.sandbox_id,
                "kind": edit.kind,
                "object": edit.name,
                "fields": list(edit.fields),
                "writers": list(edit.writers),
            },
        )
        if self._tell is None:
            return
        try:
            await self._tell(edit)
        except Exception:
            # It stands again, and the log has it: a full database must not keep walls down.
            log.exception("an edit was not recorded", extra={"sandbox_id": edit.sandbox_id})


def _is_same(entry: Entry, wanted: Mapping[str, Any]) -> bool:
    return entry.fingerprint == entry.stamp == stamp_of(wanted)


def _needs_another(
    resource: Resource, wanted: Mapping[str, Any], found: Mapping[str, Any]
) -> bool:
    """What a RoleBinding refers to cannot be changed, only made anew."""
    return resource is ROLE_BINDING and found.get("roleRef") != wanted["roleRef"]


def _writers(found: Mapping[str, Any]) -> tuple[str, ...]:
    fields = (found.get("metadata") or {}).get("managedFields") or ()
    others = {str(entry.get("manager", "")) for entry in fields} - {names.FIELD_MANAGER}
    return tuple(sorted(others))
