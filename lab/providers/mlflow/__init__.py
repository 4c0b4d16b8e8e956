"""MLflow with workspaces: one workspace and one identity per sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from lab.domain.sandbox import Stage
from lab.domain.secret import Secret
from lab.grants import Grants, chosen
from lab.providers.mlflow.client import TrackingClient
from lab.providers.mlflow.provider import MlflowProvider

if TYPE_CHECKING:
    from collections.abc import Mapping


class Options(BaseModel):
    """Where MLflow is and what we are there.

    Attributes:
        grants: Where grants are kept; ``grants_dir`` instead for those of one machine.
        secret_file: Holds the password of ``username``, one line.
        artifacts_dir: Where the server keeps artifacts.
        database: The server's SQLite file, when it has one.
        experiment: The experiment that is there from the start.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    endpoint: str
    username: str
    secret_file: Path
    grants: Grants | None = None
    grants_dir: Path | None = None
    artifacts_dir: Path
    database: Path | None = None
    experiment: str = "essais"
    timeout_seconds: float = 20


def build(stage: Stage, options: Mapping[str, Any]) -> MlflowProvider:
    """Make the provider.

    Raises:
        ValueError: An option is unknown or missing, the secret is a placeholder,
            or it is asked to own another stage than TRACKING.
    """
    if stage is not Stage.TRACKING:
        msg = f"mlflow serves {Stage.TRACKING.value}, not {stage.value}"
        raise ValueError(msg)
    read = Options.model_validate(options)
    text = read.secret_file.read_text(encoding="utf-8")
    client = TrackingClient(
        endpoint=read.endpoint,
        username=read.username,
        password=Secret.checked(text, name=read.secret_file.name),
        timeout=read.timeout_seconds,
    )
    return MlflowProvider(
        endpoint=read.endpoint,
        client=client,
        grants=chosen(read.grants, read.grants_dir),
        artifacts_dir=read.artifacts_dir,
        database=read.database,
        experiment=read.experiment,
    )
