from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.sandbox import SuspendReason
from tests.web.scenes import file, ready_sandbox

if TYPE_CHECKING:
    from tests.web.conftest import Users, WebLab

WHY = "Fuite <b>soupçonnée</b>"


async def test_an_operator_suspends_and_resumes_over_http_and_the_team_reads_why(
    users: Users, lab: WebLab
) -> None:
    sandbox_id = await ready_sandbox(lab)
    operator, team = await users.api("o.lavoie"), await users.api("a.tremblay")
    one = f"/api/v1/sandboxes/{sandbox_id}"
    read = await operator.get(one)
    stale = {"If-Match": '"99"'}
    told = await operator.post(f"{one}/suspend", json={"reason": WHY}, headers=stale)
    assert told.status_code == 412
    current = {"If-Match": read.headers["etag"]}
    held = await operator.post(f"{one}/suspend", json={"reason": WHY}, headers=current)
    assert held.status_code == 202
    assert held.headers["etag"] != read.headers["etag"]
    body = (await team.get(one)).json()
    assert (body["phase"], body["suspend_reason"]) == ("suspended", "asked")
    assert body["suspend_note"] == WHY
    refused = await team.post(f"{one}/server")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_ready")
    for bad in ({}, {"reason": ""}, {"reason": "x", "more": 1}):
        assert (await operator.post(f"{one}/stop", json=bad)).status_code == 422
    assert (await operator.post(f"{one}/stop", json={"reason": "vite"})).status_code == 202
    assert (await operator.post(f"{one}/resume", json={"reason": "bon"})).status_code == 202
    assert (await team.get(one)).json()["phase"] == "ready"
    acts = (await team.get(f"{one}/interventions")).json()["items"]
    assert [(a["act"], a["note"], a["by"]["login"]) for a in acts] == [
        ("suspend", WHY, "o.lavoie"),
        ("stop", "vite", "o.lavoie"),
        ("resume", "bon", "o.lavoie"),
    ]
    for act in ("suspend", "stop", "resume"):
        assert (await team.post(f"{one}/{act}", json={"reason": "x"})).status_code == 403
    stranger = await users.api("c.roy")
    assert (await stranger.get(f"{one}/interventions")).status_code == 404


async def test_all_of_the_lab_stops_and_goes_on_over_http(users: Users, lab: WebLab) -> None:
    sandbox_id = await ready_sandbox(lab)
    operator, team = await users.api("o.lavoie"), await users.api("a.tremblay")
    for bad in ({"reason": WHY}, {"reason": WHY, "confirmation": "oui"}):
        answer = await operator.post("/api/v1/stop", json=bad)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "confirmation"
    good = {"reason": WHY, "confirmation": "Tout arrêter"}
    assert (await team.post("/api/v1/stop", json=good)).status_code == 403
    assert (await operator.post("/api/v1/stop", json=good)).json()["is_stopped"] is True
    assert (await team.get("/api/v1/stop")).json()["note"] == WHY
    one = f"/api/v1/sandboxes/{sandbox_id}"
    assert (await team.get(one)).json()["suspend_reason"] == "lab_stopped"
    blocked = await operator.post(f"{one}/resume", json={"reason": "un seul"})
    assert (blocked.status_code, blocked.json()["code"]) == (409, "wrong_state")
    lifted = await operator.post("/api/v1/stop/lift", json={"reason": "bon"})
    assert lifted.json() == {"is_stopped": False, "since": None, "note": ""}
    again = await operator.post("/api/v1/stop/lift", json={"reason": "bon"})
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    assert (await team.get(one)).json()["phase"] == "ready"


async def test_the_pages_ask_twice_keep_what_was_typed_and_say_the_command(
    users: Users, lab: WebLab
) -> None:
    sandbox_id = await ready_sandbox(lab)
    operator, team = await users.browser("o.lavoie"), await users.browser("a.tremblay")
    page = f"/bacs/{sandbox_id}"
    asked = await operator.get(f"{page}/suspendre")
    assert f"lab sandbox suspend {sandbox_id}" in asked.text
    empty = await operator.post(f"{page}/suspendre", {"reason": "  "})
    assert empty.status_code == 422
    assert "govuk-error-summary" in empty.text
    long = await operator.post(f"{page}/suspendre", {"reason": "é" * 1001})
    assert long.status_code == 422
    assert "é" * 1001 in long.text
    done = await operator.post(f"{page}/suspendre", {"reason": WHY})
    assert (done.status_code, done.headers["location"]) == (303, page)
    seen = (await team.get(page)).text
    assert "Fuite &lt;b&gt;soupçonnée&lt;/b&gt;" in seen
    assert "a suspendu ce bac à sable" in seen
    assert "Ouvrir JupyterLab" not in seen
    assert f"{page}/reprendre" not in seen
    assert (await team.get(f"{page}/suspendre")).status_code == 403
    assert (await operator.post(f"{page}/arreter", {"reason": "vite"})).status_code == 303
    assert (await operator.post(f"{page}/reprendre", {"reason": "bon"})).status_code == 303
    assert "Ouvrir JupyterLab" in (await team.get(page)).text
    wrong = await operator.post("/arret", {"reason": WHY, "confirmation": "oui"})
    assert wrong.status_code == 422
    assert 'value="oui"' in wrong.text
    right = {"reason": WHY, "confirmation": "TOUT ARRÊTER"}
    assert (await operator.post("/arret", right)).status_code == 303
    for path in ("/", "/bacs"):
        assert "Tout le laboratoire est arrêté" in (await team.get(path)).text
    assert (await operator.post("/arret/lever", {"reason": ""}, page="/arret")).status_code == 422
    lifted = await operator.post("/arret/lever", {"reason": "bon"}, page="/arret")
    assert lifted.headers["location"] == "/bacs"


async def test_a_team_extends_on_the_page_as_far_as_the_rule_goes(
    users: Users, lab: WebLab
) -> None:
    sandbox_id = await ready_sandbox(lab)
    team, path = await users.browser("b.gagnon"), f"/bacs/{sandbox_id}/prolonger"
    form = (await team.get(path)).text
    assert "Au plus tard le 22 décembre 2026" in form
    assert "elle peut aller jusqu’au 19 février 2027" in form

    def filled(day: str, month: str = "12", reason: str = "Il manque une semaine") -> object:
        parts = {"ends_on_day": day, "ends_on_month": month, "ends_on_year": "2026"}
        return parts | {"reason": reason}

    for body in (filled("40"), filled("23"), filled("1"), filled("20", reason=""), {"x": "1"}):
        told = await team.post(path, body)
        assert told.status_code == 422, body
        assert "govuk-error-summary" in told.text
    assert (await team.post(path, filled("20"))).status_code == 303
    seen = (await team.get(f"/bacs/{sandbox_id}")).text
    assert "Prolongé" in seen
    assert "jusqu’à la fin du 20 décembre 2026" in seen
    program, one = await users.api("b.gagnon"), f"/api/v1/sandboxes/{sandbox_id}/extend"
    body = {"ends_on": "2026-12-22", "reason": "encore"}
    done = await program.post(one, json=body)
    assert done.json()["expires_at"] == "2026-12-23T05:00:00Z"
    told = await program.post(one, json=body | {"ends_on": "2026-12-23"})
    assert told.json()["errors"][0]["code"] == "ask_operator"
    assert "Aucune règle d’approbation" in (await team.get(path)).text
    assert (await (await users.api("c.roy")).post(one, json=body)).status_code == 404
    assert (await (await users.api("r.cote")).post(one, json=body)).status_code == 403


async def test_what_is_approved_while_all_is_stopped_waits(users: Users, lab: WebLab) -> None:
    operator = await users.api("o.lavoie")
    good = {"reason": WHY, "confirmation": "stop all"}
    assert (await operator.post("/api/v1/stop", json=good)).status_code == 202
    request = await file(lab)
    view = await lab.sandboxes.get(lab.people["a.tremblay"], request.sandbox_id)
    assert view.sandbox.suspension is not None
    assert view.sandbox.suspension.reason is SuspendReason.LAB_STOPPED


async def test_a_colleague_is_invited_and_taken_out_on_the_page_and_over_http(
    users: Users, lab: WebLab
) -> None:
    sandbox_id = await ready_sandbox(lab)
    one, page = f"/api/v1/sandboxes/{sandbox_id}", f"/bacs/{sandbox_id}/equipe"
    team, program = await users.browser("a.tremblay"), await users.api("a.tremblay")
    shown = (await team.get(page)).text
    assert "b.gagnon" in shown
    assert f"lab sandbox invite {sandbox_id}" in shown
    assert f'href="{page}"' in (await team.get(f"/bacs/{sandbox_id}")).text
    out = await team.post(f"{page}/retirer", {"login": "b.gagnon"}, page=page)
    assert out.headers["location"] == page
    gone = await users.api("b.gagnon")
    assert (await gone.get(one)).status_code == 404
    wrong = await team.post(page, {"login": "<b>c.roy"}, page=page)
    assert wrong.status_code == 422
    assert 'value="&lt;b&gt;c.roy"' in wrong.text
    assert "Aucune personne active" in wrong.text
    back = await program.post(f"{one}/members", json={"login": "b.gagnon"})
    assert [each["login"] for each in back.json()["members"]] == ["a.tremblay", "b.gagnon"]
    stale = {"If-Match": '"1"'}
    for answer in (
        await program.post(f"{one}/members", json={"login": "b.gagnon"}, headers=stale),
        await program.delete(f"{one}/members/b.gagnon", headers=stale),
    ):
        assert answer.status_code == 412
    for bad in ({}, {"login": 1}, {"login": "c.roy"}, {"login": "b.gagnon", "more": 1}):
        assert (await program.post(f"{one}/members", json=bad)).status_code == 422
    assert (await program.delete(f"{one}/members/a.tremblay")).status_code == 422
    for login, status in (("c.roy", 404), ("r.cote", 403)):
        stranger = await users.api(login)
        asked = await stranger.post(f"{one}/members", json={"login": "b.gagnon"})
        assert asked.status_code == status
        assert (await stranger.delete(f"{one}/members/b.gagnon")).status_code == status
    # Who leaves may not look any more: the way leads to the list.
    self_out = await users.browser("b.gagnon")
    left = await self_out.post(f"{page}/retirer", {"login": "b.gagnon"}, page=page)
    assert left.headers["location"] == "/bacs"
    assert (await self_out.get(page)).status_code == 404
