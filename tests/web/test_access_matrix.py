"""Each role, each route about one object, one's own agency's object and another's."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fastapi.routing import APIRoute

from lab.domain.ids import AgencyId
from lab.domain.member import Resource, Role, Target, can
from lab.services.deciding import target as request_target
from lab.services.members import NewMember
from lab.services.sandboxes import target as sandbox_target
from lab.web.access import rule_of
from lab.web.gate import UNSAFE
from tests.web.fakes import make_ready
from tests.web.scenes import file
from tests.web.test_access_rules import ALL

if TYPE_CHECKING:
    from tests.web.conftest import Users, WebLab

ACTORS = (
    ("q.demande", Role.REQUESTER),
    ("q.autre", Role.REQUESTER),
    ("t.equipe", Role.SCIENTIST),
    ("t.autre", Role.SCIENTIST),
    ("o.lavoie", Role.OPERATOR),
    ("r.cote", Role.REVIEWER),
)
PLACES = {"sandbox_id", "request_id", "agency_id", "login"}
QUOTA = {"cpu_millicores": 4000, "memory_bytes": 2**33, "storage_bytes": 2**35, "sandboxes": 9}
BODIES: dict[str, dict[str, object]] = {
    "/api/v1/agencies/{agency_id}/quota": {"quota": QUOTA},
    "/api/v1/sandboxes/{sandbox_id}/extend": {"ends_on": "2026-12-04", "reason": "Encore."},
    "/api/v1/sandboxes/{sandbox_id}/members": {"login": "b.gagnon"},
    "/api/v1/requests/{request_id}/reject": {"reason": "Précisez le but."},
    "/api/v1/requests/{request_id}/return": {"questions": ["Quel effet?"]},
    "/api/v1/requests/{request_id}/answer": {"answers": []},
    "/api/v1/requests/{request_id}/messages": {"text": "Bonjour"},
}
LOGINS = {"own": "b.gagnon", "other": "c.roy"}
REFUSED = {403, 404}


async def stage(lab: WebLab) -> dict[str, dict[str, tuple[str, Target]]]:
    """Return, for one's own agency and another, the object that stands in each place."""
    for login, role in ACTORS[:4]:
        new = NewMember(login, login, AgencyId("rft"), frozenset({role}))
        lab.people[login] = await lab.members.create(None, new)
    objects = {}
    team = {"own": ("t.equipe",), "other": ()}
    for whose, asker, agency in (("own", "q.demande", "rft"), ("other", "c.roy", "sqd")):
        filed = await file(lab, asker, size="moyen", colleagues=team[whose])
        made = await file(lab, asker, colleagues=team[whose])
        assert made.sandbox_id is not None
        async with lab.store.read() as tx:
            sandbox = await tx.sandboxes.get(made.sandbox_id)
        assert sandbox is not None
        await make_ready(lab.store, sandbox.id)
        lab.proofs.add(sandbox.id)
        code = AgencyId(agency)
        objects[whose] = {
            "sandbox_id": (sandbox.id, sandbox_target(sandbox)),
            "request_id": (filed.id, request_target(filed)),
            "agency_id": (agency, Target(Resource.AGENCY, code)),
            # Nobody of those who ask: an account that is closed ends its own tokens.
            "login": (LOGINS[whose], Target(Resource.MEMBER, code)),
        }
    return objects


def cells() -> list[tuple[APIRoute, str, str]]:
    """Return every route about one object that a program can call, and the pages that show one."""
    found = []
    for route in ALL:
        assert isinstance(route, APIRoute)
        rule, places = rule_of(route), set(route.param_convertors)
        if "certificat" in route.path:
            continue  # there is none before the end, and then no sandbox
        if route.body_field is not None and route.path not in BODIES:
            continue  # without a body that fits, the answer speaks of the body
        if rule is None or rule.resource is None or len(places) != 1 or not places <= PLACES:
            continue
        found += [
            (route, method, next(iter(places)))
            for method in sorted(route.methods)
            if method not in UNSAFE or route.path.startswith("/api/")
        ]
    # What changes an object comes after all that only looks at it.
    return sorted(found, key=lambda cell: (cell[1] in UNSAFE, cell[1] == "DELETE"))


async def test_every_role_gets_what_the_table_says_of_its_own_agency_and_of_another(
    users: Users, lab: WebLab
) -> None:
    objects, wrong, seen = await stage(lab), [], Counter[bool]()
    programs = {login: await users.api(login) for login, _ in ACTORS}
    browsers = {login: (await users.browser(login)).client for login, _ in ACTORS}
    for route, method, place in cells():
        rule = rule_of(route)
        assert rule is not None
        assert rule.verb is not None
        assert rule.resource is not None
        for login, role in ACTORS:
            actor = lab.people[login]
            client = (programs if route.path.startswith("/api/") else browsers)[login]
            for whose, there in objects.items():
                name, about = there[place]
                asked = Target(rule.resource, about.agency_id, about.people)
                path = route.path.format(**{place: name})
                body = {"json": BODIES.get(route.path, {})} if method in {"POST", "PUT"} else {}
                status = (await client.request(method, path, **body)).status_code
                expected = can(actor, rule.verb, asked)
                seen[expected] += 1
                assert status < 500, (method, path)
                if (status not in REFUSED) is not expected:
                    wrong.append((role.value, login, method, route.path, whose, status))
    assert wrong == []
    assert seen[True] > 60
    assert seen[False] > 60
