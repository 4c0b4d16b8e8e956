from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.domain.audit import AuditEvent, first_break
from lab.domain.errors import InvalidError
from lab.domain.ids import MemberId, RequestId
from lab.ports import KeyRecord
from lab.store import open_store
from tests.conftest import NOON
from tests.store.samples import furnish, member, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.store import SqlStore

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
ANY_TEXT = st.text(st.characters(), max_size=60)
FACTS = st.dictionaries(TEXT, TEXT, max_size=3)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(
    datetime(1000, 1, 2),  # noqa: DTZ001 (the strategy adds the zone)
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=ZONES,
)
OFTEN = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def loop_and_store(url: str) -> Iterator[tuple[asyncio.Runner, SqlStore]]:
    # Hypothesis calls a plain function many times: one loop for all of them.
    with asyncio.Runner() as runner:
        store = runner.run(open_store(url))
        runner.run(furnish(store))
        yield runner, store
        runner.run(store.aclose())


@OFTEN
@given(words=st.tuples(TEXT, TEXT, TEXT), facts=FACTS, at=MOMENTS)
def test_text_and_moments_come_back_exactly(
    loop_and_store: tuple[asyncio.Runner, SqlStore],
    words: tuple[str, str, str],
    facts: dict[str, str],
    at: datetime,
) -> None:
    runner, store = loop_and_store
    runner.run(exchange(store, words, facts, at))


async def exchange(
    store: SqlStore, words: tuple[str, str, str], facts: dict[str, str], at: datetime
) -> None:
    async with store.begin() as tx:
        before = await tx.requests.get(RequestId("rq-text"))
        version = 0 if before is None else before.version
        asked = await tx.requests.put(
            request(
                "rq-text",
                purpose=words[0],
                reason=words[1],
                rule=words[2],
                team=tuple(map(MemberId, words)),
                expires_at=at,
                version=version,
            )
        )
        row = await tx.audit.append(AuditEvent(at, words[0], words[1], words[2], "x", facts=facts))
        named = await tx.members.put(member(MemberId(f"m-{version}"), f"{version}{words[0]}"))
        key = KeyRecord(f"{version}", words[1], words[2], "", at)
        await tx.keys.put(key)
    async with store.read() as tx:
        assert await tx.requests.get(RequestId("rq-text")) == asked
        last = (await tx.audit.page(limit=1)).items[0]
        assert last == row
        assert first_break(await tx.audit.all()) is None
        assert await tx.members.by_login(f"{version}{words[0]}") == named
        assert await tx.keys.get(f"{version}", words[1]) == key


@OFTEN
@given(word=ANY_TEXT)
def test_any_text_is_kept_or_refused_and_never_breaks_the_store(
    loop_and_store: tuple[asyncio.Runner, SqlStore], word: str
) -> None:
    runner, store = loop_and_store

    async def offer() -> None:
        async with store.begin() as tx:
            await tx.outbox.add(word, word, NOON)
        async with store.begin() as tx:
            assert await tx.outbox.take() == [(word, word)]

    is_plain = "\0" not in word
    try:
        word.encode()
    except UnicodeEncodeError:
        is_plain = False
    if is_plain:
        runner.run(offer())
        return
    with pytest.raises(InvalidError):
        runner.run(offer())
