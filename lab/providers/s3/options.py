"""How an object store is spoken to, from the settings; and what is made of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from lab.domain.sandbox import Stage
from lab.domain.secret import Secret
from lab.grants import Grants, chosen
from lab.providers.s3 import objects, policy
from lab.providers.s3.admin import AdminError
from lab.providers.s3.blobs import BucketBlobs
from lab.providers.s3.datasets import DatasetStorage
from lab.providers.s3.minio_admin import MinioAdmin
from lab.providers.s3.objects import Objects, ObjectsError
from lab.providers.s3.provider import S3Provider
from lab.providers.s3.seaweed_admin import SeaweedAdmin

if TYPE_CHECKING:
    from collections.abc import Mapping


Kind = Literal["seaweedfs", "minio"]
"""The ways of an admin side that are known here."""

_ADMINS: dict[Kind, type[SeaweedAdmin | MinioAdmin]] = {
    "seaweedfs": SeaweedAdmin,
    "minio": MinioAdmin,
}


class StoreRefusedError(Exception):
    """A store does not answer, or does not let us do what the lab needs."""


class Options(BaseModel):
    """Where the store is and what we are there.

    Attributes:
        grants: Where grants are kept; ``grants_dir`` instead for those of one machine.
        admin: The way its admin side is spoken to.
        encrypts: Buckets are made so that the server encrypts what is written, with
            keys that it must have been given.
        secret_file: Holds the secret of ``access_key``, one line.
        datasets_dir: Where versions are copied for sandboxes to mount; without it they
            fetch what they read themselves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    endpoint: str
    region: str = "us-east-1"
    admin: Kind = "seaweedfs"
    access_key: str
    secret_file: Path
    data_bucket: str = "jeux"
    grants: Grants | None = None
    grants_dir: Path | None = None
    datasets_dir: Path | None = None
    encrypts: bool = False
    timeout_seconds: float = 20


def _objects(options: Options) -> Objects:
    return Objects(
        endpoint=options.endpoint,
        region=options.region,
        access_key=options.access_key,
        secret_key=_secret(options.secret_file),
        timeout=options.timeout_seconds,
    )


def _admin(options: Options) -> SeaweedAdmin | MinioAdmin:
    return _ADMINS[options.admin](
        endpoint=options.endpoint,
        region=options.region,
        access_key=options.access_key,
        secret_key=_secret(options.secret_file),
        timeout=options.timeout_seconds,
    )


def _secret(path: Path) -> Secret:
    return Secret.checked(path.read_text(encoding="utf-8"), name=path.name)


def build_datasets(options: Mapping[str, Any]) -> DatasetStorage:
    """Make what keeps the bytes of published data sets.

    Raises:
        ValueError: An option is unknown or missing, or the secret is a placeholder.
    """
    read = Options.model_validate(options)
    return _datasets(read, _objects(read))


def _datasets(options: Options, store: Objects) -> DatasetStorage:
    return DatasetStorage(
        objects=store,
        bucket=options.data_bucket,
        folder=options.datasets_dir,
        encrypts=options.encrypts,
    )


def build_provider(stage: Stage, options: Mapping[str, Any]) -> S3Provider:
    """Make the provider.

    Raises:
        ValueError: An option is unknown or missing, the secret is a placeholder,
            or it is asked to own another stage than DATA.
    """
    if stage is not Stage.DATA:
        msg = f"s3 serves {Stage.DATA.value}, not {stage.value}"
        raise ValueError(msg)
    read = Options.model_validate(options)
    store = _objects(read)
    return S3Provider(
        endpoint=read.endpoint,
        region=read.region,
        data_bucket=read.data_bucket,
        grants=chosen(read.grants, read.grants_dir),
        objects=store,
        admin=_admin(read),
        datasets=_datasets(read, store),
        encrypts=read.encrypts,
    )


def build_blobs(options: Mapping[str, Any], *, bucket: str) -> BucketBlobs:
    """Make what keeps small objects in one bucket, with the credential that the options name.

    Raises:
        ValueError: An option is unknown or missing, or the secret is a placeholder.
        FileNotFoundError: The secret is not there.
    """
    return BucketBlobs(_objects(Options.model_validate(options)), bucket)


async def prepare_service_bucket(
    options: Mapping[str, Any],
    *,
    bucket: str,
    user: str,
    secret_file: Path,
    has_versions: bool = False,
) -> None:
    """Make a bucket for a service of the lab, and the user that may work there and nowhere else.

    Only where the admin side takes a secret that was drawn elsewhere: MinIO. On
    another store an operator makes the bucket and the key, and gives them to the service.

    Args:
        options: As for :func:`build_provider`.
        bucket: For the service alone.
        user: The access key it signs in with.
        secret_file: Holds its secret, one line.
        has_versions: It may also remove older versions of what is in the bucket.

    Raises:
        StoreRefusedError: The store did not answer, or refused.
        ValueError: An option is unknown or missing, or a secret is a placeholder.
    """
    read = Options.model_validate(options)
    store, admin = _objects(read), _admin(read)
    try:
        await store.call(
            lambda client: objects.make_bucket(client, bucket, user, encrypts=read.encrypts)
        )
        if isinstance(admin, MinioAdmin):
            secret = await asyncio.to_thread(_secret, secret_file)
            allowed = policy.document(bucket=bucket, has_versions=has_versions)
            await admin.ensure_user(user, allowed, secret)
    except (ObjectsError, AdminError) as error:
        raise StoreRefusedError(str(error)) from error
    finally:
        await admin.aclose()


async def check(options: Mapping[str, Any]) -> None:
    """See whether a store takes our key, on both of its sides. Changes nothing.

    Raises:
        StoreRefusedError: It does not; says which side and why.
        ValueError: An option is unknown or missing, or the secret is a placeholder.
    """
    read = Options.model_validate({**options, "timeout_seconds": 5})
    admin = _admin(read)
    try:
        await _objects(read).call(lambda client: client.list_buckets())
        await admin.owned(lambda _: False)
    except (ObjectsError, AdminError) as error:
        raise StoreRefusedError(str(error)) from error
    finally:
        await admin.aclose()
