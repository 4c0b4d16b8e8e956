"""Describes how a notebook server of a sandbox on this machine is started."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from lab import grants
from lab.bootstrap import notebook_environment
from lab.domain import walls
from lab.domain.egress import DOOR_PORTS, Door
from lab.domain.errors import ProviderError
from lab.domain.sandbox import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.domain.ids import MemberId
    from lab.domain.sandbox import Sandbox
    from lab.ports import CatalogueSource
    from lab.settings import Settings


CA_BUNDLE = "site-packages/certifi/cacert.pem"


class LocalLauncher:
    """Puts together what the place, the grants and the catalogue say."""

    def __init__(self, *, settings: Settings, catalogue: CatalogueSource) -> None:
        self._settings, self._catalogue = settings, catalogue

    async def launch(self, sandbox: Sandbox, member_id: MemberId) -> Mapping[str, object]:
        """Return the launch order for one member's server, as JSON types.

        Raises:
            ProviderError: The place or a grant is not there (any more).
        """
        return await asyncio.to_thread(self._launch, sandbox, member_id)

    def _launch(self, sandbox: Sandbox, member_id: MemberId) -> Mapping[str, object]:
        place = self._settings.state_dir / "sandboxes" / sandbox.id
        template = self._catalogue.catalogue().templates[sandbox.spec.template_id]
        resources = sandbox.spec.resources
        return {
            "sandbox_id": sandbox.id,
            "member_id": member_id,
            "uid": _uid(place),
            "resources": {
                "cpu_millicores": resources.cpu_millicores,
                "memory_bytes": resources.memory_bytes,
                "storage_bytes": resources.storage_bytes,
            },
            "datasets": [
                {
                    "id": ref.dataset_id,
                    "path": str(
                        self._settings.state_dir / "datasets" / ref.dataset_id / f"v{ref.version}"
                    ),
                }
                for ref in sandbox.spec.datasets
            ],
            "template_dir": str(self._settings.templates_dir / sandbox.spec.template_id),
            "entry": template.entry,
            "home": str(place / "homes" / member_id),
            "doors_dir": str(self._settings.run_dir / "doors" / sandbox.id),
            "doors": self._doors(sandbox),
            "env": self._environment(sandbox),
        }

    def _doors(self, sandbox: Sandbox) -> list[list[object]]:
        """Return the loopback ports that lead anywhere, and to which door."""
        doors = self._catalogue.catalogue().profiles[sandbox.spec.profile_id].doors
        return [[port, name] for port, name in walls.sockets(doors)]

    def _environment(self, sandbox: Sandbox) -> dict[str, str]:
        """Return what the notebook is given, keys of its doors included."""
        storage = grants.read(self._settings.state_dir / "grants", sandbox.id, grants.STORAGE)
        if storage is None:
            raise ProviderError(Stage.DATA, "the storage grant is not there")
        doors = self._catalogue.catalogue().profiles[sandbox.spec.profile_id].doors
        tracking = f"http://127.0.0.1:{DOOR_PORTS[Door.TRACKING]}"
        env = notebook_environment.variables(
            sandbox_id=sandbox.id,
            cpu_millicores=sandbox.spec.resources.cpu_millicores,
            storage_url=f"http://127.0.0.1:{DOOR_PORTS[Door.STORAGE]}",
            tracking_url=tracking if Door.TRACKING in doors else "",
        ) | {
            "AWS_ACCESS_KEY_ID": str(storage["door_access_key"]),
            "AWS_SECRET_ACCESS_KEY": str(storage["door_secret_key"]),
        }
        # Some libraries want a list of authorities to be there even for plain HTTP.
        for bundle in self._settings.notebook_env.glob(f"lib/python3*/{CA_BUNDLE}"):
            inside = bundle.relative_to(self._settings.notebook_env)
            env["SSL_CERT_FILE"] = f"/opt/notebook/{inside}"
        return env


def _uid(place: Path) -> int | None:
    try:
        uid = json.loads((place / "place.json").read_text(encoding="utf-8"))["uid"]
    except (OSError, ValueError, KeyError) as error:
        raise ProviderError(Stage.ISOLATION, "the place is not there") from error
    return None if uid is None else int(uid)
