"""Sign-in at a provider: the way there, the code's way back, and the ID token's checks.

OpenID Connect Core 1.0, 3.1.3.7 (ID token), 3.1.3.8 (``at_hash``); RFC 7636 (PKCE, S256).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import httpx
import jwt

from lab.domain.federation import Fault, SignInError
from lab.providers.oidc.documents import ALGORITHMS, Documents, is_safe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.ports import Clock

TIMEOUT = 10.0
"""Seconds; for each of the two or three calls of a sign-in."""
SKEW = timedelta(minutes=1)
"""How far the provider's clock may be from ours."""
OLDEST = timedelta(minutes=10)
"""An ID token comes straight from the provider: an older one was not made for this sign-in."""
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
_LONGEST = 20_000


class OidcProvider:
    """Implements ``lab.ports.IdentityProvider`` for any that follows OpenID Connect.

    Args:
        issuer: As the provider writes it itself, without a closing slash.
        secret: Empty for a public client, which PKCE alone protects.
        redirect_uri: Where it sends browsers back to, as it was told beforehand.
        acr: What is asked for, most wanted first; empty asks for nothing.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        secret: str,
        redirect_uri: str,
        scopes: Sequence[str],
        acr: Sequence[str],
        groups_claim: str,
        clock: Clock,
    ) -> None:
        self.issuer = issuer
        self._client_id, self._secret, self._redirect_uri = client_id, secret, redirect_uri
        self._scopes, self._acr, self._groups_claim = scopes, acr, groups_claim
        self._clock = clock
        self._client = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False)
        self._documents = Documents(issuer, client=self._client, clock=clock)

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self._client.aclose()

    async def authorization_url(self, *, state: str, nonce: str, verifier: str) -> str:
        """Return where a browser is sent to sign in.

        Raises:
            SignInError: The provider is away, or is not who it should be.
        """
        if not is_safe(self.issuer):
            raise SignInError(Fault.REFUSED_CLIENT)
        addresses = await self._documents.addresses()
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(self._scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": _base64url(digest),
            "code_challenge_method": "S256",
        }
        if self._acr:
            query["acr_values"] = " ".join(self._acr)
        joint = "&" if "?" in addresses.authorization else "?"
        return f"{addresses.authorization}{joint}{urlencode(query)}"

    async def claims(self, code: str, *, nonce: str, verifier: str) -> Mapping[str, Any]:
        """Take a code to the provider and return what it says, once all of it is checked.

        Raises:
            SignInError: The provider is away, refuses, or said what does not hold.
        """
        answer = await self._exchanged(code, verifier)
        id_token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(id_token, str) or len(id_token) > _LONGEST:
            raise SignInError(Fault.BAD_ANSWER)
        claims = await self._checked(id_token, nonce)
        if not isinstance(access_token, str):
            return claims
        _check_access_token(id_token, claims, access_token)
        addresses = await self._documents.addresses()
        if self._groups_claim in claims or not addresses.userinfo:
            return claims
        # Many providers keep the ID token small and say the rest there.
        more = await self._documents.fetch(
            "GET", addresses.userinfo, headers={"Authorization": f"Bearer {access_token}"}
        )
        if more.get("sub") != claims["sub"]:
            raise SignInError(Fault.BAD_ANSWER)
        return {**more, **claims}

    async def _exchanged(self, code: str, verifier: str) -> dict[str, Any]:
        addresses = await self._documents.addresses()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        headers = {}
        if self._secret and addresses.takes_basic:
            pair = f"{quote(self._client_id, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = self._client_id
            if self._secret:
                form["client_secret"] = self._secret
        return await self._documents.fetch("POST", addresses.token, data=form, headers=headers)

    async def _checked(self, id_token: str, nonce: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(id_token)
            if header.get("alg") not in ALGORITHMS:
                raise SignInError(Fault.BAD_SIGNATURE)
            claims = jwt.decode(
                id_token,
                await self._documents.key(header),
                algorithms=sorted(ALGORITHMS),
                audience=self._client_id,
                issuer=self.issuer,
                # Times are checked below, against the clock of the lab.
                options={
                    "require": ["exp", "iat", "sub"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidIssuerError as error:
            raise SignInError(Fault.WRONG_ISSUER) from error
        except jwt.InvalidAudienceError as error:
            raise SignInError(Fault.WRONG_AUDIENCE) from error
        except (jwt.InvalidSignatureError, jwt.InvalidKeyError) as error:
            raise SignInError(Fault.BAD_SIGNATURE) from error
        except (jwt.PyJWTError, ValueError) as error:
            raise SignInError(Fault.BAD_ANSWER) from error
        self._check_times(claims)
        self._check_for_whom(claims, nonce)
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, skew = self._clock.now().timestamp(), SKEW.total_seconds()
        times = [claims[name] for name in ("exp", "iat", "nbf") if name in claims]
        if not all(isinstance(each, int | float) for each in times):
            raise SignInError(Fault.BAD_ANSWER)
        if max(claims["iat"], claims.get("nbf", 0)) > now + skew:
            raise SignInError(Fault.CLOCK_SKEW)
        if claims["exp"] <= now - skew or claims["iat"] < now - OLDEST.total_seconds() - skew:
            raise SignInError(Fault.EXPIRED)

    def _check_for_whom(self, claims: Mapping[str, Any], nonce: str) -> None:
        said = str(claims.get("nonce", ""))
        if not hmac.compare_digest(said.encode(), nonce.encode()):
            raise SignInError(Fault.WRONG_NONCE)
        is_for_many = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if is_for_many else self._client_id) != self._client_id:
            raise SignInError(Fault.WRONG_AUDIENCE)
        if not isinstance(claims["sub"], str) or not 1 <= len(claims["sub"]) <= 255:  # noqa: PLR2004 -- OpenID Connect Core, 2
            raise SignInError(Fault.BAD_ANSWER)


def _check_access_token(id_token: str, claims: Mapping[str, Any], access_token: str) -> None:
    """Check that the access token is the one the ID token speaks of, where it does."""
    if "at_hash" not in claims:
        return
    algorithm = str(jwt.get_unverified_header(id_token)["alg"])
    # Ed25519 hashes with SHA-512 itself.
    digest = _HASHES["512" if algorithm == "EdDSA" else algorithm[-3:]](access_token.encode())
    half = digest.digest()[: digest.digest_size // 2]
    if not hmac.compare_digest(_base64url(half).encode(), str(claims["at_hash"]).encode()):
        raise SignInError(Fault.BAD_SIGNATURE)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
