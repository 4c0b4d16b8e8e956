"""What the tracking door lets through. Pure: a table, and looks at bodies.

Everything that is not listed is refused: MLflow also holds a proxy to language
models, a job runner, webhooks, an assistant, graphql, identities and
workspaces, and grows more with each version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from lab.gateway.refusals import not_allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.gateway.paths import Target


class Body(Enum):
    """How a body goes through."""

    NONE = "none"
    DOCUMENT = "document"
    """Read whole, checked, written anew: MLflow sees what we saw."""
    BYTES = "bytes"
    """Streamed."""


@dataclass(frozen=True, slots=True)
class Route:
    """One allowed method and path.

    Attributes:
        pattern: Of the decoded path.
        query: Names that may stand in the query; others are refused.
    """

    method: str
    pattern: re.Pattern[str]
    body: Body
    query: frozenset[str]


_ID = r"[A-Za-z0-9\-_]{1,64}"
_KEY = r"[^/]{1,250}"

_TWO = {
    "POST": f"""
        experiments/create experiments/delete experiments/delete-experiment-tag
        experiments/restore experiments/search experiments/set-experiment-tag experiments/update
        experiments/search-datasets
        logged-models logged-models/{_ID}/params logged-models/search
        model-versions/create model-versions/set-tag model-versions/transition-stage
        registered-models/alias registered-models/create registered-models/get-latest-versions
        registered-models/rename registered-models/set-tag
        runs/create runs/delete runs/delete-tag runs/log-batch runs/log-inputs runs/log-metric
        runs/log-model runs/log-parameter runs/outputs runs/restore runs/search runs/set-tag
        runs/update
        traces traces/delete-traces traces/link-prompts traces/link-to-run
    """,
    "GET": f"""
        artifacts/list experiments/get experiments/get-by-name experiments/search
        logged-models/{_ID} logged-models/{_ID}/artifacts/directories
        metrics/get-history metrics/get-history-bulk-interval
        model-versions/get model-versions/get-download-uri model-versions/search
        registered-models/alias registered-models/get registered-models/get-latest-versions
        registered-models/search runs/get traces traces/{_ID}/info
    """,
    "PATCH": f"""
        logged-models/{_ID} logged-models/{_ID}/tags model-versions/update
        registered-models/update traces/{_ID} traces/{_ID}/tags
    """,
    "DELETE": f"""
        logged-models/{_ID} logged-models/{_ID}/tags/{_KEY} model-versions/delete
        model-versions/delete-tag registered-models/alias registered-models/delete
        registered-models/delete-tag traces/{_ID}/tags
    """,
}
_THREE = {
    "POST": f"""
        traces traces/{_ID}/assessments traces/batchGetInfos traces/delete-traces traces/search
        datasets/create datasets/search datasets/{_ID}/records datasets/{_ID}/add-experiments
        datasets/{_ID}/remove-experiments
    """,
    "GET": f"""
        server-info traces/{_ID} traces/{_ID}/assessments/{_ID} traces/batchGet traces/get
        datasets/{_ID} datasets/{_ID}/experiment-ids datasets/{_ID}/records datasets/search
    """,
    "PATCH": f"traces/{_ID}/assessments/{_ID} traces/{_ID}/tags datasets/{_ID}/tags",
    "DELETE": f"""
        traces/{_ID}/assessments/{_ID} traces/{_ID}/tags datasets/{_ID} datasets/{_ID}/records
        datasets/{_ID}/tags/{_KEY}
    """,
}
_QUERY = frozenset({
    "run_id", "run_uuid", "path", "page_token", "experiment_id", "experiment_ids",
    "experiment_name", "metric_key", "max_results", "max_points", "run_ids", "start_step",
    "end_step", "filter", "order_by", "name", "version", "alias", "key", "view_type", "model_id",
    "request_id", "trace_id", "trace_ids", "allow_partial", "include_deleted",
    "artifact_directory_path", "filter_string", "stages",
})  # fmt: skip
_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


def _routes() -> Iterator[Route]:
    for prefix, table in (("/api/2.0/mlflow/", _TWO), ("/api/3.0/mlflow/", _THREE)):
        for method, words in table.items():
            body = Body.NONE if method == "GET" else Body.DOCUMENT
            query = _QUERY if method == "GET" else frozenset[str]()
            for word in words.split():
                yield Route(method, re.compile(re.escape(prefix) + word), body, query)
    one = re.compile(re.escape(_ARTIFACTS) + "/.+")
    yield Route("GET", re.compile(re.escape(_ARTIFACTS)), Body.NONE, frozenset({"path"}))
    yield Route("GET", one, Body.NONE, frozenset())
    yield Route("PUT", one, Body.BYTES, frozenset())
    yield Route("DELETE", one, Body.NONE, frozenset())
    yield Route("POST", re.compile("/v1/traces"), Body.BYTES, frozenset())
    yield Route("GET", re.compile("/(health|version)"), Body.NONE, frozenset())


ROUTES = tuple(_routes())


def route_for(method: str, target: Target, *, workspace: str) -> Route:
    """Return the rule that lets this through.

    Raises:
        RefusedError: No rule does, or the path leads out of the workspace.
    """
    for route in ROUTES:
        if route.method == method and route.pattern.fullmatch(target.path):
            break
    else:
        raise not_allowed("no rule of the tracking door allows this method and path")
    if not target.names <= route.query or len(target.names) != len({
        name.lower() for name in target.names
    }):
        raise not_allowed("the address holds a parameter that no rule allows")
    if target.path.startswith(_ARTIFACTS):
        check_artifact(target.path.removeprefix(_ARTIFACTS).lstrip("/"), workspace=workspace)
    for name, value in target.query:
        if name in {"path", "artifact_directory_path"}:
            check_artifact(value, workspace=workspace)
    return route


def check_artifact(path: str, *, workspace: str) -> None:
    """Refuse an artifact path that could leave the workspace's own folder.

    Raises:
        RefusedError: It could.
    """
    parts = path.split("/")
    if {"..", "."} & set(parts) or "%" in path or "\\" in path or ":" in parts[0]:
        raise not_allowed("the artifact path leads elsewhere")
    if path.startswith("/") or "//" in path:
        raise not_allowed("the artifact path is not relative")
    if parts[0] == "workspaces" and parts[1:2] != [workspace]:
        raise not_allowed("the artifact path names another workspace")


def check_document(path: str, document: dict[str, Any], *, workspace: str) -> None:
    """Refuse a body that makes MLflow read or write where the sandbox may not.

    Raises:
        RefusedError: It would.
    """
    for key, value in _pairs(document):
        # Protobuf's JSON reads artifactLocation as well as artifact_location.
        plain = key.replace("_", "").replace("-", "").lower()
        if plain.endswith(("artifactlocation", "artifacturi", "artifactroot", "storagelocation")):
            _check_location(value, workspace=workspace)
    if path.endswith("/model-versions/create"):
        source = document.get("source")
        if not isinstance(source, str) or not source.startswith(("models:/", "runs:/")):
            _check_location(source, workspace=workspace)


def _check_location(value: Any, *, workspace: str) -> None:
    """Let through nothing, or a place that MLflow gave this very workspace."""
    if value in (None, ""):
        return
    own = f"mlflow-artifacts:/workspaces/{workspace}/"
    if not isinstance(value, str) or not value.startswith(own):
        raise not_allowed("an artifact location of one's own choice")
    if "?" in value or "#" in value:
        raise not_allowed("an artifact location with parameters")
    check_artifact(value.removeprefix("mlflow-artifacts:/"), workspace=workspace)


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every name and value, tags written as ``{"key": …, "value": …}`` included."""
    if isinstance(value, dict):
        if isinstance(value.get("key"), str):
            yield value["key"], value.get("value")
        for key, each in value.items():
            yield str(key), each
            yield from _pairs(each)
    elif isinstance(value, list):
        for each in value:
            yield from _pairs(each)
