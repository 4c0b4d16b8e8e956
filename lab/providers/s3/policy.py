"""What one sandbox's credential may do. Pure: same grant, same document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OBJECTS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
BUCKET = ("s3:ListBucket", "s3:GetBucketLocation")
VERSIONS = ("s3:DeleteObjectVersion",), ("s3:ListBucketVersions",)
"""What destroying takes where somebody had a bucket keep older versions: objects, bucket."""


def document(
    *,
    bucket: str,
    read_bucket: str = "",
    read_prefixes: Sequence[str] = (),
    has_versions: bool = False,
) -> str:
    """Return the policy of one sandbox, or of a service of the lab.

    It says nothing of time: SeaweedFS 4.48 does not evaluate ``aws:CurrentTime``
    (a statement with it never matches). The end date stands in the grant, where
    the gateway, the only one who holds the credential, enforces it.

    Args:
        bucket: Its own; read, write, list.
        read_bucket: Where published data sets are.
        read_prefixes: What it may read and list there; each ends with a slash.
        has_versions: Whether it may also remove older versions in its own.
    """
    of_objects, of_bucket = VERSIONS if has_versions else ((), ())
    statements = [
        _allow([*OBJECTS, *of_objects], f"arn:aws:s3:::{bucket}/*"),
        _allow([*BUCKET, *of_bucket], f"arn:aws:s3:::{bucket}"),
    ]
    for prefix in sorted(read_prefixes):
        below = {"StringLike": {"s3:prefix": f"{prefix}*"}}
        statements.append(_allow(["s3:GetObject"], f"arn:aws:s3:::{read_bucket}/{prefix}*"))
        statements.append(_allow(["s3:ListBucket"], f"arn:aws:s3:::{read_bucket}", below))
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def same(one: str | None, other: str | None) -> bool:
    """Tell whether two documents say the same, whatever their servers made of the spelling."""
    if one is None or other is None:
        return one is other
    try:
        return bool(_plain(json.loads(one)) == _plain(json.loads(other)))
    except ValueError:
        return False


def _allow(
    actions: Sequence[str], resource: str, condition: Mapping[str, object] | None = None
) -> dict[str, object]:
    statement: dict[str, object] = {
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": resource,
    }
    return statement | ({"Condition": condition} if condition else {})


def _plain(value: Any) -> Any:
    """Write a list of one as its one member, and words in one order, as servers do."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        if len(value) == 1:
            return _plain(value[0])
        return sorted((_plain(each) for each in value), key=repr)
    return value
