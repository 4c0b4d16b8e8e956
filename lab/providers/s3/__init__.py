"""Any S3 with an IAM-like way: buckets, one credential per sandbox, published data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.sandbox import Stage
    from lab.providers.s3.provider import S3Provider


def build(stage: Stage, options: Mapping[str, Any]) -> S3Provider:
    """Make the provider.

    Raises:
        ValueError: An option is unknown or missing, the secret is a placeholder,
            or it is asked to own another stage than DATA.
    """
    # Here, so that the command, which imports what starts the store, stays quick to start.
    from lab.providers.s3.options import build_provider  # noqa: PLC0415

    return build_provider(stage, options)
