"""What every closed set is called on screen, in French; templates translate it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.attempt import Rule
from lab.domain.dataset import DataClass
from lab.domain.egress import Door
from lab.domain.intervention import Act
from lab.domain.member import Role
from lab.domain.notice import NoticeKind
from lab.domain.request import RequestState
from lab.domain.review import TurnKind
from lab.domain.sandbox import Phase, Seen, Stage, SuspendReason
from lab.web.language import msg

if TYPE_CHECKING:
    from collections.abc import Mapping

STAGE: Mapping[Stage, str] = {
    Stage.ISOLATION: msg("Isolement"),
    Stage.CONTAINMENT: msg("Confinement"),
    Stage.DATA: msg("Données"),
    Stage.TRACKING: msg("Suivi des expériences"),
    Stage.WORKSPACE: msg("Atelier"),
}

STAGE_MEANING: Mapping[Stage, str] = {
    Stage.ISOLATION: msg(
        "Un espace fermé est créé, avec ses limites; rien n’y entre, rien n’en sort."
    ),
    Stage.CONTAINMENT: msg(
        "Les seules portes permises sont posées, puis des sondes vérifient de l’intérieur "
        "que tout le reste est fermé."
    ),
    Stage.DATA: msg("Les jeux de données choisis sont reliés, en lecture seule."),
    Stage.TRACKING: msg("Un espace de suivi est préparé, visible de votre équipe seulement."),
    Stage.WORKSPACE: msg("L’atelier peut démarrer; chaque membre de l’équipe a le sien."),
}

STAGE_HELD: Mapping[Stage, str] = {
    Stage.ISOLATION: msg("L’espace et les fichiers de l’équipe sont gardés, intacts."),
    Stage.CONTAINMENT: msg(
        "Les portes sont fermées; avant de les rouvrir, les murs seront éprouvés de nouveau."
    ),
    Stage.DATA: msg("Les accès aux données ne valent plus rien; les données de l’équipe restent."),
    Stage.TRACKING: msg("Les accès au suivi ne valent plus rien; les expériences restent."),
    Stage.WORKSPACE: msg("Les ateliers sont arrêtés et ne peuvent pas démarrer."),
}
"""What becomes of each stage while a sandbox is suspended."""

SEEN: Mapping[Seen, str] = {
    Seen.ABSENT: msg("À faire"),
    Seen.CONVERGING: msg("En cours"),
    Seen.READY: msg("Prête"),
    Seen.DUE: msg("Prête, à renouveler bientôt"),
    Seen.REVOKED: msg("Accès retiré"),
    Seen.UNKNOWN: msg("Pas encore observée"),
}

GONE_SEEN: Mapping[Seen, str] = {
    **SEEN,
    Seen.ABSENT: msg("Disparue"),
    Seen.READY: msg("À retirer"),
    Seen.DUE: msg("À retirer"),
    Seen.CONVERGING: msg("Retrait en cours"),
}
"""What the same looks mean while a sandbox is taken down."""

HELD_SEEN: Mapping[Seen, str] = {
    **SEEN,
    Seen.ABSENT: msg("Arrêtée"),
    Seen.CONVERGING: msg("Arrêt en cours"),
    Seen.READY: msg("À arrêter"),
    Seen.DUE: msg("À arrêter"),
}
"""What the same looks mean while a sandbox is held still; its place is kept."""

SEEN_COLOUR: Mapping[Seen, str] = {
    Seen.ABSENT: "grey",
    Seen.CONVERGING: "blue",
    Seen.READY: "green",
    Seen.DUE: "green",
    Seen.REVOKED: "purple",
    Seen.UNKNOWN: "grey",
}

PHASE: Mapping[Phase, str] = {
    Phase.PENDING: msg("En préparation"),
    Phase.READY: msg("Prêt"),
    Phase.SUSPENDED: msg("Suspendu"),
    Phase.DELETING: msg("Suppression en cours"),
    Phase.DELETED: msg("Supprimé"),
}

PHASE_COLOUR: Mapping[Phase, str] = {
    Phase.PENDING: "blue",
    Phase.READY: "green",
    Phase.SUSPENDED: "orange",
    Phase.DELETING: "purple",
    Phase.DELETED: "grey",
}

REQUEST_STATE: Mapping[RequestState, str] = {
    RequestState.DRAFT: msg("Brouillon"),
    RequestState.SUBMITTED: msg("Déposée"),
    RequestState.IN_REVIEW: msg("En révision"),
    RequestState.RETURNED: msg("À compléter"),
    RequestState.APPROVED: msg("Approuvée"),
    RequestState.REJECTED: msg("Refusée"),
    RequestState.WITHDRAWN: msg("Retirée"),
}

REQUEST_COLOUR: Mapping[RequestState, str] = {
    RequestState.DRAFT: "grey",
    RequestState.SUBMITTED: "blue",
    RequestState.IN_REVIEW: "yellow",
    RequestState.RETURNED: "orange",
    RequestState.APPROVED: "green",
    RequestState.REJECTED: "red",
    RequestState.WITHDRAWN: "grey",
}

TURN: Mapping[TurnKind, str] = {
    TurnKind.RETURNED: msg("Retournée par %(name)s, avec des questions"),
    TurnKind.ANSWERED: msg("Envoyée de nouveau par %(name)s"),
    TurnKind.APPROVED_ONCE: msg("Première approbation, par %(name)s"),
    TurnKind.APPROVED: msg("Approuvée par %(name)s"),
    TurnKind.REJECTED: msg("Refusée par %(name)s"),
    TurnKind.WITHDRAWN: msg("Retirée par %(name)s"),
}
"""What was done to a request, and by whom."""

DIFFERENCE: Mapping[str, str] = {
    "cpu": msg("Processeurs"),
    "memory": msg("Mémoire"),
    "storage": msg("Stockage"),
    "gpu": msg("Processeurs graphiques"),
    "days": msg("Durée"),
    "team": msg("Équipe"),
    "data_class": msg("Données"),
    "profile": msg("Règles de sortie"),
}
"""In what a request may differ from a rule."""

NOTICE: Mapping[NoticeKind, str] = {
    NoticeKind.SUBMITTED: msg("Une demande est déposée."),
    NoticeKind.NEEDS_APPROVAL: msg("Une demande attend votre décision."),
    NoticeKind.NEEDS_SIGNATURE: msg("Un dossier attend votre signature."),
    NoticeKind.RETURNED: msg("Votre demande est à compléter."),
    NoticeKind.APPROVED: msg("Votre demande est approuvée."),
    NoticeKind.REFUSED: msg("Votre demande est refusée."),
    NoticeKind.READY: msg("Votre bac à sable est prêt."),
    NoticeKind.EXPIRES_IN_7: msg("Votre bac à sable sera supprimé dans sept jours ou moins."),
    NoticeKind.EXPIRES_IN_1: msg("Votre bac à sable sera supprimé dans un jour ou moins."),
    NoticeKind.SUSPENDED: msg("Votre bac à sable est suspendu."),
    NoticeKind.HOURS_AGAIN: msg(
        "Il y a de nouveau des heures pour un bac à sable suspendu. Rien ne reprend seul."
    ),
    NoticeKind.IDLE: msg("Votre carnet s’arrêtera bientôt, faute d’usage."),
    NoticeKind.INVITED: msg("Vous êtes maintenant de l’équipe d’un bac à sable."),
    NoticeKind.MESSAGE: msg("Un message vous attend."),
}

ROLE: Mapping[Role, str] = {
    Role.REQUESTER: msg("Demandeur"),
    Role.SCIENTIST: msg("Scientifique des données"),
    Role.OPERATOR: msg("Exploitant"),
    Role.REVIEWER: msg("Réviseur"),
}

DATA_CLASS: Mapping[DataClass, str] = {
    DataClass.SYNTHETIC: msg("Synthétiques"),
    DataClass.ANONYMISED: msg("Anonymisées"),
    DataClass.OPEN: msg("Ouvertes"),
    DataClass.DEIDENTIFIED: msg("Dépersonnalisées"),
}

DATA_CLASS_MEANING: Mapping[DataClass, str] = {
    DataClass.SYNTHETIC: msg(
        "Fabriquées par un programme : elles ne décrivent aucune personne réelle."
    ),
    DataClass.ANONYMISED: msg(
        "Il est raisonnable de prévoir qu’elles ne permettent plus, de façon irréversible, "
        "d’identifier une personne : le risque est très faible, jamais nul."
    ),
    DataClass.OPEN: msg("Publiées pour tous, sous une licence qui en permet l’usage."),
    DataClass.DEIDENTIFIED: msg(
        "Encore des renseignements personnels : jamais dans un bac à sable."
    ),
}

COLUMN_TYPE: Mapping[str, str] = {
    "string": msg("texte"),
    "integer": msg("nombre entier"),
    "number": msg("nombre"),
    "date": msg("date"),
    "boolean": msg("oui ou non"),
}

DOOR: Mapping[Door, str] = {
    Door.HUB: msg("l’atelier lui-même"),
    Door.TRACKING: msg("le suivi des expériences"),
    Door.STORAGE: msg("les données"),
}

RULE: Mapping[Rule, str] = {
    Rule.NO_NETWORK: msg("Aucun réseau : un bac à sable n’a pas de chemin vers l’extérieur."),
    Rule.NO_NAMES: msg("Aucune recherche de nom : un bac à sable ne résout aucun nom d’Internet."),
    Rule.NO_RAW: msg("Aucun paquet brut : seuls les programmes ordinaires peuvent communiquer."),
    Rule.DOOR_TRACKING: msg(
        "La porte du suivi ne laisse passer que l’enregistrement des expériences de votre équipe."
    ),
    Rule.DOOR_STORAGE: msg(
        "La porte des données ne laisse passer que vos jeux de données et votre propre espace."
    ),
    Rule.DOOR_HUB: msg(
        "La porte de l’atelier ne laisse passer que ce dont votre carnet a besoin."
    ),
    Rule.DOOR_REPORT: msg("La porte des épreuves ne laisse passer que le rapport d’une épreuve."),
}

REASON: Mapping[str, str] = {
    "resources": msg("le format dépasse ce qui est approuvé d’office"),
    "days": msg("la durée dépasse ce qui est approuvé d’office"),
    "team": msg("l’équipe est plus grande que ce qui est approuvé d’office"),
    "data_class": msg("les données ne sont pas toutes synthétiques ou ouvertes"),
    "profile": msg("ces règles de sortie demandent une révision"),
    "two_approvals": msg("deux personnes doivent approuver ce qui est demandé"),
    "no_rule": msg("aucune règle d’approbation n’est définie"),
}
"""Why a request goes to a person."""

DELETE_REASON: Mapping[str, str] = {
    "asked": msg("à la demande d’une personne"),
    "expired": msg("à la date de fin"),
    "": msg("à la date de fin"),
}

SUSPEND_REASON: Mapping[SuspendReason, str] = {
    SuspendReason.ASKED: msg("La personne qui exploite le laboratoire a suspendu ce bac à sable."),
    SuspendReason.STOPPED: msg(
        "La personne qui exploite le laboratoire a arrêté ce bac à sable d’urgence."
    ),
    SuspendReason.LAB_STOPPED: msg(
        "La personne qui exploite le laboratoire a tout arrêté, ce bac à sable compris."
    ),
    SuspendReason.BUDGET: msg("L’organisme a utilisé toutes ses heures du mois."),
}
"""Why a sandbox is suspended, in a sentence."""

ACT: Mapping[Act, str] = {
    Act.SUSPEND: msg("Suspendu"),
    Act.STOP: msg("Arrêté d’urgence"),
    Act.RESUME: msg("Repris"),
    Act.EXTEND: msg("Prolongé"),
}

NAMES: Mapping[str, str] = {
    "agency_id": msg("Organisme"),
    "purpose": msg("But public et question"),
    "datasets": msg("Jeux de données"),
    "template": msg("Gabarit"),
    "size": msg("Format"),
    "profile": msg("Règles de sortie"),
    "ends_on": msg("Date de fin"),
    "colleagues": msg("Collègues"),
}
"""What the fields of a request are called."""
