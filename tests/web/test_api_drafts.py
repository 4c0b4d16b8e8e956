from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
from typer.testing import CliRunner

from lab.cli import app as command
from lab.cli.api import Reach
from lab.domain.token import TokenKind

if TYPE_CHECKING:
    from tests.web.conftest import Users, WebLab

ROOT = "/api/v1/drafts"
ANSWERS = {
    "people": {"sponsor": "Direction des services"},
    "purpose": {"purpose": "Réduire les délais", "success": "Dix jours de moins"},
    "data": {"datasets": ["demandes-prestations"], "legal_basis": "Loi sur la Régie, art. 5"},
    "use": {"use": "predict", "template": "01-depart"},
    "resources": {"size": "moyen", "ends_on": "2026-12-05"},
    "egress": {"profile": "standard", "egress_reason": "Garder les essais"},
    "team": {"colleagues": ["b.gagnon"], "support": "start"},
    "relevance": {"rule": "yes"},
}


async def test_a_draft_is_written_read_and_sent_over_http(users: Users) -> None:
    client = await users.api("a.tremblay")
    key = {"Idempotency-Key": "k1"}
    opened = await client.post(ROOT, json={"agency_id": "rft"}, headers=key)
    assert opened.status_code == 201
    where = opened.headers["location"]
    assert (await client.post(ROOT, json={"agency_id": "rft"}, headers=key)).headers[
        "location"
    ] == where
    etag = opened.headers["etag"]
    for step, answers in ANSWERS.items():
        given = await client.put(
            f"{where}/steps/{step}", json={"answers": answers}, headers={"If-Match": etag}
        )
        assert given.status_code == 200, given.text
        etag = given.headers["etag"]
    body = given.json()
    assert {s["state"] for s in body["steps"] if not s["advises"]} == {"done"}
    assert body["steps"][2]["answers"] == ANSWERS["data"]
    assert body["outlook"]["decision"] == "review"
    assert body["outlook"]["reasons"] == ["resources"]
    advice = {a["questionnaire"]: a for a in body["advice"]}
    assert advice["relevance"]["advice_en"] == [
        "Try without AI first. If the rule is enough, you have saved time."
    ]
    listed = (await client.get(ROOT)).json()["items"]
    assert [(d["id"], d["purpose"]) for d in listed] == [(body["id"], "Réduire les délais")]
    reused = await client.post(f"{where}/submit", headers={"If-Match": etag} | key)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    once = {"If-Match": etag, "Idempotency-Key": "k2"}
    sent = await client.post(f"{where}/submit", headers=once)
    again = await client.post(f"{where}/submit", headers=once)
    assert again.headers["location"] == sent.headers["location"]
    elsewhere = await client.post(f"{ROOT}", json={"agency_id": "rft"}, headers=once)
    assert elsewhere.json()["code"] == "idempotency_key_reused"
    assert (sent.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    assert sent.json()["id"] == again.json()["id"]
    read = (await client.get(sent.headers["location"])).json()
    assert read["state"] == "in_review"
    assert read["answers"]["egress"]["egress_reason"] == ["Garder les essais"]
    assert (await client.delete(where)).status_code == 409
    assert (await client.get(where)).json()["request_id"] == read["id"]


async def test_what_is_wrong_is_named_and_what_is_others_is_not_there(users: Users) -> None:
    client = await users.api("a.tremblay")
    where = (await client.post(ROOT, json={"agency_id": "rft"})).headers["location"]
    for answers, field, code in (
        ({"size": "géant"}, "size", "unknown"),
        ({"ends_on": "hier"}, "ends_on", "bad_date"),
        ({"size": ["petit", "moyen"]}, "size", "bad_value"),
        ({"agency_id": "sqd"}, "agency_id", "unknown_field"),
    ):
        body = {"answers": answers, "partial": True}
        answer = await client.put(f"{where}/steps/resources", json=body)
        assert answer.status_code == 422
        assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [(field, code)]
    assert (await client.put(f"{where}/steps/nulle", json={"answers": {}})).status_code == 422
    stale = await client.put(
        f"{where}/steps/team", json={"answers": {"support": "none"}}, headers={"If-Match": '"9"'}
    )
    assert (stale.status_code, stale.json()["code"]) == (412, "conflict")
    missing = await client.post(f"{where}/submit")
    assert missing.status_code == 422
    assert {"purpose", "success", "legal_basis"} <= {e["field"] for e in missing.json()["errors"]}
    other = await users.api("c.roy")
    for answer in (
        await other.get(where),
        await other.put(f"{where}/steps/team", json={"answers": {"support": "none"}}),
        await other.post(f"{where}/submit"),
        await other.delete(where),
        await client.get(f"{ROOT}/rd-nulle"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await other.post(ROOT, json={"agency_id": "rft"})).status_code == 403
    assert (await (await users.api("r.cote")).get(where)).status_code == 403
    assert (await client.delete(where)).status_code == 204
    assert (await client.get(where)).status_code == 404


async def test_the_questions_that_advise_can_be_read(users: Users) -> None:
    client = await users.api("b.gagnon")
    found = (await client.get("/api/v1/questionnaires")).json()["items"]
    assert [each["id"] for each in found] == ["privacy", "readiness", "relevance"]
    assert all(question["hint_en"] for each in found for question in each["questions"])


class Inside(httpx.BaseTransport):
    """The command's connection to a lab in the same process, whose loop runs in another thread."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client, self._loop = client, asyncio.get_running_loop()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = self._client.request(
            request.method, request.url, content=request.read(), headers=request.headers
        )
        answer = asyncio.run_coroutine_threadsafe(sent, self._loop).result(20)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


async def test_the_command_writes_a_request_step_by_step(users: Users, lab: WebLab) -> None:
    env = {"LANG": "C", "LC_ALL": "C", "COLUMNS": "200"}
    token = await lab.members.issue(lab.people["a.tremblay"], TokenKind.API)
    reach = Reach(lab.settings.public_url, token, Inside(users.nobody()))

    async def said(*words: str) -> tuple[int, str]:
        line = ["request", "draft", *words]
        shown = await asyncio.to_thread(CliRunner().invoke, command, line, env=env, obj=reach)
        return shown.exit_code, shown.output

    code, shown = await said("new", "--agency", "rft")
    draft_id = next(word for word in shown.split() if word.startswith("rd-"))
    assert code == 0
    assert "approved at once" in shown
    two = ("datasets=demandes-prestations", "datasets=rand-hie")
    code, shown = await said("set", draft_id, "data", *two, "--partial")
    assert (code, "datasets=demandes-prestations,rand-hie" in shown) == (0, True)
    client = await users.api("a.tremblay")
    for step, answers in ANSWERS.items():
        where = f"{ROOT}/{draft_id}/steps/{step}"
        assert (await client.put(where, json={"answers": answers})).status_code == 200
    assert "in_review" in (await said("show", draft_id))[1]
    assert "Réduire les délais" in (await said("list"))[1]
    code, shown = await said("set", draft_id, "resources", "size=x", "--partial")
    assert (code, "size: “x” does not exist" in shown) == (1, True), shown
    assert (await said("set", draft_id, "resources", "size"))[0] == 2
    assert (await said("set", draft_id, "team", "support=none", "--version", "2"))[0] == 1
    code, shown = await said("submit", draft_id)
    assert code == 0
    assert "rq-" in shown
    assert (await said("submit", draft_id))[1] == shown
    assert (await said("delete", draft_id, "--yes"))[0] == 1
    draft_id = (await client.post(ROOT, json={"agency_id": "rft"})).json()["id"]
    assert await said("delete", draft_id, "--yes") == (0, f"{draft_id} is gone.\n")
