"""Addresses: where sign-in leads, and where a sandbox's own pages are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from lab.domain.ids import MemberId, SandboxId

_OWN = re.compile(r"/([!-.0-\[\]-~][!-~]*)?", re.ASCII)
"""A path of ours: one slash, then anything visible but another slash or a backslash."""


def own_path(wanted: str) -> str:
    """Return the path if it stays on the portal, and the home page if it does not."""
    if len(wanted) > 4000 or not _OWN.fullmatch(wanted) or "\\" in wanted:  # noqa: PLR2004 -- what a header may hold
        return "/"
    parts = urlsplit(wanted)
    return wanted if not parts.scheme and not parts.netloc else "/"


def sign_in_path(next_path: str) -> str:
    """Return where to sign in, and come back from."""
    return f"/entrer?{urlencode({'suite': own_path(next_path)})}"


def sign_in_url(public_url: str, token: str) -> str:
    """Return a sign-in link as a person is given it."""
    return f"{public_url}/entrer?jeton={quote(token)}"


def host_url(public_url: str, name: str) -> str:
    """Return the origin of a member's notebooks, or of a sandbox's tracking page."""
    scheme, _, authority = public_url.partition("://")
    return f"{scheme}://{name}.{authority}"


def notebook_url(public_url: str, member_id: MemberId, sandbox_id: SandboxId) -> str:
    """Return where a member's notebook server is, once it runs."""
    return f"{host_url(public_url, member_id)}/user/{member_id}/{sandbox_id}/"
