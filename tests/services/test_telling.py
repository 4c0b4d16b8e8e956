from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from lab.domain.errors import ForbiddenError, InvalidError, NotFoundError, ProviderError
from lab.domain.idleness import IdleRule
from lab.domain.ids import AgencyId
from lab.domain.letter import path_of
from lab.domain.member import Role
from lab.domain.notice import KEPT_READ, NOTICE_DUE, Happening, MailState, NoticeKind, is_address
from lab.domain.sandbox import Seen, Stage, StageState, SuspendReason, Suspension
from lab.ports import PostError, RunningServer
from lab.services.idling import IdleLook
from lab.services.members import NewMember
from lab.services.telling import NoticeWork, announce
from tests.conftest import NOON
from tests.world import Desk, World, draft, new_world, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from lab.bootstrap import Lab
    from lab.domain.member import Member
    from lab.domain.request import SandboxRequest


@dataclass
class Case:
    world: World
    lab: Lab
    desk: Desk
    work: NoticeWork

    async def told(self) -> set[tuple[str, str]]:
        """Empty the outbox as the loop does; return who has which unread notices."""
        async with self.world.store.begin() as tx:
            for kind, text in await tx.outbox.take():
                if kind == NOTICE_DUE:
                    await self.work.take_in(tx, text)
        found = set()
        for login, member in self.world.people.items():
            for notice in await self.lab.notices.mine(member, unread_only=True):
                found.add((login, notice.kind.value))
            await self.lab.notices.read_all(member)
        return found

    async def told_unread(self) -> None:
        async with self.world.store.begin() as tx:
            for kind, text in await tx.outbox.take():
                if kind == NOTICE_DUE:
                    await self.work.take_in(tx, text)

    async def filed(self, **changes: object) -> SandboxRequest:
        asked = draft(**({"size": "moyen"} | changes))
        return (await self.lab.requests.file(self.world.people["requester"], asked)).request


@pytest.fixture
async def case() -> AsyncIterator[Case]:
    async with new_world() as world:
        lab, desk = await world.lab(), world.desk
        numbers = iter(range(10**6))
        work = NoticeWork(
            store=world.store,
            clock=world.clock,
            new_id=lambda prefix: f"{prefix}-{next(numbers):06}",
            post=desk,
            url="https://lab.example",
            domain="lab.example",
            zone=ZoneInfo("America/Toronto"),
            idle=IdleLook(notebooks=world.notebooks, rule=IdleRule(timedelta(hours=2))),
            every=timedelta(seconds=1),
        )
        yield Case(world, lab, desk, work)


async def test_each_event_is_told_to_whom_it_concerns_and_who_may_read_of_it(case: Case) -> None:
    people, lab = case.world.people, case.lab
    colleague = await lab.members.create(
        None, NewMember("colleague", "C", AgencyId("rft"), frozenset({Role.REQUESTER}))
    )
    people["colleague"] = colleague
    staff = {(name, "needs_approval") for name in ("operator", "reviewer", "supervisor")}
    request = await case.filed(colleagues=("colleague", "scientist"))
    # The requester did it; the scientist of the team may not open the page of a request.
    assert await case.told() == staff | {("colleague", "submitted")}
    await lab.reviews.send_back(people["reviewer"], request.id, questions=["Et?"])
    team = {"requester", "colleague"}
    assert await case.told() == {(name, "returned") for name in team}
    await lab.reviews.answer(people["requester"], request.id, answers=["Oui."])
    assert await case.told() == staff
    await lab.messages.say(people["requester"], request.id, text="Bonjour")
    assert await case.told() == {("colleague", "message"), ("reviewer", "message")}
    await lab.messages.say(people["reviewer"], request.id, text="Bonjour à vous")
    assert await case.told() == {(name, "message") for name in team}
    await lab.requests.approve(people["reviewer"], request.id)
    assert await case.told() == {(name, "approved") for name in team}
    other = await case.filed()
    await lab.requests.reject(people["operator"], other.id, reason="Non.")
    # Decided already when the outbox is read: nobody is asked to decide any more.
    assert await case.told() == {("requester", "refused")}


async def test_an_event_is_told_once_however_often_it_is_heard(case: Case) -> None:
    request = await case.filed()
    event = Happening(NoticeKind.NEEDS_APPROVAL, request.id, "v9")
    for _ in range(3):
        async with case.world.store.begin() as tx:
            await announce(tx, case.world.clock.now(), event, event)
        await case.told()
    for row in ("", "nothing at all here", "returned rq-none v1 -", "x" * 500):
        async with case.world.store.begin() as tx:
            await case.work.take_in(tx, row)
    found = await case.lab.notices.mine(case.world.people["reviewer"])
    assert sorted(n.key for n in found) == sorted({n.key for n in found})
    assert len(found) == 2


async def test_what_comes_by_itself_is_looked_for_and_told_late_rather_than_never(
    case: Case,
) -> None:
    clock, store = case.world.clock, case.world.store
    request = await case.filed(size="petit")
    sandbox_id = request.sandbox_id
    assert sandbox_id is not None
    await case.told()
    assert await case.work.look() == 0
    async with store.begin() as tx:
        await tx.sandboxes.put_stages([
            StageState(sandbox_id, s, Seen.READY, clock.now(), ready_at=clock.now()) for s in Stage
        ])
    team = {"requester", "scientist"}
    for _ in range(2):
        await case.work.look()
    assert await case.told() == {(name, "ready") for name in team}
    # Nobody looked for eleven days: the last week's notice comes when somebody does.
    clock.time += timedelta(days=11)
    for _ in range(2):
        await case.work.look()
    assert await case.told() == {(name, "expires_in_7") for name in team}
    clock.time = request.expires_at - timedelta(hours=5)
    await case.work.look()
    assert await case.told() == {(name, "expires_in_1") for name in team}
    async with store.begin() as tx:
        sandbox = await tx.sandboxes.get(sandbox_id)
        assert sandbox is not None
        held = Suspension(clock.now(), SuspendReason.ASKED, "Une fuite")
        await tx.sandboxes.put(sandbox.suspended(held))
    await case.work.look()
    assert await case.told() == {(name, "suspended") for name in team}
    clock.time = request.expires_at
    assert await case.work.look() == 0


async def test_who_leaves_a_notebook_idle_is_told_before_it_stops_once_each_time(
    case: Case,
) -> None:
    clock, notebooks, me = case.world.clock, case.world.notebooks, case.world.people["requester"]
    request = await case.filed(size="petit")
    assert request.sandbox_id is not None
    sandbox_id = request.sandbox_id
    await case.told()
    used_at = clock.now()

    def uses(at: datetime, *people: Member) -> None:
        notebooks.used = [RunningServer(p.id, sandbox_id, at) for p in people]

    async def told_at(at: datetime) -> set[tuple[str, str]]:
        clock.time = at
        await case.work.look()
        return await case.told()

    # The stranger is not of its team, whatever the hub says.
    uses(used_at, me, case.world.people["stranger"])
    assert await told_at(used_at + timedelta(minutes=104)) == set()
    assert await told_at(used_at + timedelta(minutes=106)) == {("requester", "idle")}
    assert await told_at(used_at + timedelta(minutes=110)) == set()
    assert await case.lab.sandboxes.stops_soon(me, sandbox_id) is None  # it does not run
    await notebooks.start(me.id, sandbox_id)
    notebooks.states_used_at = used_at
    assert await case.lab.sandboxes.stops_soon(me, sandbox_id) == used_at + timedelta(hours=2)
    # Used again: what the page said is over, and the next time is told anew.
    notebooks.states_used_at = again = clock.now()
    assert await case.lab.sandboxes.stops_soon(me, sandbox_id) is None
    uses(again, me)
    assert await told_at(again + timedelta(minutes=100)) == set()
    assert await told_at(again + timedelta(minutes=112)) == {("requester", "idle")}
    notices = await case.lab.notices.mine(me)
    ends = [n.due_at for n in notices if n.kind is NoticeKind.IDLE]
    assert ends == [again + timedelta(hours=2), used_at + timedelta(hours=2)]
    await case.work.send()
    letter = next(each for each in case.desk.taken if "carnet" in each.subject)
    # 14:00 UTC is 9:00 where the lab is.
    assert "vers 9\u00a0h\u00a000, le 2026-11-21. Pour le garder" in letter.body
    assert "at about 09:00 on 2026-11-21. To keep it: run a cell" in letter.body
    # An end that has passed is told to nobody.
    uses(used_at, me)
    assert await told_at(again + timedelta(hours=9)) == set()


async def test_a_hub_that_does_not_answer_keeps_no_other_notice_back(case: Case) -> None:
    request = await case.filed(size="petit")
    await case.told()
    case.world.notebooks.fails = ProviderError(Stage.WORKSPACE, "the hub does not answer")
    case.world.clock.time = request.expires_at - timedelta(hours=5)
    await case.work.look()
    assert ("scientist", "expires_in_1") in await case.told()


@pytest.mark.parametrize(
    ("limit", "lead"), [(120, 15), (60, 15), (8, 2), (0, 0)], ids=lambda n: f"{n}"
)
def test_the_notice_comes_a_quarter_of_the_limit_before_and_never_over_fifteen_minutes(
    limit: int, lead: int
) -> None:
    rule = IdleRule(timedelta(minutes=limit))
    assert rule.lead == timedelta(minutes=lead)
    assert rule.told_of(NOON, NOON) is None
    assert (rule.stops_at(NOON) is None) == (limit == 0)


async def test_a_mail_holds_a_reference_and_a_link_and_nothing_else(case: Case) -> None:
    people, secret = case.world.people, "SECRET-du-but"
    request = await case.filed(purpose=secret)
    await case.lab.messages.say(people["requester"], request.id, text=secret)
    await case.told()
    await case.lab.notices.set_address(people["reviewer"], " r.cote@organisme.example ")
    # Two notices for each of the three who review: the request, and the message.
    assert await case.work.send() == 6
    assert await case.work.send() == 0
    assert {letter.to for letter in case.desk.taken} == {
        "r.cote@organisme.example",
        "operator@lab.example",
        "supervisor@lab.example",
    }
    for letter in case.desk.taken:
        text = letter.subject + letter.body
        assert f"https://lab.example/demandes/{request.id}" in text
        assert letter.body.index("attend") < letter.body.index("awaits")
        for never in (secret, *(m.name for m in people.values()), "reviewer", "operator"):
            assert never not in text


async def test_a_server_that_is_down_loses_nothing_and_is_asked_less_and_less_often(
    case: Case,
) -> None:
    await case.filed()
    await case.told()
    down = [PostError("down") for _ in range(3)]
    case.desk.fails = list(down)
    reviewers, clock = 3, case.world.clock
    waits = []
    for _ in down:
        assert await case.work.send() == 0
        async with case.world.store.read() as tx:
            kept = await tx.notices.to_send(clock.now() + timedelta(days=1))
        assert len(kept) == reviewers
        waits.append(max(n.next_try_at for n in kept if n.next_try_at) - clock.now())
        clock.time = max(n.next_try_at for n in kept if n.next_try_at)
    assert waits == sorted(waits)
    assert waits[0] == timedelta(minutes=1)
    assert await case.work.send() == reviewers
    assert len({letter.id for letter in case.desk.taken}) == reviewers


async def test_what_may_have_left_or_is_refused_is_not_sent_again(case: Case) -> None:
    await case.filed()
    await case.told()
    case.desk.fails = [PostError("550", is_final=True), PostError("lost", may_have_left=True)]
    # Refused for one address: the next may fare better. A lost server: not now.
    assert await case.work.send() == 0
    assert await case.work.send() == 1
    async with case.world.store.begin() as tx:
        found = [n for m in case.world.people.values() for n in await tx.notices.of(m.id)]
        sent = next(n for n in found if n.mail is MailState.SENT)
        await tx.notices.put(replace(sent, mail=MailState.SENDING))
    assert {n.mail for n in found} == {MailState.SENT, MailState.REFUSED, MailState.UNKNOWN}
    # A process ended in the middle of it.
    await case.work.recover()
    assert await case.work.send() == 0
    async with case.world.store.read() as tx:
        again = await tx.notices.get(sent.id)
    assert again is not None
    assert again.mail is MailState.UNKNOWN


async def test_without_an_address_there_is_no_mail_and_the_notice_stays(case: Case) -> None:
    case.desk.is_local = False
    await case.filed()
    await case.told()
    assert await case.work.send() == 0
    found = await case.lab.notices.mine(case.world.people["reviewer"])
    assert [n.mail for n in found] == [MailState.NONE]


async def test_notices_are_ones_own(case: Case) -> None:
    await case.filed()
    await case.told()
    people, notices = case.world.people, case.lab.notices
    theirs = (await notices.mine(people["reviewer"]))[0]
    with pytest.raises(NotFoundError):
        await notices.read(people["operator"], theirs.id)
    with pytest.raises(NotFoundError):
        await notices.read(people["operator"], "no-nothing")
    assert (await notices.read(people["reviewer"], theirs.id)).read_at is not None
    for wrong in ("a", "a@b", "a@b.c, d@e.f", "a@b.c\nBcc: d@e.f", "é@b.ca", "x" * 400 + "@b.ca"):
        assert not is_address(wrong)
        with pytest.raises(InvalidError):
            await notices.set_address(people["reviewer"], wrong)
    assert await notices.address(people["reviewer"]) == ""


async def test_what_was_read_half_a_year_ago_goes_but_for_what_is_not_over(case: Case) -> None:
    people, clock, notices = case.world.people, case.world.clock, case.lab.notices
    me = people["requester"]
    live, waiting = await case.filed(size="petit"), await case.filed()
    await case.told()
    assert live.sandbox_id is not None
    clock.time += timedelta(minutes=5)
    # The sandbox of one stays for years; what it is told of would be told again.
    async with case.world.store.begin() as tx:
        sandbox = await tx.sandboxes.get(live.sandbox_id)
        assert sandbox is not None
        held = Suspension(clock.now(), SuspendReason.ASKED, "Une fuite")
        far = replace(sandbox.spec, expires_at=clock.now() + timedelta(days=999))
        await tx.sandboxes.put(replace(sandbox, spec=far).suspended(held))
    await case.work.look()
    about = {n.subject for n in await notices.mine(me)}
    assert live.sandbox_id in about
    clock.time += KEPT_READ
    await notices.read_all(me)
    assert await case.work.prune() == 0
    clock.time += KEPT_READ + timedelta(days=1)
    # Its mail still waits: not yet.
    before = {p: len(await notices.mine(m)) for p, m in people.items()}
    assert await case.work.prune() == 0
    await case.work.send()
    assert await case.work.prune() == 0  # asked again within the hour
    clock.time += timedelta(hours=2)
    gone = await case.work.prune()
    after = {p: len(await notices.mine(m)) for p, m in people.items()}
    assert gone == sum(before.values()) - sum(after.values()) > 0
    assert live.sandbox_id in {n.subject for n in await notices.mine(me)}
    # Nobody read these: they stay.
    await case.lab.messages.say(me, waiting.id, text="Bonjour")
    await case.told_unread()
    clock.time += 3 * KEPT_READ
    await case.work.send()
    assert await case.work.prune() == 0
    assert await case.work.look() == 0


@pytest.fixture
def stranger(case: Case) -> Member:
    return case.world.people["stranger"]


async def test_messages_are_between_who_asks_and_who_reviews_and_the_log_has_no_text(
    case: Case, stranger: Member
) -> None:
    people, messages = case.world.people, case.lab.messages
    request = await case.filed()
    hostile = "<script>alert(1)</script> «\u00a0été\u00a0»\nligne deux"
    written = await messages.say(people["requester"], request.id, text=hostile)
    assert [m.text for m in await messages.of(people["reviewer"], request.id)] == [hostile]
    for who in (stranger, people["scientist"]):
        with pytest.raises(NotFoundError):
            await messages.say(who, request.id, text="Moi aussi")
        with pytest.raises((NotFoundError, ForbiddenError)):
            await messages.of(who, request.id)
    wrong = ((" ", "required"), ("x" * 4001, "too_long"), ("a\x00", "control_characters"))
    for text, code in wrong:
        with pytest.raises(InvalidError) as caught:
            await messages.say(people["reviewer"], request.id, text=text)
        assert [p.code for p in caught.value.problems] == [code]
    async with case.world.store.read() as tx:
        events = [e for e in await tx.audit.all() if e.action == "message.write"]
    done = [e for e in events if e.outcome == "done"]
    assert [e.facts for e in done] == [{"message_id": written.id}]
    assert "alert" not in repr(events)


async def test_the_loop_itself_tells_and_sends_what_an_earlier_process_left_in_the_outbox() -> (
    None
):
    async with new_world() as world:
        before = await world.lab()
        asked = draft(size="moyen", colleagues=())
        request = (await before.requests.file(world.people["requester"], asked)).request
        after = await world.lab()
        async with running(after), asyncio.timeout(20):
            while len(world.desk.taken) < 3:
                await asyncio.sleep(0.02)
        assert {letter.subject.rpartition(" ")[2] for letter in world.desk.taken} == {
            f"({request.id})"
        }


def test_a_subject_leads_to_its_page() -> None:
    assert [path_of(name) for name in ("rq-1", "sb-1", "in-1")] == [
        "/demandes/rq-1",
        "/bacs/sb-1",
        "/dossiers/in-1",
    ]
