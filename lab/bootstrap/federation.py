"""Sign-in by an identity provider, where the settings name one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.catalogue.signin import sign_in_policy
from lab.domain.secret import Secret
from lab.providers.oidc import OidcProvider
from lab.services.federation import FederationService

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.ports import Clock, Store
    from lab.services.journal import Journal
    from lab.services.members import MemberService
    from lab.settings import Settings

RETURN_PATH = "/entrer/retour"
"""Where the provider sends browsers back to; it must be told this address beforehand."""


def federation(
    settings: Settings,
    *,
    store: Store,
    clock: Clock,
    journal: Journal,
    members: MemberService,
    new_id: Callable[[str], str],
) -> FederationService | None:
    """Put it together; nothing where the settings name no provider.

    Raises:
        PolicyError: The policy file is missing or wrong.
    """
    oidc = settings.oidc
    if oidc is None:
        return None
    policy = sign_in_policy(oidc.policy or settings.policies_dir / "signin.yaml")
    provider = OidcProvider(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        secret=_client_secret(settings),
        redirect_uri=f"{settings.public_url}{RETURN_PATH}",
        scopes=oidc.scopes,
        acr=policy.acr,
        groups_claim=policy.groups_claim,
        clock=clock,
    )
    key = Secret.checked(settings.secret("session-key"), name="session-key").reveal().encode()
    return FederationService(
        store=store,
        clock=clock,
        journal=journal,
        members=members,
        provider=provider,
        policy=policy,
        key=key,
        new_id=new_id,
    )


def _client_secret(settings: Settings) -> str:
    """Return what the provider knows the lab by; nothing for a public client."""
    try:
        return settings.secret("oidc-client-secret")
    except FileNotFoundError:
        return ""
