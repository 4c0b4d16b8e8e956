"""The right to start notebook servers, and the servers: stage WORKSPACE, in JupyterHub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.providers.jupyterhub.notebooks import HubNotebooks
from lab.providers.jupyterhub.provider import JupyterHubProvider, Options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.sandbox import Stage

__all__ = ["HubNotebooks", "JupyterHubProvider", "Options", "build"]


def build(stage: Stage, options: Mapping[str, Any]) -> JupyterHubProvider:
    """Make one from settings; see ``Options``."""
    return JupyterHubProvider(stage, Options.model_validate(options))
