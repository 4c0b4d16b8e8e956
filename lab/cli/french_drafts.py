"""What ``lab request draft`` says, in French."""

from __future__ import annotations

DRAFTS: dict[str, str] = {
    "'{answer}' is not FIELD=VALUE": "« {answer} » n’est pas CHAMP=VALEUR",
    "A field given again holds several values.": "Un champ répété contient plusieurs valeurs.",
    "Answer one step; this takes the place of its earlier answers.": (
        "Répondre à une étape; cela remplace ses réponses d’avant."
    ),
    "Answers": "Réponses",
    "Begin a request and show its reference number.": (
        "Commencer une demande et montrer son numéro de référence."
    ),
    "Begun by": "Commencée par",
    "Changed": "Modifiée",
    "Draft": "Brouillon",
    "Fits the quota": "Tient dans le quota",
    "For example rd-3f9a0c1d2e.": "Par exemple rd-3f9a0c1d2e.",
    "For example resources.": "Par exemple resources.",
    "For example: size=petit": "Par exemple : size=petit",
    "Idempotency key: the same key begins once.": (
        "Clé d’idempotence : la même clé ne commence qu’une fois."
    ),
    "Keep it even if something is missing.": "Garder même s’il manque quelque chose.",
    "List the requests being written, last changed first.": (
        "Lister les demandes en cours d’écriture, la dernière modifiée d’abord."
    ),
    "Only if it is still at this version; 0: whatever it is.": (
        "Seulement si elle en est encore à cette version; 0 : quelle qu’elle soit."
    ),
    "Reasons": "Raisons",
    "Requests being written: begin, answer step by step, send in.": (
        "Demandes en cours d’écriture : commencer, répondre étape par étape, envoyer."
    ),
    "Room from": "Place à partir de",
    "Send a request in. Safe to repeat: it is filed once.": (
        "Envoyer une demande. Peut être répété : elle n’est déposée qu’une fois."
    ),
    "Show how far a request is, and what would become of it.": (
        "Montrer où en est une demande, et ce qu’il en adviendrait."
    ),
    "Step": "Étape",
    "Throw away a request that was not sent in.": "Jeter une demande qui n’est pas envoyée.",
    "Throw {id} away?": "Jeter {id}?",
    "Version": "Version",
    "Would be": "Serait",
    "approved at once": "approuvée aussitôt",
    "started": "commencée",
    "todo": "à faire",
    "{id} is gone.": "{id} n’est plus là.",
}
