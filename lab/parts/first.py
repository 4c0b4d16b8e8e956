"""The first sandbox: asked for through the public API, as anybody would, and followed."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from lab.parts import seed
from lab.parts.message import MachineError, message
from lab.parts.progress import progress_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.parts.lifecycle import Reporter
    from lab.settings import Settings

_DAYS = 30
_POLL_S = 0.2
_PURPOSE = (
    "Découvrir le laboratoire avec le gabarit de départ\N{NO-BREAK SPACE}: lire les données, "
    "entraîner un modèle et suivre l’expérience."
)
_GONE = frozenset({"deleting", "deleted"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, kept so that the same is asked again with the same key."""

    key: str
    body: dict[str, Any]


class FirstSandbox:
    """Asks for one sandbox, once; for another when that one is gone.

    Args:
        token: The demo requester's.
        datasets: Ids of those to mount.
    """

    def __init__(
        self, settings: Settings, reporter: Reporter, *, token: str, datasets: Sequence[str]
    ) -> None:
        self._settings, self._reporter = settings, reporter
        self._datasets = list(datasets)
        self._client = httpx.Client(
            base_url=f"{settings.api_url}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            trust_env=False,
        )

    def bring(self, *, timeout_s: float) -> str:
        """Return its id once it is ready.

        Raises:
            MachineError: It was refused, failed, or is not ready in time.
        """
        with self._client:
            sandbox = self._ask()
            return self._follow(str(sandbox["id"]), timeout_s)

    def _ask(self) -> dict[str, Any]:
        asked = self._kept() or self._new()
        for _ in range(2):
            request = self._call(
                "POST", "/requests", json=asked.body, headers={"Idempotency-Key": asked.key}
            )
            if request["sandbox_id"] is None:
                raise MachineError(
                    message("the first request is {state}, not approved", state=request["state"]),
                    message("'lab request approve {id}' approves it.", id=request["id"]),
                    exit_code=3,
                )
            sandbox = self._call("GET", f"/sandboxes/{request['sandbox_id']}")
            if sandbox["phase"] not in _GONE:
                return sandbox
            asked = self._new()
        raise MachineError(message("the first sandbox is deleted at once"), exit_code=3)

    def _follow(self, sandbox_id: str, timeout_s: float) -> str:
        began = time.monotonic()
        shown: list[str] = []
        while True:
            sandbox = self._call("GET", f"/sandboxes/{sandbox_id}")
            elapsed = time.monotonic() - began
            progress = tuple(progress_of(stage, elapsed) for stage in sandbox["stages"])
            words = [each.state for each in progress]
            if words != shown:
                self._reporter.show(progress)
                shown = words
            if sandbox["phase"] == "ready":
                return sandbox_id
            if elapsed > timeout_s:
                raise self._late(sandbox, elapsed)
            time.sleep(_POLL_S)

    def _late(self, sandbox: dict[str, Any], elapsed: float) -> MachineError:
        stuck = next(s for s in sandbox["stages"] if s["seen"] not in {"ready", "due"})
        return MachineError(
            message(
                "the first sandbox is not ready after {seconds:.0f} seconds: "
                "{stage} is {seen} {code}",
                seconds=elapsed,
                stage=stuck["stage"],
                seen=stuck["seen"],
                code=stuck["error_code"],
            ),
            message(
                "The lab goes on trying: 'lab sandbox show {id}' says more.", id=sandbox["id"]
            ),
            exit_code=3,
        )

    def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            response = self._client.request(method, path, **more)
            body: dict[str, Any] = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise MachineError(
                message("the control plane does not answer: {why}", why=error), exit_code=3
            ) from error
        if response.is_error:
            raise MachineError(
                message(
                    "the lab refused its first sandbox: {why} [{code}]",
                    why=body.get("detail", ""),
                    code=body.get("code", ""),
                ),
                message("'lab up --no-demo' starts without one."),
                exit_code=3,
            )
        return body

    @property
    def _path(self) -> Path:
        return self._settings.state_dir / "demo.json"

    def _kept(self) -> Asked | None:
        try:
            return Asked(**json.loads(self._path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _new(self) -> Asked:
        """Choose a key and a body, and keep them before they are sent."""
        today = datetime.now(self._settings.zone).date()
        asked = Asked(
            f"lab-up-{secrets.token_hex(8)}",
            {
                "agency_id": seed.REQUESTER.agency_id,
                "purpose": _PURPOSE,
                "datasets": self._datasets,
                "template": "01-depart",
                "size": "petit",
                "profile": "standard",
                "ends_on": str(today + timedelta(days=_DAYS)),
                "colleagues": [seed.SCIENTIST.login],
            },
        )
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps({"key": asked.key, "body": asked.body}), "utf-8")
        draft.replace(self._path)
        return asked
