from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING

import pytest

from lab.domain.errors import ForbiddenError, InvalidError, NotSignedInError
from lab.domain.ids import AgencyId, MemberId
from lab.domain.member import Member, Resource, Role, Target, Verb, can
from lab.domain.token import TokenKind
from lab.services.members import NewMember
from tests.world import World, new_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.bootstrap import Lab

PASSWORD = "une phrase assez longue"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as made:
        yield made


@pytest.fixture
async def lab(world: World) -> Lab:
    return await world.lab()


async def test_sign_in_by_password_and_sign_out(lab: Lab, world: World) -> None:
    await lab.members.set_password(None, "requester", PASSWORD)
    token = await lab.members.sign_in("Requester", PASSWORD)
    member, _ = await lab.members.holder(token, TokenKind.SESSION)
    assert member.id == world.people["requester"].id
    await lab.members.sign_out(member)
    with pytest.raises(NotSignedInError):
        await lab.members.holder(token, TokenKind.SESSION)


@pytest.mark.parametrize(
    ("login", "password"),
    [("requester", "wrong"), ("requester", ""), ("nobody", PASSWORD), ("scientist", "")],
)
async def test_wrong_sign_in_never_says_what_was_wrong(
    lab: Lab, login: str, password: str
) -> None:
    await lab.members.set_password(None, "requester", PASSWORD)
    with pytest.raises(NotSignedInError, match="sign in first"):
        await lab.members.sign_in(login, password)


async def test_tokens_end_by_time_by_use_and_with_their_person(lab: Lab, world: World) -> None:
    requester = world.people["requester"]
    session = await lab.members.issue(requester, TokenKind.SESSION)
    link = await lab.members.issue(requester, TokenKind.LINK)
    with pytest.raises(NotSignedInError):
        await lab.members.holder(session, TokenKind.API)
    await lab.members.holder(link, TokenKind.LINK)
    with pytest.raises(NotSignedInError):
        await lab.members.holder(link, TokenKind.LINK)
    world.clock.time += timedelta(hours=12)
    with pytest.raises(NotSignedInError):
        await lab.members.holder(session, TokenKind.SESSION)
    fresh = await lab.members.issue(requester, TokenKind.SESSION)
    async with world.store.begin() as tx:
        await tx.members.put(replace(requester, is_active=False))
    with pytest.raises(NotSignedInError):
        await lab.members.holder(fresh, TokenKind.SESSION)


async def test_database_holds_no_token(lab: Lab, world: World) -> None:
    token = await lab.members.issue(world.people["requester"], TokenKind.API)
    async with world.store.read() as tx:
        assert await tx.tokens.get(token, TokenKind.API) is None


async def test_member_is_checked_before_it_is_made(lab: Lab, world: World) -> None:
    new = NewMember("", "", AgencyId("nowhere"), frozenset())
    with pytest.raises(InvalidError) as caught:
        await lab.members.create(world.people["operator"], new)
    assert {(p.field, p.code) for p in caught.value.problems} == {
        ("login", "bad_format"),
        ("name", "required"),
        ("agency_id", "unknown"),
        ("roles", "required"),
    }
    with pytest.raises(ForbiddenError):
        await lab.members.create(world.people["requester"], new)


def test_what_is_not_in_the_table_is_refused() -> None:
    nobody = Member(MemberId("m-1"), "x", "x", AgencyId("rft"), frozenset())
    everything = [Target(r, AgencyId("rft"), frozenset({nobody.id})) for r in Resource]
    assert not any(can(nobody, verb, target) for verb, target in product(Verb, everything))
    gone = replace(nobody, roles=frozenset(Role), is_active=False)
    assert not any(can(gone, verb, target) for verb, target in product(Verb, everything))


def test_no_agency_is_nobodys_agency() -> None:
    """A member without an agency must not be "of the same agency" as the lab's own things."""
    adrift = Member(MemberId("m-1"), "x", "x", None, frozenset({Role.REQUESTER}))
    assert not can(adrift, Verb.READ, Target(Resource.REQUEST, None))
