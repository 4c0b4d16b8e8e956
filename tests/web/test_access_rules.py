from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from lab.domain.member import ACCESS
from lab.web.access import Who, rule_of, without_rule
from lab.web.gate import UNSAFE
from lab.web.pages import ROUTERS as PAGES
from lab.web.routes import ROUTERS as ROUTES

if TYPE_CHECKING:
    from tests.web.conftest import Users

ALL = [route for router in (*ROUTES, *PAGES) for route in router.routes]

PUBLIC = {
    "/api",
    "/api/v1/openapi.json",
    "/entrer",
    "/entrer/fournisseur",
    "/entrer/lien",
    "/entrer/retour",
    "/health/contained",
    "/health/live",
    "/health/ready",
    "/health/reconciled",
    "/langue",
    "/oauth/authorize",
    "/problemes/{code}",
    "/sortir",
}


def test_every_route_says_who_may_call_it() -> None:
    assert len(ALL) > 70
    assert without_rule(ALL) == []


def test_a_route_without_a_rule_is_found() -> None:
    router = APIRouter()
    router.add_api_route("/oublie", lambda: None)
    assert without_rule(router.routes) == ["/oublie"]


def test_only_these_routes_are_public() -> None:
    found = {r.path for r in ALL if (rule := rule_of(r)) and rule.who is Who.PUBLIC}
    assert found == PUBLIC


def test_every_rule_with_a_verb_is_possible_for_somebody() -> None:
    table = {pair for role in ACCESS.values() for pair in role}
    for route in ALL:
        rule = rule_of(route)
        assert rule is not None
        if rule.who is Who.ALLOWED:
            assert (rule.verb, rule.resource) in table, route


def _path(route: APIRoute) -> str:
    return route.path.format(**dict.fromkeys(route.param_convertors, "x-1"))


async def test_nobody_gets_past_a_route_that_is_not_public(users: Users) -> None:
    client = users.nobody()
    for route in ALL:
        assert isinstance(route, APIRoute)
        rule = rule_of(route)
        assert rule is not None
        if rule.who is Who.PUBLIC:
            continue
        for method in route.methods:
            kwargs: dict[str, object] = {}
            if method in UNSAFE and route.path.startswith("/api/"):
                kwargs = {"json": {}}
            answer = await client.request(method, _path(route), **kwargs)
            said = (method, route.path, answer.status_code)
            if route.path.startswith(("/api/", "/internal/", "/oauth/", "/metrics")):
                assert answer.status_code == 401, said
            else:
                assert answer.status_code == 303, said
                assert answer.headers["location"].startswith("/entrer?suite=%2F"), said


async def test_a_cookie_alone_changes_nothing(users: Users) -> None:
    client = (await users.browser("a.tremblay")).client
    for route in ALL:
        assert isinstance(route, APIRoute)
        rule = rule_of(route)
        assert rule is not None
        if rule.who in {Who.HUB, Who.GATEWAY, Who.CLIENT, Who.MONITOR}:
            continue
        for method in route.methods & UNSAFE:
            kwargs: dict[str, object] = (
                {"json": {}} if route.path.startswith("/api/") else {"data": {"csrf": "0" * 64}}
            )
            answer = await client.request(method, _path(route), **kwargs)
            assert answer.status_code == 403, (method, route.path, answer.text[:200])
            assert "bad_csrf" in answer.text, (method, route.path)


@pytest.mark.parametrize(
    ("login", "refused", "granted"),
    [
        ("b.gagnon", ["/demandes", "/demandes/nouvelle", "/organismes", "/journal"], ["/bacs"]),
        ("a.tremblay", ["/organismes", "/personnes", "/journal"], ["/demandes", "/jeux"]),
        ("r.cote", ["/personnes", "/demandes/nouvelle"], ["/journal", "/organismes"]),
        ("o.lavoie", [], ["/personnes", "/journal", "/organismes", "/demandes", "/bacs"]),
    ],
)
async def test_pages_are_for_whom_they_are(
    users: Users, login: str, refused: list[str], granted: list[str]
) -> None:
    browser = await users.browser(login)
    for path in refused:
        answer = await browser.get(path)
        assert answer.status_code == 403, path
        assert "personne qui exploite le laboratoire" in answer.text
    for path in ["/", *granted]:
        assert (await browser.get(path)).status_code == 200, path


async def test_a_refused_change_is_in_the_audit_log(users: Users) -> None:
    scientist = await users.api("b.gagnon")
    assert (await scientist.post("/api/v1/requests", json={})).status_code in {403, 422}
    body = {"id": "nouvel", "name_fr": "N", "name_en": "N", "max_days": 3, "quota": _QUOTA}
    assert (await scientist.post("/api/v1/agencies", json=body)).status_code == 403
    operator = await users.api("o.lavoie")
    events = (await operator.get("/api/v1/audit")).json()["items"]
    refused = [e for e in events if e["outcome"] == "refused" and e["action"] == "agency.create"]
    assert len(refused) == 1


_QUOTA = {"cpu_millicores": 1, "memory_bytes": 1, "storage_bytes": 1, "sandboxes": 1}
