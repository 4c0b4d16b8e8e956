"""The environment of a notebook: the same on both runtimes, but for where the doors are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.ids import SandboxId


def variables(
    *, sandbox_id: SandboxId, cpu_millicores: int, storage_url: str, tracking_url: str
) -> dict[str, str]:
    """Return standard names only, so that the usual libraries just work.

    Keys are added by whoever knows how they reach the notebook. No value here works
    anywhere but at the sandbox's own doors.

    Args:
        sandbox_id: Tells a script which sandbox it runs in.
        cpu_millicores: What the notebook may use.
        storage_url: The storage door as the notebook sees it.
        tracking_url: The same for tracking; empty where the profile has no such door.
    """
    env = {
        "AWS_ENDPOINT_URL": storage_url,
        "AWS_ENDPOINT_URL_S3": storage_url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        "LAB_SANDBOX_ID": sandbox_id,
        # joblib would look for cores where a sandbox shows none, and warn.
        "LOKY_MAX_CPU_COUNT": str(max(1, -(-cpu_millicores // 1000))),
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    if tracking_url:
        env |= {
            "MLFLOW_TRACKING_URI": tracking_url,
            "MLFLOW_EXPERIMENT_NAME": "essais",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            # Addresses signed by the object store lead nowhere from inside: all bytes go
            # through the tracking door.
            "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false",
            "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
            # It would print an address that only means something inside.
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
            "DO_NOT_TRACK": "true",
        }
    return env
