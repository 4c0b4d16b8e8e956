"""What a provider publishes of itself: its addresses and its keys, fetched when needed."""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import jwt

from lab.domain.federation import Fault, SignInError

if TYPE_CHECKING:
    from lab.ports import Clock

log = logging.getLogger(__name__)

KEEP_ADDRESSES = timedelta(hours=1)
KEEP_KEYS = timedelta(minutes=10)
"""A key that the provider took back is no longer believed after this."""
BETWEEN_LOOKS = timedelta(seconds=5)
"""An unknown key makes us look again, but no stranger can make us do nothing else."""

ALGORITHMS = frozenset({
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
})
"""Public-key signatures only: with ``none`` or HS256 anybody could sign for the provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The parts of a discovery document that we use."""

    authorization: str
    token: str
    keys: str
    userinfo: str
    takes_basic: bool


class Documents:
    """Fetches and keeps what the provider publishes."""

    def __init__(self, issuer: str, *, client: httpx.AsyncClient, clock: Clock) -> None:
        self._issuer, self._client, self._clock = issuer, client, clock
        self._addresses: tuple[datetime, Addresses] | None = None
        self._keys: tuple[datetime, list[jwt.PyJWK]] | None = None

    async def addresses(self) -> Addresses:
        """Return the provider's addresses.

        Raises:
            SignInError: It is away, or is not who it should be.
        """
        now = self._clock.now()
        if self._addresses is None or not _is_fresh(self._addresses[0], now, KEEP_ADDRESSES):
            self._addresses = (now, await self._discovered())
        return self._addresses[1]

    async def key(self, header: dict[str, Any]) -> jwt.PyJWK:
        """Return the key that a token's header names.

        Raises:
            SignInError: The provider publishes none by that name.
        """
        now = self._clock.now()
        if self._keys is not None and _is_fresh(self._keys[0], now, KEEP_KEYS):
            found = _match(self._keys[1], header)
            if found is not None or _is_fresh(self._keys[0], now, BETWEEN_LOOKS):
                return _some(found)
        # It may have new keys since.
        keys = await self._published()
        self._keys = (now, keys)
        return _some(_match(keys, header))

    async def _discovered(self) -> Addresses:
        body = await self.fetch("GET", f"{self._issuer}/.well-known/openid-configuration")
        if body.get("issuer") != self._issuer:
            log.error("the provider calls itself something else than LAB_OIDC says")
            raise SignInError(Fault.WRONG_ISSUER)
        needed = [body.get(f"{n}_endpoint") for n in ("authorization", "token")]
        addresses = [*needed, body.get("jwks_uri")]
        userinfo = body.get("userinfo_endpoint") or ""
        if not all(
            is_safe(address) for address in [*addresses, *([userinfo] if userinfo else [])]
        ):
            raise SignInError(Fault.BAD_ANSWER)
        methods = body.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return Addresses(
            authorization=str(addresses[0]),
            token=str(addresses[1]),
            keys=str(addresses[2]),
            userinfo=str(userinfo),
            takes_basic="client_secret_basic" in methods,
        )

    async def _published(self) -> list[jwt.PyJWK]:
        body = await self.fetch("GET", (await self.addresses()).keys)
        keys = []
        for each in body.get("keys") or []:
            try:
                if each.get("use", "sig") == "sig" and each.get("kty") != "oct":
                    keys.append(jwt.PyJWK.from_dict(each))
            except (jwt.PyJWTError, AttributeError):
                continue  # a kind of key that is newer than our library is no reason to stop
        return keys

    async def fetch(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """Ask for a JSON object.

        Raises:
            SignInError: The provider is away, or refuses.
        """
        try:
            answer = await self._client.request(method, url, **more)
        except httpx.HTTPError as error:
            log.warning("the identity provider does not answer: %s", type(error).__name__)
            raise SignInError(Fault.AWAY) from error
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("the identity provider answers %d", answer.status_code)
            raise SignInError(Fault.AWAY)
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise SignInError(Fault.AWAY if answer.is_error else Fault.BAD_ANSWER)
        if answer.is_error:
            raise _refusal(answer.status_code, str(body.get("error", "")))
        return body


def _refusal(status: int, word: str) -> SignInError:
    if word == "invalid_grant":
        return SignInError(Fault.REFUSED_CODE)
    log.error("the identity provider refuses the lab: %d %s", status, word[:40])
    is_about_us = word in {"invalid_client", "unauthorized_client"} or status in {401, 403}
    return SignInError(Fault.REFUSED_CLIENT if is_about_us else Fault.BAD_ANSWER)


def is_safe(address: object) -> bool:
    """Tell whether a secret may be sent there: over TLS, or without leaving the machine."""
    if not isinstance(address, str):
        return False
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return bool(host)
    if parts.scheme != "http":
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_fresh(since: datetime, now: datetime, at_most: timedelta) -> bool:
    return timedelta() <= now - since < at_most


def _match(keys: list[jwt.PyJWK], header: dict[str, Any]) -> jwt.PyJWK | None:
    name = header.get("kid")
    if name is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.key_id == name), None)


def _some(key: jwt.PyJWK | None) -> jwt.PyJWK:
    if key is None:
        raise SignInError(Fault.UNKNOWN_KEY)
    return key
