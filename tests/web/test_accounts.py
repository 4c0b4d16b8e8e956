from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.domain.errors import NotSignedInError, ProviderError
from lab.domain.sandbox import Stage
from lab.domain.token import TokenKind, hash_token
from lab.ports import ServerState
from tests.conftest import NOON
from tests.web.scenes import ready_sandbox

if TYPE_CHECKING:
    from tests.web.conftest import Users, WebLab

ROOT = "/api/v1/members"


async def actions(lab: WebLab) -> list[tuple[str, str]]:
    async with lab.store.read() as tx:
        return [(e.action, e.outcome) for e in await tx.audit.all() if e.action[:7] == "member."]


async def test_who_leaves_has_no_way_in_and_no_server_at_once_and_the_team_goes_on(
    users: Users, lab: WebLab
) -> None:
    sandbox_id = await ready_sandbox(lab)
    alice, bernard = lab.people["a.tremblay"], lab.people["b.gagnon"]
    for person in (alice, bernard):
        await lab.sandboxes.open(person, sandbox_id)
    program, browser = await users.api("a.tremblay"), await users.browser("a.tremblay")
    operator = await users.api("o.lavoie")
    closed = await operator.post(f"{ROOT}/a.tremblay/deactivate")
    assert (closed.status_code, closed.json()["is_active"]) == (200, False)
    assert (await program.get("/api/v1/me")).status_code == 401
    assert (await browser.get("/")).headers["location"].startswith("/entrer")
    with pytest.raises(NotSignedInError):
        await lab.members.sign_in("a.tremblay", "un long mot de passe")
    assert list(lab.notebooks.states) == [(bernard.id, sandbox_id)]
    # Twice is once.
    assert (await operator.post(f"{ROOT}/a.tremblay/deactivate")).status_code == 200
    opened = await operator.post(f"{ROOT}/a.tremblay/activate")
    assert opened.json()["is_active"]
    assert (await program.get("/api/v1/me")).status_code == 401, "what ended does not come back"
    assert await lab.members.sign_in("a.tremblay", "un long mot de passe")
    told = [row for row in await actions(lab) if "activate" in row[0]]
    assert told == [("member.deactivate", "done"), ("member.activate", "done")]


async def test_nobody_closes_their_own_account_nor_the_last_operators(
    users: Users, lab: WebLab
) -> None:
    operator, browser = await users.api("o.lavoie"), await users.browser("o.lavoie")
    own = await operator.post(f"{ROOT}/o.lavoie/deactivate")
    assert (own.status_code, own.json()["errors"][0]["code"]) == (422, "oneself")
    page = await browser.post("/personnes/o.lavoie/desactiver")
    assert page.status_code == 422
    assert "On ne désactive pas son propre compte" in page.text
    assert (await operator.post(f"{ROOT}/personne/deactivate")).status_code == 404
    for login in ("r.cote", "a.tremblay"):
        other = await users.api(login)
        for act in ("deactivate", "activate"):
            assert (await other.post(f"{ROOT}/o.lavoie/{act}")).status_code == 403
    # A rule that the one about oneself implies, kept where somebody else may close accounts.
    async with lab.store.begin() as tx:
        leader = replace(lab.people["r.cote"], id="m-other", login="r.autre", version=0)
        leader = await tx.members.put(replace(leader, roles=lab.people["o.lavoie"].roles))
        await tx.members.put(replace(leader, is_active=False))
    answer = await operator.post(f"{ROOT}/r.autre/deactivate")
    assert answer.status_code == 200, "it is closed already"
    assert ("member.deactivate", "refused") in await actions(lab)


async def test_a_hub_that_was_away_and_tokens_that_are_over_are_seen_to_at_the_next_sweep(
    lab: WebLab,
) -> None:
    sandbox_id = await ready_sandbox(lab)
    alice = lab.people["a.tremblay"]
    await lab.sandboxes.open(alice, sandbox_id)
    token = await lab.members.issue(lab.people["c.roy"], TokenKind.API)
    lab.notebooks.fail_with = ProviderError(Stage.WORKSPACE, "the hub is away")
    closed = await lab.accounts.deactivate(lab.people["o.lavoie"], "a.tremblay")
    assert not closed.is_active
    assert lab.notebooks.states[alice.id, sandbox_id] != ServerState("stopped")
    lab.notebooks.fail_with = None
    lab.clock.time = NOON + timedelta(days=91)
    await lab.accounts.tidy()
    assert lab.notebooks.states == {}
    async with lab.store.read() as tx:
        assert await tx.tokens.get(hash_token(token), TokenKind.API) is None


async def test_the_page_closes_and_opens_an_account(users: Users) -> None:
    browser = await users.browser("o.lavoie")
    people = (await browser.get("/personnes")).text
    assert 'href="/personnes/c.roy/desactiver"' in people
    assert 'href="/personnes/o.lavoie/desactiver"' not in people
    asked = await browser.get("/personnes/c.roy/desactiver")
    assert "Désactiver le compte de Chantal Roy?" in asked.text
    assert "lab user deactivate c.roy" in asked.text
    done = await browser.post("/personnes/c.roy/desactiver")
    assert (done.status_code, done.headers["location"]) == (303, "/personnes")
    after = (await browser.get("/personnes")).text
    assert 'action="/personnes/c.roy/activer"' in after
    assert "Désactivé" in after
    assert "déjà désactivé" in (await browser.get("/personnes/c.roy/desactiver")).text
    back = await browser.post("/personnes/c.roy/activer", page="/personnes")
    assert back.status_code == 303
    assert 'href="/personnes/c.roy/desactiver"' in (await browser.get("/personnes")).text


async def test_an_agency_begins_so_many_requests_and_no_more(users: Users, lab: WebLab) -> None:
    lab.drafts._most_open = 2
    client, browser = await users.api("a.tremblay"), await users.browser("a.tremblay")
    made = [await client.post("/api/v1/drafts", json={"agency_id": "rft"}) for _ in range(3)]
    assert [answer.status_code for answer in made] == [201, 201, 422]
    error = made[2].json()["errors"][0]
    assert (error["field"], error["code"]) == ("agency_id", "too_many_drafts")
    page = await browser.post("/demandes/nouvelle/guidee", {"cle": "k"})
    assert page.status_code == 422
    assert "2 demandes commencées" in page.text
    # One thrown away makes room; another agency has its own.
    first = made[0].json()["id"]
    assert (await client.delete(f"/api/v1/drafts/{first}")).status_code == 204
    assert (await client.post("/api/v1/drafts", json={"agency_id": "rft"})).status_code == 201
    other = await users.api("c.roy")
    assert (await other.post("/api/v1/drafts", json={"agency_id": "sqd"})).status_code == 201
