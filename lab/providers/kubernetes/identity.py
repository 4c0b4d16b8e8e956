"""Who we are at the API server, as a kubeconfig file or the pod's service account says."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kubernetes.aio import config
from kubernetes.aio.client import Configuration

from lab.providers.kubernetes import failures

if TYPE_CHECKING:
    from pathlib import Path


async def configuration(kubeconfig: Path | None, context: str) -> Configuration:
    """Read a kubeconfig file, or the pod's own service account where None is given.

    Tokens are read again as they are renewed.

    Raises:
        RefusedError: There is neither.
    """
    # The library's own constructor copies whatever was made the default before.
    found = cast("Configuration", type.__call__(Configuration))
    try:
        if kubeconfig is None:
            config.load_incluster_config(  # type: ignore[no-untyped-call]
                client_configuration=found
            )
        else:
            await config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=str(kubeconfig),
                context=context or None,
                client_configuration=found,
                persist_config=False,
            )
    except (config.ConfigException, OSError, ValueError) as error:
        raise failures.RefusedError(f"no way to the API server: {error}") from error
    # Proxies of the environment are for the outside, where the lab never goes.
    found.client_session_kwargs = {"trust_env": False}
    return found
