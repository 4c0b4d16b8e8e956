from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.domain.errors import ProviderError
from lab.domain.ids import MemberId
from lab.domain.notice import Happening, Notice, NoticeKind
from lab.domain.sandbox import Stage
from tests.conftest import NOON
from tests.web.scenes import file, ready_sandbox

if TYPE_CHECKING:
    from tests.web.conftest import Users, WebLab

HOSTILE = "<img src=x onerror=alert(1)> «\u00a0ici\u00a0»\n漢字"


async def tell(lab: WebLab, login: str, subject: str, name: str) -> None:
    member = lab.people[login].id
    notice = Notice(name, MemberId(member), NoticeKind.RETURNED, subject, name, NOON)
    async with lab.store.begin() as tx:
        await tx.notices.add([notice])


async def test_notices_are_counted_on_every_page_read_and_nobody_elses(
    users: Users, lab: WebLab
) -> None:
    request = await file(lab, size="moyen")
    await tell(lab, "a.tremblay", request.id, "no-1")
    await tell(lab, "a.tremblay", request.id, "no-2")
    alice = await users.browser("a.tremblay")
    assert "2 avis non lus" in (await alice.get("/demandes")).text
    page = (await alice.get("/avis")).text
    assert "Votre demande est à compléter." in page
    assert f'href="/demandes/{request.id}"' in page
    done = await alice.post("/avis/no-1/lu", page="/avis")
    assert done.headers["location"] == "/avis"
    assert "1 avis non lu" in (await alice.get("/")).text
    other = await users.browser("r.cote")
    assert (await other.post("/avis/no-2/lu", page="/avis")).status_code == 404
    assert "Vous n’avez aucun avis." in (await other.get("/avis")).text
    wrong = await alice.post("/avis/adresse", {"address": "<b>a@b"}, page="/avis")
    assert wrong.status_code == 422
    assert "&lt;b&gt;a@b" in wrong.text
    await alice.post("/avis/adresse", {"address": "a.t@rft.example"}, page="/avis")
    assert 'value="a.t@rft.example"' in (await alice.get("/avis")).text
    await alice.post("/avis/lus", page="/avis")
    assert "avis non lu" not in (await alice.get("/avis")).text
    program = await users.api("a.tremblay")
    found = (await program.get("/api/v1/notices")).json()
    assert (len(found["items"]), found["unread"]) == (2, 0)
    assert (await program.get("/api/v1/notices?unread=true")).json()["items"] == []
    assert (await program.post("/api/v1/notices/no-9/read")).status_code == 404
    bad = await program.put("/api/v1/notices/address", json={"address": "a@b.ca\nBcc: c@d.ca"})
    assert bad.status_code == 422
    assert (await program.get("/api/v1/notices/address")).json() == {"address": "a.t@rft.example"}


async def test_messages_are_shown_as_they_were_written_to_both_sides(
    users: Users, lab: WebLab
) -> None:
    request = await file(lab, size="moyen")
    where = f"/demandes/{request.id}"
    alice, reviewer = await users.browser("a.tremblay"), await users.browser("r.cote")
    empty = await alice.post(f"{where}/messages", {"text": " "}, page=where)
    assert (empty.status_code, "Écrivez un message" in empty.text) == (422, True)
    long = await alice.post(f"{where}/messages", {"text": "é" * 4001}, page=where)
    assert (long.status_code, "é" * 4001 in long.text) == (422, True)
    done = await alice.post(f"{where}/messages", {"text": HOSTILE}, page=where)
    assert done.headers["location"] == f"{where}#messages"
    page = (await reviewer.get(where)).text
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img src=x" not in page
    assert "lab request say" in page
    path = f"/api/v1/requests/{request.id}/messages"
    program = await users.api("r.cote")
    said = await program.post(path, json={"text": "Bien reçu."})
    assert (said.status_code, said.json()["author"]["login"]) == (201, "r.cote")
    both = (await program.get(path)).json()["items"]
    assert [each["text"] for each in both] == [HOSTILE, "Bien reçu."]
    for login, status in (("c.roy", 404), ("b.gagnon", 403)):
        stranger = await users.api(login)
        assert (await stranger.get(path)).status_code == status
        assert (await stranger.post(path, json={"text": "Moi"})).status_code == status


async def test_a_notebook_that_ends_soon_for_want_of_use_is_said_where_its_person_looks(
    users: Users, lab: WebLab
) -> None:
    sandbox_id = await ready_sandbox(lab)
    me, end = lab.people["a.tremblay"].id, NOON + timedelta(minutes=10)
    where, used_at = f"/bacs/{sandbox_id}", end - lab.settings.notebook_idle
    lab.notebooks.finish(me, sandbox_id)
    lab.notebooks.states[me, sandbox_id] = replace(
        lab.notebooks.states[me, sandbox_id], used_at=used_at
    )
    alice = await users.browser("a.tremblay")
    assert "faute d’usage" not in (await alice.get(where)).text
    mark = str(int(end.timestamp()))
    event = Happening(NoticeKind.IDLE, sandbox_id, mark)
    notice = Notice("no-1", me, NoticeKind.IDLE, sandbox_id, event.key, NOON)
    async with lab.store.begin() as tx:
        await tx.notices.add([notice])
    for path in (where, "/avis"):
        said = (await alice.get(path)).text
        assert "Votre carnet s’arrêtera bientôt, faute d’usage." in said
        assert "à 7\u00a0h\u00a010. Pour le garder" in said.replace(" h ", "\u00a0h\u00a0")
    lab.notebooks.fail_with = ProviderError(Stage.WORKSPACE, "the hub does not answer")
    assert "faute d’usage" in (await alice.get(where)).text
    lab.notebooks.fail_with = None
    program = await users.api("a.tremblay")
    server = (await program.get(f"/api/v1/sandboxes/{sandbox_id}/server")).json()
    assert server["stops_at"] == end.isoformat().replace("+00:00", "Z")
    told = (await program.get("/api/v1/notices")).json()["items"][0]
    assert told["due_at"] == server["stops_at"]
    # A colleague of the team has a notebook of their own.
    assert "faute d’usage" not in (await (await users.browser("b.gagnon")).get(where)).text
    lab.notebooks.states[me, sandbox_id] = replace(
        lab.notebooks.states[me, sandbox_id], used_at=NOON
    )
    assert "faute d’usage" not in (await alice.get(where)).text
