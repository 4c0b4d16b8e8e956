"""What a lab answers about a request that is being written."""

from __future__ import annotations

from typing import Any


def answers(
    root: str, *, at: str, person: dict[str, Any], usage: dict[str, Any], request: dict[str, Any]
) -> dict[tuple[str, str], Any]:
    step = {
        "step": "resources",
        "state": "done",
        "advises": False,
        "fields": ["size", "ends_on"],
        "answers": {"size": "petit", "ends_on": "2026-12-31"},
        "version": 2,
        "saved_at": at,
        "saved_by": person,
    }
    brief = {
        "id": "rd-0000000001",
        "agency_id": "rft",
        "author": person,
        "purpose": "Essai",
        "opened_at": at,
        "updated_at": at,
        "request_id": None,
        "revises_id": None,
        "version": 3,
    }
    outlook = {
        "decision": "approved",
        "rule": "petit-et-synthetique",
        "reasons": [],
        "asked": usage,
        "left": usage,
        "fits": True,
        "frees_at": None,
    }
    draft = brief | {"steps": [step], "outlook": outlook, "advice": []}
    one = f"{root}/drafts/rd-0000000001"
    return {
        ("POST", f"{root}/drafts"): draft,
        ("GET", f"{root}/drafts"): {"items": [brief], "next": ""},
        ("GET", one): draft,
        ("PUT", f"{one}/steps/resources"): draft,
        ("PUT", f"{one}/steps/data"): draft,
        ("POST", f"{one}/submit"): request,
        ("DELETE", one): None,
    }
