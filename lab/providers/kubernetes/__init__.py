"""Sandboxes on a cluster: a namespace each, its walls, and what its pods are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.sandbox import Stage
    from lab.ports import Provider
    from lab.providers.kubernetes.session import Session


def build(stage: Stage, options: Mapping[str, Any]) -> Provider:
    """Make the provider of ISOLATION, or of the keys of WORKSPACE.

    CONTAINMENT is made by ``enforcement_gate.build_walls``: it needs what others keep.

    Raises:
        ValueError: It serves no other stage, or an option is wrong.
    """
    # Here, so that the hub, which needs the pods alone, does not load a client as well.
    from lab.providers.kubernetes.options import build_provider  # noqa: PLC0415

    return build_provider(stage, options)


def open_session(options: Mapping[str, Any]) -> Session:
    """Make what the stages share; give it to each as the option ``session``.

    Raises:
        ValueError: An option is wrong.
    """
    from lab.providers.kubernetes import options as settings  # noqa: PLC0415

    return settings.open_session(options)
