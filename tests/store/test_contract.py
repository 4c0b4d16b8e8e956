from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from lab.domain.agency import Reservation, Usage
from lab.domain.audit import FIRST_HASH, AuditFilter, AuditOutcome, first_break
from lab.domain.dataset import DatasetRef
from lab.domain.errors import ConflictError, InvalidError, StoreError
from lab.domain.ids import AgencyId, DatasetId, MemberId, RequestId, SandboxId
from lab.domain.member import Role
from lab.domain.quantity import Resources
from lab.domain.request import RequestState
from lab.domain.sandbox import Stage
from lab.domain.token import TokenKind
from lab.ports import Filter, KeyRecord
from tests.conftest import NOON
from tests.store.samples import (
    ALICE,
    BENOIT,
    CLAIRE,
    ODD,
    OTHER,
    RFT,
    SMALL,
    agency,
    attempt,
    certificate,
    dataset,
    event,
    furnish,
    member,
    request,
    reservation,
    sandbox,
    stage,
    token,
    version,
)

if TYPE_CHECKING:
    from lab.store import SqlStore


@pytest.fixture
async def full(store: SqlStore) -> SqlStore:
    await furnish(store)
    return store


async def test_an_agency_comes_back_as_it_was_written(store: SqlStore) -> None:
    async with store.begin() as tx:
        assert await tx.agencies.get(RFT) is None
        assert await tx.agencies.lock(RFT) is None
        written = await tx.agencies.put(agency())
        await tx.agencies.put(agency(OTHER))
    assert written == agency(version=1)
    async with store.begin() as tx:
        assert await tx.agencies.lock(RFT) == written
    async with store.read() as tx:
        assert await tx.agencies.get(RFT) == written
        assert [one.id for one in await tx.agencies.all()] == [OTHER, RFT]


@pytest.mark.parametrize("noun", ["agencies", "members", "requests", "sandboxes"])
async def test_a_stale_write_is_refused_and_says_both_versions(full: SqlStore, noun: str) -> None:
    make = {"agencies": agency, "members": member, "requests": request, "sandboxes": sandbox}[noun]
    async with full.begin() as tx:
        await tx.requests.put(request())
    async with full.begin() as tx:
        second = await getattr(tx, noun).put(make(version=1))
        assert second == make(version=2)
        for stale, found in ((1, 2), (0, 2), (9, 2)):
            with pytest.raises(ConflictError) as caught:
                await getattr(tx, noun).put(make(version=stale))
            assert (caught.value.expected, caught.value.found) == (stale, found)
    async with full.read() as tx:
        assert await getattr(tx, noun).get(make().id) == second
    async with full.begin() as tx:
        login = {"login": "zz"} if noun == "members" else {}
        gone = make(version=4, id="zz", **login)
        with pytest.raises(ConflictError) as caught:
            await getattr(tx, noun).put(gone)
        assert (caught.value.expected, caught.value.found) == (4, 0)


async def test_reservations_are_summed_replaced_and_given_back(full: SqlStore) -> None:
    async with full.begin() as tx:
        assert await tx.agencies.held(RFT) == Usage()
        await tx.agencies.reserve(reservation("rq-1"))
        await tx.agencies.reserve(reservation("rq-2"))
        await tx.agencies.reserve(reservation("rq-9", agency_id=OTHER))
        assert await tx.agencies.held(RFT) == Usage(SMALL + SMALL, 2)
        handed_over = Reservation(RFT, "rq-2", Usage(Resources(5), 1), SandboxId("sb-1"))
        await tx.agencies.reserve(handed_over)
        assert await tx.agencies.held(RFT) == Usage(SMALL + Resources(5), 2)
        await tx.agencies.give_back("rq-1")
        await tx.agencies.give_back("rq-1")
    async with full.read() as tx:
        assert await tx.agencies.held(RFT) == Usage(Resources(5), 1)


async def test_a_member_is_found_by_login_whatever_its_letter_case(full: SqlStore) -> None:
    async with full.read() as tx:
        assert await tx.members.by_login("aLICE") == member(version=1)
        assert await tx.members.by_login("BENOI\u0302T") is not None  # accent written apart
        assert await tx.members.by_login("alic") is None
        assert await tx.members.get(MemberId("nobody")) is None


async def test_a_login_that_is_taken_is_a_conflict_and_the_transaction_goes_on(
    full: SqlStore,
) -> None:
    async with full.begin() as tx:
        with pytest.raises(ConflictError) as caught:
            await tx.members.put(member(CLAIRE, "ALICE"))
        assert caught.value.kind == "login"
        benoit = await tx.members.get(BENOIT)
        assert benoit is not None
        with pytest.raises(ConflictError):
            await tx.members.put(replace(benoit, login="alice"))
        renamed = await tx.members.put(member(ALICE, "alice", version=1, roles=frozenset()))
        await tx.members.put(member(CLAIRE, "claire", agency_id=None, is_active=False))
    async with full.read() as tx:
        assert await tx.members.get(ALICE) == renamed
        assert [one.id for one in await tx.members.of(None)] == [CLAIRE]
        assert [one.id for one in await tx.members.of(RFT)] == [ALICE, BENOIT]
        assert await tx.members.of(OTHER) == []
        many = await tx.members.many([CLAIRE, ALICE, MemberId("m-x")])
        assert set(many) == {ALICE, CLAIRE}
        assert await tx.members.many([]) == {}
        assert many[CLAIRE].roles == frozenset({Role.REQUESTER, Role.SCIENTIST})


async def test_a_token_works_once_and_not_after_its_time(full: SqlStore) -> None:
    code = token("code", kind=TokenKind.CODE)
    async with full.begin() as tx:
        await tx.tokens.put(code)
        with pytest.raises(ConflictError):
            await tx.tokens.put(code)
        assert await tx.tokens.get("code", TokenKind.CODE) == code
        assert await tx.tokens.get("code", TokenKind.LINK) is None
        assert await tx.tokens.use("code", TokenKind.LINK, NOON) is None
        assert await tx.tokens.use("code", TokenKind.CODE, code.expires_at) is None
        used = replace(code, used_at=NOON)
        assert await tx.tokens.use("code", TokenKind.CODE, NOON) == used
        assert await tx.tokens.use("code", TokenKind.CODE, NOON) is None
    async with full.read() as tx:
        assert await tx.tokens.get("code", TokenKind.CODE) == used


async def test_tokens_are_dropped_one_by_one_by_kind_by_member_and_by_age(full: SqlStore) -> None:
    soon = NOON + timedelta(minutes=1)
    async with full.begin() as tx:
        for name, kind in (("a", TokenKind.API), ("b", TokenKind.API), ("s", TokenKind.SESSION)):
            await tx.tokens.put(token(name, kind=kind))
        await tx.tokens.put(token("hers", member_id=BENOIT))
        await tx.tokens.put(token("old", member_id=BENOIT, expires_at=soon))
        await tx.tokens.drop("a")
        await tx.tokens.drop("a")
        await tx.tokens.drop_of(ALICE, TokenKind.API)
        assert await tx.tokens.get("b", TokenKind.API) is None
        assert await tx.tokens.get("s", TokenKind.SESSION) is not None
        await tx.tokens.drop_of(ALICE)
        assert await tx.tokens.get("s", TokenKind.SESSION) is None
        assert await tx.tokens.drop_expired(NOON) == 0
        assert await tx.tokens.drop_expired(soon) == 1
        assert await tx.tokens.get("hers", TokenKind.SESSION) is not None


async def test_a_request_comes_back_as_it_was_written(full: SqlStore) -> None:
    decided = request(
        version=1,
        state=RequestState.APPROVED,
        rule="petit",
        decided_at=NOON,
        decided_by=CLAIRE,
        reason=ODD,
        sandbox_id=SandboxId("sb-1"),
        team=(CLAIRE, ALICE),
    )
    async with full.begin() as tx:
        assert await tx.requests.get(RequestId("rq-1")) is None
        assert await tx.requests.put(request()) == request(version=1)
        assert await tx.requests.get(RequestId("rq-1")) == request(version=1)
        await tx.requests.put(decided)
    async with full.read() as tx:
        assert await tx.requests.get(RequestId("rq-1")) == replace(decided, version=2)


async def test_requests_are_listed_by_agency_state_and_person(full: SqlStore) -> None:
    async with full.begin() as tx:
        await tx.requests.put(request("rq-1", team=(ALICE,)))
        await tx.requests.put(request("rq-2", requester_id=BENOIT, team=(BENOIT, ALICE)))
        await tx.requests.put(request("rq-3", requester_id=CLAIRE, team=()))
        await tx.requests.put(
            request("rq-4", agency_id=OTHER, state=RequestState.REJECTED, team=(BENOIT,))
        )
    async with full.read() as tx:

        async def ids(which: Filter) -> list[str]:
            return [one.id for one in (await tx.requests.page(which)).items]

        assert await ids(Filter()) == ["rq-4", "rq-3", "rq-2", "rq-1"]
        assert await ids(Filter(agency_id=RFT)) == ["rq-3", "rq-2", "rq-1"]
        assert await ids(Filter(person=BENOIT)) == ["rq-4", "rq-2"]
        assert await ids(Filter(person=ALICE)) == ["rq-4", "rq-2", "rq-1"]
        assert await ids(Filter(person=CLAIRE, agency_id=OTHER)) == []
        assert await ids(Filter(request_state=RequestState.REJECTED)) == ["rq-4"]


async def test_pages_hold_everything_once_though_new_rows_come_in(full: SqlStore) -> None:
    def made(number: int) -> datetime:
        return NOON + timedelta(microseconds=number // 3)  # three at each instant

    async with full.begin() as tx:
        for number in range(20):
            at = made(number)
            await tx.requests.put(request(f"rq-a{number:02}", filed_at=at))
            await tx.sandboxes.put(sandbox(f"sb-a{number:02}", created_at=at))
            await tx.audit.append(event(at=at))
    seen: dict[str, list[str]] = {"requests": [], "sandboxes": [], "audit": []}
    for noun, ids in seen.items():
        after = ""
        for turn in range(20):
            async with full.begin() as tx:
                if noun == "audit":
                    audit_page = await tx.audit.page(after=after, limit=3)
                    ids += [str(one.seq) for one in audit_page.items]
                    after = audit_page.next_cursor
                    await tx.audit.append(event())
                else:
                    page = await getattr(tx, noun).page(Filter(after=after, limit=3))
                    ids += [one.id for one in page.items]
                    after = page.next_cursor
                    later = NOON + timedelta(hours=1)
                    await tx.requests.put(request(f"rq-z{noun}{turn}", filed_at=later))
                    await tx.sandboxes.put(sandbox(f"sb-z{noun}{turn}", created_at=later))
            if not after:
                break
    expected = [f"{number:02}" for number in reversed(range(20))]
    assert [one.removeprefix("rq-a") for one in seen["requests"]] == expected
    sandbox_ids = [one for one in seen["sandboxes"] if one.startswith("sb-a")]
    assert [one.removeprefix("sb-a") for one in sandbox_ids] == expected
    assert seen["audit"] == [str(seq) for seq in reversed(range(1, 21))]


BAD_CURSORS = [
    "x",
    "!!!!",
    "é",
    "\0",
    "A" * 100_000,
    "W10",  # []
    "bnVsbA",  # null
    "WzFd",  # [1]: of the other list
    "WyIxIiwyXQ",  # ["1",2]
    "WyIyMDI2LTAxLTAxIiwieCJd",  # no time zone
    "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwieCJd",  # before the year 1 in UTC
    "WzFlOTld",  # [1e99]
    "W3RydWVd",  # [true]
]


async def test_a_bad_cursor_is_the_callers_mistake(full: SqlStore) -> None:
    async with full.read() as tx:
        for cursor in BAD_CURSORS:
            for list_it in (tx.requests.page, tx.sandboxes.page):
                with pytest.raises(InvalidError) as caught:
                    await list_it(Filter(after=cursor))
                problems = [(one.field, one.code) for one in caught.value.problems]
                assert problems == [("after", "bad_cursor")]
            if cursor != "WzFd":
                with pytest.raises(InvalidError):
                    await tx.audit.page(after=cursor)


async def test_a_sandbox_comes_back_as_it_was_written(full: SqlStore) -> None:
    deleted = sandbox(
        version=1, delete_requested_at=NOON, delete_reason="expired", deleted_at=NOON
    )
    async with full.begin() as tx:
        assert await tx.sandboxes.get(SandboxId("sb-0")) is None
        assert await tx.sandboxes.get(SandboxId("sb-1")) == sandbox(version=1)
        assert await tx.sandboxes.live() == [sandbox(version=1)]
        await tx.sandboxes.put(deleted)
        assert await tx.sandboxes.live() == []
        assert await tx.sandboxes.get(SandboxId("sb-1")) == replace(deleted, version=2)


async def test_sandboxes_are_listed_by_agency_person_and_life(full: SqlStore) -> None:
    spec = sandbox().spec
    async with full.begin() as tx:
        alone = replace(spec, members=(CLAIRE,), agency_id=OTHER)
        await tx.sandboxes.put(sandbox("sb-2", spec=alone))
        await tx.sandboxes.put(sandbox("sb-3", spec=replace(spec, members=()), deleted_at=NOON))
    async with full.read() as tx:

        async def ids(which: Filter) -> list[str]:
            return [one.id for one in (await tx.sandboxes.page(which)).items]

        assert await ids(Filter()) == ["sb-3", "sb-2", "sb-1"]
        assert await ids(Filter(live_only=True)) == ["sb-2", "sb-1"]
        assert await ids(Filter(person=CLAIRE)) == ["sb-2"]
        assert await ids(Filter(person=ALICE, agency_id=RFT)) == ["sb-1"]
        assert await ids(Filter(limit=-5)) == ["sb-3"]


async def test_stages_are_written_over_and_come_in_building_order(full: SqlStore) -> None:
    async with full.begin() as tx:
        assert await tx.sandboxes.stages(SandboxId("sb-1")) == {}
        await tx.sandboxes.put_stages([])
        await tx.sandboxes.put_stages([stage(Stage.WORKSPACE), stage(Stage.DATA, failures=0)])
        plain = stage(
            Stage.DATA, facts=(), started_at=None, ready_at=None, next_try_at=None, detail=""
        )
        await tx.sandboxes.put_stages([plain])
    async with full.read() as tx:
        found = await tx.sandboxes.stages(SandboxId("sb-1"))
    assert list(found.items()) == [
        (Stage.DATA, plain),
        (Stage.WORKSPACE, stage(Stage.WORKSPACE)),
    ]


async def test_a_certificate_is_written_once(full: SqlStore) -> None:
    async with full.begin() as tx:
        assert await tx.sandboxes.certificate(SandboxId("sb-1")) is None
        await tx.sandboxes.put_certificate(certificate())
        with pytest.raises(ConflictError):
            await tx.sandboxes.put_certificate(certificate(reason="expired"))
    async with full.read() as tx:
        assert await tx.sandboxes.certificate(SandboxId("sb-1")) == certificate()


async def test_the_same_attempt_is_kept_once_and_the_newest_comes_first(full: SqlStore) -> None:
    later = NOON + timedelta(minutes=1)
    long_target = "GET /" + "é🧪" * 5000
    async with full.begin() as tx:
        await tx.sandboxes.put_attempts([])
        await tx.sandboxes.put_attempts([attempt(), attempt(member_id=None), attempt(long_target)])
        again = attempt(last_at=later, count=4)
        nobody = attempt(member_id=None, last_at=NOON + timedelta(seconds=1), count=2)
        await tx.sandboxes.put_attempts([again, again, nobody])
    async with full.read() as tx:
        found = await tx.sandboxes.attempts(SandboxId("sb-1"))
        assert list(found) == [again, nobody, attempt(long_target)]
        assert await tx.sandboxes.attempts(SandboxId("sb-1"), limit=1) == [again]
        assert await tx.sandboxes.attempts(SandboxId("sb-2")) == []


async def test_data_sets_are_described_over_and_versions_are_not(store: SqlStore) -> None:
    ref = DatasetRef(DatasetId("demandes"), 1)
    async with store.begin() as tx:
        assert await tx.datasets.get(ref.dataset_id) is None
        assert await tx.datasets.latest(ref.dataset_id) is None
        await tx.datasets.put(dataset())
        await tx.datasets.put(dataset(licence="MIT"))
        await tx.datasets.put(dataset("autre"))
        for number in (1, 10, 9):
            await tx.datasets.add_version(version(number))
        with pytest.raises(ConflictError):
            await tx.datasets.add_version(version(1, row_count=0))
    async with store.read() as tx:
        assert await tx.datasets.get(ref.dataset_id) == dataset(licence="MIT")
        assert [one.id for one in await tx.datasets.all()] == ["autre", "demandes"]
        assert await tx.datasets.version(ref) == version(1)
        assert await tx.datasets.version(replace(ref, version=2)) is None
        assert await tx.datasets.latest(ref.dataset_id) == version(10)
        numbers = [one.ref.version for one in await tx.datasets.versions(ref.dataset_id)]
        assert numbers == [10, 9, 1]


async def test_the_audit_log_is_a_chain_that_holds_after_reading(store: SqlStore) -> None:
    montreal = timezone(timedelta(hours=-5))
    async with store.begin() as tx:
        first = await tx.audit.append(event())
        assert (first.seq, first.previous_hash) == (1, FIRST_HASH)
        second = await tx.audit.append(
            event("x", at=NOON.astimezone(montreal), agency_id="", outcome="refused", facts={})
        )
        assert (second.seq, second.previous_hash) == (2, first.hash)
    async with store.begin() as tx:
        third = await tx.audit.append(event(at=NOON + timedelta(microseconds=1)))
    async with store.read() as tx:
        rows = await tx.audit.all()
        assert rows == [first, second, third]
        assert first_break(rows) is None
        assert [one.seq for one in (await tx.audit.page()).items] == [3, 2, 1]
        assert [one.seq for one in (await tx.audit.page(AuditFilter(action="x"))).items] == [2]
        assert [one.seq for one in (await tx.audit.page(AuditFilter(agency_id=RFT))).items] == [
            3,
            1,
        ]


async def test_audit_rows_are_found_by_what_is_looked_for(store: SqlStore) -> None:
    async with store.begin() as tx:
        for minutes, actor, action, about in (
            (0, ALICE, "request.file", "rq-1"),
            (1, ALICE, "requests.file", "rq-1"),
            (2, BENOIT, "request_file", "rq-2"),
            (3, ALICE, "request.approve", "rq-2"),
        ):
            at = NOON + timedelta(minutes=minutes)
            await tx.audit.append(event(action, at=at, actor=actor, resource_id=about))
        refused = event("request.file", at=NOON + timedelta(hours=1), outcome="refused")
        await tx.audit.append(refused)
    soon, later = NOON + timedelta(minutes=1), NOON + timedelta(minutes=3)
    wanted = {
        AuditFilter(): [1, 2, 3, 4, 5],
        AuditFilter(action="request"): [1, 4, 5],
        AuditFilter(action="request.file"): [1, 5],
        AuditFilter(action="request%"): [],
        AuditFilter(actor=BENOIT): [3],
        AuditFilter(resource_id="rq-2"): [3, 4],
        AuditFilter(since=soon, until=later): [2, 3],
        AuditFilter(outcome=AuditOutcome.REFUSED): [5],
        AuditFilter(actor=ALICE, action="request", outcome=AuditOutcome.DONE): [1, 4],
    }
    async with store.read() as tx:
        for which, expected in wanted.items():
            found = (await tx.audit.page(which)).items
            assert [one.seq for one in reversed(found)] == expected, which
            assert [one.seq for one in await tx.audit.following(0, which)] == expected
        assert [one.seq for one in await tx.audit.following(1, limit=2)] == [2, 3]


async def test_an_idempotency_key_is_written_once_for_each_owner(store: SqlStore) -> None:
    record = KeyRecord("m-a", ODD, "ff", "rq-1", NOON)
    async with store.begin() as tx:
        assert await tx.keys.get("m-a", ODD) is None
        await tx.keys.put(record)
        await tx.keys.put(replace(record, owner="m-b", resource_id="rq-2"))
        with pytest.raises(ConflictError):
            await tx.keys.put(replace(record, fingerprint="00"))
        assert await tx.keys.get("m-a", ODD) == record


async def test_the_outbox_gives_the_oldest_first_and_only_once(store: SqlStore) -> None:
    async with store.begin() as tx:
        for number in range(5):
            await tx.outbox.add("sandbox", f"sb-{number}", NOON)
    async with store.begin() as tx:
        assert await tx.outbox.take(2) == [("sandbox", "sb-0"), ("sandbox", "sb-1")]
    async with store.begin() as tx:
        assert len(await tx.outbox.take()) == 3
        assert await tx.outbox.take() == []


async def test_moments_come_back_in_utc_and_a_naive_one_is_refused(full: SqlStore) -> None:
    tokyo = NOON.astimezone(timezone(timedelta(hours=9))).replace(microsecond=123456)
    async with full.begin() as tx:
        await tx.tokens.put(token(created_at=tokyo))
        found = await tx.tokens.get("h1", TokenKind.SESSION)
        assert found is not None
        assert found.created_at == tokyo
        assert found.created_at.tzinfo is UTC
        with pytest.raises(ValueError, match="no time zone"):
            await tx.tokens.put(token("h2", created_at=NOON.replace(tzinfo=None)))


async def test_what_belongs_to_nothing_is_refused(store: SqlStore) -> None:
    with pytest.raises(StoreError):
        async with store.begin() as tx:
            await tx.agencies.reserve(reservation(agency_id=AgencyId("nobody")))
    with pytest.raises(StoreError):
        async with store.begin() as tx:
            await tx.sandboxes.put_stages([stage(sandbox_id=SandboxId("sb-0"))])


async def test_text_that_no_database_keeps_is_the_callers_mistake(full: SqlStore) -> None:
    async with full.begin() as tx:
        for bad in ("a\0b", "\0", "\ud83d"):
            with pytest.raises(InvalidError):
                await tx.requests.put(request(purpose=bad))
            with pytest.raises(InvalidError):
                await tx.members.by_login(bad)
        await tx.requests.put(request())
    async with full.read() as tx:
        assert await tx.requests.get(RequestId("rq-1")) == request(version=1)


async def test_an_amount_that_no_database_keeps_is_the_callers_mistake(full: SqlStore) -> None:
    async with full.begin() as tx:
        with pytest.raises(InvalidError):
            await tx.agencies.put(agency(version=1, quota=Usage(Resources(2**63))))
        widest = agency(version=1, quota=Usage(Resources(2**63 - 1)))
        assert await tx.agencies.put(widest) == await tx.agencies.get(RFT)
