"""What ``lab request return`` and its sisters say, in French."""

from __future__ import annotations

REVIEWS: dict[str, str] = {
    "Answer the questions about a request and send it in again, as its draft says now.": (
        "Répondre aux questions sur une demande et l’envoyer de nouveau, telle que son "
        "brouillon la dit maintenant."
    ),
    "Approvals needed": "Approbations requises",
    "Approve a request in review; its sandbox is built, once two approved where two must.": (
        "Approuver une demande en révision; son bac à sable est bâti, une fois les deux "
        "approbations données où il en faut deux."
    ),
    "Changes": "Modifie",
    "First approval": "Première approbation",
    "List the requests, newest first, and why a person decides about each.": (
        "Lister les demandes, la plus récente d’abord, et pourquoi une personne décide de chacune."
    ),
    "One for each question, in their order; given again.": (
        "Une par question, dans leur ordre; à répéter."
    ),
    "Only those for data of this class, for example anonymise.": (
        "Seulement celles sur des données de cette classe, par exemple anonymise."
    ),
    "Only those of this agency.": "Seulement celles de cet organisme.",
    "Only those that two people must approve.": (
        "Seulement celles que deux personnes doivent approuver."
    ),
    "Only those that wait for a reviewer this long.": (
        "Seulement celles qui attendent la révision depuis tant de jours."
    ),
    "Only those that you can decide; who asks sees their own.": (
        "Seulement celles que vous pouvez décider; qui demande voit les siennes."
    ),
    "Reject a request that is not decided, with a reason.": (
        "Refuser une demande qui n’est pas décidée, avec une raison."
    ),
    "Send a request back with questions; it keeps its reference and its place in the quota.": (
        "Retourner une demande avec des questions; elle garde sa référence et sa place dans le "
        "quota."
    ),
    "Waits since": "Attend depuis",
    "What you ask; may be given again.": "Ce que vous demandez; peut être répété.",
    "Why": "Pourquoi",
    "Why a person decides": "Pourquoi une personne décide",
    "answered": "envoyée de nouveau",
    "approved_once": "première approbation",
    "data_class": "données",
    "days": "jours",
    "gpu": "processeurs graphiques",
    "memory": "mémoire",
    "profile": "règles de sortie",
    "returned": "à compléter",
    "storage": "stockage",
    "team": "équipe",
    "cpu": "processeurs",
}
