"""Each field of each form, with what nobody should write there: told of it, and nothing lost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from lab.domain.agency import Usage
from lab.domain.draft import Step
from lab.domain.ids import AgencyId
from lab.domain.intake_states import IntakeState
from lab.domain.quantity import GIB, Resources
from lab.web.draft_words import SLUG
from tests.web.filling import CHOICES, SILENT, Form, form_to
from tests.web.looks import LOOKS, Look
from tests.web.scenes import file, ready_sandbox, suspended_sandbox
from tests.web.staging import dossier, returned, stage_more

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.web.conftest import Browser, Users, WebLab

SEEN = {
    "empty": "",
    "too long": "é" * 5001,
    "markup": "</textarea><script>alert(1)</script>\"'><img src=x onerror=alert(1)>",
    "control characters": "a\x00b\x1b[31mc\x07",
    "other script": "Σοφία 漢字 مرحبا 👩🏽‍🔬 e\u0301",
}
"""What is typed into a field."""
OF_OTHERS = {"wrong id": "sb-9999999999", "of another agency": "c.roy"}
CHOSEN = {name: SEEN[name] for name in ("empty", "markup")} | OF_OTHERS
HIDDEN = {name: SEEN[name] for name in ("empty", "too long", "control characters")}
NAMES = {"login", "agency_id", "supervisor", "requester", "dataset"}
"""Fields of text that name somebody or something."""
UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
FILES = "/dossiers/{opened}/fichier"
"""Its body is no form like the others: tests/web/test_uploads.py."""
ADVICE = [
    Look("a.tremblay", path, path)
    for step in (Step.PRIVACY, Step.READINESS, Step.RELEVANCE)
    for path in ("/demandes/nouvelle/{draft}/" + SLUG[step],)
]
FORMS = [look for look in LOOKS if look.form and look.form not in {FILES, "/entrer/lien"}]


@dataclass
class Desk:
    """A lab with one of everything, and the people who fill in its forms."""

    lab: WebLab
    users: Users
    names: dict[str, str]
    people: dict[str, Browser]
    count: int = 0

    async def person(self, login: str) -> httpx.AsyncClient:
        if login not in self.people:
            self.people[login] = await self.users.browser(login) if login else None
        found = self.people[login]
        return found.client if found else self.users.nobody()

    async def renew(self, path: str) -> None:
        """Put another one in the place of what was just acted on."""
        self.count += 1
        if "{asked}" in path:
            self.names["asked"] = (await file(self.lab, size="moyen", colleagues=())).id
        elif "{returned}" in path:
            self.names["returned"] = await returned(self.lab)
        elif "{suspended}" in path:
            self.names["suspended"] = await suspended_sandbox(self.lab)
        elif "{ready}" in path:
            self.names["ready"] = await ready_sandbox(self.lab)
        for state in IntakeState:
            if f"{{{state.value}}}" in path:
                dataset = f"autre-{self.count}"
                self.names[state.value] = await dossier(self.lab, state, dataset=dataset)


@pytest.fixture
async def desk(users: Users, lab: WebLab) -> Desk:
    roomy = Usage(Resources(640_000, 2560 * GIB, 9999 * GIB), 999)
    await lab.agencies.set_quota(lab.people["o.lavoie"], AgencyId("rft"), roomy)
    names = await stage_more(lab)
    names["ready"] = await ready_sandbox(lab)
    names["suspended"] = await suspended_sandbox(lab)
    return Desk(lab, users, names, {})


def cases(form: Form) -> Iterator[tuple[str, str, str]]:
    """Yield each field with each of what does not belong there."""
    for name, kind in form.kinds.items():
        # A row of a table is known by the name of its column; the first stands for the others.
        if name == "csrf" or name.startswith("name-") or name.endswith(("-1", "-2")):
            continue
        values = CHOSEN if kind in CHOICES else HIDDEN if kind in SILENT else SEEN
        if name in NAMES:
            values = values | OF_OTHERS
        for what, value in values.items():
            yield name, what, value
    yield "is_staff", "a field of nobody's", "1"


def _lost(form: Form | None, sent: dict[str, list[str]]) -> list[str]:
    """Return the fields of text whose value did not come back."""
    if form is None:
        return ["the form itself"]

    def plain(values: list[str]) -> str:
        # What no keyboard types is made to be seen.
        return UNSEEN.sub("\N{REPLACEMENT CHARACTER}", "".join(values).strip())

    return [
        name
        for name in form.texts
        if plain(form.values.get(name, [])) != plain(sent.get(name, []))
    ]


def _typed(form: Form, name: str, value: str) -> dict[str, list[str]]:
    """Return what is sent: something in each text, and this in one field."""
    sent = form.values | {name: [value]}
    for text in form.texts:
        sent[text] = sent[text] if text == name or any(sent.get(text, [])) else ["Un mot"]
    return sent


def _wrong(answer: httpx.Response, form: Form | None, sent: dict[str, list[str]]) -> list[str]:
    """Return what is wrong with an answer that refuses."""
    wrong = [] if answer.status_code in {400, 401, 409, 422, 429} else [str(answer.status_code)]
    if "govuk-error-summary" not in answer.text:
        wrong.append("no summary")
    return wrong + [f"lost: {field}" for field in _lost(form, sent)]


async def _read(desk: Desk, look: Look) -> tuple[httpx.AsyncClient, str, str, Form]:
    client = await desk.person(look.login)
    path, to = look.path.format(**desk.names), look.form.format(**desk.names)
    form = form_to((await client.get(path)).text, path, to)
    assert form is not None, look
    return client, path, to, form


@pytest.mark.parametrize("part", range(2))
async def test_each_field_of_each_form_takes_or_refuses_and_keeps_what_was_typed(
    desk: Desk, part: int
) -> None:
    wrong, count = [], 0
    for look in [*FORMS, *ADVICE][part::2]:
        client, path, to, form = await _read(desk, look)
        for name, what, value in cases(form):
            sent = _typed(form, name, value)
            answer = await client.post(to, data=sent)
            count += 1
            if answer.status_code == 303:
                await desk.renew(look.path)
                client, path, to, form = await _read(desk, look)
            elif found := _wrong(answer, form_to(answer.text, path, to), sent):
                wrong.append((look.form, name, what, *found))
    print(f"{count} forms sent")  # noqa: T201 -- a figure to be read
    assert wrong == []
    assert count > 200
