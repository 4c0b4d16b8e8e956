"""The hub's configuration in a pod: from the environment that every component is given."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from lab.hub.config import ENV_VAR, HubConfig, load

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "LAB_HUB_"
"""``LAB_HUB_IDLE_SECONDS=3600`` sets ``idle_seconds``, and so for every other field."""

STATE_DIR = "/var/lib/lab"
_DURATION = TypeAdapter(timedelta)
START_SECONDS = 300
"""A first start on a node pulls the image."""


def configuration(environment: Mapping[str, str] | None = None) -> HubConfig:
    """Return what the file named in the environment says, or else the environment itself.

    ``LAB_PUBLIC_URL``, ``LAB_STATE_DIR``, ``LAB_CLUSTER`` and ``LAB_NOTEBOOK_IDLE`` mean
    here what they mean to the control plane.
    """
    env = os.environ if environment is None else environment
    if ENV_VAR in env:
        return load(Path(env[ENV_VAR]))
    state_dir = env.get("LAB_STATE_DIR", STATE_DIR)
    cluster = json.loads(env.get("LAB_CLUSTER") or "{}")
    known: dict[str, Any] = {
        "runtime": "kubernetes",
        "public_url": env["LAB_PUBLIC_URL"].rstrip("/"),
        "public_port": 8000,
        "hub_port": 8081,
        "control_plane_url": "http://api:8001",
        "people_port": 8003,
        "people_url": "http://gateway:8003",
        "hub_service_url": cluster.get("hub_url", "http://hub:8081"),
        "proxy_api_port": 8098,
        "state_dir": state_dir,
        "run_dir": f"{state_dir}/run",
        "secrets_dir": f"{state_dir}/secrets",
        "runtime_env": "/opt/notebook",
        "start_timeout_seconds": START_SECONDS,
    }
    if idle := env.get("LAB_NOTEBOOK_IDLE"):
        known["idle_seconds"] = int(_DURATION.validate_python(idle).total_seconds())
    for name in HubConfig.model_fields:
        if value := env.get(f"{PREFIX}{name.upper()}"):
            known[name] = value.split(",") if name == "trusted_proxies" else value
    return HubConfig.model_validate(known)
