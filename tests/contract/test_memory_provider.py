from __future__ import annotations

import pytest

from lab import providers
from lab.domain.sandbox import Seen, Stage
from lab.providers.memory import KEEPS_DATA
from tests.conftest import make_sandbox


@pytest.mark.parametrize("stage", list(Stage))
async def test_ensure_revoke_and_remove_are_idempotent(stage: Stage) -> None:
    sandbox = make_sandbox()
    provider = providers.build("memory", stage, {})
    assert (await provider.observe(sandbox)).seen is Seen.ABSENT
    await provider.revoke(sandbox.id)
    await provider.remove(sandbox.id)
    for _ in range(2):
        await provider.ensure(sandbox)
    assert (await provider.observe(sandbox)).seen is Seen.READY
    assert await provider.owned() == {sandbox.id}
    for _ in range(2):
        await provider.revoke(sandbox.id)
    expected = Seen.REVOKED if stage in KEEPS_DATA else Seen.ABSENT
    assert (await provider.observe(sandbox)).seen is expected
    for _ in range(2):
        await provider.remove(sandbox.id)
    last = await provider.observe(sandbox)
    assert last.seen is Seen.ABSENT
    assert [fact.is_present for fact in last.facts] == [False]
    assert await provider.owned() == frozenset()


def test_unknown_provider_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'memory'.*not 'minoi'"):
        providers.build("minoi", Stage.DATA, {})
