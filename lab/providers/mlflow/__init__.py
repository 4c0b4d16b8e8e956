"""MLflow with workspaces: one workspace and one identity per sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.sandbox import Stage
    from lab.providers.mlflow.provider import MlflowProvider


def build(stage: Stage, options: Mapping[str, Any]) -> MlflowProvider:
    """Make the provider.

    Raises:
        ValueError: An option is unknown or missing, a secret is a placeholder,
            or it is asked to own another stage than TRACKING.
    """
    # Here, so that the command, which imports what starts the server, stays quick to start.
    from lab.providers.mlflow.options import build_provider  # noqa: PLC0415

    return build_provider(stage, options)
