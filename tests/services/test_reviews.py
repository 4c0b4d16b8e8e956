from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from lab.domain.draft import Step
from lab.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    QuotaExceededError,
    SecondPersonError,
    StateError,
)
from lab.domain.ids import AgencyId, DraftId
from lab.domain.member import Role
from lab.domain.request import RequestState
from lab.domain.review import TurnKind
from lab.services.filing import Narrowed
from lab.services.members import NewMember
from tests.world import QUOTA, World, draft, new_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.bootstrap import Lab
    from lab.domain.member import Member
    from lab.domain.request import SandboxRequest

RFT = AgencyId("rft")
ASKED = ("Quel effet pour le public?", "Pourquoi ce format?")
SAID = ("Dix jours de moins.", "L’entraînement tient dans quatre cœurs.")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as made:
        yield made


@pytest.fixture
async def lab(world: World) -> Lab:
    return await world.lab()


@pytest.fixture
def reviewer(world: World) -> Member:
    return world.people["reviewer"]


@pytest.fixture
def alice(world: World) -> Member:
    return world.people["requester"]


async def filed(lab: Lab, who: Member, **changes: object) -> SandboxRequest:
    return (await lab.requests.file(who, draft(**({"size": "grand"} | changes)))).request


async def returned(lab: Lab, who: Member, by: Member) -> SandboxRequest:
    request = await filed(lab, who)
    return await lab.reviews.send_back(by, request.id, questions=ASKED)


def revision(request: SandboxRequest) -> DraftId:
    assert request.draft_id is not None
    return request.draft_id


async def test_a_returned_request_comes_back_changed_under_the_same_reference(
    lab: Lab, alice: Member, reviewer: Member
) -> None:
    request = await returned(lab, alice, reviewer)
    assert (request.state, request.waiting_since) == (RequestState.RETURNED, None)
    assert request.turns[-1].lines == ASKED
    # Its place in the quota is kept meanwhile.
    assert (await lab.agencies.quota(alice, RFT)).left != QUOTA
    # Its answers are there to be changed, although it was not filed step by step.
    opened = await lab.drafts.get(alice, revision(request))
    assert opened.values(Step.RESOURCES) == {"size": ("grand",), "ends_on": ("2026-12-05",)}
    assert opened.values(Step.TEAM) == {"colleagues": ("scientist",)}
    changed = {"size": ("moyen",), "ends_on": ("2026-12-04",)}
    await lab.drafts.answer(alice, opened.id, Step.RESOURCES, changed)
    again = await lab.reviews.answer(alice, request.id, answers=SAID)
    assert (again.id, again.state) == (request.id, RequestState.IN_REVIEW)
    assert (again.size, again.ends_on) == ("moyen", date(2026, 12, 4))
    turn = again.turns[-1]
    assert (turn.kind, turn.lines) == (TurnKind.ANSWERED, SAID)
    assert {(c.field, c.before, c.after) for c in turn.changes} == {
        ("size", ("grand",), ("moyen",)),
        ("ends_on", ("2026-12-05",), ("2026-12-04",)),
    }
    approved = await lab.requests.approve(reviewer, request.id, version=again.version)
    assert approved.state is RequestState.APPROVED
    held = (await lab.agencies.quota(alice, RFT)).held
    assert held.resources.cpu_millicores == 2000
    with pytest.raises(StateError):
        await lab.drafts.answer(alice, opened.id, Step.RESOURCES, changed)


async def test_questions_and_answers_are_checked_one_by_one_and_nothing_is_lost(
    lab: Lab, alice: Member, reviewer: Member
) -> None:
    request = await filed(lab, alice)
    for questions, wrong in (
        ([], [("questions", "required")]),
        ([" ", "\n"], [("questions", "required")]),
        (
            ["a\x00b", "x" * 1001],
            [("questions.1", "control_characters"), ("questions.2", "too_long")],
        ),
        (["?"] * 11, [("questions", "too_many")]),
    ):
        with pytest.raises(InvalidError) as caught:
            await lab.reviews.send_back(reviewer, request.id, questions=questions)
        assert [(p.field, p.code) for p in caught.value.problems] == wrong
    back = await lab.reviews.send_back(reviewer, request.id, questions=ASKED)
    for answers, wrong in (
        ([], [("answers.1", "required"), ("answers.2", "required")]),
        (["Oui.", " "], [("answers.2", "required")]),
        (["a", "b", "c"], [("answers", "too_many")]),
    ):
        with pytest.raises(InvalidError) as caught:
            await lab.reviews.answer(alice, request.id, answers=answers)
        assert [(p.field, p.code) for p in caught.value.problems] == wrong
    assert (await lab.requests.get(alice, request.id)) == back


async def test_a_change_that_is_wrong_or_too_large_is_refused_and_the_draft_stays(
    lab: Lab, world: World, alice: Member, reviewer: Member
) -> None:
    request = await returned(lab, alice, reviewer)
    world.clock.time += timedelta(days=20)
    with pytest.raises(InvalidError) as caught:
        await lab.reviews.answer(alice, request.id, answers=SAID)
    assert [(p.field, p.code) for p in caught.value.problems] == [("ends_on", "in_the_past")]
    later = {"size": ("grand",), "ends_on": ("2026-12-24",)}
    await lab.drafts.answer(alice, revision(request), Step.RESOURCES, later)
    async with world.store.begin() as tx:
        agency = await tx.agencies.lock(RFT)
        assert agency is not None
        small = replace(agency.quota, sandboxes=0)
        await tx.agencies.put(replace(agency, quota=small))
    with pytest.raises(QuotaExceededError):
        await lab.reviews.answer(alice, request.id, answers=SAID)
    kept = await lab.requests.get(alice, request.id)
    assert (kept.state, kept.draft_id) == (RequestState.RETURNED, request.draft_id)
    # And what it held is held still.
    assert (await lab.agencies.quota(alice, RFT)).held.sandboxes == 1


async def test_who_wrote_what_was_sent_again_never_decides_about_it(
    lab: Lab, world: World, alice: Member, reviewer: Member
) -> None:
    operator = world.people["operator"]
    request = await returned(lab, alice, reviewer)
    answers = {"purpose": ("Autre but",)}
    opened = revision(request)
    await lab.drafts.answer(operator, opened, Step.PURPOSE, answers, is_partial=True)
    await lab.reviews.answer(alice, request.id, answers=SAID)
    for decide in (
        lab.requests.approve(operator, request.id),
        lab.requests.reject(operator, request.id, reason="Non."),
        lab.reviews.send_back(operator, request.id, questions=["Et?"]),
    ):
        with pytest.raises(ForbiddenError):
            await decide
    assert (await lab.requests.approve(reviewer, request.id)).state is RequestState.APPROVED


async def test_a_colleague_answers_too_and_others_do_not(
    lab: Lab, world: World, alice: Member, reviewer: Member
) -> None:
    colleague = await lab.members.create(
        None, NewMember("colleague", "Colleague", RFT, frozenset({Role.REQUESTER}))
    )
    request = await returned(lab, alice, reviewer)
    with pytest.raises(NotFoundError):
        await lab.reviews.answer(world.people["stranger"], request.id, answers=SAID)
    with pytest.raises(ForbiddenError):
        await lab.reviews.answer(reviewer, request.id, answers=SAID)
    again = await lab.reviews.answer(colleague, request.id, answers=SAID)
    assert (again.turns[-1].by, again.requester_id) == (colleague.id, alice.id)
    with pytest.raises(StateError):
        await lab.reviews.answer(alice, request.id, answers=SAID)


async def test_the_draft_of_a_returned_request_is_not_sent_or_thrown_away_by_itself(
    lab: Lab, alice: Member, reviewer: Member
) -> None:
    request = await returned(lab, alice, reviewer)
    with pytest.raises(StateError):
        await lab.drafts.submit(alice, revision(request))
    with pytest.raises(StateError):
        await lab.drafts.delete(alice, revision(request))
    withdrawn = await lab.requests.withdraw(alice, request.id)
    assert (withdrawn.state, withdrawn.draft_id) == (RequestState.WITHDRAWN, None)
    assert (await lab.agencies.quota(alice, RFT)).left == QUOTA
    with pytest.raises(NotFoundError):
        await lab.drafts.get(alice, revision(request))


async def test_two_different_people_approve_what_the_policy_says(
    lab: Lab, world: World, alice: Member, reviewer: Member
) -> None:
    request = await filed(lab, alice, size="petit", datasets=("dossiers-anonymes",))
    assert (request.state, request.approvals_needed) == (RequestState.IN_REVIEW, 2)
    once = await lab.requests.approve(reviewer, request.id)
    assert (once.state, once.first_by, once.sandbox_id) == (
        RequestState.IN_REVIEW,
        reviewer.id,
        None,
    )
    with pytest.raises(SecondPersonError):
        await lab.requests.approve(reviewer, request.id)
    with pytest.raises(ForbiddenError):
        await lab.requests.approve(alice, request.id)
    both = await lab.requests.approve(world.people["supervisor"], request.id)
    assert (both.state, both.decided_by) == (
        RequestState.APPROVED,
        world.people["supervisor"].id,
    )
    assert [turn.kind for turn in both.turns] == [TurnKind.APPROVED_ONCE, TurnKind.APPROVED]


async def test_one_refusal_ends_it_and_a_return_forgets_the_first_approval(
    lab: Lab, world: World, alice: Member, reviewer: Member
) -> None:
    operator = world.people["operator"]
    refused = await filed(lab, alice, size="petit", datasets=("dossiers-anonymes",))
    await lab.requests.approve(reviewer, refused.id)
    ended = await lab.requests.reject(operator, refused.id, reason="Non justifié")
    assert ended.state is RequestState.REJECTED
    request = await filed(lab, alice, size="petit", datasets=("dossiers-anonymes",))
    await lab.requests.approve(reviewer, request.id)
    back = await lab.reviews.send_back(operator, request.id, questions=["Pourquoi?"])
    assert back.first_by is None
    await lab.reviews.answer(alice, request.id, answers=["Parce que."])
    assert (await lab.requests.approve(reviewer, request.id)).state is RequestState.IN_REVIEW
    assert (await lab.requests.approve(operator, request.id)).state is RequestState.APPROVED


async def test_approvals_at_the_same_moment_count_once_each(
    lab: Lab, world: World, alice: Member, reviewer: Member
) -> None:
    request = await filed(lab, alice, size="petit", datasets=("dossiers-anonymes",))
    await asyncio.gather(
        *(lab.requests.approve(reviewer, request.id) for _ in range(5)), return_exceptions=True
    )
    assert (await lab.requests.get(alice, request.id)).state is RequestState.IN_REVIEW
    await lab.requests.approve(world.people["operator"], request.id)
    assert (await lab.requests.get(alice, request.id)).state is RequestState.APPROVED


async def test_a_stale_decision_is_refused_and_says_what_was_done_since(
    lab: Lab, world: World, alice: Member, reviewer: Member
) -> None:
    request = await filed(lab, alice)
    await lab.reviews.send_back(world.people["operator"], request.id, questions=["Et?"])
    for decide in (
        lab.requests.approve(reviewer, request.id, version=request.version),
        lab.requests.reject(reviewer, request.id, reason="Non.", version=request.version),
        lab.reviews.send_back(reviewer, request.id, questions=["Quoi?"], version=request.version),
    ):
        with pytest.raises(ConflictError) as caught:
            await decide
        assert [each["what"] for each in caught.value.changed] == ["returned"]


async def test_the_queue_is_narrowed_down(
    lab: Lab, world: World, alice: Member, reviewer: Member
) -> None:
    old = await filed(lab, alice, size="moyen")
    world.clock.time += timedelta(days=3)
    two = await filed(lab, alice, size="petit", datasets=("dossiers-anonymes",))
    other = await filed(
        lab, world.people["stranger"], agency_id="bnf", colleagues=(), size="moyen"
    )
    await lab.requests.approve(reviewer, two.id)

    async def names(who: Member = reviewer, **by: object) -> set[str]:
        page = await lab.requests.page(who, narrowed=Narrowed(**by))  # type: ignore[arg-type]
        return {request.id for request in page.items}

    assert await names() == {old.id, two.id, other.id}
    assert await names(agency_id=AgencyId("bnf")) == {other.id}
    assert await names(waiting_days=2) == {old.id}
    assert await names(needs_two=True) == {two.id}
    assert await names(is_mine=True) == {old.id, other.id}
    classes = {each.value: each for each in two.data_classes}
    assert await names(data_class=classes["anonymise"]) == {two.id}
    assert await names(alice, agency_id=AgencyId("bnf")) == {old.id, two.id}
    assert await names(alice, is_mine=True) == {old.id, two.id}
