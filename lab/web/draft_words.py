"""What the steps of the guided request are called, what they ask and why, in French."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.draft import Step, StepState, Support, UseCase
from lab.web.language import msg

if TYPE_CHECKING:
    from collections.abc import Mapping

SLUG: Mapping[Step, str] = {
    Step.PEOPLE: "responsables",
    Step.PURPOSE: "but",
    Step.DATA: "donnees",
    Step.USE: "cas",
    Step.RESOURCES: "ressources",
    Step.EGRESS: "sortie",
    Step.TEAM: "equipe",
    Step.PRIVACY: "vie-privee",
    Step.READINESS: "appropriation",
    Step.RELEVANCE: "pertinence",
}
"""What the address of a page ends with."""

TITLE: Mapping[Step, str] = {
    Step.PEOPLE: msg("Organisme et responsables"),
    Step.PURPOSE: msg("But public et critères de succès"),
    Step.DATA: msg("Données voulues"),
    Step.USE: msg("Cas d’utilisation et gabarit"),
    Step.RESOURCES: msg("Ressources et durée"),
    Step.EGRESS: msg("Sortie réseau"),
    Step.TEAM: msg("Équipe et accompagnement"),
    Step.PRIVACY: msg("Vie privée (EFVP)"),
    Step.READINESS: msg("Degré d’appropriation"),
    Step.RELEVANCE: msg("L’IA convient-elle?"),
}

MEANING: Mapping[Step, str] = {
    Step.PEOPLE: msg("Qui répond de cet essai, et à qui poser une question."),
    Step.PURPOSE: msg("Ce que le public y gagne, et comment vous saurez que l’essai a réussi."),
    Step.DATA: msg("Les jeux de données, et ce qui permet de s’en servir."),
    Step.USE: msg("Ce que vous voulez essayer, et l’exemple dont vous partez."),
    Step.RESOURCES: msg("La puissance de calcul et la date de fin."),
    Step.EGRESS: msg("Ce que le bac à sable peut joindre. Internet est toujours fermé."),
    Step.TEAM: msg("Qui y travaille avec vous, et l’aide que vous souhaitez."),
    Step.PRIVACY: msg("Quatre questions sur ce qui viendrait après l’essai."),
    Step.READINESS: msg("Cinq questions pour situer votre équipe."),
    Step.RELEVANCE: msg("Quatre questions sur l’outil et ses risques."),
}

STATE: Mapping[StepState, str] = {
    StepState.TODO: msg("À faire"),
    StepState.STARTED: msg("Commencée"),
    StepState.DONE: msg("Terminée"),
}

STATE_COLOUR: Mapping[StepState, str] = {
    StepState.TODO: "blue",
    StepState.STARTED: "yellow",
    StepState.DONE: "green",
}

LABEL: Mapping[str, str] = {
    "sponsor": msg("Qui répond de cet essai?"),
    "contact": msg("À qui poser une question? (facultatif)"),
    "purpose": msg("But public et question"),
    "success": msg("Critères de succès"),
    "datasets": msg("Jeux de données"),
    "legal_basis": msg("Base légale"),
    "use": msg("Que voulez-vous essayer?"),
    "template": msg("Gabarit"),
    "size": msg("Format"),
    "ends_on": msg("Date de fin"),
    "profile": msg("Règles de sortie"),
    "egress_reason": msg("Pourquoi ces règles?"),
    "colleagues": msg("Collègues (facultatif)"),
    "support": msg("Aide souhaitée"),
    "support_note": msg("Précisions sur cette aide (facultatif)"),
}

HINT: Mapping[str, str] = {
    "sponsor": msg(
        "Nom ou fonction, par exemple « direction du service à la clientèle ». "
        "La personne qui révise doit savoir qui décidera de la suite."
    ),
    "contact": msg("Un poste ou une adresse de service. Laissez vide si c’est vous."),
    "purpose": msg(
        "Que voulez-vous améliorer pour le public, et à quelle question cherchez-vous une "
        "réponse? N’écrivez aucun renseignement personnel."
    ),
    "success": msg(
        "Un chiffre et un seuil suffisent, par exemple « huit demandes sur dix bien classées ». "
        "Sans critère, personne ne saura s’il faut continuer."
    ),
    "datasets": msg("Ils seront en lecture seule. Choisissez ceux dont votre question a besoin."),
    "legal_basis": msg(
        "La loi, la mission ou l’entente qui vous permet de traiter cette question avec ces "
        "données. Elle est demandée même pour des données synthétiques : c’est elle qui "
        "vaudra si l’essai devient un service."
    ),
    "use": msg("Cela aide à vous proposer un gabarit et des conseils."),
    "template": msg("Un exemple qui fonctionne dès l’ouverture, et que vous adaptez."),
    "size": msg("La puissance de calcul. Le plus petit suffit pour commencer."),
    "ends_on": msg("Dernier jour d’utilisation. Le lendemain, tout est supprimé."),
    "profile": msg("Chaque porte ouverte est une chose de plus à surveiller."),
    "egress_reason": msg("Une phrase suffit. La personne qui révise la lira."),
    "colleagues": msg("Les personnes de votre organisme qui pourront aussi y travailler."),
    "support": msg("L’équipe du laboratoire planifie ses rencontres avec cette réponse."),
    "support_note": msg("Par exemple vos disponibilités, ou ce qui vous inquiète."),
}
"""Why each question is asked, or what helps to answer it."""

USE: Mapping[str, str] = {
    UseCase.PREDICT.value: msg("Prévoir un nombre ou un délai"),
    UseCase.CLASSIFY.value: msg("Classer des dossiers ou des demandes"),
    UseCase.GROUP.value: msg("Trouver des groupes ou des cas à part"),
    UseCase.TEXT.value: msg("Lire, résumer ou chercher dans des textes"),
    UseCase.OTHER.value: msg("Autre chose"),
}

SUPPORT: Mapping[str, str] = {
    Support.NONE.value: msg("Aucun, nous sommes autonomes"),
    Support.START.value: msg("Une rencontre au démarrage"),
    Support.REGULAR.value: msg("Des rencontres régulières"),
}
