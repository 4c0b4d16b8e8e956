"""MinIO's admin side: a user and a policy per sandbox, and service accounts that end.

The user's own password is drawn and forgotten: what works are its service
accounts, each with an end that the server keeps by itself. The policy is the
user's, so that changing it changes every one of them at once.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import urllib3
from minio import MinioAdmin as Client
from minio.credentials.providers import StaticProvider
from minio.crypto import decrypt, encrypt
from minio.error import MinioAdminException

from lab.providers.s3.admin import AccessKey, AdminError
from lab.providers.s3.policy import same

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.secret import Secret

T = TypeVar("T")

PREFIX = "vase-clos-"
"""What the policy of an identity of ours is called, before the identity's name."""
LEAST_LIFE, LONGEST_LIFE = timedelta(minutes=16), timedelta(days=364)
"""The server takes an end between 15 minutes and 365 days from now. Outside of that the
gateway alone keeps the sandbox's own; a key that ends too early is made again."""

_NO_USER, _NO_KEY = "XMinioAdminNoSuchUser", "XMinioInvalidIAMCredentials XMinioAdminNoSuchUser"
_NO_POLICY = "XMinioAdminNoSuchPolicy"
# Without it a service account may make others for its own user, without an end.
_NO_ADMIN = {"Effect": "Deny", "Action": ["admin:*"]}


class MinioAdmin:
    """MinIO's admin API with the root's key, or one that may do as much."""

    def __init__(
        self, *, endpoint: str, region: str, access_key: str, secret_key: Secret, timeout: float
    ) -> None:
        url = urlsplit(endpoint)
        self._secret = secret_key.reveal()
        self._client = Client(
            endpoint=url.netloc,
            credentials=StaticProvider(access_key, self._secret),
            region=region,
            secure=url.scheme == "https",
            # No proxy, and few retries: whoever calls retries with backoff.
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=2, read=timeout), retries=False, maxsize=8
            ),
        )

    async def aclose(self) -> None:
        """Close connections: they close themselves."""

    async def ensure_identity(self, name: str, policy: str) -> None:
        """Make the identity exist with exactly this policy."""
        document = json.loads(policy)
        document["Statement"].append(_NO_ADMIN)
        await self._call(lambda admin: admin.policy_add(PREFIX + name, policy=document))
        if not await self.exists(name):
            await self._call(lambda admin: admin.user_add(name, secrets.token_urlsafe(30)))
        await self._call(lambda admin: admin.policy_set(PREFIX + name, user=name))

    async def ensure_user(self, name: str, policy: str, secret: Secret) -> None:
        """Make a user exist that signs in with this secret: a service of the lab, no sandbox."""
        await self.ensure_identity(name, policy)
        await self._call(lambda admin: admin.user_add(name, secret.reveal()))

    async def has_identity(self, name: str, policy: str) -> bool:
        """Tell whether it exists with exactly this policy."""
        user = await self._json(lambda admin: admin.user_info(name), passes=_NO_USER)
        if user is None or user.get("policyName") != PREFIX + name:
            return False
        there = await self._json(lambda admin: admin.policy_info(PREFIX + name), passes=_NO_POLICY)
        wanted = json.loads(policy)
        wanted["Statement"].append(_NO_ADMIN)
        return there is not None and same(json.dumps(there), json.dumps(wanted))

    async def exists(self, name: str) -> bool:
        """Tell whether there is an identity of this name."""
        user = await self._json(lambda admin: admin.user_info(name), passes=_NO_USER)
        return user is not None

    async def delete_identity(self, name: str) -> None:
        """Take the identity away; the server ends its accounts with it."""
        await self._call(lambda admin: admin.user_remove(name), passes=_NO_USER)
        await self._call(lambda admin: admin.policy_remove(PREFIX + name), passes=_NO_POLICY)

    async def owned(self, is_ours: Callable[[str], bool]) -> frozenset[str]:
        """Return every identity of ours whose name is one of ours, and every policy left alone."""
        users = await self._json(lambda admin: admin.user_list()) or {}
        names = {name for name, user in users.items() if user.get("policyName") == PREFIX + name}
        policies = await self._json(lambda admin: admin.policy_list()) or {}
        names |= {name.removeprefix(PREFIX) for name in policies if name.startswith(PREFIX)}
        return frozenset(filter(is_ours, names))

    async def keys_of(self, name: str) -> frozenset[str]:
        """Return the access keys it has that have not ended."""
        found = await self._json(lambda admin: admin.list_service_account(name), passes=_NO_USER)
        return frozenset(account["accessKey"] for account in (found or {}).get("accounts") or ())

    async def create_key(self, name: str, expires_at: datetime) -> AccessKey:
        """Add a key to an identity that exists."""
        key = AccessKey("SB" + secrets.token_hex(9).upper(), secrets.token_urlsafe(30))
        asked = {
            "targetUser": name,
            "accessKey": key.access_key,
            "secretKey": key.secret_key,
            "name": "vase-clos",
            "expiration": _end(expires_at),
        }
        await self._call(lambda admin: _add_account(admin, asked, self._secret))
        return key

    async def limit_key(self, name: str, access_key: str, expires_at: datetime) -> None:  # noqa: ARG002
        """Give a key another end."""
        end = _end(expires_at)
        await self._call(
            lambda admin: admin.update_service_account(access_key=access_key, expiration=end)
        )

    async def delete_key(self, name: str, access_key: str) -> None:  # noqa: ARG002
        """Take one key away."""
        await self._call(lambda admin: admin.delete_service_account(access_key), passes=_NO_KEY)

    async def limit_bucket(self, bucket: str, size_bytes: int) -> None:
        """Refuse what would make the bucket larger than this.

        A single upload that is larger is refused at once; for the sum the server
        goes by what its scanner counted last, which may be a minute old.
        """
        await self._call(lambda admin: admin.bucket_quota_set(bucket, size_bytes))

    async def has_limit(self, bucket: str, size_bytes: int) -> bool:
        """Tell whether the bucket has exactly this limit."""
        found = await self._json(lambda admin: admin.bucket_quota_get(bucket))
        return bool(found) and size_bytes in {found.get("quota"), found.get("size")}

    async def _json(self, function: Callable[[Client], Any], *, passes: str = "") -> Any:
        text = await self._call(function, passes=passes)
        return None if text is None else json.loads(text or "null")

    async def _call(self, function: Callable[[Client], T], *, passes: str = "") -> T | None:
        """Run one call in a thread; ``None`` when the answer is one of the codes that pass."""
        try:
            return await asyncio.to_thread(function, self._client)
        except MinioAdminException as error:
            code = _code(error)
            if code in passes.split():
                return None
            raise AdminError(code, f"admin: {code}") from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise AdminError("", f"admin: {type(error).__name__}") from error


def _add_account(admin: Client, asked: dict[str, Any], secret: str) -> None:
    # The client's own method makes accounts of the caller only, though the server takes
    # the user they are for.
    from minio.minioadmin import _COMMAND  # noqa: PLC0415

    reply = admin._url_open(  # noqa: SLF001
        method="PUT",
        command=_COMMAND.SERVICE_ACCOUNT_ADD,
        body=encrypt(json.dumps(asked).encode(), secret),
        preload_content=False,
    )
    decrypt(reply, secret)


def _end(expires_at: datetime) -> str:
    now = datetime.now(UTC)
    at = min(max(expires_at.astimezone(UTC), now + LEAST_LIFE), now + LONGEST_LIFE)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _code(error: MinioAdminException) -> str:
    status, body = error.args[0], ""
    try:
        body = str(json.loads(error._body)["Code"])  # noqa: SLF001  it has no public name
    except (ValueError, KeyError, TypeError):
        body = str(error._code)  # noqa: SLF001
    return body or str(status)
