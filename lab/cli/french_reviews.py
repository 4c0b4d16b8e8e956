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
    "About": "Sur",
    "Yours; an empty one for no mail.": "La vôtre; vide pour aucun courriel.",
    "For example no-3f9a0c1d2e; all without it.": "Par exemple no-3f9a0c1d2e; tous sans lui.",
    "List one's notices, newest first.": "Lister ses avis, le plus récent d’abord.",
    "Mail": "Courriel",
    "Mark a notice as read, or all.": "Marquer un avis comme lu, ou tous.",
    "Marked as read.": "Marqué comme lu.",
    "Notice": "Avis",
    "Notices: look, mark as read, and where mail goes.": (
        "Avis : regarder, marquer comme lus, et où va le courriel."
    ),
    "Only those not read.": "Seulement ceux qui ne sont pas lus.",
    "Plain text, 4,000 characters at most.": "Texte simple, au plus 4 000 caractères.",
    "Read": "Lu",
    "Say where the lab's mail leaves: a server, or a folder of this machine.": (
        "Dire d’où part le courriel du laboratoire : un serveur, ou un dossier de cette machine."
    ),
    "Show or set where one's mail goes.": "Montrer ou fixer où va son courriel.",
    "Show the messages about a request, first one first.": (
        "Montrer les messages sur une demande, le premier d’abord."
    ),
    "What": "Quoi",
    "Write a message about a request; its team and who reviews it are told.": (
        "Écrire un message sur une demande; son équipe et qui la révise en sont avisés."
    ),
    "expires_in_1": "supprimé dans un jour",
    "expires_in_7": "supprimé dans sept jours",
    "hours_again": "heures revenues",
    "idle": "carnet bientôt arrêté",
    "invited": "invitation dans un bac",
    "message": "message",
    "needs_approval": "à décider",
    "needs_signature": "à signer",
    "no address": "aucune adresse",
    "none": "aucun",
    "sent": "envoyé",
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
