"""SeaweedFS's admin side: a part of AWS IAM, on the S3 port."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

import httpx
from minio.credentials.credentials import Credentials
from minio.signer import sign_v4_s3

from lab.providers.s3.admin import AccessKey, AdminError
from lab.providers.s3.policy import same

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.domain.secret import Secret

POLICY = "vase-clos"
"""The policy that marks an identity as ours."""


class SeaweedAdmin:
    """The IAM API with an administrator's key.

    It knows neither a key's end nor a bucket's quota: the end is in the grant,
    which the gateway, the only one who holds the key, reads; the size is for
    whoever runs the store to watch.
    """

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

    async def has_identity(self, name: str, policy: str) -> bool:
        """Tell whether it exists with exactly this policy."""
        return same(await self._policy_of(name), policy)

    async def keys_of(self, name: str) -> frozenset[str]:
        """Return the access keys it has; none when it does not exist."""
        answer = await self._call("ListAccessKeys", {"UserName": name}, passes="NoSuchEntity")
        return frozenset(_texts(answer, "AccessKeyId"))

    async def create_key(self, name: str, expires_at: datetime) -> AccessKey:  # noqa: ARG002
        """Add a key to an identity that exists; it has no end of its own here."""
        answer = await self._call("CreateAccessKey", {"UserName": name})
        return AccessKey(
            next(iter(_texts(answer, "AccessKeyId"))),
            next(iter(_texts(answer, "SecretAccessKey"))),
        )

    async def limit_key(self, name: str, access_key: str, expires_at: datetime) -> None:
        """Do nothing: a key has no end here."""

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

    async def owned(self, is_ours: Callable[[str], bool]) -> frozenset[str]:
        """Return every identity of ours with such a name."""
        names = filter(is_ours, _texts(await self._call("ListUsers", {}), "UserName"))
        return frozenset([name for name in names if await self._policy_of(name) is not None])

    async def limit_bucket(self, bucket: str, size_bytes: int) -> None:
        """Do nothing: a bucket's quota is no part of this API."""

    async def has_limit(self, bucket: str, size_bytes: int) -> bool:  # noqa: ARG002
        """Say yes: there is none to set."""
        return True

    async def _policy_of(self, name: str) -> str | None:
        asked = {"UserName": name, "PolicyName": POLICY}
        answer = await self._call("GetUserPolicy", asked, passes="NoSuchEntity")
        return next(iter(_texts(answer, "PolicyDocument")), None)

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
