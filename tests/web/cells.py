"""Each route with each role, on one's own agency's object and on another's: what must come out.

A route that is in the table of routes and has no place here fails the test that uses this.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from lab.domain.agency import Usage
from lab.domain.ids import AgencyId
from lab.domain.intake_run import Step
from lab.domain.intake_states import IntakeState
from lab.domain.member import Resource, Role, Target, can
from lab.domain.notice import Notice, NoticeKind
from lab.domain.quantity import GIB, Resources
from lab.services.deciding import target as request_target
from lab.services.intake_desk import target as intake_target
from lab.services.members import NewMember
from lab.services.sandboxes import target as sandbox_target
from lab.web.access import Who, rule_of
from lab.web.gate import UNSAFE
from lab.web.rendering import may
from tests.conftest import NOON
from tests.intakes import CHOICES
from tests.web.conftest import draft
from tests.web.fakes import make_ready
from tests.web.looks import ROUTES
from tests.web.scenes import deleted_sandbox, file
from tests.web.staging import dossier
from tests.web.test_api_intakes import BODY as INTAKE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fastapi.routing import APIRoute

    from lab.domain.member import Member
    from tests.web.conftest import WebLab

ACTORS = (
    ("q.demande", Role.REQUESTER),
    ("q.autre", Role.REQUESTER),
    ("t.equipe", Role.SCIENTIST),
    ("t.autre", Role.SCIENTIST),
    ("o.lavoie", Role.OPERATOR),
    ("r.cote", Role.REVIEWER),
)
"""The first asks, the third is in the team; the others are of the agency and of neither."""

QUOTA = {"cpu_millicores": 4000, "memory_bytes": 2**33, "storage_bytes": 2**35, "sandboxes": 9}
REASON = {"reason": ""}
BODIES: dict[str, dict[str, object]] = {
    "/api/v1/agencies/{agency_id}/quota": {"quota": QUOTA},
    "/api/v1/sandboxes/{sandbox_id}/extend": {"ends_on": "2026-12-04", "reason": "Encore."},
    "/api/v1/sandboxes/{sandbox_id}/members": {"login": "b.gagnon"},
    "/api/v1/sandboxes/{sandbox_id}/suspend": REASON,
    "/api/v1/sandboxes/{sandbox_id}/stop": REASON,
    "/api/v1/sandboxes/{sandbox_id}/resume": REASON,
    "/api/v1/stop": REASON | {"confirmation": ""},
    "/api/v1/stop/lift": REASON,
    "/api/v1/requests/{request_id}/reject": {"reason": "Précisez le but."},
    "/api/v1/requests/{request_id}/return": {"questions": ["Quel effet?"]},
    "/api/v1/requests/{request_id}/answer": {"answers": []},
    "/api/v1/requests/{request_id}/messages": {"text": "Bonjour"},
    "/api/v1/drafts/{draft_id}/steps/{step}": {"answers": {"sponsor": "Direction"}},
    "/api/v1/intakes/{intake_id}/columns": {
        "columns": [asdict(choice) | {"role": choice.role.value} for choice in CHOICES]
    },
    "/api/v1/intakes/{intake_id}/runs": {"step": "review"},
    "/api/v1/intakes/{intake_id}/refusal": {"reason": "Non."},
    "/api/v1/intakes/{intake_id}/withdrawal": {"reason": "Non."},
    "/api/v1/members/{login}/password": {"password": "encore un long mot de passe"},
    "/api/v1/tokens": {"label": "un jeton"},
    "/api/v1/tokens/revoke": {"token": "x" * 40},
    "/api/v1/notices/address": {"address": ""},
}
"""What a program sends; an empty object where it is not said."""
CREATED: dict[str, dict[str, object]] = {
    "/api/v1/drafts": {"agency_id": ""},
    "/api/v1/intakes": INTAKE,
    "/api/v1/requests": draft(colleagues=[]),
    "/api/v1/requests/preview": draft(colleagues=[]),
}
"""What is made for an agency: the body names it."""
STALE = {"version": "999999"}
FORMS: dict[str, dict[str, str]] = {
    "/demandes/nouvelle/{draft_id}/supprimer": STALE,
    "/demandes/nouvelle/{draft_id}/verifier": STALE,
    "/demandes/nouvelle/{draft_id}/{slug}": STALE | {"action": "save"},
    "/demandes/{request_id}/approuver": STALE,
    "/demandes/{request_id}/retourner": STALE | {"questions": "Quel effet?"},
    "/demandes/{request_id}/repondre": STALE | {"answer": "Celui-ci"},
    "/demandes/{request_id}/messages": {"text": "Bonjour"},
    "/demandes/{request_id}/refuser": STALE | {"reason": "Non."},
    "/demandes/{request_id}/retirer": STALE,
    "/bacs/{sandbox_id}/prolonger": {"reason": "Encore."},
    "/bacs/{sandbox_id}/suspendre": REASON,
    "/bacs/{sandbox_id}/arreter": REASON,
    "/bacs/{sandbox_id}/reprendre": REASON,
    "/bacs/{sandbox_id}/equipe": {"login": ""},
    "/bacs/{sandbox_id}/equipe/retirer": {"login": ""},
    "/organismes/{agency_id}": STALE,
    "/organismes/{agency_id}/personnes": {"login": "b.gagnon"},
    **{
        f"/dossiers/{{intake_id}}/{act}": STALE
        for act in ("lire", "mesurer", "publier", "colonnes", "traitement")
    },
    "/dossiers/{intake_id}/travaux/{run_id}/annuler": STALE,
    "/dossiers/{intake_id}/refuser": STALE | {"reason": "Non."},
    "/dossiers/{intake_id}/retirer": STALE | {"reason": "Non."},
    "/dossiers/{intake_id}/signature": {"statement": "1", "reason": "Sous le seuil."},
}
"""What a form sends, of a version that is none: nothing changes, and the next may ask too."""
ENDS_A_SESSION = ("/sortir", "/api/v1/tokens/current")
ANSWERS_FOR_IT = ("/signature", "/reviser", "/confirmer", "/review-confirmation", "/runs")
"""Only who had no part in a dossier may, whatever the table says."""
OF_ALL = ("/register", "/register.csv", "/registre")
"""They show every agency's, so it is asked whether one may list any."""
ALIKE = {"step": "people", "slug": "responsables", "code": "invalid", "version": "1"}
ALIKE |= {"document": "rien", "template_id": "01-depart", "profile_id": "standard"}
ALIKE |= {"dataset_id": "demandes-prestations", "nonce": "x-1"}
"""The same for everybody."""


@dataclass(frozen=True)
class Whose:
    """What stands in the places of an address, of one agency.

    Attributes:
        about: What access is asked to, by place.
        interested: Who has a part in the dossier.
    """

    names: Mapping[str, str]
    about: Mapping[str, Target]
    interested: frozenset[str] = field(default_factory=frozenset)


async def _of(lab: WebLab, whose: str, agency: str, asker: str, team: tuple[str, ...]) -> Whose:
    code = AgencyId(agency)
    filed = await file(lab, asker, size="moyen", colleagues=team)
    made = await file(lab, asker, colleagues=team)
    assert made.sandbox_id is not None
    await make_ready(lab.store, made.sandbox_id)
    lab.proofs.add(made.sandbox_id)
    async with lab.store.read() as tx:
        sandbox = await tx.sandboxes.get(made.sandbox_id)
    assert sandbox is not None
    gone = await deleted_sandbox(lab, asker)
    async with lab.store.read() as tx:
        deleted = await tx.sandboxes.get(gone)
    assert deleted is not None
    started = await lab.drafts.open(lab.people[asker], code)
    changes = {"agency_id": agency, "dataset": f"jeu-{whose}", "requester": asker}
    intake_id = await dossier(lab, IntakeState.DEPOSITED, **changes)
    intake = await lab.intakes.get(lab.people["r.cote"], intake_id)
    run = (await lab.intake_runs.start(lab.people["r.cote"], intake_id, Step.READ)).run
    assert run is not None
    asker_id = lab.people[asker].id
    notice = Notice(f"no-{whose}", asker_id, NoticeKind.RETURNED, filed.id, whose, NOON)
    async with lab.store.begin() as tx:
        await tx.notices.add([notice])
    # Nobody of those who ask: an account that is closed ends its own tokens.
    login = {"own": "b.gagnon", "other": "c.roy"}[whose]
    return Whose(
        {
            "sandbox_id": sandbox.id,
            "deleted": gone,
            "request_id": filed.id,
            "draft_id": started.id,
            "intake_id": intake_id,
            "run_id": run.id,
            "agency_id": agency,
            "login": login,
            "notice_id": notice.id,
        },
        {
            "sandbox_id": sandbox_target(sandbox),
            "deleted": sandbox_target(deleted),
            "request_id": request_target(filed),
            "draft_id": Target(Resource.REQUEST, code),
            "intake_id": intake_target(intake),
            "agency_id": Target(Resource.AGENCY, code),
            "login": Target(Resource.MEMBER, code, frozenset({lab.people[login].id})),
            "notice_id": Target(Resource.MEMBER, None, frozenset({asker_id})),
        },
        frozenset(intake.interested),
    )


async def stage(lab: WebLab) -> dict[str, Whose]:
    """Add those who ask, and one of everything for their agency and for another."""
    for login, role in ACTORS[:4]:
        new = NewMember(login, login, AgencyId("rft"), frozenset({role}))
        lab.people[login] = await lab.members.create(None, new)
    roomy = Usage(Resources(64_000, 256 * GIB, 999 * GIB), 99)
    for agency in ("rft", "sqd"):
        await lab.agencies.set_quota(lab.people["o.lavoie"], AgencyId(agency), roomy)
    own = await _of(lab, "own", "rft", "q.demande", ("t.equipe",))
    return {"own": own, "other": await _of(lab, "other", "sqd", "c.roy", ())}


@dataclass(frozen=True)
class Cell:
    """One route and method about one thing, or about none.

    Attributes:
        place: What of the address access is asked to; ``body`` where the body names the agency.
    """

    route: APIRoute
    method: str
    place: str = ""
    whose: str = ""

    @property
    def is_api(self) -> bool:
        return self.route.path.startswith(("/api/", "/internal/", "/oauth/", "/metrics"))

    @property
    def answers_for_it(self) -> bool:
        return self.method in UNSAFE and self.route.path.endswith(ANSWERS_FOR_IT)

    @property
    def is_for_programs(self) -> bool:
        rule = rule_of(self.route)
        assert rule is not None
        return rule.who not in {Who.SIGNED_IN, Who.ALLOWED}

    def interested(self, objects: Mapping[str, Whose]) -> frozenset[str]:
        return objects[self.whose or "own"].interested

    def path(self, objects: Mapping[str, Whose]) -> str:
        names = dict(objects[self.whose or "own"].names)
        if "certificat" in self.route.path:
            names["sandbox_id"] = names["deleted"]  # there is none before the end
        path = self.route.path.format(**(ALIKE | names))
        return f"{path}?name=t.csv" if path.endswith("/raw") else path

    def body(self, objects: Mapping[str, Whose]) -> dict[str, object]:
        if self.place == "body":
            agency = objects[self.whose].names["agency_id"]
            return CREATED[self.route.path] | {"agency_id": agency}
        return BODIES.get(self.route.path, {})

    def expects(self, actor: Member, objects: Mapping[str, Whose]) -> bool:
        """Tell whether this person is to be let through."""
        rule = rule_of(self.route)
        assert rule is not None
        if rule.who not in {Who.SIGNED_IN, Who.ALLOWED}:
            return False
        there = objects[self.whose or "own"]
        if self.place == "body":
            about = there.about["agency_id"]
        elif self.place:
            is_certificate = "certificat" in self.route.path
            about = there.about["deleted" if is_certificate else self.place]
        elif self.route.path.endswith(OF_ALL):
            about = Target(Resource.INTAKE)
        else:
            return rule.who is Who.SIGNED_IN or may(actor, rule.verb, rule.resource)
        if rule.who is Who.SIGNED_IN:
            # One's own notice; one's own password, or anybody's for an operator.
            is_operator = Role.OPERATOR in actor.roles and self.place == "login"
            return is_operator or actor.id in about.people
        if self.answers_for_it and actor.id in self.interested(objects):
            return False
        return can(actor, rule.verb, Target(rule.resource, about.agency_id, about.people))


_ORDER = ("sandbox_id", "request_id", "draft_id", "run_id", "notice_id", "login")


def cells() -> Iterator[Cell]:
    """Yield each route and method of the whole table; what ends or deletes comes last."""
    pairs = [(route, method) for route in ROUTES for method in sorted(route.methods)]

    def late(pair: tuple[APIRoute, str]) -> tuple[bool, bool, bool]:
        route, method = pair
        deletes = method == "DELETE" or route.path == "/bacs/{sandbox_id}/supprimer"
        return route.path in ENDS_A_SESSION, deletes, method in UNSAFE

    for route, method in sorted(pairs, key=late):
        places = set(route.param_convertors) - set(ALIKE)
        unknown = places - {*_ORDER, "agency_id", "intake_id"}
        assert not unknown, f"{route.path}: nothing is staged for {unknown}"
        rule = rule_of(route)
        assert rule is not None, f"{route.path} has no rule"
        if rule.who is Who.PUBLIC:
            continue  # for anybody: named one by one in tests/web/test_access_rules.py
        is_closed = rule.who not in {Who.SIGNED_IN, Who.ALLOWED}
        if route.path in CREATED and method == "POST":
            place = "body"
        elif "agency_id" in places:
            place = "agency_id"
        elif "intake_id" in places:
            place = "intake_id"
        else:
            place = "" if is_closed else next((name for name in _ORDER if name in places), "")
        if place:
            yield Cell(route, method, place, "own")
            yield Cell(route, method, place, "other")
        else:
            yield Cell(route, method)
