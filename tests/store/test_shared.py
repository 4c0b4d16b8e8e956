from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from lab.domain.containment import Expected, Outcome, ProbeResult, Proof
from lab.domain.ids import SandboxId
from lab.domain.proofs import is_genuine, sign
from lab.grants import DOORS, STORAGE, Grants
from lab.store import SqlGrants
from lab.store.engines import connect
from lab.store.proofs import MOST_REPORTS
from tests.conftest import NOON
from tests.store.samples import ODD

if TYPE_CHECKING:
    from lab.store import SqlStore

MINE, OTHER = SandboxId("sb-d400000001"), SandboxId("sb-d400000002")
KEY = b"a key of the tests, long enough"


def proof(**changes: object) -> Proof:
    results = (
        ProbeResult("tcp4-internet", Expected.BLOCKED, Outcome.BLOCKED, ODD, 0, 12),
        ProbeResult("door-storage", Expected.OPEN, Outcome.OPEN, "", None, 3),
    )
    made = Proof(MINE, "abc", NOON, NOON + timedelta(seconds=4), results)
    return sign(replace(made, **changes), KEY)  # type: ignore[arg-type]


@pytest.fixture
def keys() -> list[str]:
    return [Fernet.generate_key().decode()]


@pytest.fixture
def grants(store: SqlStore, keys: list[str]) -> SqlGrants:
    return SqlGrants(store, keys)


async def test_a_grant_is_written_read_replaced_and_taken_away(grants: SqlGrants) -> None:
    assert isinstance(grants, Grants)
    assert await grants.read(MINE, STORAGE) is None
    await grants.remove(MINE, STORAGE)
    await grants.write(MINE, STORAGE, {"access_key": ODD, "n": [1, None]})
    await grants.write(MINE, DOORS, {"doors": []})
    await grants.write(OTHER, STORAGE, {"access_key": "theirs"})
    assert await grants.read(MINE, STORAGE) == {"access_key": ODD, "n": [1, None]}
    assert await grants.holders(STORAGE) == {MINE, OTHER}
    assert await grants.holders(DOORS) == {MINE}
    await grants.write(MINE, STORAGE, {"access_key": "new"})
    assert await grants.read(MINE, STORAGE) == {"access_key": "new"}
    await grants.remove(MINE, STORAGE)
    assert await grants.read(MINE, STORAGE) is None
    assert await grants.read(OTHER, STORAGE) == {"access_key": "theirs"}


async def test_what_lies_in_the_database_shows_no_secret(
    grants: SqlGrants, store: SqlStore
) -> None:
    await grants.write(MINE, STORAGE, {"secret_key": "very-secret-value"})
    async with store.read() as tx:
        sealed = await tx.sealed.get(MINE, STORAGE)
    assert sealed is not None
    assert "very-secret-value" not in sealed


async def test_a_row_copied_over_another_sandboxs_opens_nothing(
    grants: SqlGrants, store: SqlStore
) -> None:
    await grants.write(MINE, STORAGE, {"secret_key": "mine"})
    async with store.begin() as tx:
        sealed = await tx.sealed.get(MINE, STORAGE)
        assert sealed is not None
        await tx.sealed.put(OTHER, STORAGE, sealed)
        await tx.sealed.put(MINE, DOORS, sealed)
    assert await grants.read(OTHER, STORAGE) is None
    assert await grants.read(MINE, DOORS) is None
    _, held = await grants.snapshot()
    assert held is not None
    assert [(one.sandbox_id, one.name) for one in held] == [(MINE, STORAGE)]


async def test_a_snapshots_mark_changes_with_anything_and_with_nothing_else(
    grants: SqlGrants,
) -> None:
    marks = [(await grants.snapshot())[0]]
    for values in ({"a": 1}, {"a": 1}, {"a": 2}):
        await grants.write(MINE, STORAGE, values)
        marks.append((await grants.snapshot())[0])
    assert await grants.snapshot(marks[-1]) == (marks[-1], None)
    await grants.write(OTHER, STORAGE, {"a": 1})
    marks.append((await grants.snapshot())[0])
    await grants.remove(OTHER, STORAGE)
    await grants.write(OTHER, STORAGE, {"a": 1})
    marks.append((await grants.snapshot())[0])
    assert len(set(marks)) == len(marks)
    mark, held = await grants.snapshot("another")
    assert mark == marks[-1]
    assert held is not None
    assert [(one.sandbox_id, one.values) for one in held] == [(MINE, {"a": 2}), (OTHER, {"a": 1})]


async def test_a_key_is_replaced_while_the_lab_runs(store: SqlStore, keys: list[str]) -> None:
    fresh = Fernet.generate_key().decode()
    await SqlGrants(store, keys).write(MINE, STORAGE, {"a": 1})
    both = SqlGrants(store, [fresh, *keys])
    assert await both.read(MINE, STORAGE) == {"a": 1}
    assert await SqlGrants(store, [fresh]).read(MINE, STORAGE) is None
    assert await both.reseal() == 1
    assert await SqlGrants(store, [fresh]).read(MINE, STORAGE) == {"a": 1}
    assert await SqlGrants(store, keys).read(MINE, STORAGE) is None
    with pytest.raises(ValueError, match="key"):
        SqlGrants(store, ["too short"])


async def test_grants_written_at_once_are_all_there(grants: SqlGrants) -> None:
    ids = [SandboxId(f"sb-d4{n:08x}") for n in range(20)]
    await asyncio.gather(*(grants.write(each, DOORS, {"at": each}) for each in ids))
    assert await grants.holders(DOORS) == set(ids)


async def test_a_proof_comes_back_with_a_signature_that_still_fits(store: SqlStore) -> None:
    async with store.begin() as tx:
        assert await tx.proofs.get(MINE) is None
        await tx.proofs.drop(MINE)
        await tx.proofs.put(proof(spec_hash="old"))
        await tx.proofs.put(proof())
    async with store.read() as tx:
        found = await tx.proofs.get(MINE)
        assert found == proof()
        assert is_genuine(found, KEY)
        assert await tx.proofs.get(OTHER) is None
    async with store.begin() as tx:
        await tx.proofs.drop(MINE)
        assert await tx.proofs.get(MINE) is None


async def test_a_proof_that_cannot_be_understood_is_none(file_url: str) -> None:
    from lab.store import open_store  # noqa: PLC0415

    store = await open_store(file_url)
    async with store.begin() as tx:
        await tx.proofs.put(proof())
    engines = connect(file_url)
    async with engines.write.begin() as connection:
        await connection.execute(text("UPDATE proofs SET content = '{}'"))
    await engines.dispose()
    async with store.read() as tx:
        assert await tx.proofs.get(MINE) is None
    await store.aclose()


async def test_a_run_reports_once_and_is_taken_once(store: SqlStore) -> None:
    async with store.begin() as tx:
        assert await tx.reports.put(MINE, "r1", {"text": ODD, "n": 1}, NOON)
        assert not await tx.reports.put(MINE, "r1", {"forged": True}, NOON)
        assert await tx.reports.put(OTHER, "r1", {"n": 2}, NOON)
        assert await tx.reports.get(MINE, "r1") == {"text": ODD, "n": 1}
        assert await tx.reports.take(MINE, "r2") is None
        assert await tx.reports.take(MINE, "r1") == {"text": ODD, "n": 1}
        assert await tx.reports.take(MINE, "r1") is None
        await tx.reports.drop_of(MINE)
        assert await tx.reports.get(OTHER, "r1") == {"n": 2}
        await tx.reports.drop_of(OTHER)
        assert await tx.reports.get(OTHER, "r1") is None


async def test_a_sandbox_cannot_fill_the_database_with_reports(store: SqlStore) -> None:
    for number in range(MOST_REPORTS + 3):
        async with store.begin() as tx:
            await tx.reports.put(MINE, f"r{number}", {}, NOON + timedelta(seconds=number))
    async with store.read() as tx:
        kept = [
            n for n in range(MOST_REPORTS + 3) if await tx.reports.get(MINE, f"r{n}") is not None
        ]
    assert kept == list(range(3, MOST_REPORTS + 3))
