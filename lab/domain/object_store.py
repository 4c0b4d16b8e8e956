"""Which object store a lab on one machine uses: one that it starts, or one that others run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path  # noqa: TC003  the settings read these annotations
from typing import Literal
from urllib.parse import urlsplit


class StoreKind(Enum):
    """Who runs the store."""

    SEAWEEDFS = "seaweedfs"
    MINIO = "minio"
    EXTERNAL = "external"


@dataclass(frozen=True, kw_only=True)
class StoreChoice:
    """The store, and how it is spoken to where the lab does not start it.

    Attributes:
        program: MinIO's binary, where it is not on ``PATH``.
        endpoint: Of a store that others run.
        admin: The way the admin side of such a store is spoken to.
        access_key: Of its administrator.
        secret_file: Holds that administrator's secret, one line; readable by its owner only.
        encrypts: Buckets are made so that the store encrypts what is written.
    """

    kind: StoreKind = StoreKind.SEAWEEDFS
    program: Path | None = None
    endpoint: str = ""
    admin: Literal["seaweedfs", "minio"] = "seaweedfs"
    region: str = "us-east-1"
    access_key: str = "lab-admin"
    secret_file: Path | None = None
    encrypts: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be used.

        Raises:
            ValueError: Says what is wrong.
        """
        if self.kind is StoreKind.EXTERNAL:
            _check_endpoint(self.endpoint)
            if self.secret_file is None:
                msg = "an object store that others run needs secret_file"
                raise ValueError(msg)
        elif self.endpoint:
            msg = "an endpoint belongs to the kind 'external' only"
            raise ValueError(msg)

    def __str__(self) -> str:
        """Name it in a word."""
        return self.endpoint or self.kind.value

    @property
    def place(self) -> tuple[str, str]:
        """What makes it another store: objects do not move from one to the other."""
        return (self.kind.value, self.endpoint)


def _check_endpoint(endpoint: str) -> None:
    url = urlsplit(endpoint)
    plain = url.scheme in {"http", "https"} and url.hostname and url.path in {"", "/"}
    if not plain or url.query or url.fragment or url.username:
        msg = f"'{endpoint}' is no address of an object store: http(s)://host:port, no path"
        raise ValueError(msg)
