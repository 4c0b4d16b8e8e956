"""The chart as Helm renders it, without a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import helm_python as helm
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

CHART = Path(__file__).resolve().parents[2] / "helm" / "lab"
SETS = ("trial", "external", "gateway")
NAMESPACE = "vase-clos"

Json = dict[str, Any]


def values(name: str = "trial", **more: Any) -> Json:
    """Return one of the value sets that are kept beside the chart, with images."""
    found: Json = yaml.safe_load((CHART / "ci" / "images.yaml").read_text("utf-8"))
    found = merged(found, yaml.safe_load((CHART / "ci" / f"{name}.yaml").read_text("utf-8")))
    return merged(found, more)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Json:
    """Merge as Helm does: maps key by key, all else replaced."""
    out = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merged(out[key], value) if both else value
    return out


def documents(given: Json, *, namespace: str = NAMESPACE, **options: Any) -> list[Json]:
    """Render; hooks and tests included."""
    with helm.Chart.load(CHART) as chart:
        texts = chart.render(given, name="lab", namespace=namespace, **options)
    return parsed(texts)


def parsed(texts: Mapping[str, str]) -> list[Json]:
    """Read every object of rendered templates."""
    found: list[Json] = []
    for path, text in sorted(texts.items()):
        if path.endswith("NOTES.txt"):
            continue
        found.extend(one for one in yaml.safe_load_all(text) if one)
    return found


def only(objects: list[Json], kind: str, name: str) -> Json:
    """Return the one object of this kind and name."""
    found = [o for o in objects if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, (kind, name, len(found))
    return found[0]
