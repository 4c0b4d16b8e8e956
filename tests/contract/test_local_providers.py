from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.domain.sandbox import Seen, Stage
from lab.providers.local import build
from tests.conftest import NOON
from tests.local.bench import RUNTIME, lacking
from tests.local.gateway import Gateway, wanted_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.domain.sandbox import Observation, Sandbox
    from lab.ports import Provider

pytestmark = pytest.mark.real


@pytest.fixture
def options() -> Iterator[dict[str, object]]:
    if why := lacking():
        pytest.skip(why)
    with tempfile.TemporaryDirectory(prefix="vc-") as folder:
        options = {
            "state_dir": Path(folder, "s"),
            "run_dir": Path(folder, "r"),
            "runtime_env": RUNTIME,
            "doors_of": {"standard": ("hub", "tracking", "storage")},
        }
        gateway = Gateway(Path(folder, "s", "grants"), Path(folder, "r", "doors"))
        yield options
        gateway.close()


async def until(provider: Provider, sandbox: Sandbox, seen: Seen) -> Observation:
    deadline = time.monotonic() + 30
    while (found := await provider.observe(sandbox)).seen is not seen:
        assert time.monotonic() < deadline, found
    return found


@pytest.mark.parametrize("stage", [Stage.ISOLATION, Stage.CONTAINMENT])
async def test_ensure_revoke_and_remove_are_idempotent(
    stage: Stage, options: dict[str, object]
) -> None:
    sandbox = wanted_sandbox()
    place = build(Stage.ISOLATION, options)
    provider = build(stage, options)
    assert (await provider.observe(sandbox)).seen is Seen.ABSENT
    await provider.revoke(sandbox.id)
    await provider.remove(sandbox.id)
    assert await provider.owned() == frozenset()
    await place.ensure(sandbox)
    for _ in range(2):
        await provider.ensure(sandbox)
    await until(provider, sandbox, Seen.READY)
    # A provider made anew, as after a crash, sees the same.
    provider = build(stage, options)
    assert (await provider.observe(sandbox)).seen is Seen.READY
    assert await provider.owned() == {sandbox.id}
    for _ in range(2):
        await provider.revoke(sandbox.id)
    await until(provider, sandbox, Seen.REVOKED)
    await provider.ensure(sandbox)
    await until(provider, sandbox, Seen.READY)
    for _ in range(2):
        await provider.remove(sandbox.id)
    sandbox = sandbox.with_deletion(NOON, "asked")
    last = await until(provider, sandbox, Seen.ABSENT)
    assert last.facts
    assert not any(fact.is_present for fact in last.facts)
    assert await provider.owned() == frozenset()
    await place.remove(sandbox.id)
