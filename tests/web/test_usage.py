from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from lab.bootstrap import new_id
from lab.domain.hours import Span
from lab.domain.ids import AgencyId
from lab.domain.quantity import Resources
from lab.services.budgets import BudgetWatch
from lab.web.day_plot import Day, columns
from tests.conftest import NOON
from tests.web.conftest import draft
from tests.web.scenes import asked, ready_sandbox
from tests.web.test_metrics import TOKEN, values

if TYPE_CHECKING:
    from lab.domain.ids import SandboxId
    from tests.web.conftest import Users, WebLab

RFT = AgencyId("rft")
QUOTA = {"cpu_millicores": 4000, "memory_bytes": 2**33, "storage_bytes": 2**35, "sandboxes": 9}
AMOUNTS = {"cpu": "4", "memory": "8", "storage": "40", "gpu": "0", "sandboxes": "3"}


async def used(lab: WebLab, hours: float) -> SandboxId:
    """Make a sandbox that was ready so long, until now; the loop wrote it down."""
    sandbox_id = await ready_sandbox(lab)
    begins = NOON - timedelta(hours=hours)
    async with lab.store.begin() as tx:
        await tx.hours.begin(Span(sandbox_id, RFT, Resources(1000), begins))
    return sandbox_id


async def watch(lab: WebLab) -> None:
    zone = lab.settings.zone
    await BudgetWatch(store=lab.store, clock=lab.clock, new_id=new_id, zone=zone).run()


async def set_budget(users: Users, cpu: int | None) -> None:
    operator = await users.api("o.lavoie")
    body = {"quota": QUOTA, "budget": {"cpu_hours": cpu, "gpu_hours": None}}
    answer = await operator.put("/api/v1/agencies/rft/quota", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["hours"][0]["budget_hours"] == cpu


async def test_hours_are_read_by_month_by_day_and_by_sandbox(users: Users, lab: WebLab) -> None:
    sandbox_id = await used(lab, 30)
    await set_budget(users, 50)
    await watch(lab)
    team = await users.api("a.tremblay")
    body = (await team.get("/api/v1/usage/rft")).json()
    assert (body["month"], body["ends_at"]) == ("2026-11", "2026-12-01T05:00:00Z")
    (cpu, gpu) = body["meters"]
    assert (cpu["used_hours"], cpu["left_hours"], cpu["is_spent"]) == (30.0, 20.0, False)
    assert [one["percent"] for one in cpu["reached"]] == [50]
    assert gpu["budget_hours"] is gpu["left_hours"] is None
    assert sum(day["cpu_hours"] for day in body["days"]) == 30.0
    assert len(body["days"]) == 30
    assert body["sandboxes"] == [{"sandbox_id": sandbox_id, "cpu_hours": 30.0, "gpu_hours": 0.0}]
    october = (await team.get("/api/v1/usage/rft", params={"month": "2026-10"})).json()
    assert october["meters"][0]["used_hours"] == 0.0
    assert [v["agency_id"] for v in (await team.get("/api/v1/usage")).json()["items"]] == ["rft"]
    operator = await users.api("o.lavoie")
    every = (await operator.get("/api/v1/usage")).json()["items"]
    assert [view["agency_id"] for view in every] == ["rft", "sqd"]
    figures = values((await users.nobody(**TOKEN).get("/metrics")).text)
    assert figures["vaseclos_budget_used_ratio", "rft", "cpu_hours"] == 0.6
    for bad in ("2026-13", "11-2026", "x"):
        refused = await team.get("/api/v1/usage/rft", params={"month": bad})
        assert refused.status_code == 422, bad
    for path in ("/api/v1/usage/sqd", "/api/v1/usage/nulle-part"):
        assert (await team.get(path)).status_code == 404
    assert (await (await users.api("b.gagnon")).get("/api/v1/usage")).status_code == 403


async def test_the_days_are_saved_as_each_language_writes_numbers(
    users: Users, lab: WebLab
) -> None:
    await used(lab, 30)
    team = await users.api("a.tremblay")
    found = {}
    for lang, between in (("fr", ";"), ("en", ",")):
        answer = await team.get("/api/v1/usage/rft/days.csv", params={"lang": lang})
        assert answer.headers["content-disposition"].endswith('"heures-rft-2026-11.csv"')
        text = answer.text.removeprefix("\ufeff")
        found[lang] = list(csv.reader(io.StringIO(text), delimiter=between))
    assert found["fr"][0] == ["Jour", "Heures-processeur", "Heures-GPU"]
    assert found["en"][0] == ["Day", "CPU hours", "GPU hours"]
    assert found["fr"][20] == ["2026-11-20", "23,000", "0,000"]
    assert found["en"][21] == ["2026-11-21", "7.000", "0.000"]


async def test_a_spent_budget_is_told_before_filing_and_at_resuming(
    users: Users, lab: WebLab
) -> None:
    sandbox_id = await used(lab, 10)
    await set_budget(users, 10)
    await watch(lab)
    team, page = await users.api("a.tremblay"), await users.browser("a.tremblay")
    for path in ("/demandes/nouvelle", "/organismes/rft", "/organismes/rft/usage"):
        text = (await page.get(path)).text
        assert "1er décembre 2026" in text or "Épuisées" in text, path
    assert (await team.post("/api/v1/requests/preview", json=draft())).json()["spent"] == "cpu"
    refused = await team.post("/api/v1/requests", json=draft())
    assert (refused.status_code, refused.json()["code"]) == (409, "budget_spent")
    assert refused.json()["next_month_at"] == "2026-12-01T05:00:00+00:00"
    typed = asked()
    form = {
        "cle": "k",
        "agency_id": "rft",
        "purpose": typed.purpose,
        "datasets": typed.datasets[0],
        "template": typed.template,
        "size": typed.size,
        "profile": typed.profile,
        "ends_on_day": "5",
        "ends_on_month": "12",
        "ends_on_year": "2026",
        "action": "preview",
    }
    shown = await page.post("/demandes/nouvelle", form)
    assert "les heures du mois sont épuisées" in shown.text
    filed = await page.post("/demandes/nouvelle", form | {"action": "file"})
    assert filed.status_code == 409
    assert typed.purpose.splitlines()[0] in filed.text
    assert "ou dès que le budget sera relevé" in filed.text
    assert "ou dès que le budget sera relevé" in (await page.get(f"/bacs/{sandbox_id}")).text
    operator = await users.browser("o.lavoie")
    told = await operator.post(f"/bacs/{sandbox_id}/reprendre", {"reason": "Encore un peu"})
    assert told.status_code == 409
    assert "Encore un peu" in told.text
    assert "1er décembre 2026" in told.text
    for path in ("/", "/organismes", "/usage"):
        assert "Épuisées" in (await operator.get(path)).text, path
    await set_budget(users, 11)
    assert "Le budget du mois a été relevé" in (await page.get(f"/bacs/{sandbox_id}")).text
    lab.clock.time = datetime(2026, 12, 1, 5, tzinfo=UTC)
    page, operator = await users.browser("a.tremblay"), await users.browser("o.lavoie")
    assert "Un nouveau mois a commencé" in (await page.get(f"/bacs/{sandbox_id}")).text
    done = await operator.post(f"/bacs/{sandbox_id}/reprendre", {"reason": "Décembre"})
    assert done.status_code == 303


async def test_the_pages_draw_and_tell_the_same_figures_in_both_languages(
    users: Users, lab: WebLab
) -> None:
    await used(lab, 30)
    await set_budget(users, 40)
    team = await users.browser("a.tremblay")
    redirected = await team.get("/usage")
    assert redirected.headers["location"] == "/organismes/rft/usage"
    text = (await team.get("/organismes/rft/usage")).text
    assert text.count('role="img"') == 3
    assert 'aria-label="Heures-processeur par jour, novembre 2026. Total 30' in text
    assert "20 novembre 2026</th><td" in text
    assert "lab usage rft --month 2026-11" in text
    assert "75\u00a0%" in text
    before = re.findall(r"\?mois=([0-9-]+)", text)
    assert before == ["2026-10"]
    odd = await team.get("/organismes/rft/usage?mois=%3Cb%3E")
    assert odd.status_code == 200
    assert "Ce mois n’existe pas" in odd.text
    assert (await team.get("/organismes/sqd/usage")).status_code == 404
    assert (await (await users.browser("b.gagnon")).get("/usage")).status_code == 403
    team.client.cookies.set("langue", "en", domain="vaseclos.localhost")
    english = (await team.get("/organismes/rft/usage?mois=2026-10")).text
    assert "CPU hours by day, October 2026. Total 0" in english
    assert "No sandbox was ready in that month." in english
    assert before != re.findall(r"\?mois=([0-9-]+)", english) == ["2026-09", "2026-11"]


async def test_an_operator_sets_hours_on_the_page_and_what_is_wrong_is_kept(
    users: Users, lab: WebLab
) -> None:
    operator = await users.browser("o.lavoie")
    form = AMOUNTS | {"max_days": "90", "version": "1"}
    for bad in ("-1", "1.5", "<b>", "99999999999"):
        told = await operator.post("/organismes/rft", form | {"cpu_hours": bad})
        assert told.status_code == 422, bad
        assert "Écrivez un nombre entier d’heures" in told.text
    done = await operator.post("/organismes/rft", form | {"cpu_hours": "1 200", "gpu_hours": ""})
    assert done.status_code == 303
    async with lab.store.read() as tx:
        agency = await tx.agencies.get(RFT)
    assert agency is not None
    assert (agency.budget.cpu_hours, agency.budget.gpu_hours) == (1200, None)


async def test_quotas_of_people_are_set_by_the_api_and_by_the_page(
    users: Users, lab: WebLab
) -> None:
    operator, team = await users.api("o.lavoie"), await users.api("a.tremblay")
    one = "/api/v1/agencies/rft/quota/people/a.tremblay"
    fresh = await operator.get(one)
    assert (fresh.json()["version"], fresh.headers["etag"]) == (0, '"0"')
    stale = await operator.put(one, json={"sandboxes": 1}, headers={"If-Match": '"4"'})
    assert stale.status_code == 412
    done = await operator.put(one, json={"sandboxes": 1}, headers={"If-Match": '"0"'})
    assert done.json()["limits"]["sandboxes"] == done.json()["left"]["sandboxes"] == 1
    assert (await team.put(one, json={"sandboxes": 9})).status_code == 403
    for bad in ({"sandboxes": -1}, {"sandboxes": "1"}, {"more": 1}, {"memory_bytes": 2**60}):
        assert (await operator.put(one, json=bad)).status_code == 422, bad
    stranger = "/api/v1/agencies/rft/quota/people/c.roy"
    assert (await operator.put(stranger, json={"sandboxes": 1})).status_code == 404
    assert (await (await users.api("c.roy")).get(one)).status_code == 404
    await ready_sandbox(lab)
    refused = await team.post("/api/v1/requests", json=draft())
    body = refused.json()
    assert (refused.status_code, body["code"]) == (403, "person_quota_exceeded")
    assert body["left"]["sandboxes"] == 0
    assert "Il vous reste" in body["detail"]
    browser, path = await users.browser("o.lavoie"), "/organismes/rft/personnes"
    assert "Alice Tremblay" in (await browser.get(path)).text
    assert 'value="1"' in (await browser.get(f"{path}?personne=a.tremblay")).text
    for bad in ({"login": ""}, {"login": "c.roy"}, {"login": "a.tremblay", "cpu": "x"}):
        told = await browser.post(path, bad)
        assert told.status_code == 422, bad
        assert "govuk-error-summary" in told.text
    set_cpu = await browser.post(path, {"login": "b.gagnon", "cpu": "0,5", "memory": "2"})
    assert set_cpu.status_code == 303
    listed = (await operator.get("/api/v1/agencies/rft/quota/people")).json()["items"]
    assert [each["person"]["login"] for each in listed] == ["a.tremblay", "b.gagnon"]
    assert listed[1]["limits"]["cpu_millicores"] == 500
    assert (await browser.post(path, {"login": "a.tremblay"})).status_code == 303
    reader = await users.browser("a.tremblay")
    text = (await reader.get(path)).text
    assert "Bernard Gagnon" in text
    assert '<form method="post" action="/organismes' not in text


@pytest.mark.parametrize("value", [0.0, 0.0001, 24.0, 1e9, float("nan")])
def test_a_picture_of_days_is_whole_whatever_the_hours(value: float) -> None:
    drawn = columns("<T>", 'said "so"', [Day(n, value if n == 3 else 0.0) for n in range(1, 32)])
    assert drawn.count("<text") >= 12
    assert "&lt;T&gt;. said &quot;so&quot;" in drawn
    assert "nan" not in drawn.replace("nan\u00a0h", "")
    assert drawn.startswith("<svg")
    assert drawn.endswith("</svg>")
