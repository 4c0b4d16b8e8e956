"""Each role, each route of the table, one's own agency's object and another's."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from typing import TYPE_CHECKING

from lab.web.gate import UNSAFE, is_upload
from tests.web.cells import ACTORS, FORMS, Cell, cells, stage

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

    from tests.web.conftest import Users, WebLab

REFUSED = {401, 403, 404}
UNREAD = {400, 415}
"""What a program of the lab's own is spoken to in is not what people send."""
SESSION = "vaseclos-session"


class Caller:
    """One person, at a browser and with a program."""

    def __init__(
        self, app: FastAPI, program: httpx.AsyncClient, browser: httpx.AsyncClient
    ) -> None:
        self._app, self._program, self._browser, self._proof = app, program, browser, ""

    async def ask(self, cell: Cell, path: str, body: dict[str, object]) -> httpx.Response:
        """Ask for it as a person would, with nothing that could be refused but who they are."""
        if cell.is_api:
            sent = {"content": b"a;b\n"} if path.endswith("name=t.csv") else {"json": body}
            header = (
                {"If-Match": '"999999"'}
                if cell.place and cell.method in UNSAFE and not cell.answers_for_it
                else {}
            )
            more = sent if cell.method in {"POST", "PUT"} else {}
            return await self._program.request(cell.method, path, headers=header, **more)
        if cell.method not in UNSAFE:
            return await self._browser.get(path)
        if is_upload(cell.method, path):
            token = self._browser.cookies[SESSION]
            key = self._app.state.session_key
            proof = hmac.new(key, f"csrf:{token}:{path}".encode(), hashlib.sha256).hexdigest()
            files = {"fichier": ("t.csv", b"", "text/csv")}
            return await self._browser.post(f"{path}?csrf={proof}", files=files)
        self._proof = self._proof or await self._found()
        form = {"csrf": self._proof, **FORMS.get(cell.route.path, {})}
        return await self._browser.post(path, data=form)

    async def _found(self) -> str:
        found = re.search(
            r'name="csrf" value="([0-9a-f]{64})"', (await self._browser.get("/avis")).text
        )
        assert found is not None
        return found[1]


def _fits(cell: Cell, status: int, *, expected: bool, is_interested: bool) -> bool:
    if cell.is_for_programs:
        return status in REFUSED | UNREAD
    if is_interested:
        # Who has a part in a dossier may look at it, and so may be told that it is too early.
        return status in REFUSED | {409}
    return (status not in REFUSED) is expected


async def test_every_role_gets_what_the_table_says_of_its_own_agency_and_of_another(
    app: FastAPI, users: Users, lab: WebLab
) -> None:
    objects, wrong, seen = await stage(lab), [], Counter[str]()
    callers = {}
    for login, _ in ACTORS:
        browser = (await users.browser(login)).client
        callers[login] = Caller(app, await users.api(login), browser)
    for cell in cells():
        path, body = cell.path(objects), cell.body(objects)
        for login, role in ACTORS:
            answer = await callers[login].ask(cell, path, body)
            expected = cell.expects(lab.people[login], objects)
            seen["granted" if expected else "refused"] += 1
            seen["pages" if not cell.is_api else "api"] += 1
            said = (role.value, login, cell.method, cell.route.path, cell.whose)
            assert answer.status_code < 500, said
            part = cell.answers_for_it and lab.people[login].id in cell.interested(objects)
            if not _fits(cell, answer.status_code, expected=expected, is_interested=part):
                wrong.append((*said, answer.status_code))
    print(f"{seen.total() // 2} cells: {dict(seen)}")  # noqa: T201 -- a figure to be read
    assert wrong == []
    assert seen["granted"] > 700
    assert seen["refused"] > 1000
