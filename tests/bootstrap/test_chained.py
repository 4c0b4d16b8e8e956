from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from lab.bootstrap.chained import Chained, worst
from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.sandbox import USABLE, Observation, Seen, Stage
from lab.providers.memory import MemoryProvider
from tests.conftest import make_sandbox

if TYPE_CHECKING:
    from lab.domain.ids import SandboxId
    from lab.domain.sandbox import Sandbox

STAGE = Stage.WORKSPACE


class Noted(MemoryProvider):
    def __init__(self, name: str, log: list[str], *, looks: int = 0) -> None:
        super().__init__(STAGE, looks)
        self._name, self._log = name, log
        self.is_terminal = False

    async def ensure(self, sandbox: Sandbox) -> None:
        self._log.append(f"ensure {self._name}")
        await super().ensure(sandbox)

    async def remove(self, sandbox_id: SandboxId) -> None:
        self._log.append(f"remove {self._name}")
        if self.is_terminal:
            raise TerminalProviderError(STAGE, self._name)
        await super().remove(sandbox_id)


def chain() -> tuple[Noted, Noted, Chained, list[str]]:
    log: list[str] = []
    first, second = Noted("first", log), Noted("second", log)
    return first, second, Chained(first, second), log


async def test_it_is_built_in_order_and_taken_down_in_reverse() -> None:
    _, _, both, log = chain()
    sandbox = make_sandbox()
    assert both.stage is STAGE
    assert (await both.observe(sandbox)).seen is Seen.ABSENT
    await both.ensure(sandbox)
    look = await both.observe(sandbox)
    assert look.seen is Seen.READY
    assert len(look.facts) == 2
    assert await both.owned() == {sandbox.id}
    await both.remove(sandbox.id)
    await both.remove(sandbox.id)
    assert log[:4] == ["ensure first", "ensure second", "remove second", "remove first"]
    gone = await both.observe(sandbox)
    assert gone.seen is Seen.ABSENT
    assert [fact.is_present for fact in gone.facts] == [False, False]


async def test_what_stands_on_a_part_that_fails_is_not_tried() -> None:
    first, second, both, _ = chain()
    sandbox = make_sandbox()
    first.fail_with = "down"
    with pytest.raises(ProviderError):
        await both.ensure(sandbox)
    assert second.ensured == 0


async def test_a_part_that_fails_keeps_no_other_in_place() -> None:
    first, second, both, log = chain()
    sandbox = make_sandbox()
    await both.ensure(sandbox)
    second.fail_with = "down"
    with pytest.raises(ProviderError):
        await both.remove(sandbox.id)
    assert log[-2:] == ["remove second", "remove first"]
    assert (await first.observe(sandbox)).seen is Seen.ABSENT
    assert (await both.observe(sandbox)).seen is Seen.UNKNOWN
    second.fail_with = None
    assert (await both.observe(sandbox)).seen is Seen.REVOKED
    await both.remove(sandbox.id)
    assert (await both.observe(sandbox)).seen is Seen.ABSENT


async def test_a_failure_that_may_pass_counts_before_one_that_will_not() -> None:
    first, second, both, _ = chain()
    sandbox = make_sandbox()
    await both.ensure(sandbox)
    second.is_terminal = True
    with pytest.raises(TerminalProviderError):
        await both.remove(sandbox.id)
    first.fail_with = "down"
    with pytest.raises(ProviderError) as caught:
        await both.remove(sandbox.id)
    assert not isinstance(caught.value, TerminalProviderError)


async def test_what_is_there_stays_removable_while_another_part_cannot_be_looked_at() -> None:
    _, second, both, _ = chain()
    sandbox = make_sandbox()
    await both.ensure(sandbox)
    second.fail_with = "down"
    look = await both.observe(sandbox)
    assert (look.seen, look.detail) == (Seen.CONVERGING, "down")


async def test_a_part_that_raises_is_one_that_cannot_be_looked_at() -> None:
    class Rude(Noted):
        async def observe(self, sandbox: Sandbox) -> Observation:
            raise RuntimeError(sandbox.id)

    both = Chained(Rude("rude", []), Noted("other", []))
    assert (await both.observe(make_sandbox())).seen is Seen.UNKNOWN


@pytest.mark.parametrize(
    "pair", list(product(Seen, Seen)), ids=lambda p: f"{p[0].name}-{p[1].name}"
)
def test_the_worst_of_two(pair: tuple[Seen, Seen]) -> None:
    found = worst(pair)
    assert found is worst(tuple(reversed(pair)))
    assert worst([pair[0]]) is pair[0]
    # Never gone while something is or may be there; never usable while something is not.
    assert (found is Seen.ABSENT) == (set(pair) == {Seen.ABSENT})
    assert (found in USABLE) == (set(pair) <= USABLE)


def test_a_chain_has_parts_all_of_one_stage() -> None:
    with pytest.raises(ValueError, match="one stage"):
        Chained()
    with pytest.raises(ValueError, match="one stage"):
        Chained(MemoryProvider(Stage.DATA), MemoryProvider(Stage.TRACKING))
