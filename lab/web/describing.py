"""How the API describes itself: OpenAPI in French and English, every failure a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from lab.web.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from fastapi import FastAPI

TITLE = "Vase clos"
VERSION = "1"
DESCRIPTION = """\
API du laboratoire Vase clos : demander un bac à sable, le suivre, l’ouvrir et le supprimer.

- Connexion : `Authorization: Bearer <jeton>`, ou le témoin de session du portail avec l’en-tête
  `X-CSRF-Token` (voir `GET /api/v1/me`).
- `Idempotency-Key` sur chaque POST qui crée : même clé, même réponse; même clé, autre corps, 422.
- `ETag` et `If-Match`: une version périmée est refusée par 412.
- Les échecs sont des documents RFC 9457, dans la langue de `Accept-Language` (français d’abord).

The API of the Vase clos laboratory: ask for a sandbox, follow it, open it and delete it.

- Sign-in: `Authorization: Bearer <token>`, or the portal's session cookie with the header
  `X-CSRF-Token` (see `GET /api/v1/me`).
- `Idempotency-Key` on every POST that makes something: same key, same answer; same key, other
  body, 422.
- `ETag` and `If-Match`: a stale version is refused with 412.
- Failures are RFC 9457 documents, in the language of `Accept-Language` (French first).
"""

TAGS = [
    {"name": "agencies", "description": "Organismes et quotas / Public bodies and quotas"},
    {"name": "requests", "description": "Demandes / Requests"},
    {
        "name": "drafts",
        "description": "Demandes qu’on prépare / Drafts, questionnaires",
    },
    {"name": "sandboxes", "description": "Bacs à sable / Sandboxes"},
    {"name": "stop", "description": "Arrêt de tout le laboratoire / Stop of the whole lab"},
    {"name": "datasets", "description": "Jeux de données / Data sets"},
    {"name": "intakes", "description": "Dossiers d’anonymisation / Anonymisation dossiers"},
    {
        "name": "catalogue",
        "description": "Gabarits, règles de sortie, formats / Templates, egress profiles, sizes",
    },
    {"name": "members", "description": "Personnes / People"},
    {"name": "me", "description": "La personne qui appelle / The caller"},
    {"name": "notices", "description": "Avis et messages / Notices and messages"},
    {"name": "audit", "description": "Journal / Audit log"},
]

_FAILURES = {
    400: "Illisible / Not readable",
    401: "Non connecté / Not signed in",
    403: "Refusé / Refused",
    404: "Introuvable / Not found",
    405: "Méthode non offerte / Method not offered",
    409: "Conflit ou mauvais état / Conflict or wrong state",
    412: "Version périmée / Stale version",
    413: "Trop volumineux / Too large",
    415: "Type de contenu / Media type",
    421: "Autre adresse / Another address",
    422: "À corriger / To be corrected",
    500: "Erreur inattendue / Unexpected failure",
    502: "Refus d’un autre système / Another system refused",
    503: "Indisponible / Unavailable",
    507: "Plus d’espace / No room left",
}

PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. More members by code: what is left of a quota, versions.",
    "properties": {
        "type": {"type": "string", "description": "/problemes/<code>"},
        "code": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
                "required": ["field", "code", "detail"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["type", "code", "title", "status", "detail"],
}

FAILURES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": words,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, words in _FAILURES.items()
}
"""Given to every router of the API."""


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the API; pages and internal routes are not in it."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(
        title=TITLE, version=VERSION, description=DESCRIPTION, tags=TAGS, routes=app.routes
    )
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "vaseclos-session"},
    }
    document["security"] = [{"token": []}, {"session": []}]
    app.openapi_schema = document
    return document
