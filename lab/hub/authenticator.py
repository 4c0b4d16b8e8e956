"""One sign-in: the portal is the hub's identity provider."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import aiohttp
from oauthenticator.generic import GenericOAuthenticator

TIMEOUT = aiohttp.ClientTimeout(total=10)


class PortalAuthenticator(GenericOAuthenticator):  # type: ignore[misc]  # it ships no types
    """Signs in whom the portal names, and only as long as it does."""

    async def refresh_user(self, user: Any, handler: Any = None, **_: Any) -> bool:
        """Ask the portal whether this sign-in still stands.

        A portal that does not answer changes nothing: notebooks must survive
        its restart. One that answers "no" ends the session.
        """
        if handler is not None and handler.request.path.endswith("/activity"):
            # A server reports its activity with a token of its own, signed in or not.
            return True
        state = await user.get_auth_state()
        token = (state or {}).get("access_token")
        if not token:
            return False
        try:
            status, sub = await self._who(token)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            self.log.warning("The portal does not answer; the sign-in is kept for now")
            return True
        if status == HTTPStatus.OK:
            return bool(sub == user.name)
        return status >= HTTPStatus.INTERNAL_SERVER_ERROR

    async def _who(self, token: str) -> tuple[int, object]:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT, headers=headers) as session,
            session.get(self.userdata_url) as response,
        ):
            if response.status != HTTPStatus.OK:
                return response.status, None
            body = await response.json(content_type=None)
            return response.status, body.get("sub") if isinstance(body, dict) else None
