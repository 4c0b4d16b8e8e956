from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.domain.attempt import Rule
from lab.domain.errors import ProviderError, StoreFullError, StoreUnavailableError
from lab.domain.sandbox import Stage
from tests.web.conftest import PASSWORD
from tests.web.scenes import deleted_sandbox, failing_sandbox, ready_sandbox

if TYPE_CHECKING:
    from tests.web.conftest import Users, WebLab

QUOTA = {"cpu_millicores": 8000, "memory_bytes": 2**34, "storage_bytes": 2**36, "sandboxes": 5}
AGENCY = {"id": "nouvel", "name_fr": "Nouvel", "name_en": "New", "quota": QUOTA, "max_days": 30}


async def test_an_operator_adds_an_agency_once(users: Users) -> None:
    client = await users.api("o.lavoie")
    key = {"Idempotency-Key": "a"}
    made = await client.post("/api/v1/agencies", json=AGENCY, headers=key)
    again = await client.post("/api/v1/agencies", json=AGENCY, headers=key)
    assert (made.status_code, again.status_code) == (201, 201)
    assert made.json() == again.json()
    assert made.headers["location"] == "/api/v1/agencies/nouvel"
    assert (await client.post("/api/v1/agencies", json=AGENCY)).status_code == 409
    assert (await client.post("/api/v1/agencies", json=AGENCY | {"x": 1})).status_code == 422
    assert (await client.get("/api/v1/agencies/nouvel")).json()["quota"]["sandboxes"] == 5


async def test_a_quota_is_changed_by_who_has_read_it(users: Users) -> None:
    client = await users.api("o.lavoie")
    read = await client.get("/api/v1/agencies/rft/quota")
    body = {"quota": QUOTA, "max_days": 60}
    done = await client.put(
        "/api/v1/agencies/rft/quota", json=body, headers={"If-Match": read.headers["etag"]}
    )
    assert (done.status_code, done.json()["max_days"]) == (200, 60)
    stale = await client.put(
        "/api/v1/agencies/rft/quota", json=body, headers={"If-Match": read.headers["etag"]}
    )
    assert (stale.status_code, stale.json()["code"]) == (412, "conflict")
    odd = await client.put("/api/v1/agencies/rft/quota", json=body, headers={"If-Match": "x"})
    assert odd.status_code == 422
    assert (await client.put("/api/v1/agencies/rien/quota", json=body)).status_code == 404
    for quota in ({"sandboxes": -1}, {"memory_bytes": 2**70}, {"cpu_millicores": "4"}):
        bad = {"quota": QUOTA | quota}
        assert (await client.put("/api/v1/agencies/rft/quota", json=bad)).status_code == 422


async def test_a_sandbox_is_deleted_later(users: Users, lab: WebLab) -> None:
    sandbox_id = await ready_sandbox(lab)
    client = await users.api("a.tremblay")
    path = f"/api/v1/sandboxes/{sandbox_id}"
    read = await client.get(path)
    assert read.json()["phase"] == "ready"
    assert (await client.delete(path, headers={"If-Match": '"77"'})).status_code == 412
    done = await client.delete(path, headers={"If-Match": read.headers["etag"]})
    assert (done.status_code, done.json()["phase"]) == (202, "deleting")
    assert done.headers["location"] == path
    assert (await client.delete(path)).status_code == 202
    assert (await client.get(f"{path}/certificate")).status_code == 404
    scientist = await users.api("b.gagnon")
    assert (await scientist.delete(path)).status_code == 403


async def test_details_for_operators_are_for_operators(users: Users, lab: WebLab) -> None:
    path = f"/api/v1/sandboxes/{await failing_sandbox(lab)}"
    theirs = (await (await users.api("a.tremblay")).get(path)).json()["stages"][2]
    ours = (await (await users.api("o.lavoie")).get(path)).json()["stages"][2]
    assert (theirs["error_code"], theirs["failures"]) == ("provider_failed", 3)
    assert theirs["error_detail"] == ""
    assert "connection refused" in ours["error_detail"]


async def test_proof_attempts_and_certificate_are_read(users: Users, lab: WebLab) -> None:
    deleted, ready = await deleted_sandbox(lab), await ready_sandbox(lab)
    lab.attempts.add(ready, lab.people["a.tremblay"].id, Rule.NO_NAMES, "pypi.org")
    client = await users.api("a.tremblay")
    proof = (await client.get(f"/api/v1/sandboxes/{ready}/proof")).json()
    assert (proof["holds"], len(proof["results"])) == (True, 5)
    attempts = (await client.get(f"/api/v1/sandboxes/{ready}/attempts")).json()["items"]
    assert (attempts[0]["rule"], attempts[0]["member"]["login"]) == ("no_names", "a.tremblay")
    certificate = (await client.get(f"/api/v1/sandboxes/{deleted}/certificate")).json()
    assert [gone["stage"] for gone in certificate["gone"]] == [s.value for s in Stage]
    assert (await client.get("/api/v1/sandboxes/sb-ffffffffff/proof")).status_code == 404


async def test_a_member_starts_and_stops_their_own_notebook(users: Users, lab: WebLab) -> None:
    path = f"/api/v1/sandboxes/{await ready_sandbox(lab)}/server"
    client = await users.api("b.gagnon")
    started = await client.post(path)
    assert (started.status_code, started.headers["location"]) == (202, path)
    assert (await client.get(path)).json()["state"] == "pending"
    other = await users.api("a.tremblay")
    assert (await other.get(path)).json()["state"] == "stopped"
    assert (await client.delete(path)).status_code == 202
    assert (await client.get(path)).json()["state"] == "stopped"
    assert (await (await users.api("o.lavoie")).post(path)).status_code == 403
    lab.notebooks.fail_with = ProviderError(Stage.WORKSPACE, "hub down")
    failed = await client.post(path)
    assert (failed.status_code, failed.json()["code"]) == (503, "provider_failed")
    assert failed.headers["retry-after"]


async def test_a_notebook_does_not_start_before_its_walls(users: Users, lab: WebLab) -> None:
    path = f"/api/v1/sandboxes/{await failing_sandbox(lab)}/server"
    answer = await (await users.api("a.tremblay")).post(path)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")


async def test_people_are_added_listed_and_given_links(users: Users) -> None:
    client = await users.api("o.lavoie")
    body = {"login": "d.nguyen", "name": "Dao Nguyen", "agency_id": "rft", "roles": ["scientist"]}
    key = {"Idempotency-Key": "m"}
    made = await client.post("/api/v1/members", json=body, headers=key)
    assert made.status_code == 201
    again = await client.post("/api/v1/members", json=body, headers=key)
    assert again.json() == made.json()
    assert (await client.post("/api/v1/members", json=body)).status_code == 422
    assert "password_hash" not in made.text
    people = (await client.get("/api/v1/members?agency_id=rft")).json()["items"]
    assert "d.nguyen" in [p["login"] for p in people]
    link = await client.post("/api/v1/members/d.nguyen/link", json={"next": "/bacs"}, headers=key)
    assert link.status_code == 422  # the key was used for something else
    link = await client.post("/api/v1/members/d.nguyen/link", json={"next": "/bacs"})
    assert "/entrer?jeton=" in link.json()["url"]
    for bad in ("//ailleurs.example", "/\\ailleurs", "https://x", "bacs"):
        answer = await client.post("/api/v1/members/d.nguyen/link", json={"next": bad})
        assert answer.status_code == 422, bad
    requester = await users.api("a.tremblay")
    assert (await requester.get("/api/v1/members?agency_id=sqd")).status_code == 403
    assert (await requester.post("/api/v1/members/d.nguyen/link", json={})).status_code == 403


async def test_one_sets_ones_own_password_and_an_operator_anybodys(users: Users) -> None:
    client = await users.api("a.tremblay")
    body = {"password": PASSWORD + " neuf"}
    assert (await client.put("/api/v1/members/b.gagnon/password", json=body)).status_code in {
        403,
        404,
    }
    short = await client.put("/api/v1/members/a.tremblay/password", json={"password": "court"})
    assert short.status_code == 422
    assert (await client.put("/api/v1/members/a.tremblay/password", json=body)).status_code == 204
    # Every token ends with the password.
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_api_tokens_are_made_shown_once_and_revoked(users: Users) -> None:
    client = await users.api("a.tremblay")
    key = {"Idempotency-Key": "t"}
    made = await client.post("/api/v1/tokens", json={"label": "poste"}, headers=key)
    assert made.status_code == 201
    again = await client.post("/api/v1/tokens", json={"label": "poste"}, headers=key)
    assert (again.status_code, again.json()["code"]) == (409, "shown_once")
    own = users.nobody(Authorization=f"Bearer {made.json()['token']}")
    assert (await own.get("/api/v1/me")).json()["login"] == "a.tremblay"
    other = await users.api("c.roy")
    revoke = {"token": made.json()["token"]}
    await other.post("/api/v1/tokens/revoke", json=revoke)
    assert (await own.get("/api/v1/me")).status_code == 200
    assert (await client.post("/api/v1/tokens/revoke", json=revoke)).status_code == 204
    assert (await own.get("/api/v1/me")).status_code == 401
    assert (await client.delete("/api/v1/tokens/current")).status_code == 204
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_a_session_may_use_the_api_with_its_proof(users: Users) -> None:
    client = (await users.browser("a.tremblay")).client
    me = (await client.get("/api/v1/me")).json()
    refused = await client.post("/api/v1/tokens", json={"label": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "bad_csrf")
    headers = {"X-CSRF-Token": me["csrf_token"]}
    made = await client.post("/api/v1/tokens", json={"label": "x"}, headers=headers)
    assert made.status_code == 201
    elsewhere = headers | {"Origin": "http://m-0000000001.vaseclos.localhost:8000"}
    refused = await client.post("/api/v1/tokens", json={"label": "y"}, headers=elsewhere)
    assert refused.json()["code"] == "bad_origin"


async def test_the_catalogue_is_read(users: Users) -> None:
    client = await users.api("b.gagnon")
    assert (await client.get("/api/v1/sizes")).json()["items"][0]["id"] == "petit"
    assert (await client.get("/api/v1/templates/01-depart")).json()["entry"] == "depart.ipynb"
    profile = (await client.get("/api/v1/egress-profiles/standard")).json()
    assert profile["doors"] == ["hub", "storage", "tracking"]
    dataset = (await client.get("/api/v1/datasets/rand-hie")).json()
    assert (dataset["data_class"], dataset["versions"][0]["row_count"]) == ("ouvert", 50_000)
    for path in ("templates/x", "egress-profiles/x", "datasets/x"):
        assert (await client.get(f"/api/v1/{path}")).status_code == 404


@pytest.mark.parametrize(
    ("error", "status"),
    [(StoreUnavailableError("x"), 503), (StoreFullError("x"), 507), (RuntimeError("boum"), 500)],
)
async def test_a_failing_store_is_said_without_its_words(
    users: Users, lab: WebLab, error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    client, browser = await users.api("o.lavoie"), await users.browser("o.lavoie")

    class Broken:
        def catalogue(self) -> object:
            raise error

    lab.catalogue = Broken()  # type: ignore[assignment]
    answer = await client.get("/api/v1/sizes")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "boum" not in answer.text
    assert "Traceback" not in answer.text
    page = await browser.get("/demandes/nouvelle")
    assert page.status_code == status
    assert "<h1" in page.text
    if status == 500:
        assert answer.json()["id"] in caplog.text
