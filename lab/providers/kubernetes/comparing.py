"""Tells whether what is there is what was compiled.

A fingerprint is taken of everything in an object that is ours to say: its content, and
our labels and annotations. What the server fills in and what others add beside it (a
label of a monitoring tool) do not count. Two objects with one fingerprint are the same
to us; the cache keeps the fingerprint and lets the object go.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from lab.domain.quantity import parse_bytes, parse_cpu
from lab.providers.kubernetes import names, resources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PREFIXES = (names.OUR_PREFIX, names.POD_SECURITY_PREFIX)
_NOT_CONTENT = frozenset({"apiVersion", "kind", "metadata", "status"})
_FILLED = {
    resource.kind: resource.filled
    for resource in vars(resources).values()
    if isinstance(resource, resources.Resource)
}
_AMOUNTS = frozenset({"hard", "max", "min", "default", "defaultRequest"})


def fingerprint(kind: str, found: Mapping[str, Any]) -> str:
    """Return what an object comes down to."""
    text = json.dumps(ours(kind, found), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def stamped(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return it with the annotation that says what it was compiled from."""
    metadata = dict(wanted["metadata"])
    kept = metadata.get("annotations") or {}
    bare = {key: value for key, value in kept.items() if key != names.SPEC_HASH}
    plain = wanted | {"metadata": metadata | {"annotations": bare}}
    stamp = {names.SPEC_HASH: fingerprint(str(wanted["kind"]), plain)}
    return wanted | {"metadata": metadata | {"annotations": bare | stamp}}


def stamp_of(found: Mapping[str, Any]) -> str:
    """Return what it says it was compiled from; empty where it does not say."""
    annotations = (found.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(names.SPEC_HASH, ""))


def ours(kind: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of an object that is ours to say, in one form."""
    metadata = found.get("metadata") or {}
    labels = metadata.get("labels") or {}
    notes = metadata.get("annotations") or {}
    content = {key: value for key, value in found.items() if key not in _NOT_CONTENT}
    if isinstance(content.get("spec"), dict):
        filled = _FILLED.get(kind, frozenset())
        content["spec"] = {k: v for k, v in content["spec"].items() if k not in filled}
    plain: dict[str, Any] = _plain(content)
    return plain | {
        "labels": {k: v for k, v in labels.items() if is_claimed(k)},
        # The stamp is made of all the rest: in the fingerprint it would say nothing more.
        "annotations": {k: v for k, v in notes.items() if is_claimed(k) and k != names.SPEC_HASH},
    }


def differences(kind: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Name the fields that differ, as paths, for people to read. Never a value."""
    return sorted(set(_paths(ours(kind, wanted), ours(kind, found))))


def correction(kind: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the merge patch that makes an object what was compiled.

    What the server fills in, and what others have beside ours, is not in it.
    """
    was, shall = _touchable(kind, found), _touchable(kind, wanted)
    change: dict[str, Any] = _change(was, shall) if was != shall else {}
    return change


def _touchable(kind: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without what its writer could not or would not say."""
    metadata = found.get("metadata") or {}
    touchable = {key: value for key, value in found.items() if key not in _NOT_CONTENT}
    if isinstance(touchable.get("spec"), dict):
        filled = _FILLED.get(kind, frozenset())
        spec = {k: v for k, v in touchable.pop("spec").items() if k not in filled}
        touchable |= {"spec": spec} if spec else {}
    touchable["metadata"] = {
        field: {k: v for k, v in (metadata.get(field) or {}).items() if is_claimed(k)}
        for field in ("labels", "annotations")
    }
    return touchable


def _change(was: Mapping[str, Any], shall: Mapping[str, Any]) -> dict[str, Any]:
    change: dict[str, Any] = dict.fromkeys(was.keys() - shall.keys())
    for key, value in shall.items():
        before = was.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            if inner := _change(before, value):
                change[key] = inner
        elif before != value:
            change[key] = value
    return change


def is_claimed(key: str) -> bool:
    """Tell whether a label or annotation of this key is ours to say."""
    return key == names.MANAGED_BY or key.startswith(_PREFIXES)


def _plain(value: Any, key: str = "") -> Any:
    """Drop what is empty, as the server does, and write amounts one way."""
    if isinstance(value, dict):
        if key in _AMOUNTS:
            return {name: _amount(name, text) for name, text in value.items()}
        made = {name: _plain(part, name) for name, part in value.items()}
        return {name: part for name, part in made.items() if part not in (None, {}, [])}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value


def _amount(name: str, text: object) -> object:
    read = parse_cpu if name.endswith("cpu") else parse_bytes
    try:
        return read(str(text))
    except ValueError:
        return text


def _paths(wanted: Any, found: Any, at: str = "") -> Iterator[str]:
    if wanted == found:
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in wanted.keys() | found.keys():
            yield from _paths(wanted.get(key), found.get(key), f"{at}.{key}" if at else str(key))
    else:
        yield at
