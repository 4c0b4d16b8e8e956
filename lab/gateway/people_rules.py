"""What a person's browser may ask of the MLflow page. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.gateway.refusals import not_allowed
from lab.gateway.tracking_rules import Body, check_artifact, route_for

if TYPE_CHECKING:
    from lab.gateway.paths import Target

_WRITES = re.compile(
    "/api/2.0/mlflow/(runs/(update|delete|restore|set-tag|delete-tag|search)"
    "|experiments/(search|search-datasets|set-experiment-tag|delete-experiment-tag|update)"
    "|logged-models/search|registered-models/(set-tag|delete-tag|get-latest-versions)"
    "|model-versions/(set-tag|delete-tag))"
    "|/api/3.0/mlflow/(traces/(search|batchGetInfos)|datasets/search)"
)
_STATIC = re.compile(r"/|/static-files/[A-Za-z0-9_\-./@+~ ]{1,200}", re.ASCII)
_FILES = re.compile(
    "/get-artifact|/model-versions/get-artifact|/ajax-api/[23].0/mlflow/get-trace-artifact"
    "|/ajax-api/2.0/mlflow/logged-models/[A-Za-z0-9_-]{1,64}/artifacts/files"
)
_PAGE_ONLY = re.compile("/ajax-api/2.0/mlflow/metrics/get-history-bulk(-interval)?")
_FILE_QUERY = frozenset({
    "path",
    "run_uuid",
    "run_id",
    "name",
    "version",
    "request_id",
    "artifact_file_path",
    "trace_id",
})
_HISTORY_QUERY = frozenset({
    "run_id",
    "metric_key",
    "max_results",
    "run_ids",
    "start_step",
    "end_step",
})

GRAPHQL = "/graphql"
_QUERY_HEAD = re.compile(r"\s*query\s+\w{1,80}\s*[({]", re.ASCII)
_QUERY_FIELDS = frozenset({
    "mlflowGetExperiment",
    "mlflowGetRun",
    "mlflowGetMetricHistoryBulkInterval",
})
_LONGEST_QUERY = 16_000


@dataclass(frozen=True, slots=True)
class Allowed:
    """What goes through, and how.

    Attributes:
        is_file: It is somebody's artifact: shown in a sandbox of its own.
    """

    body: Body
    is_file: bool = False


def allowed(method: str, target: Target, *, workspace: str) -> Allowed:
    """Return how a request goes through.

    Raises:
        RefusedError: It does not.
    """
    for name, value in target.query:
        if name in {"path", "artifact_file_path", "artifact_directory_path"}:
            check_artifact(value, workspace=workspace)
    if method in {"GET", "HEAD"}:
        if _STATIC.fullmatch(target.path):
            return Allowed(Body.NONE)
        if _FILES.fullmatch(target.path) and target.names <= _FILE_QUERY:
            return Allowed(Body.NONE, is_file=True)
        if _PAGE_ONLY.fullmatch(target.path) and target.names <= _HISTORY_QUERY:
            return Allowed(Body.NONE)
    if (method, target.path) == ("POST", GRAPHQL) and not target.query:
        return Allowed(Body.DOCUMENT)
    if not target.path.startswith("/ajax-api/"):
        raise not_allowed("no rule of the page allows this method and path")
    plain = type(target)("/api/" + target.path.removeprefix("/ajax-api/"), target.query)
    route = route_for(method, plain, workspace=workspace)
    if route.body is Body.BYTES or (method != "GET" and not _WRITES.fullmatch(plain.path)):
        raise not_allowed("no rule of the page allows this method and path")
    return Allowed(route.body, is_file="/mlflow-artifacts/artifacts/" in plain.path)


def check_graphql(document: dict[str, Any]) -> None:
    """Let through the few readings that MLflow's page cannot do without.

    Raises:
        RefusedError: It is another one, a mutation, or a look at the schema.
    """
    query = document.get("query")
    if not set(document) <= {"operationName", "query", "variables", "extensions"}:
        raise not_allowed("a graphql request in another form")
    if not isinstance(query, str) or len(query) > _LONGEST_QUERY or not _QUERY_HEAD.match(query):
        raise not_allowed("a graphql operation that is no plain query")
    words = set(re.findall(r"[A-Za-z_]\w*", query))
    fields = {word for word in words if word.startswith("mlflow")}
    hidden = {word for word in words if word.startswith("__")} - {"__typename"}
    if (
        not fields
        or not fields <= _QUERY_FIELDS
        or hidden
        or "mutation" in words
        or "test" in words
    ):
        raise not_allowed("a graphql field that no rule of the page allows")
