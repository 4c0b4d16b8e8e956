from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from lab.bootstrap.federation import federation
from lab.domain.member import Role
from lab.domain.token import TokenKind
from lab.settings import Oidc
from tests.web.conftest import PASSWORD, Browser
from tests.web.oidc.running import SECRET, RealProvider, provider
from tests.web.scenes import ready_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.web.conftest import Users, WebLab

__all__ = ["provider"]

POLICY = """
claims: {groups: groups, login: preferred_username, name: name}
contact_fr: la direction des TI
contact_en: the IT branch
second_factor: {roles: [operator, reviewer], acr: ["urn:example:gold"], amr: [otp, mfa]}
groups:
  - {group: rft-ia, agency: rft, roles: [requester]}
  - {group: rft-science, agency: rft, roles: [scientist]}
  - {group: sqd-ia, agency: sqd, roles: [requester]}
  - {group: sans-organisme, agency: inconnu, roles: [requester]}
  - {group: exploitation, roles: [operator]}
"""


@pytest.fixture
async def there(lab: WebLab, provider: RealProvider) -> AsyncIterator[RealProvider]:
    await connect(lab, provider.address)
    yield provider
    assert lab.federation is not None
    await lab.federation.aclose()


async def connect(lab: WebLab, issuer: str, client_id: str = "vase-clos") -> None:
    if lab.federation is not None:
        await lab.federation.aclose()
    file = lab.settings.state_dir / "signin.yaml"
    file.write_text(POLICY)
    (lab.settings.secrets_dir / "oidc-client-secret").write_text(SECRET)
    scopes = ("openid", "profile", "groups")
    oidc = Oidc(issuer=issuer, client_id=client_id, scopes=scopes, policy=file)
    lab.settings = lab.settings.model_copy(update={"oidc": oidc})
    lab.clock.time = datetime.now(UTC)
    lab.federation = federation(
        lab.settings,
        store=lab.store,
        clock=lab.clock,
        journal=lab.journal,
        members=lab.members,
        new_id=lambda kind: f"{kind}-{datetime.now(UTC).timestamp():.6f}".replace(".", ""),
    )


async def start(client: httpx.AsyncClient, suite: str = "/bacs") -> str:
    answer = await client.get("/entrer/fournisseur", params={"suite": suite})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def enter(users: Users, there: RealProvider) -> tuple[httpx.AsyncClient, httpx.Response]:
    client = users.nobody()
    return client, await client.get(await there.sign_in(await start(client)))


def said(answer: httpx.Response) -> str:
    return answer.text.split("<main")[1].split("</main>")[0]


async def refusals(lab: WebLab) -> list[str]:
    async with lab.store.read() as tx:
        events = await tx.audit.all()
    return [e.facts["fault"] for e in events if "fault" in e.facts]


async def test_whoever_is_in_a_group_gets_an_account_and_a_session(
    users: Users, lab: WebLab, there: RealProvider
) -> None:
    page = await users.nobody().get("/entrer?suite=/bacs")
    assert "Se connecter avec le compte de mon organisme" in page.text
    sub = there.person("d.nadeau", "rft-ia", "autre")
    client = users.nobody()
    url = await start(client)
    query = parse_qs(urlsplit(url).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["acr_values"] == ["urn:example:gold"]
    assert len(query["state"][0]) >= 43
    assert len(query["nonce"][0]) == 64
    answer = await client.get(await there.sign_in(url))
    assert (answer.status_code, answer.headers["location"]) == (303, "/bacs")
    assert "HttpOnly" in answer.headers["set-cookie"]
    me = (await client.get("/api/v1/me")).json()
    assert (me["login"], me["agency_id"], me["roles"]) == ("d.nadeau", "rft", ["requester"])
    # Next time the same person, as the provider now describes them; the session before goes on.
    there.person("autre.nom", "rft-ia", "rft-science", sub=sub)
    there.say(in_id_token=True)
    again, _ = await enter(users, there)
    new = (await again.get("/api/v1/me")).json()
    assert (new["id"], new["login"]) == (me["id"], "d.nadeau")
    assert (new["name"], sorted(new["roles"])) == (
        "Personne autre.nom",
        ["requester", "scientist"],
    )
    member = await lab.members.by_login(None, "d.nadeau")
    assert member.roles == {Role.REQUESTER, Role.SCIENTIST}
    # The session is the server's: ended there, the cookie opens nothing.
    await lab.members.sign_out(member)
    assert (await again.get("/api/v1/me")).status_code == 401


async def test_who_loses_the_groups_loses_every_way_in_until_they_are_back(
    users: Users, lab: WebLab, there: RealProvider
) -> None:
    sub = there.person("d.nadeau", "rft-ia")
    client, _ = await enter(users, there)
    member = await lab.members.by_login(None, "d.nadeau")
    own = users.nobody(Authorization=f"Bearer {await lab.members.issue(member, TokenKind.API)}")
    key = {"Idempotency-Key": "un-jeton-pour-le-travail"}
    made = await own.post("/api/v1/tokens", json={"label": "x", "days": 30}, headers=key)
    # The provider says every day whether somebody is still there: no token outlives a session.
    left = datetime.fromisoformat(made.json()["expires_at"]) - lab.clock.time
    assert left <= timedelta(hours=12)
    program = users.nobody(Authorization=f"Bearer {made.json()['token']}")
    assert (await program.get("/api/v1/me")).status_code == 200
    there.person("d.nadeau", "autre", sub=sub)
    _, answer = await enter(users, there)
    assert answer.status_code == 403
    assert "aucun groupe" in said(answer)
    assert "Demandez à la direction des TI" in said(answer)
    assert (await client.get("/api/v1/me")).status_code == 401
    assert (await program.get("/api/v1/me")).status_code == 401
    assert not (await lab.members.by_login(None, "d.nadeau")).is_active
    there.person("d.nadeau", "rft-ia", sub=sub)
    back, answer = await enter(users, there)
    assert answer.status_code == 303
    assert (await back.get("/api/v1/me")).json()["id"] == member.id
    async with lab.store.read() as tx:
        actions = [event.action for event in await tx.audit.all()]
    assert actions.count("member.withdraw") == 1


async def test_a_state_is_for_one_browser_and_one_time(
    users: Users, lab: WebLab, there: RealProvider
) -> None:
    there.person("d.nadeau", "rft-ia")
    client, other = users.nobody(), users.nobody()
    await other.get("/entrer")
    back = await there.sign_in(await start(client))
    foreign = await other.get(back)
    assert foreign.status_code == 400
    assert "pas été commencée dans ce navigateur" in said(foreign)
    # Somebody else's try has used it up: what was intercepted is worth nothing.
    assert "a déjà servi" in said(await client.get(back))
    back = await there.sign_in(await start(client))
    assert (await client.get(back)).status_code == 303
    client.cookies.delete("vaseclos-session")
    replayed = await client.get(back)
    assert replayed.status_code == 400
    assert "Cette adresse de retour a déjà servi" in said(replayed)
    late = await there.sign_in(await start(client))
    lab.clock.time += timedelta(minutes=11)
    assert "trop attendu" in said(await client.get(late))
    assert "pas été commencée" in said(await client.get("/entrer/retour?state=x&code=y"))
    assert "ne peut pas être lue" in said(await client.get("/entrer/retour?state=x&state=y"))
    assert await refusals(lab) == [
        *("foreign_state", "replayed_state", "replayed_state"),
        *("foreign_state", "foreign_state"),
    ]


async def test_a_code_that_served_before_is_refused(users: Users, there: RealProvider) -> None:
    there.person("d.nadeau", "rft-ia")
    client = users.nobody()
    used = await there.sign_in(await start(client))
    assert (await client.get(used)).status_code == 303
    client.cookies.delete("vaseclos-session")
    fresh = parse_qs(urlsplit(await start(client)).query)["state"][0]
    code = parse_qs(urlsplit(used).query)["code"][0]
    answer = await client.get("/entrer/retour", params={"state": fresh, "code": code})
    assert answer.status_code == 400
    assert "refuse ce code" in said(answer)
    # Nor one that was made for another sign-in, which knows another verifier.
    stolen = await there.sign_in(await start(users.nobody()))
    code = parse_qs(urlsplit(stolen).query)["code"][0]
    fresh = parse_qs(urlsplit(await start(client)).query)["state"][0]
    answer = await client.get("/entrer/retour", params={"state": fresh, "code": code})
    assert "refuse ce code" in said(answer)


async def test_keys_are_followed_when_they_change_and_not_believed_when_withdrawn(
    users: Users, lab: WebLab, there: RealProvider
) -> None:
    there.person("d.nadeau", "rft-ia")
    assert (await enter(users, there))[1].status_code == 303
    for kind in ("rsa", "ec"):
        there.say(rotate=kind)
        lab.clock.time += timedelta(seconds=6)
        assert (await enter(users, there))[1].status_code == 303
    there.say(rotate="rsa", hides_keys=True)
    lab.clock.time += timedelta(seconds=6)
    _, answer = await enter(users, there)
    assert answer.status_code == 502
    assert "ne publie plus" in said(answer)
    assert await refusals(lab) == ["unknown_key"]


async def test_clocks_may_differ_by_a_minute(
    users: Users, lab: WebLab, there: RealProvider
) -> None:
    there.person("d.nadeau", "rft-ia")
    for ahead in (timedelta(seconds=-50), timedelta(seconds=50)):
        lab.clock.time = datetime.now(UTC) + ahead
        assert (await enter(users, there))[1].status_code == 303
    for ahead, words in (
        (timedelta(minutes=-5), "ne s’accordent pas"),
        (timedelta(hours=2), "est périmée"),
    ):
        lab.clock.time = datetime.now(UTC) + ahead
        _, answer = await enter(users, there)
        assert answer.status_code == 502
        assert words in said(answer)
    assert await refusals(lab) == ["clock_skew", "expired"]


async def test_another_issuer_another_client_and_an_absent_provider_are_told(
    users: Users, lab: WebLab, there: RealProvider
) -> None:
    there.person("d.nadeau", "rft-ia")
    client = users.nobody()
    url = await start(client)
    there.say(issuer="http://127.0.0.1:1")  # another one, at the address of the one we know
    answer = await client.get(await there.sign_in(url))
    assert answer.status_code == 502
    assert "ne vient pas du fournisseur" in said(answer)
    # Without the parameter that says who answers, the ID token says it.
    back = await there.sign_in(await start(client))
    answer = await client.get(back.partition("&iss=")[0])
    assert "ne vient pas du fournisseur" in said(answer)
    await connect(lab, there.address)
    answer = await client.get("/entrer/fournisseur")
    assert "ne vient pas du fournisseur" in said(answer)
    there.person("d.nadeau", "rft-ia")
    back = await there.sign_in(await start(client), **{"X-Cancel": "yes"})
    assert "annulée ou refusée" in said(await client.get(back))
    back = await there.sign_in(await start(client))
    there.say(is_away=True)
    answer = await client.get(back)
    assert answer.status_code == 503
    assert "ne répond pas" in said(answer)
    await connect(lab, "http://127.0.0.1:1")
    assert (await client.get("/entrer/fournisseur")).status_code == 503
    local = {"login": "a.tremblay", "password": PASSWORD}
    assert (await Browser(client).post("/entrer", local)).status_code == 303
    assert await refusals(lab) == ["wrong_issuer", "wrong_issuer", "cancelled", "away"]


async def test_what_the_policy_does_not_let_in_is_told_whom_to_ask(
    users: Users, there: RealProvider
) -> None:
    tries = [
        (("rft-ia", "sqd-ia"), "deux organismes"),
        (("sans-organisme",), "pas encore inscrit"),
        (("exploitation",), "deux facteurs"),
        ((), "aucun groupe"),
    ]
    for groups, words in tries:
        there.person("d.nadeau", *groups)
        _, answer = await enter(users, there)
        assert answer.status_code == 403, words
        assert words in said(answer)
        assert "la direction des TI" in said(answer)
    english = users.nobody()
    await english.get("/langue?choix=en")
    answer = await english.get(await there.sign_in(await start(english)))
    assert "Ask the IT branch" in said(answer)
    there.person("a.tremblay", "rft-ia")  # a local account has that login
    assert "compte local" in said((await enter(users, there))[1])
    there.person("x.y", "exploitation")
    there.say(amr=["pwd", "otp"])
    client, _ = await enter(users, there)
    assert (await client.get("/api/v1/me")).json()["roles"] == ["operator"]
    there.person("x.z", "exploitation")
    there.say(acr="urn:example:gold")
    assert (await enter(users, there))[1].status_code == 303


async def test_who_changes_agency_leaves_the_teams_of_the_old_one_first(
    users: Users, lab: WebLab, there: RealProvider
) -> None:
    sub = there.person("b.nadeau", "rft-ia")
    await enter(users, there)
    lab.people["b.nadeau"] = await lab.members.by_login(None, "b.nadeau")
    lab.clock.time = datetime(2026, 11, 21, 12, tzinfo=UTC)
    sandbox_id = await ready_sandbox(lab, "b.nadeau")
    lab.clock.time = datetime.now(UTC)
    there.person("b.nadeau", "sqd-ia", sub=sub)
    _, answer = await enter(users, there)
    assert answer.status_code == 403
    assert "encore dans un bac" in said(answer)
    assert not (await lab.members.by_login(None, "b.nadeau")).is_active
    async with lab.store.begin() as tx:
        sandbox = await tx.sandboxes.get(sandbox_id)
        assert sandbox is not None
        await tx.sandboxes.put(replace(sandbox, deleted_at=lab.clock.time))
    client, _ = await enter(users, there)
    assert (await client.get("/api/v1/me")).json()["agency_id"] == "sqd"


async def test_without_a_provider_nothing_of_it_is_there(users: Users) -> None:
    client = users.nobody()
    assert (await client.get("/entrer/fournisseur")).status_code == 404
    assert (await client.get("/entrer/retour?state=a&code=b")).status_code == 404
    assert "compte local" not in (await client.get("/entrer")).text
