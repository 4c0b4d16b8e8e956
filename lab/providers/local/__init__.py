"""Sandboxes on one machine: bubblewrap, its keeper, its walls and the proof that they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.sandbox import Stage
    from lab.ports import Provider


def build(stage: Stage, options: Mapping[str, Any]) -> Provider:
    """Make the provider of ISOLATION or CONTAINMENT from settings.

    Raises:
        ValueError: It serves no other stage, or an option is wrong.
    """
    # Here, so that a keeper, which imports this package, stays small and quick to start.
    from lab.providers.local.options import build_provider  # noqa: PLC0415

    return build_provider(stage, options)
