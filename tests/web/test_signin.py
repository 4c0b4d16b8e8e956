from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from lab.domain.token import TokenKind
from lab.web.links import own_path
from tests.web.conftest import PASSWORD, SECRETS, Browser
from tests.web.scenes import failing_sandbox, ready_sandbox

if TYPE_CHECKING:
    import httpx

    from tests.web.conftest import Users, WebLab

GOOD = {"login": "a.tremblay", "password": PASSWORD}
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
CALLBACK = "http://vaseclos.localhost:8000/hub/oauth_callback"


async def test_a_password_opens_a_session_and_signing_out_ends_it(users: Users) -> None:
    browser = Browser(users.nobody())
    answer = await browser.post("/entrer", GOOD | {"suite": "/demandes?etat=in_review"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/demandes?etat=in_review")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Domain" not in cookie
    assert (await browser.get("/")).status_code == 200
    token = browser.client.cookies["vaseclos-session"]
    out = await browser.post("/sortir", page="/")
    assert out.headers["location"] == "/entrer"
    browser.client.cookies.set("vaseclos-session", token, domain="vaseclos.localhost")
    assert (await browser.get("/")).status_code == 303


async def test_a_wrong_password_says_nothing_about_the_account(users: Users) -> None:
    browser = Browser(users.nobody())
    texts = set()
    for login in ("a.tremblay", "personne"):
        answer = await browser.post("/entrer", {"login": login, "password": "faux"})
        assert answer.status_code == 401
        texts.add(answer.text.replace(login, "").split("</main>")[0].split("<main")[1])
    first, second = (
        (text.split('name="csrf"')[0] for text in texts) if len(texts) > 1 else ("", "")
    )
    assert first == second


async def test_guessing_gets_slower_and_the_right_password_waits_too(
    users: Users, lab: WebLab
) -> None:
    browser = Browser(users.nobody())
    for _ in range(5):
        assert (await browser.post("/entrer", GOOD | {"password": "x"})).status_code == 401
    answer = await browser.post("/entrer", GOOD)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) <= 3
    assert "Trop de tentatives" in answer.text
    assert (await browser.post("/entrer", GOOD | {"login": "c.roy"})).status_code == 303
    lab.clock.time += timedelta(seconds=4)
    assert (await Browser(users.nobody()).post("/entrer", GOOD)).status_code == 303


async def test_a_link_survives_a_preview_and_works_once(users: Users, lab: WebLab) -> None:
    token = await lab.members.link(None, "b.gagnon", facts={"next": "/bacs"})
    preview = await users.nobody().get(f"/entrer?jeton={token}")
    assert preview.status_code == 200
    assert "set-cookie" in preview.headers
    assert "session" not in preview.headers["set-cookie"]
    browser = Browser(users.nobody())
    page = f"/entrer?jeton={token}"
    answer = await browser.post("/entrer/lien", {"jeton": token}, page=page)
    assert (answer.status_code, answer.headers["location"]) == (303, "/bacs")
    again = await Browser(users.nobody()).post("/entrer/lien", {"jeton": token}, page=page)
    assert again.status_code == 401
    assert "déjà servi" in again.text


async def test_a_form_needs_the_proof_of_its_own_visit(users: Users) -> None:
    client, other = users.nobody(), users.nobody()
    await client.get("/entrer")
    page = await other.get("/entrer")
    stolen = page.text.split('name="csrf" value="')[1][:64]
    answer = await client.post("/entrer", data=GOOD | {"csrf": stolen})
    assert answer.status_code == 403
    assert "bad_csrf" in answer.text
    assert (await client.post("/entrer", data=GOOD)).status_code == 403
    origin = {"Origin": "http://sb-0000000001.vaseclos.localhost:8000"}
    answer = await other.post("/entrer", data=GOOD | {"csrf": stolen}, headers=origin)
    assert "bad_origin" in answer.text


async def test_two_session_cookies_are_none(users: Users, lab: WebLab) -> None:
    token = await lab.members.issue(lab.people["a.tremblay"], TokenKind.SESSION)
    planted = await lab.members.issue(lab.people["c.roy"], TokenKind.SESSION)
    one = users.nobody(Cookie=f"vaseclos-session={token}")
    both = users.nobody(Cookie=f"vaseclos-session={planted}; vaseclos-session={token}")
    assert (await one.get("/api/v1/me")).status_code == 200
    assert (await both.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize(
    "wanted",
    [
        "//ailleurs.example",
        "/\\ailleurs.example",
        "https://ailleurs.example",
        "javascript:alert(1)",
        "/\tx",
        "ailleurs",
        "/a\r\nSet-Cookie: b=c",
        "\\\\ailleurs",
        "",
    ],
)
async def test_nobody_is_sent_elsewhere(users: Users, wanted: str) -> None:
    assert own_path(wanted) == "/"
    browser = Browser(users.nobody())
    answer = await browser.post("/entrer", GOOD | {"suite": wanted}, page="/entrer")
    assert answer.headers.get("location", "/") == "/"
    answer = await users.nobody().get("/langue", params={"choix": "en", "retour": wanted})
    assert answer.headers.get("location", "/") == "/"


async def test_a_page_brings_one_back_after_sign_in(users: Users) -> None:
    answer = await users.nobody().get("/demandes?etat=in_review")
    assert answer.headers["location"] == "/entrer?suite=%2Fdemandes%3Fetat%3Din_review"


def _authorize(**changes: str) -> str:
    query = {
        "client_id": "hub",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "state": "état",
        "code_challenge": CHALLENGE.decode(),
        "code_challenge_method": "S256",
    }
    return f"/oauth/authorize?{urlencode(query | changes)}"


async def _code(browser: Browser) -> str:
    answer = await browser.get(_authorize())
    assert answer.status_code == 302
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == CALLBACK
    assert parse_qs(back.query)["state"] == ["état"]
    return parse_qs(back.query)["code"][0]


async def _exchange(client: httpx.AsyncClient, code: str, /, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": "hub",
        "client_secret": SECRETS["hub-oauth-secret"],
    }
    return await client.post("/oauth/token", data=form | changes)


async def test_the_hub_learns_who_signs_in_until_they_sign_out(users: Users, lab: WebLab) -> None:
    browser, hub = await users.browser("a.tremblay"), users.nobody()
    answer = await _exchange(hub, await _code(browser))
    body = answer.json()
    assert (answer.status_code, body["token_type"]) == (200, "bearer")
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    who = await hub.get("/oauth/userinfo", headers=bearer)
    assert who.json() == {"sub": lab.people["a.tremblay"].id, "name": "Alice Tremblay"}
    # The hub's token is good for nothing else.
    assert (await hub.get("/api/v1/me", headers=bearer)).status_code == 401
    await browser.post("/sortir", page="/")
    assert (await hub.get("/oauth/userinfo", headers=bearer)).status_code == 401


async def test_a_code_works_once_and_briefly(users: Users, lab: WebLab) -> None:
    browser, hub = await users.browser("a.tremblay"), users.nobody()
    code = await _code(browser)
    assert (await _exchange(hub, code)).status_code == 200
    assert (await _exchange(hub, code)).json() == {"error": "invalid_grant"}
    late = await _code(browser)
    lab.clock.time += timedelta(seconds=61)
    assert (await _exchange(hub, late)).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"code_verifier": "w" * 50}, 400, "invalid_grant"),
        ({"code_verifier": ""}, 400, "invalid_grant"),
        ({"redirect_uri": "http://ailleurs.example/"}, 400, "invalid_grant"),
        ({"client_secret": "faux"}, 401, "invalid_client"),
        ({"client_id": "autre"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"code": "x"}, 400, "invalid_grant"),
    ],
)
async def test_a_wrong_exchange_is_refused(
    users: Users, change: dict[str, str], status: int, error: str
) -> None:
    code = await _code(await users.browser("a.tremblay"))
    answer = await _exchange(users.nobody(), code, **change)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": CALLBACK + "/../x"},
        {"redirect_uri": "http://ailleurs.example/hub/oauth_callback"},
        {"client_id": "autre"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
    ],
)
async def test_no_code_goes_anywhere_else(users: Users, change: dict[str, str]) -> None:
    answer = await (await users.browser("a.tremblay")).get(_authorize(**change))
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_the_secret_may_come_by_basic_and_signing_in_comes_first(users: Users) -> None:
    answer = await users.nobody().get(_authorize())
    assert answer.status_code == 303
    browser = Browser(users.nobody())
    back = parse_qs(urlsplit(answer.headers["location"]).query)["suite"][0]
    signed = await browser.post("/entrer", GOOD | {"suite": back})
    assert signed.headers["location"] == back == _authorize()
    code = await _code(browser)
    basic = base64.b64encode(f"hub:{SECRETS['hub-oauth-secret']}".encode()).decode()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    headers = {"Authorization": f"Basic {basic}"}
    assert (await users.nobody().post("/oauth/token", data=form, headers=headers)).is_success


async def test_the_hub_asks_what_to_start(users: Users, lab: WebLab) -> None:
    sandbox_id = await ready_sandbox(lab)
    hub = users.nobody(Authorization=f"Bearer {SECRETS['hub-api-token']}")
    path, member = f"/internal/v1/sandboxes/{sandbox_id}/launch", lab.people["b.gagnon"].id
    order = await hub.get(path, params={"member": member})
    assert (order.status_code, order.json()["sandbox_id"]) == (200, sandbox_id)
    stranger = {"member": lab.people["c.roy"].id}
    assert (await hub.get(path, params=stranger)).status_code == 404
    assert (await hub.get(path)).status_code == 422
    failing = f"/internal/v1/sandboxes/{await failing_sandbox(lab)}/launch"
    assert (await hub.get(failing, params={"member": member})).json()["code"] == "not_ready"
    for token in ("faux", "", SECRETS["hub-oauth-secret"]):
        wrong = users.nobody(Authorization=f"Bearer {token}")
        assert (await wrong.get(path, params={"member": member})).status_code == 401
    person = await users.api("o.lavoie")
    assert (await person.get(path, params={"member": member})).status_code == 401
