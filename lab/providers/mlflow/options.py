"""How a tracking server is spoken to, from the settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from lab.domain.sandbox import Stage
from lab.domain.secret import Secret
from lab.grants import Grants, chosen
from lab.providers.mlflow.artifacts import BucketArtifacts, FolderArtifacts
from lab.providers.mlflow.client import TrackingClient
from lab.providers.mlflow.leftovers import PostgresLeftovers, SqliteLeftovers
from lab.providers.mlflow.provider import MlflowProvider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.providers.mlflow.artifacts import Artifacts
    from lab.providers.mlflow.provider import Leftovers


class BucketOptions(BaseModel):
    """A bucket with artifacts, and what the lab is there.

    Attributes:
        root: ``s3://bucket`` or ``s3://bucket/prefix``, as the server is told.
        secret_file: Holds the secret of ``access_key``, one line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: str = Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]+(/.*)?$")
    endpoint: str
    region: str = "us-east-1"
    access_key: str
    secret_file: Path


class Options(BaseModel):
    """Where MLflow is and what we are there.

    Attributes:
        grants: Where grants are kept; ``grants_dir`` instead for those of one machine.
        secret_file: Holds the password of ``username``, one line.
        artifacts_dir: Where a server on this machine keeps artifacts.
        artifacts: Where else it keeps them: in a bucket.
        database: The server's SQLite file, when it has one.
        database_url_file: Holds the address of its PostgreSQL database, when it has one.
        experiment: The experiment that is there from the start.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    endpoint: str
    username: str
    secret_file: Path
    grants: Grants | None = None
    grants_dir: Path | None = None
    artifacts_dir: Path | None = None
    artifacts: BucketOptions | None = None
    database: Path | None = None
    database_url_file: Path | None = None
    experiment: str = "essais"
    timeout_seconds: float = 20


def build_provider(stage: Stage, options: Mapping[str, Any]) -> MlflowProvider:
    """Make the provider.

    Raises:
        ValueError: An option is unknown or missing, a secret is a placeholder,
            or it is asked to own another stage than TRACKING.
    """
    if stage is not Stage.TRACKING:
        msg = f"mlflow serves {Stage.TRACKING.value}, not {stage.value}"
        raise ValueError(msg)
    read = Options.model_validate(options)
    client = TrackingClient(
        endpoint=read.endpoint,
        username=read.username,
        password=_secret(read.secret_file),
        timeout=read.timeout_seconds,
    )
    return MlflowProvider(
        endpoint=read.endpoint,
        client=client,
        grants=chosen(read.grants, read.grants_dir),
        artifacts=_artifacts(read),
        leftovers=_leftovers(read),
        experiment=read.experiment,
    )


def _artifacts(options: Options) -> Artifacts:
    if options.artifacts is not None and options.artifacts_dir is None:
        bucket = options.artifacts
        return BucketArtifacts(
            root=bucket.root,
            endpoint=bucket.endpoint,
            region=bucket.region,
            access_key=bucket.access_key,
            secret_key=_secret(bucket.secret_file),
            timeout=options.timeout_seconds,
        )
    if options.artifacts_dir is not None and options.artifacts is None:
        return FolderArtifacts(options.artifacts_dir)
    msg = "give either artifacts or artifacts_dir"
    raise ValueError(msg)


def _leftovers(options: Options) -> Leftovers | None:
    if options.database_url_file is not None:
        # No placeholder check: an address without a password is a good one.
        return PostgresLeftovers(Secret(options.database_url_file.read_text("utf-8").strip()))
    return SqliteLeftovers(options.database) if options.database is not None else None


def _secret(path: Path) -> Secret:
    return Secret.checked(path.read_text(encoding="utf-8"), name=path.name)
