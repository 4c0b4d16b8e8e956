from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.domain.draft import Step, StepState
from lab.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    KeyReusedError,
    NotFoundError,
    QuotaExceededError,
    StateError,
)
from lab.domain.ids import AgencyId
from lab.domain.member import Role
from lab.domain.request import RequestState
from lab.services.keys import IdempotencyKey
from lab.services.members import NewMember
from tests.world import World, draft, new_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from lab.bootstrap import Lab
    from lab.domain.draft import Draft
    from lab.domain.member import Member

RFT = AgencyId("rft")
ANSWERS: dict[Step, dict[str, tuple[str, ...]]] = {
    Step.PEOPLE: {"sponsor": ("Direction des services",), "contact": ("poste 12",)},
    Step.PURPOSE: {"purpose": ("Réduire les délais",), "success": ("Dix jours de moins",)},
    Step.DATA: {"datasets": ("demandes-prestations",), "legal_basis": ("Loi sur la Régie, 5",)},
    Step.USE: {"use": ("predict",), "template": ("01-depart",)},
    Step.RESOURCES: {"size": ("petit",), "ends_on": ("2026-12-05",)},
    Step.EGRESS: {"profile": ("standard",), "egress_reason": ("Garder les essais",)},
    Step.TEAM: {"colleagues": ("scientist",), "support": ("start",)},
    Step.READINESS: {"problem": ("measured",)},
}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as made:
        yield made


@pytest.fixture
async def lab(world: World) -> Lab:
    return await world.lab()


@pytest.fixture
def alice(world: World) -> Member:
    return world.people["requester"]


@pytest.fixture
async def colleague(lab: Lab) -> Member:
    return await lab.members.create(
        None, NewMember("colleague", "Colleague", RFT, frozenset({Role.REQUESTER}))
    )


async def written(lab: Lab, who: Member, **changes: Mapping[str, tuple[str, ...]]) -> Draft:
    opened = await lab.drafts.open(who, RFT)
    for step, values in ANSWERS.items():
        given = {**values, **changes.get(step.value, {})}
        await lab.drafts.answer(who, opened.id, step, given)
    return await lab.drafts.get(who, opened.id)


async def test_step_by_step_becomes_the_same_request_as_at_once(lab: Lab, alice: Member) -> None:
    made = await written(lab, alice)
    filed = await lab.drafts.submit(alice, made.id, version=made.version)
    assert filed.request.state is RequestState.APPROVED
    assert filed.request.sandbox_id is not None
    assert filed.request.answers["purpose"]["success"] == ("Dix jours de moins",)
    assert filed.request.answers["readiness"] == {"problem": ("measured",)}
    found = await lab.requests.get(alice, filed.request.id)
    assert found == filed.request
    at_once = await lab.requests.file(alice, draft(purpose="Réduire les délais"))
    for same in ("datasets", "template_id", "size", "profile_id", "ends_on", "team", "rule"):
        assert getattr(at_once.request, same) == getattr(found, same), same
    assert (await lab.drafts.page(alice)).items == []


async def test_sent_by_two_at_once_and_again_it_is_one_request(
    lab: Lab, alice: Member, colleague: Member
) -> None:
    made = await written(lab, alice)
    both = await asyncio.gather(
        *(lab.drafts.submit(who, made.id, version=made.version) for who in (alice, colleague))
    )
    again = await lab.drafts.submit(colleague, made.id)
    assert {filed.request.id for filed in (*both, again)} == {both[0].request.id}
    assert sorted(filed.is_replay for filed in (*both, again)) == [False, True, True]
    assert len((await lab.requests.page(alice)).items) == 1
    for late in (
        lab.drafts.answer(alice, made.id, Step.PURPOSE, ANSWERS[Step.PURPOSE]),
        lab.drafts.delete(alice, made.id),
    ):
        with pytest.raises(StateError):
            await late


async def test_a_colleague_goes_on_with_it_and_a_stranger_does_not_know_it(
    lab: Lab, world: World, alice: Member, colleague: Member
) -> None:
    made = await lab.drafts.open(alice, RFT)
    view = await lab.drafts.answer(colleague, made.id, Step.PURPOSE, ANSWERS[Step.PURPOSE])
    assert view.states[Step.PURPOSE] is StepState.DONE
    assert view.draft.answers[Step.PURPOSE].by == colleague.id
    assert [d.id for d in (await lab.drafts.page(colleague)).items] == [made.id]
    stranger = world.people["stranger"]
    assert (await lab.drafts.page(stranger)).items == []
    for attempt in (
        lab.drafts.view(stranger, made.id),
        lab.drafts.answer(stranger, made.id, Step.PURPOSE, {}),
        lab.drafts.delete(stranger, made.id),
        lab.drafts.submit(stranger, made.id),
    ):
        with pytest.raises(NotFoundError):
            await attempt
    with pytest.raises(ForbiddenError):
        await lab.drafts.open(stranger, RFT)
    events = (await lab.audit.page(world.people["operator"])).items
    refused = [e.action for e in events if e.outcome == "refused"]
    assert {"draft.answer", "draft.delete", "draft.submit", "draft.open"} == set(refused)
    assert [d.id for d in (await lab.drafts.page(world.people["operator"])).items] == [made.id]


async def test_a_stale_save_is_refused_and_the_same_save_twice_is_one(
    lab: Lab, alice: Member, colleague: Member
) -> None:
    made = await lab.drafts.open(alice, RFT)
    first = await lab.drafts.answer(alice, made.id, Step.TEAM, ANSWERS[Step.TEAM], version=1)
    with pytest.raises(ConflictError) as caught:
        await lab.drafts.answer(colleague, made.id, Step.USE, ANSWERS[Step.USE], version=1)
    assert (caught.value.expected, caught.value.found) == (1, 2)
    again = await lab.drafts.answer(alice, made.id, Step.TEAM, ANSWERS[Step.TEAM])
    assert again.draft == first.draft
    with pytest.raises(ConflictError):
        await lab.drafts.submit(alice, made.id, version=1)
    with pytest.raises(ConflictError):
        await lab.drafts.delete(alice, made.id, version=1)
    await lab.drafts.delete(alice, made.id, version=2)
    with pytest.raises(NotFoundError):
        await lab.drafts.get(alice, made.id)


async def test_a_step_tells_its_own_problems_and_no_others(lab: Lab, alice: Member) -> None:
    made = await lab.drafts.open(alice, RFT)
    for step, given, wrong in (
        (Step.DATA, {"datasets": ("dossiers-caches",)}, [("datasets", "not_mountable")]),
        (Step.RESOURCES, {"ends_on": ("2027-12-05",)}, [("ends_on", "too_far")]),
        (Step.RESOURCES, {"ends_on": ("2020-12-05",)}, [("ends_on", "in_the_past")]),
        (Step.TEAM, {"colleagues": ("stranger",)}, [("colleagues", "unknown")]),
        (Step.EGRESS, {"profile": ("internet",)}, [("profile", "unknown")]),
        (Step.USE, {"template": ("../..",)}, [("template", "unknown")]),
        (Step.READINESS, {"problem": ("perhaps",)}, [("problem", "unknown")]),
    ):
        with pytest.raises(InvalidError) as caught:
            await lab.drafts.answer(alice, made.id, step, {**ANSWERS.get(step, {}), **given})
        assert [(p.field, p.code) for p in caught.value.problems] == wrong
    assert (await lab.drafts.get(alice, made.id)).answers == {}
    view = await lab.drafts.answer(
        alice, made.id, Step.RESOURCES, {"size": ("petit",)}, is_partial=True
    )
    assert view.states[Step.RESOURCES] is StepState.STARTED


async def test_what_is_missing_or_no_longer_right_is_told_at_the_end(
    lab: Lab, world: World, alice: Member
) -> None:
    made = await lab.drafts.open(alice, RFT)
    with pytest.raises(InvalidError) as caught:
        await lab.drafts.submit(alice, made.id)
    assert {p.code for p in caught.value.problems} == {"required"}
    assert len({p.field for p in caught.value.problems}) == len(caught.value.problems) == 12
    made = await written(lab, alice)
    world.clock.time += timedelta(days=30)
    with pytest.raises(InvalidError) as caught:
        await lab.drafts.submit(alice, made.id)
    assert [(p.field, p.code) for p in caught.value.problems] == [("ends_on", "in_the_past")]


async def test_the_outlook_follows_the_answers_and_the_quota(lab: Lab, alice: Member) -> None:
    made = await lab.drafts.open(alice, RFT)
    assert (await lab.drafts.view(alice, made.id)).outlook.decision.is_approved
    given = {"size": ("grand",), "ends_on": ("2027-01-20",)}
    seen = await lab.drafts.preview(alice, made.id, Step.RESOURCES, given)
    assert seen.outlook.decision.reasons == ("resources", "days")
    assert seen.outlook.fits
    assert (await lab.drafts.get(alice, made.id)).answers == {}
    small = (await lab.requests.file(alice, draft())).request
    seen = await lab.drafts.preview(alice, made.id, Step.RESOURCES, given)
    assert not seen.outlook.fits
    assert seen.outlook.frees_at == seen.outlook.next_end == small.expires_at
    anonymous = {"datasets": ("dossiers-anonymes",)}
    view = await lab.drafts.answer(alice, made.id, Step.DATA, anonymous, is_partial=True)
    assert view.outlook.decision.reasons == ("data_class", "two_approvals")
    assert view.outlook.frees_at is None


async def test_without_room_the_draft_stays(lab: Lab, alice: Member) -> None:
    await lab.requests.file(alice, draft(size="grand"))
    made = await written(lab, alice)
    with pytest.raises(QuotaExceededError):
        await lab.drafts.submit(alice, made.id)
    assert (await lab.drafts.get(alice, made.id)).request_id is None


async def test_a_key_begins_one_draft(lab: Lab, world: World, alice: Member) -> None:
    key = IdempotencyKey.of("k", {"agency_id": "rft"})
    first, second = [await lab.drafts.open(alice, RFT, key=key) for _ in range(2)]
    assert first.id == second.id
    with pytest.raises(KeyReusedError):
        await lab.drafts.open(alice, RFT, key=IdempotencyKey.of("k", {"other": 1}))
    with pytest.raises(InvalidError):
        await lab.drafts.open(world.people["operator"], AgencyId("personne"))


async def test_who_wrote_an_answer_never_decides_about_the_request(
    lab: Lab, world: World, alice: Member
) -> None:
    operator, reviewer = world.people["operator"], world.people["reviewer"]
    opened = await written(lab, alice, resources={"size": ("grand",)})
    again = {**ANSWERS[Step.PURPOSE], "success": ("Quinze jours de moins",)}
    await lab.drafts.answer(operator, opened.id, Step.PURPOSE, again)
    request = (await lab.drafts.submit(alice, opened.id)).request
    assert request.state is RequestState.IN_REVIEW
    for decide in (
        lab.requests.approve(operator, request.id),
        lab.requests.reject(operator, request.id, reason="Non."),
    ):
        with pytest.raises(ForbiddenError):
            await decide
    assert (await lab.requests.approve(reviewer, request.id)).state is RequestState.APPROVED
