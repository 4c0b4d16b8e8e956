"""What a laboratory answers to each command, as its API writes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.cli import drafts

AT = datetime(2026, 11, 21, tzinfo=UTC).isoformat()
AMOUNT = {"cpu_millicores": 1000, "memory_bytes": 2 * 1024**3, "storage_bytes": 0, "gpu_count": 0}
USAGE = AMOUNT | {"sandboxes": 1}
PERSON = {"id": "m-0000000001", "login": "demandeur", "name": "Camille Demers"}
HOURS = [
    {
        "resource": "cpu",
        "budget_hours": 100,
        "used_hours": 50.5,
        "left_hours": 49.5,
        "is_spent": False,
        "reached": [{"percent": 50, "at": AT}],
    },
    {
        "resource": "gpu",
        "budget_hours": None,
        "used_hours": 0.0,
        "left_hours": None,
        "is_spent": False,
        "reached": [],
    },
]
QUOTA = {
    "agency_id": "rft",
    "quota": USAGE,
    "held": USAGE,
    "left": USAGE,
    "max_days": 92,
    "month": "2026-11",
    "hours": HOURS,
    "version": 3,
}
LIMITS = dict.fromkeys(USAGE) | {"sandboxes": 2}
OWN_QUOTA = {
    "agency_id": "rft",
    "person": PERSON,
    "limits": LIMITS,
    "quota": USAGE,
    "held": USAGE,
    "left": USAGE,
    "version": 3,
}
MONTH = {
    "agency_id": "rft",
    "month": "2026-11",
    "ends_at": AT,
    "meters": HOURS,
    "days": [
        {"day": "2026-11-20", "cpu_hours": 50.5, "gpu_hours": 0.0},
        {"day": "2026-11-21", "cpu_hours": 0.0, "gpu_hours": 0.0},
    ],
    "sandboxes": [{"sandbox_id": "sb-0000000001", "cpu_hours": 50.5, "gpu_hours": 0.0}],
}
AGENCY = {
    "id": "rft",
    "name_fr": "Régie fictive",
    "name_en": "Fictional Board",
    "quota": USAGE,
    "max_days": 92,
    "version": 1,
}
REQUEST = {
    "id": "rq-0000000001",
    "agency_id": "rft",
    "requester": PERSON,
    "purpose": "Essai [bold]gras[/bold] \x1b[31m",
    "datasets": [{"id": "demandes-prestations", "version": 1}],
    "template": "01-depart",
    "size": "petit",
    "resources": AMOUNT,
    "profile": "standard",
    "ends_on": "2026-12-21",
    "expires_at": AT,
    "team": [PERSON],
    "filed_at": AT,
    "state": "approved",
    "rule": "petit-et-synthetique",
    "decided_at": AT,
    "decided_by": None,
    "reason": "",
    "sandbox_id": "sb-0000000001",
    "policy": {
        "rule": "petit-et-synthetique",
        "differences": [
            {"what": "memory", "asked": ["4294967296"], "allowed": ["2147483648"]},
            {"what": "data_class", "asked": ["anonymise"], "allowed": ["ouvert", "synthetique"]},
        ],
        "two_approvals": ["donnees-anonymisees"],
    },
    "approvals_needed": 2,
    "first_approval_by": PERSON,
    "waiting_since": AT,
    "draft_id": None,
    "turns": [
        {
            "kind": "answered",
            "by": PERSON,
            "at": AT,
            "version": 2,
            "lines": ["Parce que."],
            "changes": [
                {"step": "resources", "field": "size", "before": ["grand"], "after": ["petit"]}
            ],
        }
    ],
    "version": 2,
}
STAGES = ("isolation", "containment", "data", "tracking", "workspace")


def stage(name: str, seen: str = "ready") -> dict[str, Any]:
    return {
        "stage": name,
        "seen": seen,
        "since": AT,
        "detail": "",
        "started_at": AT,
        "ready_at": AT,
        "took_seconds": 1.5 if seen == "ready" else None,
        "error_code": "",
        "error_detail": "",
        "failures": 0,
        "next_try_at": None,
    }


def sandbox(phase: str = "ready", seen: str = "ready") -> dict[str, Any]:
    return {
        "id": "sb-0000000001",
        "request_id": "rq-0000000001",
        "agency_id": "rft",
        "phase": phase,
        "template": "01-depart",
        "profile": "standard",
        "resources": AMOUNT,
        "members": [PERSON],
        "datasets": [{"id": "demandes-prestations", "version": 1}],
        "created_at": AT,
        "expires_at": AT,
        "delete_requested_at": None,
        "delete_reason": "",
        "deleted_at": None,
        "suspended_at": AT if phase == "suspended" else None,
        "suspend_reason": "asked" if phase == "suspended" else "",
        "suspend_note": "",
        "version": 1,
        "stages": [stage(name, seen) for name in STAGES],
    }


DATASET = {
    "id": "demandes-prestations",
    "title_fr": "Demandes de prestations",
    "title_en": "Benefit claims",
    "description_fr": "Fictif.",
    "description_en": "Fictional.",
    "data_class": "synthetique",
    "licence": "CC0",
    "source": "lab",
    "versions": [
        {
            "version": 1,
            "row_count": 50000,
            "columns": [{"name": "a", "type": "integer", "label_fr": "A", "label_en": "A"}],
            "files": [
                {"name": "data.csv", "size_bytes": 1024, "sha256": "0", "media_type": "text/csv"}
            ],
            "published_at": AT,
        }
    ],
}
MEMBER = PERSON | {
    "agency_id": "rft",
    "roles": ["requester"],
    "is_active": True,
    "has_password": False,
}
EVENT = {
    "seq": 1,
    "at": AT,
    "actor": "lab",
    "actor_login": "",
    "action": "quota.set",
    "resource": "quota",
    "resource_id": "rft",
    "agency_id": "rft",
    "outcome": "done",
    "facts": {},
    "previous_hash": "",
    "hash": "",
}
HOLDS = {"holds": True, "first_break": None, "rows": 1, "last_hash": "ab"}
PROBE = {
    "name": "tcp4-internet",
    "expected": "blocked",
    "outcome": "blocked",
    "holds": True,
    "detail": "",
    "arrivals": None,
    "took_ms": 1,
}
PROOF = {
    "sandbox_id": "sb-0000000001",
    "spec_hash": "",
    "started_at": AT,
    "finished_at": AT,
    "holds": True,
    "results": [PROBE],
    "signature": "",
}
GONE = {"stage": "data", "kind": "bucket", "name": "sb-0000000001", "seen_at": AT}
CERTIFICATE = {
    "sandbox_id": "sb-0000000001",
    "request_id": "rq-0000000001",
    "agency_id": "rft",
    "reason": "asked",
    "asked_at": AT,
    "completed_at": AT,
    "gone": [GONE],
    "signature": "ab",
}
ATTEMPT = {
    "rule": "network",
    "target": "example.org:443",
    "member": PERSON,
    "first_at": AT,
    "last_at": AT,
    "count": 2,
}


INTAKE = {
    "id": "in-0000000001",
    "dataset": "demandes-2026",
    "agency_id": "rft",
    "title_fr": "Demandes",
    "purposes": "Prévoir les délais",
    "asked": "anonymise",
    "state": "measured",
    "supervisor": PERSON,
    "opened_at": AT,
    "raw": {"name": "demandes.csv", "size_bytes": 20, "sha256": "ab", "deposited_at": AT},
    "row_count": 1,
    "technique": "k-anonymat",
    "passes": True,
    "failures": [],
    "signed_by": None,
    "published": None,
    "next_review_at": None,
    "reviewed_at": None,
    "destroyed_at": None,
    "reason": "",
    "version": 4,
}
COLUMNS = {
    "columns": [
        {
            "name": name,
            "type": "string",
            "proposed": role,
            "drop": role == "identifiant",
            "missing": 0.0,
            "distinct": 3,
            "hits": [{"kind": "nas", "rate": 0.98, "examples": ["0•• •••"]}],
            "role": None,
            "keep": None,
            "label_fr": "",
            "label_en": "",
            "hierarchy": "",
        }
        for name, role in (("nas", "identifiant"), ("age", "quasi-identifiant"))
    ]
}
RUN = {
    "id": "run-0000000001",
    "intake_id": "in-0000000001",
    "step": "read",
    "state": "done",
    "what": "scan",
    "done": 1,
    "total": 1,
    "error_code": "",
    "error_fr": "",
    "error_en": "",
}
REGISTER = {
    "dataset": "demandes-2026",
    "version": 1,
    "agency_id": "rft",
    "status": "anonymise",
    "technique": "k-anonymat",
    "supervisor": "Sylvie Morin",
    "published_at": AT,
    "next_review_at": AT,
    "raw_destroyed_at": AT,
}


MESSAGE = {"id": "ms-0000000001", "author": PERSON, "at": AT, "text": "Merci, je regarde."}
NOTICE = {
    "id": "no-0000000001",
    "kind": "returned",
    "subject": "rq-0000000001",
    "page": "/demandes/rq-0000000001",
    "at": AT,
    "read_at": None,
    "mail": "sent",
    "due_at": None,
}


def page(item: object) -> dict[str, Any]:
    return {"items": [item], "next": ""}


ROOT = "/api/v1"
BOX = f"{ROOT}/sandboxes/sb-0000000001"
ASK = f"{ROOT}/requests/rq-0000000001"
TABLE = f"{ROOT}/intakes/in-0000000001"
ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", f"{ASK}/messages"): page(MESSAGE),
    ("POST", f"{ASK}/messages"): MESSAGE,
    ("GET", f"{ROOT}/notices"): page(NOTICE) | {"unread": 1},
    ("POST", f"{ROOT}/notices/read"): {"read": 1},
    ("POST", f"{ROOT}/notices/no-0000000001/read"): NOTICE,
    ("GET", f"{ROOT}/notices/address"): {"address": "a.b@c.ca"},
    ("PUT", f"{ROOT}/notices/address"): {"address": "a.b@c.ca"},
    ("GET", f"{ROOT}/requests"): page(REQUEST),
    ("POST", f"{ROOT}/requests"): REQUEST,
    ("GET", ASK): REQUEST,
    ("POST", f"{ASK}/approve"): REQUEST,
    ("POST", f"{ASK}/reject"): REQUEST,
    ("POST", f"{ASK}/withdraw"): REQUEST,
    ("POST", f"{ASK}/return"): REQUEST,
    ("POST", f"{ASK}/answer"): REQUEST,
    ("GET", f"{ROOT}/sandboxes"): page(sandbox()),
    ("GET", BOX): sandbox(),
    ("DELETE", BOX): sandbox("deleting"),
    ("GET", f"{BOX}/attempts"): page(ATTEMPT),
    ("GET", f"{BOX}/proof"): PROOF,
    ("GET", f"{BOX}/certificate"): CERTIFICATE,
    ("POST", f"{BOX}/members"): sandbox(),
    ("DELETE", f"{BOX}/members/b.gagnon"): None,
    ("POST", f"{BOX}/server"): {
        "state": "ready",
        "url": "http://x/",
        "message": "",
        "percent": 1,
        "stops_at": None,
    },
    ("GET", f"{ROOT}/agencies"): page(AGENCY),
    ("POST", f"{ROOT}/agencies"): AGENCY,
    ("GET", f"{ROOT}/agencies/rft/quota"): QUOTA,
    ("PUT", f"{ROOT}/agencies/rft/quota"): QUOTA,
    ("GET", f"{ROOT}/agencies/rft/quota/people"): page(OWN_QUOTA),
    ("GET", f"{ROOT}/agencies/rft/quota/people/demandeur"): OWN_QUOTA,
    ("PUT", f"{ROOT}/agencies/rft/quota/people/demandeur"): OWN_QUOTA,
    ("GET", f"{ROOT}/usage"): page(MONTH),
    ("GET", f"{ROOT}/usage/rft"): MONTH,
    ("GET", f"{ROOT}/datasets"): page(DATASET),
    ("GET", f"{ROOT}/datasets/demandes-prestations"): DATASET,
    ("GET", f"{ROOT}/members"): page(MEMBER),
    ("POST", f"{ROOT}/members"): MEMBER,
    ("PUT", f"{ROOT}/members/demandeur/password"): None,
    ("POST", f"{ROOT}/members/demandeur/deactivate"): MEMBER,
    ("POST", f"{ROOT}/members/demandeur/activate"): MEMBER,
    ("POST", f"{ROOT}/members/demandeur/link"): {"url": "http://x/entrer?jeton=abc"},
    ("GET", f"{ROOT}/audit"): page(EVENT),
    ("GET", f"{ROOT}/audit/export"): EVENT,
    ("GET", f"{ROOT}/intakes"): page(INTAKE),
    ("POST", f"{ROOT}/intakes"): INTAKE,
    ("GET", f"{ROOT}/intakes/register"): page(REGISTER),
    ("GET", f"{ROOT}/intakes/register.csv"): {"not": "read"},
    ("GET", TABLE): INTAKE,
    ("PUT", f"{TABLE}/raw"): INTAKE,
    ("GET", f"{TABLE}/columns"): COLUMNS,
    ("PUT", f"{TABLE}/columns"): COLUMNS,
    ("POST", f"{TABLE}/runs"): RUN,
    ("GET", f"{TABLE}/runs/run-0000000001"): RUN,
    ("POST", f"{TABLE}/signature"): INTAKE,
    ("POST", f"{TABLE}/review-confirmation"): INTAKE,
    ("POST", f"{TABLE}/publication"): RUN,
    ("POST", f"{TABLE}/refusal"): INTAKE,
    ("POST", f"{TABLE}/withdrawal"): INTAKE,
    ("GET", f"{ROOT}/audit/verification"): HOLDS,
}


DRAFTS = drafts.answers(ROOT, at=AT, person=PERSON, usage=USAGE, request=REQUEST)
