"""What a browser may do with a page that comes out of a sandbox.

A notebook's output runs in a person's browser, which has the network the
sandbox has not. The proxy sets these headers on every answer of a notebook
server and removes those that would undo them, so that even a server replaced
from inside the sandbox cannot loosen them.
"""

from __future__ import annotations

REMOVED = (
    "Alt-Svc",
    "Clear-Site-Data",
    "Content-Security-Policy-Report-Only",
    "Link",
    "NEL",
    "Refresh",
    "Report-To",
    "Reporting-Endpoints",
    "Server-Timing",
    "SourceMap",
    "Speculation-Rules",
    "X-SourceMap",
)
"""Response headers by which a page can make a browser call somewhere."""

FEATURES = (
    "camera",
    "display-capture",
    "geolocation",
    "microphone",
    "payment",
    "publickey-credentials-get",
    "screen-wake-lock",
    "usb",
    "serial",
    "hid",
    "browsing-topics",
    "private-state-token-issuance",
)

SANDBOX = "allow-scripts allow-same-origin allow-forms allow-modals"
"""What the frame around a notebook may do. No downloads, no pop-ups, no leaving the frame."""


def notebook_policy(public_url: str, authority: str, prefix: str) -> str:
    """Return the policy of the pages of one notebook server.

    Args:
        public_url: The portal, the only one that may frame it.
        authority: Host and port of the member's notebooks.
        prefix: Path of this server. The other sandboxes of the same member
            share the host, so the path is part of what is allowed.
    """
    scheme = public_url.split(":", maxsplit=1)[0]
    socket = "wss" if scheme == "https" else "ws"
    own = f"{scheme}://{authority}{prefix}"
    return "; ".join((
        "default-src 'none'",
        f"script-src {own} 'unsafe-inline' 'unsafe-eval'",
        f"style-src {own} 'unsafe-inline'",
        f"img-src {own} data: blob:",
        f"font-src {own} data:",
        f"media-src {own} data: blob:",
        f"connect-src {own} {socket}://{authority}{prefix} data: blob:",
        f"worker-src {own} blob:",
        f"frame-src {own} blob: data:",
        f"manifest-src {own}",
        f"form-action {own}",
        f"base-uri {own}",
        "object-src 'none'",
        f"frame-ancestors {public_url} {own}",
        "webrtc 'block'",
        f"sandbox {SANDBOX}",
    ))


def file_policy(public_url: str, authority: str, prefix: str) -> str:
    """Return the policy of files and exports, which may be any page at all.

    Without ``allow-same-origin``: a page someone put in the home cannot act as
    the person who looks at it.
    """
    policy = notebook_policy(public_url, authority, prefix)
    return policy.replace(f"sandbox {SANDBOX}", "sandbox allow-scripts")


def hub_policy(public_url: str) -> str:
    """Return the policy of the hub's own pages: no script, framed by the portal only."""
    return "; ".join((
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "form-action 'self'",
        "base-uri 'none'",
        f"frame-ancestors {public_url}",
    ))


def response_headers(policy: str) -> dict[str, str]:
    """Return the headers to set; an empty value removes one."""
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-site",
        "Origin-Agent-Cluster": "?1",
        "Permissions-Policy": ", ".join(f"{name}=()" for name in FEATURES),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-DNS-Prefetch-Control": "off",
    } | dict.fromkeys(REMOVED, "")
