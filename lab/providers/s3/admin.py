"""The admin side of an object store: who holds which key under which policy.

S3 itself says nothing about it, and every server has its own way. One
protocol, one class per server: SeaweedFS speaks a part of AWS IAM.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

import httpx
from minio.credentials.credentials import Credentials
from minio.signer import sign_v4_s3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.secret import Secret

POLICY = "vase-clos"
"""The policy that marks an identity as ours."""


class AdminError(Exception):
    """The store's admin side refused or did not answer.

    Attributes:
        code: The store's own word, or empty when it did not answer.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One key pair, as it is told once."""

    access_key: str
    secret_key: str


class StoreAdmin(Protocol):
    """Identities of one object store. Adding what is there and taking what is not succeed."""

    async def ensure_identity(self, name: str, policy: str) -> None:
        """Make the identity exist with exactly this policy (JSON)."""
        ...

    async def policy_of(self, name: str) -> str | None:
        """Return its policy; ``None`` when it has none or does not exist."""
        ...

    async def keys_of(self, name: str) -> frozenset[str]:
        """Return the access keys it has; none when it does not exist."""
        ...

    async def create_key(self, name: str) -> AccessKey:
        """Add a key to an identity that exists."""
        ...

    async def delete_key(self, name: str, access_key: str) -> None:
        """Take one key away."""
        ...

    async def delete_identity(self, name: str) -> None:
        """Take the identity away with its keys and policy."""
        ...

    async def exists(self, name: str) -> bool:
        """Tell whether there is an identity of this name."""
        ...

    async def identities(self) -> frozenset[str]:
        """Return the name of every identity."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


class SeaweedAdmin:
    """SeaweedFS: the IAM API on the S3 port, with an administrator's key."""

    def __init__(
        self, *, endpoint: str, region: str, access_key: str, secret_key: Secret, timeout: float
    ) -> None:
        self._url, self._region = urlsplit(endpoint + "/"), region
        self._credentials = Credentials(access_key, secret_key.reveal())
        self._client = httpx.AsyncClient(timeout=timeout, trust_env=False)

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def ensure_identity(self, name: str, policy: str) -> None:
        """Make the identity exist with exactly this policy."""
        await self._call("CreateUser", {"UserName": name}, passes="EntityAlreadyExists")
        put = {"UserName": name, "PolicyName": POLICY, "PolicyDocument": policy}
        await self._call("PutUserPolicy", put)

    async def policy_of(self, name: str) -> str | None:
        """Return its policy; ``None`` when it has none or does not exist."""
        asked = {"UserName": name, "PolicyName": POLICY}
        answer = await self._call("GetUserPolicy", asked, passes="NoSuchEntity")
        return next(iter(_texts(answer, "PolicyDocument")), None)

    async def keys_of(self, name: str) -> frozenset[str]:
        """Return the access keys it has; none when it does not exist."""
        answer = await self._call("ListAccessKeys", {"UserName": name}, passes="NoSuchEntity")
        return frozenset(_texts(answer, "AccessKeyId"))

    async def create_key(self, name: str) -> AccessKey:
        """Add a key to an identity that exists."""
        answer = await self._call("CreateAccessKey", {"UserName": name})
        return AccessKey(
            next(iter(_texts(answer, "AccessKeyId"))),
            next(iter(_texts(answer, "SecretAccessKey"))),
        )

    async def delete_key(self, name: str, access_key: str) -> None:
        """Take one key away."""
        asked = {"UserName": name, "AccessKeyId": access_key}
        await self._call("DeleteAccessKey", asked, passes="NoSuchEntity")

    async def delete_identity(self, name: str) -> None:
        """Take the identity away with its keys and policy."""
        # A SeaweedFS user may add keys for itself: all of them go, not only the one we made.
        for access_key in await self.keys_of(name):
            await self.delete_key(name, access_key)
        asked = {"UserName": name, "PolicyName": POLICY}
        await self._call("DeleteUserPolicy", asked, passes="NoSuchEntity")
        await self._call("DeleteUser", {"UserName": name}, passes="NoSuchEntity")

    async def exists(self, name: str) -> bool:
        """Tell whether there is an identity of this name."""
        answer = await self._call("GetUser", {"UserName": name}, passes="NoSuchEntity")
        return name in _texts(answer, "UserName")

    async def identities(self) -> frozenset[str]:
        """Return the name of every identity."""
        return frozenset(_texts(await self._call("ListUsers", {}), "UserName"))

    async def _call(self, action: str, values: Mapping[str, str], *, passes: str = "") -> str:
        body = urlencode({"Action": action, "Version": "2010-05-08", **values})
        digest = hashlib.sha256(body.encode()).hexdigest()
        now = datetime.now(UTC)
        headers = sign_v4_s3(
            method="POST",
            url=self._url,
            region=self._region,
            headers={
                "Host": self._url.netloc,
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Amz-Content-Sha256": digest,
                "X-Amz-Date": now.strftime("%Y%m%dT%H%M%SZ"),
            },
            credentials=self._credentials,
            content_sha256=digest,
            date=now,
        )
        try:
            reply = await self._client.post(
                self._url.geturl(), content=body, headers={k: str(v) for k, v in headers.items()}
            )
        except httpx.HTTPError as error:
            raise AdminError("", f"{action}: {type(error).__name__}") from error
        if reply.is_success:
            return reply.text
        code = next(iter(_texts(reply.text, "Code")), str(reply.status_code))
        if passes and code == passes:
            return ""
        raise AdminError(code, f"{action}: {code}")


def _texts(answer: str, tag: str) -> list[str]:
    """Return the text of every element of this name, whatever its namespace."""
    if not answer:
        return []
    try:
        root = ET.fromstring(answer)  # noqa: S314  our own store's answer, over loopback
    except ET.ParseError:
        return []
    return [e.text or "" for e in root.iter() if e.tag.rpartition("}")[2] == tag]
