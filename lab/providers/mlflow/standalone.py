"""The tracking server in a container: what it reads from its environment and its secrets.

See :mod:`lab.providers.mlflow.serve` for the names.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from lab.domain.secret import Secret
from lab.private import write_private
from lab.providers.mlflow import server

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "LAB_TRACKING_"
SECRETS = "/var/lib/lab/secrets"


class SettingsError(Exception):
    """Something that is needed is not set; says what."""


def prepare(environ: Mapping[str, str]) -> dict[str, str]:
    """Write the sign-in's configuration; return what MLflow's own environment must be.

    The result holds secrets, because MLflow reads them nowhere else: it is for the
    process that serves, and is handed to no other.

    Raises:
        SettingsError: Something is not set.
        ValueError: A secret looks like a placeholder.
        OSError: A secret cannot be read, or the folder cannot be written.
    """
    secrets = Path(environ.get(PREFIX + "SECRETS_DIR", SECRETS))
    folder = Path(environ.get(PREFIX + "FOLDER", "/tmp/tracking"))  # noqa: S108  an emptyDir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = _text(secrets / "mlflow-database-url") or _needed(environ, "DATABASE_URL")
    people = _text(secrets / "mlflow-auth-database-url") or database
    auth = folder / "auth.ini"
    password = _secret(secrets, "mlflow-admin-password")
    write_private(auth, server.auth_configuration(people, password))
    artifacts = _needed(environ, "ARTIFACTS")
    return {
        **server.STRICT,
        **server.stores(database_uri=database, artifacts=artifacts, auth_configuration=auth),
        **server.names(*environ.get(PREFIX + "HOSTS", "tracking:5000").split(",")),
        **(_storage(environ, secrets) if artifacts.startswith("s3://") else {}),
        # Signs nothing that leaves the server, but MLflow does not start without one.
        "MLFLOW_FLASK_SERVER_SECRET_KEY": _secret(secrets, "mlflow-secret").reveal(),
    }


def await_bucket(environ: Mapping[str, str], *, seconds: float) -> None:
    """Wait until the bucket for artifacts is there, and make it where that is allowed.

    Args:
        environ: With what :func:`prepare` returned.
        seconds: How long the store may take to answer, or somebody else to make the bucket.

    Raises:
        SettingsError: It is not there.
    """
    place = urlsplit(_needed(environ, "ARTIFACTS"))
    if place.scheme != "s3":
        return
    url = urlsplit(environ["MLFLOW_S3_ENDPOINT_URL"])
    client = Minio(
        url.netloc,
        access_key=environ["AWS_ACCESS_KEY_ID"],
        secret_key=environ["AWS_SECRET_ACCESS_KEY"],
        region=environ["AWS_DEFAULT_REGION"],
        secure=url.scheme == "https",
        http_client=urllib3.PoolManager(timeout=5, retries=False),
    )
    deadline, why = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if client.bucket_exists(place.netloc):
                return
            client.make_bucket(place.netloc)
        except S3Error as error:
            why = error.code or ""
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            why = type(error).__name__
        time.sleep(1)
    raise SettingsError(f"the bucket {place.netloc} is not there: {why}")


def _storage(environ: Mapping[str, str], secrets: Path) -> dict[str, str]:
    own = secrets / "tracking-s3-key"
    return {
        "MLFLOW_S3_ENDPOINT_URL": environ.get("MLFLOW_S3_ENDPOINT_URL")
        or _needed(environ, "STORAGE_URL"),
        "AWS_ACCESS_KEY_ID": environ.get("AWS_ACCESS_KEY_ID")
        or environ.get(PREFIX + "STORAGE_ACCESS_KEY", "lab-tracking"),
        "AWS_SECRET_ACCESS_KEY": _secret(
            secrets, own.name if own.exists() else "s3-admin-key"
        ).reveal(),
        "AWS_DEFAULT_REGION": environ.get(PREFIX + "STORAGE_REGION", "us-east-1"),
        "AWS_EC2_METADATA_DISABLED": "true",
        # Not every S3 knows the trailing checksums that newer clients send unasked.
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        # Path-style addresses: a bucket is no host name inside a cluster.
        "MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE": "path",
    }


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(PREFIX + name, "")
    if not value:
        raise SettingsError(f"{PREFIX}{name} is not set")
    return value


def _secret(secrets: Path, name: str) -> Secret:
    return Secret.checked((secrets / name).read_text(encoding="utf-8"), name=name)
