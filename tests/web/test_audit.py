from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.domain.audit import AuditEvent, AuditFilter
from lab.domain.errors import ForbiddenError
from lab.services import audit
from lab.web.spreadsheet import cell
from tests.cli.test_nouns import Lab as Command
from tests.conftest import NOON

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.conftest import Users, WebLab

ROOT = "/api/v1/audit"


async def fill(lab: WebLab) -> None:
    """Write rows on three days, one of them hostile to spreadsheets."""
    alice = lab.people["a.tremblay"].id
    made = (
        (0, alice, "request.file", "rq-1", "rft", "done"),
        (1, alice, "request.approve", "rq-1", "rft", "refused"),
        (2, "lab", "sandbox.delete", "=cmd|' /C calc'!A0", "sqd", "done"),
    )
    async with lab.store.begin() as tx:
        for days, actor, action, about, agency, outcome in made:
            at = NOON + timedelta(days=days)
            noun = action.partition(".")[0]
            event = AuditEvent(at, actor, action, noun, about, agency, outcome, {"code": "x"})
            await tx.audit.append(event)


async def test_the_log_is_searched_by_who_what_object_agency_days_and_outcome(
    users: Users, lab: WebLab
) -> None:
    await fill(lab)
    client = await users.api("r.cote")
    for query, expected in {
        "who=a.tremblay&action=request": ["request.approve", "request.file"],
        f"who={lab.people['a.tremblay'].id}&outcome=refused": ["request.approve"],
        "who=lab&object==cmd|' /C calc'!A0": ["sandbox.delete"],
        "agency_id=sqd&action=sandbox": ["sandbox.delete"],
        "since=2026-11-22&until=2026-11-22": ["request.approve"],
        "since=2026-11-22": ["sandbox.delete", "request.approve"],
        "action=nothing": [],
    }.items():
        answer = await client.get(f"{ROOT}?{query}")
        assert answer.status_code == 200, answer.text
        assert [row["action"] for row in answer.json()["items"]] == expected, query
    row = (await client.get(f"{ROOT}?who=a.tremblay&limit=1")).json()["items"][0]
    assert row["actor_login"] == "a.tremblay"
    first = await client.get(f"{ROOT}?action=request&limit=1")
    assert first.links["next"]["url"].startswith(f"{ROOT}?action=request")
    second = await client.get(first.links["next"]["url"])
    assert [row["action"] for row in second.json()["items"]] == ["request.file"]


WRONG = (
    ("who=personne", "who", "unknown"),
    ("since=hier", "since", "bad_date"),
    ("until=9999-12-31", "until", "bad_date"),
    ("since=2026-11-22&until=2026-11-21", "until", "before_since"),
    ("outcome=maybe", "outcome", "bad_value"),
    (f"who={'a' * 101}", "who", "too_long"),
)


async def test_what_cannot_be_looked_for_is_said_field_by_field(users: Users) -> None:
    client, browser = await users.api("o.lavoie"), await users.browser("o.lavoie")
    for query, field, code in WRONG:
        for path in (ROOT, f"{ROOT}/export"):
            answer = await client.get(f"{path}?{query}")
            assert answer.status_code == 422
            assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [(field, code)]
        page = await browser.get(f"/journal?{query}")
        assert page.status_code == 422
        assert f'href="#{field}"' in page.text
        assert query.split("=")[1][:20].split("&")[0] in page.text, "what was typed is kept"


async def test_an_export_goes_out_in_parts_runs_nothing_and_is_in_the_log(
    users: Users, lab: WebLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(lab)
    monkeypatch.setattr(audit, "BATCH", 2)
    client = await users.api("r.cote")
    answer = await client.get(f"{ROOT}/export?format=csv&since=2026-11-22")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="journal-2026-11-21.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")), delimiter=";"))
    assert [row["action"] for row in rows] == ["request.approve", "sandbox.delete"]
    assert rows[1]["resource_id"] == "'=cmd|' /C calc'!A0"
    lines = (await client.get(f"{ROOT}/export")).text.splitlines()
    every = [json.loads(line) for line in lines]
    assert [row["seq"] for row in every] == list(range(1, len(every) + 1))
    exports = [row for row in every if row["action"] == "audit.export"]
    assert [row["facts"]["form"] for row in exports] == ["csv", "jsonl"]
    assert exports[0]["facts"]["since"] == "2026-11-22T05:00:00+00:00"


def test_no_cell_is_one_that_a_spreadsheet_calculates() -> None:
    for start in ("=1", "+1", "-1", "@A", "\tx", "\rx", "＝1"):
        assert cell(start) == f"'{start}"
    assert cell({"a": "é"}) == '{"a": "é"}'
    assert (cell(None), cell(3), cell("a=b")) == ("", "3", "a=b")


async def test_a_long_chain_is_verified_in_parts_and_a_forged_row_is_named(
    users: Users, lab: WebLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await fill(lab)
    monkeypatch.setattr(audit, "BATCH", 3)
    client, browser = await users.api("o.lavoie"), await users.browser("o.lavoie")
    exported = (await client.get(f"{ROOT}/export")).text
    found = (await client.get(f"{ROOT}/verification")).json()
    last = json.loads(exported.splitlines()[-1])
    assert found["holds"]
    # The browser's session was opened before the export.
    assert (found["rows"], found["last_hash"]) == (last["seq"], last["hash"])
    page = await browser.get("/journal/verification")
    assert "La chaîne tient" in page.text
    assert last["hash"] in page.text

    # The same, elsewhere and without the lab.
    kept = tmp_path / "journal.jsonl"
    kept.write_text(exported, "utf-8")
    command = Command()
    done = command.run("audit", "verify", str(kept))
    assert (done.exit_code, command.asked) == (0, [])
    assert last["hash"] in done.stdout
    kept.write_text(exported.replace("request.approve", "request.approved"), "utf-8")
    forged = command.run("audit", "verify", str(kept))
    assert forged.exit_code == 1
    row = next(i for i, line in enumerate(exported.splitlines(), 1) if "request.approve" in line)
    assert f"broken at row {row}" in forged.stdout
    for text in ("[]", "{}", "no json", '{"at": 3}'):
        kept.write_text(text, "utf-8")
        assert command.run("audit", "verify", str(kept)).exit_code == 2

    original = lab.store.read

    class Forged:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        async def following(self, seq: int, *rest: object, **more: object) -> object:
            part = await self._inner.following(seq, *rest, **more)  # type: ignore[attr-defined]
            return [replace(e, outcome="done") if e.outcome == "refused" else e for e in part]

    class Wrapped:
        async def __aenter__(self) -> object:
            self._context = original()
            tx = await self._context.__aenter__()
            tx.audit = Forged(tx.audit)  # type: ignore[misc,assignment]
            return tx

        async def __aexit__(self, *exc: object) -> None:
            await self._context.__aexit__(*exc)

    monkeypatch.setattr(lab.audit, "_store", type("S", (), {"read": staticmethod(Wrapped)})())
    chain = await lab.audit.chain(lab.people["o.lavoie"])
    assert chain.first_break == row


async def test_the_page_keeps_its_filters_leads_to_the_same_export_and_is_for_the_labs_staff(
    users: Users, lab: WebLab
) -> None:
    await fill(lab)
    browser = await users.browser("r.cote")
    page = await browser.get("/journal?who=a.tremblay&agency_id=rft&outcome=refused")
    assert page.text.count('class="govuk-table__row"') == 2
    assert "who=a.tremblay&amp;agency_id=rft&amp;outcome=refused" in page.text
    assert "lab audit search --who a.tremblay --agency rft --outcome refused" in page.text
    for form in ("csv", "jsonl"):
        link = f"{ROOT}/export?format={form}&who=a.tremblay&agency_id=rft&outcome=refused"
        assert link.replace("&", "&amp;") in page.text
        assert (await browser.get(link)).status_code == 200
    empty = await browser.get("/journal?action=nothing")
    assert "Aucune ligne ne répond" in empty.text
    # Nobody of an agency reads any part of it, one's own neither.
    client, browser = await users.api("a.tremblay"), await users.browser("a.tremblay")
    for path in (ROOT, f"{ROOT}/export", f"{ROOT}/verification", f"{ROOT}?agency_id=rft"):
        assert (await client.get(path)).status_code == 403, path
    for path in ("/journal", "/journal/verification", "/journal?agency_id=rft"):
        assert (await browser.get(path)).status_code == 403, path
    for agency in ("", "rft"):
        with pytest.raises(ForbiddenError):
            await lab.audit.page(lab.people["a.tremblay"], AuditFilter(agency_id=agency))


def test_the_command_writes_an_export_whole_or_not_at_all(tmp_path: Path) -> None:
    command, target = Command(), tmp_path / "journal.csv"
    done = command.run("audit", "export", "-f", "csv", "--agency", "rft", "-O", str(target))
    assert done.exit_code == 0, done.output
    assert target.read_bytes()
    assert dict(command.asked[-1].url.params) == {"format": "csv", "agency_id": "rft"}
    assert command.run("audit", "export").stdout.encode() == target.read_bytes()
    missing = command.run("audit", "export", "-O", str(tmp_path / "no" / "x"))
    assert missing.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["journal.csv"]
