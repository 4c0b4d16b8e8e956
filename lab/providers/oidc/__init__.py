"""Identity providers that speak OpenID Connect."""

from lab.providers.oidc.provider import OidcProvider

__all__ = ["OidcProvider"]
