from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.web.conftest import draft

if TYPE_CHECKING:
    from tests.web.conftest import Users

PATH = "/api/v1/requests"


async def test_a_small_request_is_accepted_with_its_sandbox(users: Users) -> None:
    client = await users.api("a.tremblay")
    answer = await client.post(PATH, json=draft(), headers={"Idempotency-Key": "k-1"})
    body = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{PATH}/{body['id']}"
    assert answer.headers["etag"] == f'"{body["version"]}"'
    assert (body["state"], body["rule"]) == ("approved", "petit-et-synthetique")
    sandbox = (await client.get(f"/api/v1/sandboxes/{body['sandbox_id']}")).json()
    assert sandbox["phase"] == "pending"
    assert [stage["stage"] for stage in sandbox["stages"]] == [
        "isolation",
        "containment",
        "data",
        "tracking",
        "workspace",
    ]
    assert [p["login"] for p in sandbox["members"]] == ["a.tremblay", "b.gagnon"]


async def test_the_same_key_gives_the_same_request_and_another_body_is_refused(
    users: Users,
) -> None:
    client = await users.api("a.tremblay")
    key = {"Idempotency-Key": "une-clé".encode().hex()}
    first = await client.post(PATH, json=draft(), headers=key)
    again = await client.post(PATH, json=draft(), headers=key)
    assert again.json()["id"] == first.json()["id"]
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    other = await client.post(PATH, json=draft(size="moyen"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await client.get(PATH)).json()["items"]) == 1


async def test_twenty_at_once_with_one_key_make_one(users: Users) -> None:
    client = await users.api("a.tremblay")
    answers = await asyncio.gather(
        *(client.post(PATH, json=draft(), headers={"Idempotency-Key": "k"}) for _ in range(20))
    )
    assert {a.status_code for a in answers} == {202}
    assert len({a.json()["id"] for a in answers}) == 1


async def test_fifty_at_once_never_pass_the_quota(users: Users) -> None:
    client = await users.api("a.tremblay")
    answers = await asyncio.gather(*(client.post(PATH, json=draft()) for _ in range(50)))
    made = [a for a in answers if a.status_code == 202]
    assert len(made) == 3
    refused = next(a for a in answers if a.status_code != 202).json()
    assert (refused["status"], refused["code"]) == (403, "quota_exceeded")
    assert refused["left"]["sandboxes"] == 0
    assert "0 bac à sable" in refused["detail"]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"agency_id": "rft", "datasets": ["rien"]}, "datasets", "unknown"),
        ({"datasets": ["demandes-prestations@9"]}, "datasets", "unknown"),
        ({"datasets": ["dossiers-reels"]}, "datasets", "not_mountable"),
        ({"datasets": []}, "datasets", "required"),
        ({"template": "99-rien"}, "template", "unknown"),
        ({"profile": "grand-ouvert"}, "profile", "unknown"),
        ({"size": "énorme"}, "size", "unknown"),
        ({"ends_on": "2026-11-20"}, "ends_on", "in_the_past"),
        ({"ends_on": "2027-06-01"}, "ends_on", "too_far"),
        ({"ends_on": "2026-02-30"}, "ends_on", "bad_date"),
        ({"ends_on": 1789000000}, "ends_on", "bad_date"),
        ({"colleagues": ["c.roy"]}, "colleagues", "unknown"),
        ({"purpose": " \n "}, "purpose", "required"),
        ({"purpose": "é" * 10_000}, "purpose", "too_long"),
        ({"purpose": "a\0b"}, "purpose", "control_characters"),
        ({"purpose": 5}, "purpose", "bad_type"),
        ({"datasets": "demandes-prestations"}, "datasets", "bad_type"),
        ({"state": "approved"}, "state", "unknown_field"),
        ({"id": "rq-0000000001"}, "id", "unknown_field"),
    ],
)
async def test_a_bad_field_is_named(
    users: Users, change: dict[str, object], field: str, code: str
) -> None:
    client = await users.api("a.tremblay")
    answer = await client.post(PATH, json=draft(**change))
    body = answer.json()
    assert answer.status_code == 422, body
    assert answer.headers["content-type"] == "application/problem+json"
    assert (body["code"], body["type"]) == ("invalid", "/problemes/invalid")
    assert (field, code) in {(e["field"], e["code"]) for e in body["errors"]}, body
    assert all(e["detail"] for e in body["errors"])
    assert (await client.get(PATH)).json()["items"] == []


async def test_lone_surrogates_are_named_too(users: Users) -> None:
    client = await users.api("a.tremblay")
    text = '{"agency_id": "rft\\ud800", "purpose": "\\udfff"}'
    answer = await client.post(PATH, content=text, headers={"Content-Type": "application/json"})
    found = {(e["field"], e["code"]) for e in answer.json()["errors"]}
    assert answer.status_code == 422
    assert ("agency_id", "control_characters") in found


async def test_every_wrong_field_is_named_at_once_in_the_callers_language(users: Users) -> None:
    client = await users.api("a.tremblay")
    body = draft(datasets=["rien"], template="rien", ends_on="2020-01-01")
    french = (await client.post(PATH, json=body)).json()
    english = await client.post(PATH, json=body, headers={"Accept-Language": "en-CA, fr;q=0.4"})
    assert [e["field"] for e in french["errors"]] == ["datasets", "template", "ends_on"]
    assert french["title"] == "Des renseignements sont à corriger"
    assert english.json()["title"] == "Some information needs correcting"
    assert english.headers["content-language"] == "en"


async def test_markup_and_emoji_are_kept_as_they_are(users: Users) -> None:
    client = await users.api("a.tremblay")
    purpose = "<script>alert(1)</script> & 🏖 a < b"
    made = (await client.post(PATH, json=draft(purpose=purpose))).json()
    assert made["purpose"] == purpose
    page = await (await users.browser("a.tremblay")).get(f"/demandes/{made['id']}")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; 🏖" in page.text


async def test_another_agency_does_not_exist(users: Users) -> None:
    mine = (await (await users.api("a.tremblay")).post(PATH, json=draft())).json()
    other = await users.api("c.roy")
    for path in (
        f"{PATH}/{mine['id']}",
        f"/api/v1/sandboxes/{mine['sandbox_id']}",
        f"/api/v1/sandboxes/{mine['sandbox_id']}/attempts",
        "/api/v1/agencies/rft/quota",
        "/api/v1/agencies/rft",
    ):
        assert (await other.get(path)).status_code == 404, path
    assert (await other.delete(f"/api/v1/sandboxes/{mine['sandbox_id']}")).status_code == 404
    assert (await other.get(PATH)).json()["items"] == []
    filed = await other.post(PATH, json=draft(agency_id="rft", colleagues=[]))
    assert filed.status_code == 403


async def test_a_request_is_decided_by_somebody_else(users: Users) -> None:
    requester, reviewer = await users.api("a.tremblay"), await users.api("r.cote")
    big = (await requester.post(PATH, json=draft(size="moyen"))).json()
    assert (big["state"], big["sandbox_id"]) == ("in_review", None)
    assert (await requester.post(f"{PATH}/{big['id']}/approve")).status_code == 403
    stale = await reviewer.post(f"{PATH}/{big['id']}/approve", headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (stale.json()["expected"], stale.json()["found"]) == (1, big["version"])
    done = await reviewer.post(
        f"{PATH}/{big['id']}/approve", headers={"If-Match": f'"{big["version"]}"'}
    )
    assert (done.status_code, done.json()["state"]) == (202, "approved")
    assert done.json()["decided_by"]["login"] == "r.cote"
    late = await reviewer.post(f"{PATH}/{big['id']}/reject", json={"reason": "Trop tard"})
    assert (late.status_code, late.json()["code"]) == (409, "wrong_state")


async def test_a_refusal_needs_a_reason_and_gives_the_quota_back(users: Users) -> None:
    requester, reviewer = await users.api("a.tremblay"), await users.api("r.cote")
    big = (await requester.post(PATH, json=draft(size="moyen"))).json()
    empty = await reviewer.post(f"{PATH}/{big['id']}/reject", json={"reason": " "})
    assert (empty.status_code, empty.json()["errors"][0]["field"]) == (422, "reason")
    done = await reviewer.post(f"{PATH}/{big['id']}/reject", json={"reason": "Pas clair"})
    assert (done.json()["state"], done.json()["reason"]) == ("rejected", "Pas clair")
    quota = (await requester.get("/api/v1/agencies/rft/quota")).json()
    assert quota["held"]["sandboxes"] == 0


async def test_one_withdraws_ones_own(users: Users) -> None:
    client = await users.api("a.tremblay")
    big = (await client.post(PATH, json=draft(size="moyen"))).json()
    assert (await client.post(f"{PATH}/{big['id']}/withdraw")).json()["state"] == "withdrawn"
    assert (await client.post(f"{PATH}/{big['id']}/withdraw")).status_code == 409


async def test_a_preview_does_nothing(users: Users) -> None:
    client = await users.api("a.tremblay")
    small = (await client.post(f"{PATH}/preview", json=draft())).json()
    assert (small["decision"], small["rule"], small["fits"]) == (
        "approved",
        "petit-et-synthetique",
        True,
    )
    big = (await client.post(f"{PATH}/preview", json=draft(size="grand"))).json()
    assert (big["decision"], big["reasons"]) == ("review", ["resources"])
    assert (await client.get(PATH)).json()["items"] == []


async def test_lists_come_in_parts(users: Users) -> None:
    client = await users.api("c.roy")
    for _ in range(3):
        await client.post(PATH, json=draft(agency_id="sqd", colleagues=[]))
    seen: list[str] = []
    path = f"{PATH}?limit=2"
    while path:
        answer = await client.get(path)
        seen += [item["id"] for item in answer.json()["items"]]
        link = answer.headers.get("link", "")
        assert bool(link) == bool(answer.json()["next"])
        path = link.partition(">")[0].removeprefix("<")
    assert len(seen) == len(set(seen)) == 3
    bad = await client.get(f"{PATH}?after=n-importe-quoi")
    assert (bad.status_code, bad.json()["errors"][0]["code"]) == (422, "bad_cursor")
    assert (await client.get(f"{PATH}?limit=0")).status_code == 422
    twice = (await client.get(f"{PATH}?limit=1&limit=2")).json()
    assert twice["errors"][0]["code"] == "given_twice"
    assert (await client.get(f"{PATH}?page=2")).json()["errors"][0]["code"] == "unknown_query"
