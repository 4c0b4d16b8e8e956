from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.domain.agency import Usage
from lab.domain.audit import first_break
from lab.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    KeyReusedError,
    NotFoundError,
    Problem,
    QuotaExceededError,
    StateError,
)
from lab.domain.ids import AgencyId, RequestId
from lab.domain.quantity import GIB, Resources
from lab.domain.request import TRANSITIONS, Move, RequestState
from lab.services.keys import IdempotencyKey
from tests.world import QUOTA, World, draft, new_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.bootstrap import Lab


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as made:
        yield made


@pytest.fixture
async def lab(world: World) -> Lab:
    return await world.lab()


async def problems(lab: Lab, world: World, **changes: object) -> set[tuple[str, str]]:
    with pytest.raises(InvalidError) as caught:
        await lab.requests.file(world.people["requester"], draft(**changes))
    return {(problem.field, problem.code) for problem in caught.value.problems}


async def test_small_and_synthetic_is_approved_at_once(lab: Lab, world: World) -> None:
    request = (await lab.requests.file(world.people["requester"], draft())).request
    assert request.state is RequestState.APPROVED
    assert request.rule == "petit-et-synthetique"
    assert request.sandbox_id is not None
    assert request.expires_at == datetime(2026, 12, 6, 5, tzinfo=UTC)  # midnight in Québec
    assert set(request.team) == {world.people["requester"].id, world.people["scientist"].id}


@pytest.mark.parametrize(
    "change",
    [
        {"size": "moyen"},
        {"datasets": ("dossiers-anonymes",)},
        {"ends_on": date(2027, 1, 15)},
    ],
)
async def test_anything_else_waits_for_a_person(
    lab: Lab, world: World, change: dict[str, object]
) -> None:
    request = (await lab.requests.file(world.people["requester"], draft(**change))).request
    assert request.state is RequestState.IN_REVIEW
    assert request.sandbox_id is None


async def test_reviewer_approves_and_the_requester_never_does(lab: Lab, world: World) -> None:
    request = (await lab.requests.file(world.people["requester"], draft(size="moyen"))).request
    with pytest.raises(ForbiddenError):
        await lab.requests.approve(world.people["requester"], request.id)
    with pytest.raises(NotFoundError):
        await lab.requests.approve(world.people["stranger"], request.id)
    approved = await lab.requests.approve(world.people["reviewer"], request.id)
    assert (approved.state, approved.decided_by) == (
        RequestState.APPROVED,
        world.people["reviewer"].id,
    )
    assert (await lab.requests.approve(world.people["operator"], request.id)) == approved


async def test_refusal_needs_a_reason_and_gives_the_quota_back(lab: Lab, world: World) -> None:
    operator = world.people["operator"]
    request = (await lab.requests.file(world.people["requester"], draft(size="grand"))).request
    with pytest.raises(InvalidError):
        await lab.requests.reject(operator, request.id, reason="  ")
    assert (await lab.agencies.quota(operator, AgencyId("rft"))).left != QUOTA
    rejected = await lab.requests.reject(operator, request.id, reason="Trop grand")
    assert (rejected.state, rejected.reason) == (RequestState.REJECTED, "Trop grand")
    assert (await lab.agencies.quota(operator, AgencyId("rft"))).left == QUOTA
    with pytest.raises(StateError):
        await lab.requests.approve(operator, request.id)


async def test_withdrawn_request_gives_the_quota_back(lab: Lab, world: World) -> None:
    requester = world.people["requester"]
    request = (await lab.requests.file(requester, draft(size="grand"))).request
    assert (await lab.requests.withdraw(requester, request.id)).state is RequestState.WITHDRAWN
    assert (await lab.agencies.quota(requester, AgencyId("rft"))).left == QUOTA


async def test_stale_version_is_a_conflict(lab: Lab, world: World) -> None:
    request = (await lab.requests.file(world.people["requester"], draft(size="grand"))).request
    with pytest.raises(ConflictError):
        await lab.requests.approve(
            world.people["operator"], request.id, version=request.version - 1
        )


async def test_expired_request_cannot_be_approved_any_more(lab: Lab, world: World) -> None:
    request = (await lab.requests.file(world.people["requester"], draft(size="grand"))).request
    world.clock.time = request.expires_at
    with pytest.raises(StateError):
        await lab.requests.approve(world.people["operator"], request.id)


async def test_every_wrong_field_is_named_at_once_and_nothing_is_kept(
    lab: Lab, world: World
) -> None:
    found = await problems(
        lab,
        world,
        purpose="",
        datasets=("inconnu", "demandes-prestations@9", "dossiers-caches"),
        template="nope",
        size="énorme",
        profile="internet",
        ends_on=date(2026, 11, 20),
        colleagues=("stranger", "nobody"),
    )
    assert found == {
        ("purpose", "required"),
        ("datasets", "unknown"),
        ("datasets", "not_mountable"),
        ("template", "unknown"),
        ("size", "unknown"),
        ("profile", "unknown"),
        ("ends_on", "in_the_past"),
        ("colleagues", "unknown"),
    }
    assert not (await lab.requests.page(world.people["requester"])).items


async def test_end_date_beyond_the_agencys_limit_says_the_latest(lab: Lab, world: World) -> None:
    with pytest.raises(InvalidError) as caught:
        await lab.requests.file(world.people["requester"], draft(ends_on=date(2027, 2, 20)))
    facts = (("latest", "2027-02-19"), ("days", "90"))
    assert caught.value.problems == (Problem("ends_on", "too_far", facts),)


@pytest.mark.parametrize(
    ("purpose", "code"),
    [
        ("a\x00b", "control_characters"),
        ("a\x1b[31mb", "control_characters"),
        ("é" * 10_000, "too_long"),
        (" \n\t ", "required"),
    ],
)
async def test_text_that_cannot_be_kept_is_refused(
    lab: Lab, world: World, purpose: str, code: str
) -> None:
    assert ("purpose", code) in await problems(lab, world, purpose=purpose)


@pytest.mark.parametrize(
    "purpose", ["<script>alert(1)</script>", "🧪 données 😀", "a\r\nb", "' OR 1=1 --", "x" * 2000]
)
async def test_text_that_is_only_odd_is_kept(lab: Lab, world: World, purpose: str) -> None:
    request = (await lab.requests.file(world.people["requester"], draft(purpose=purpose))).request
    found = await lab.requests.get(world.people["requester"], request.id)
    assert found.purpose == purpose.replace("\r\n", "\n")


async def test_unknown_agency_and_anothers_agency_are_refused_alike(
    lab: Lab, world: World
) -> None:
    for name in ("bnf", "nulle-part"):
        with pytest.raises(ForbiddenError):
            await lab.requests.file(world.people["requester"], draft(agency_id=name))


async def test_over_quota_says_what_is_left_and_keeps_nothing(lab: Lab, world: World) -> None:
    requester = world.people["requester"]
    for _ in range(3):
        await lab.requests.file(requester, draft())
    with pytest.raises(QuotaExceededError) as caught:
        await lab.requests.file(requester, draft())
    assert caught.value.left == Usage(Resources(1000, 2 * GIB, 25 * GIB), 0)
    assert len((await lab.requests.page(requester)).items) == 3
    async with world.store.read() as tx:
        events = await tx.audit.all()
    refused = [e for e in events if e.outcome == "refused"]
    assert [(e.action, e.facts["code"]) for e in refused] == [("request.file", "quota_exceeded")]
    assert first_break(events) is None


async def test_fifty_requests_at_the_same_moment_never_pass_the_quota(
    lab: Lab, world: World
) -> None:
    requester = world.people["requester"]
    answers = await asyncio.gather(
        *(lab.requests.file(requester, draft()) for _ in range(50)), return_exceptions=True
    )
    refused = [a for a in answers if isinstance(a, QuotaExceededError)]
    assert len(refused) == 47
    held = (await lab.agencies.quota(requester, AgencyId("rft"))).held
    assert held.sandboxes == 3
    assert len((await lab.requests.page(requester)).items) == 3


async def test_same_key_same_request_also_at_the_same_moment(lab: Lab, world: World) -> None:
    requester, key = world.people["requester"], IdempotencyKey.of("k-1", {"a": 1})
    answers = await asyncio.gather(
        *(lab.requests.file(requester, draft(), key=key) for _ in range(5))
    )
    assert len({answer.request.id for answer in answers}) == 1
    assert sum(not answer.is_replay for answer in answers) == 1
    with pytest.raises(KeyReusedError):
        await lab.requests.file(requester, draft(), key=IdempotencyKey.of("k-1", {"a": 2}))


async def test_key_of_one_person_says_nothing_to_another(lab: Lab, world: World) -> None:
    key = IdempotencyKey.of("k", {})
    await lab.requests.file(world.people["requester"], draft(), key=key)
    answer = await lab.requests.file(
        world.people["stranger"], draft(agency_id="bnf", colleagues=()), key=key
    )
    assert not answer.is_replay


async def test_requests_of_other_agencies_do_not_exist(lab: Lab, world: World) -> None:
    request = (await lab.requests.file(world.people["requester"], draft())).request
    with pytest.raises(NotFoundError):
        await lab.requests.get(world.people["stranger"], request.id)
    with pytest.raises(NotFoundError):
        await lab.requests.get(world.people["requester"], RequestId("rq-nothing"))
    assert not (await lab.requests.page(world.people["stranger"])).items


async def test_preview_says_what_filing_would_do_and_does_nothing(lab: Lab, world: World) -> None:
    requester = world.people["requester"]
    assert (await lab.requests.preview(requester, draft())).decision.is_approved
    preview = await lab.requests.preview(requester, draft(size="grand"))
    assert preview.decision.reasons == ("resources",)
    assert preview.left == QUOTA
    assert not (await lab.requests.page(requester)).items


def test_state_table_leads_nowhere_from_an_end() -> None:
    ends = {RequestState.APPROVED, RequestState.REJECTED, RequestState.WITHDRAWN}
    for transition in TRANSITIONS.values():
        assert not transition.from_states & ends
    assert set(TRANSITIONS) == set(Move)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=st.text(max_size=60))
async def test_any_text_is_kept_or_refused_but_never_breaks(
    lab: Lab, world: World, text: str
) -> None:
    changes = {"purpose": text, "template": text, "datasets": (text,), "colleagues": (text,)}
    with pytest.raises(InvalidError):
        await lab.requests.preview(world.people["requester"], draft(**changes))
