from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.web.describing import describe
from lab.web.sentences import DETAILS, TITLES

if TYPE_CHECKING:
    from fastapi import FastAPI

    from tests.web.conftest import Users

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", JSON, 400, "bad_json"),
        (b'{"a": NaN, }', JSON, 400, "bad_json"),
        (b"\xff\xfe{}", JSON, 400, "bad_json"),
        (b"[" * 100_000, JSON, 400, "bad_request"),
        (b'{"quota": ' + b"9" * 5000 + b"}", JSON, 400, "bad_request"),
        (b"a" * (1024 * 1024 + 1), JSON, 413, "too_large"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"{}", {}, 415, "unsupported_media_type"),
        (b"{}", {"Content-Type": "application/json; charset=utf-16"}, 415, None),
        (b"null", JSON, 422, "invalid"),
        (b"[]", JSON, 422, "invalid"),
        (b"", {}, 422, "invalid"),
    ],
)
async def test_what_cannot_be_read_is_a_problem(
    users: Users, content: bytes, headers: dict[str, str], status: int, code: str | None
) -> None:
    client = await users.api("o.lavoie")
    answer = await client.post("/api/v1/agencies", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert code in {None, answer.json()["code"]}


@pytest.mark.parametrize("path", ["/api/v1/agencies/%00", "/api/v1/agencies/%ff", "/bacs/a%0ab"])
async def test_control_characters_in_an_address_are_refused(users: Users, path: str) -> None:
    client = await users.api("o.lavoie")
    assert (await client.get(path)).status_code == 400


async def test_a_method_that_is_not_there_says_which_are(users: Users) -> None:
    client = await users.api("o.lavoie")
    answer = await client.patch("/api/v1/agencies", json={})
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]
    assert (await client.get("/api/v2/rien")).json()["code"] == "not_found"


@pytest.mark.parametrize(
    "host", ["m-0000000001.vaseclos.localhost:8000", "ailleurs.example", "vaseclos.localhost"]
)
async def test_another_host_is_not_the_portal(users: Users, host: str) -> None:
    answer = await users.nobody(Host=host).get("/api/v1/openapi.json")
    assert (answer.status_code, answer.json()["code"]) == (421, "wrong_host")


async def test_another_name_of_the_front_leads_to_the_portals_own(users: Users) -> None:
    answer = await users.nobody(Host="localhost:8000").get("/bacs?apres=x")
    assert answer.status_code == 307
    assert answer.headers["location"] == "http://vaseclos.localhost:8000/bacs?apres=x"
    answer = await users.nobody(Host="127.0.0.1:8000").get("//ailleurs.example")
    assert answer.headers["location"].startswith("http://vaseclos.localhost:8000/")
    assert (await users.nobody(Host="localhost:8000").post("/entrer")).status_code == 421


async def test_every_answer_carries_the_headers(users: Users) -> None:
    browser = await users.browser("a.tremblay")
    for path in ("/", "/rien", "/api/v1/me", "/statique/portail.css", "/entrer?jeton=x"):
        headers = (await browser.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"], path


async def test_a_nonce_is_new_on_every_page(users: Users) -> None:
    browser = await users.browser("a.tremblay")
    policies = {(await browser.get("/")).headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


async def test_the_schema_speaks_both_languages(app: FastAPI, users: Users) -> None:
    document = describe(app)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert " / " in operation["summary"], (method, path)
            assert path.startswith("/api/v1/")
    assert {t["name"] for t in document["tags"]} >= {"requests", "sandboxes", "agencies"}
    known = {tag["name"] for tag in document["tags"]}
    used = {o["tags"][0] for methods in document["paths"].values() for o in methods.values()}
    assert used == known
    page = await users.nobody().get("/api")
    assert page.status_code == 200
    assert "https://" not in page.text


async def test_every_code_has_a_page(users: Users) -> None:
    assert set(TITLES) == set(DETAILS)
    client = users.nobody()
    for code in TITLES:
        assert (await client.get(f"/problemes/{code}")).status_code == 200, code
    assert (await client.get("/problemes/rien")).status_code == 404
