"""What a dossier's closed sets are called on screen, in French; templates translate it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.evidence import Scope, Technique
from lab.domain.intake_run import RunState, Step
from lab.domain.intake_states import IntakeState
from lab.domain.privacy import Criterion, Role
from lab.web.language import msg

if TYPE_CHECKING:
    from collections.abc import Mapping

STATE: Mapping[IntakeState, str] = {
    IntakeState.OPENED: msg("Ouvert"),
    IntakeState.DEPOSITED: msg("Fichier déposé"),
    IntakeState.READ: msg("Colonnes à confirmer"),
    IntakeState.COLUMNS_CONFIRMED: msg("Colonnes confirmées"),
    IntakeState.TREATED: msg("Traité"),
    IntakeState.MEASURED: msg("Mesuré"),
    IntakeState.SIGNED: msg("Signé"),
    IntakeState.PUBLISHED: msg("Publié"),
    IntakeState.REFUSED: msg("Refusé"),
    IntakeState.WITHDRAWN: msg("Retiré"),
}

STATE_COLOUR: Mapping[IntakeState, str] = {
    IntakeState.OPENED: "grey",
    IntakeState.DEPOSITED: "blue",
    IntakeState.READ: "yellow",
    IntakeState.COLUMNS_CONFIRMED: "blue",
    IntakeState.TREATED: "blue",
    IntakeState.MEASURED: "yellow",
    IntakeState.SIGNED: "turquoise",
    IntakeState.PUBLISHED: "green",
    IntakeState.REFUSED: "red",
    IntakeState.WITHDRAWN: "grey",
}

RUN: Mapping[Step, str] = {
    Step.READ: msg("Lecture du fichier"),
    Step.TREAT: msg("Traitement"),
    Step.MEASURE: msg("Analyse finale"),
    Step.PUBLISH: msg("Publication"),
    Step.REVIEW: msg("Nouvelle évaluation"),
}

RUN_STATE: Mapping[RunState, str] = {
    RunState.QUEUED: msg("En attente"),
    RunState.RUNNING: msg("En cours"),
    RunState.DONE: msg("Terminé"),
    RunState.FAILED: msg("Échec"),
    RunState.CANCELLED: msg("Annulé"),
    RunState.INTERRUPTED: msg("Interrompu"),
}

RUN_COLOUR: Mapping[RunState, str] = {
    RunState.QUEUED: "grey",
    RunState.RUNNING: "blue",
    RunState.DONE: "green",
    RunState.FAILED: "red",
    RunState.CANCELLED: "grey",
    RunState.INTERRUPTED: "orange",
}

PROGRESS: Mapping[str, str] = {
    "": msg("attend son tour"),
    "hash": msg("empreinte du fichier"),
    "encoding": msg("recherche de l’encodage"),
    "read": msg("lecture des lignes"),
    "write": msg("écriture de la table"),
    "scan": msg("examen des colonnes"),
    "assess": msg("analyse préliminaire"),
    "search": msg("recherche de la généralisation qui perd le moins"),
    "mondrian": msg("découpage local"),
    "synthesise": msg("synthèse"),
    "measure": msg("attaques simulées"),
    "utility": msg("mesure de l’utilité"),
    "package": msg("préparation de la version"),
}
"""By the word of a run's progress; anything else is shown as work under way."""
WORKING = msg("travail en cours")

ROLE: Mapping[Role, str] = {
    Role.IDENTIFIER: msg("Identifiant"),
    Role.QUASI_IDENTIFIER: msg("Quasi-identifiant"),
    Role.SENSITIVE: msg("Sensible"),
    Role.OTHER: msg("Autre"),
}

FATE: Mapping[Role, str] = {
    Role.IDENTIFIER: msg("Retirée : elle ne va pas plus loin."),
    Role.QUASI_IDENTIFIER: msg(
        "Généralisée : ses valeurs deviennent des groupes ou des intervalles."
    ),
    Role.SENSITIVE: msg("Gardée : on mesure si elle peut être devinée."),
    Role.OTHER: msg("Gardée telle quelle."),
}
"""What happens to a column of each role where it is not left out anyway."""

FATE_PUBLIC = msg("Gardée telle quelle.")
FATE_SYNTHETIC = msg("Synthétisée : aucune valeur ne vient d’une personne.")
FATE_DROPPED = msg("Retirée : elle ne va pas plus loin.")

TECHNIQUE: Mapping[Technique, str] = {
    Technique.K_ANONYMITY: msg("k-anonymat (généraliser et retirer)"),
    Technique.SYNTHESIS: msg("Synthèse à confidentialité différentielle"),
    Technique.NONE: msg("Aucune : retirer des colonnes seulement"),
}

TECHNIQUE_MEANING: Mapping[Technique, str] = {
    Technique.K_ANONYMITY: msg(
        "Les vraies lignes, moins précises : "
        "chaque personne se confond avec au moins k − 1 autres."
    ),
    Technique.SYNTHESIS: msg(
        "De nouvelles lignes, tirées de répartitions bruitées; la garantie se compte en ε."
    ),
    Technique.NONE: msg("Pour des données déjà publiques."),
}

SCOPE: Mapping[Scope, str] = {
    Scope.BETWEEN: msg("D’autres organismes aussi"),
    Scope.INSIDE: msg("L’organisme seulement"),
}

CRITERION: Mapping[Criterion, str] = {
    Criterion.SINGLING_OUT: msg("Individualisation"),
    Criterion.LINKING: msg("Corrélation"),
    Criterion.INFERENCE: msg("Inférence"),
}

CRITERION_MEANING: Mapping[Criterion, str] = {
    Criterion.SINGLING_OUT: msg("Isoler une personne dans la table."),
    Criterion.LINKING: msg("Relier entre elles des données qui concernent une même personne."),
    Criterion.INFERENCE: msg("Déduire un renseignement sur une personne."),
}

METHOD: Mapping[str, str] = {
    "singling_out_univariate": msg("Isoler par une colonne"),
    "singling_out_multivariate": msg("Isoler par plusieurs colonnes"),
    "linkability": msg("Relier deux fichiers"),
    "attribute_inference": msg("Deviner %(column)s"),
    "distance_to_closest_record": msg("Trouver des copies"),
}

FAILURE: Mapping[str, str] = {
    "wrong_technique": msg("La technique ne mène pas au statut demandé."),
    "k_missing": msg("La taille de la plus petite classe n’a pas été mesurée."),
    "k_too_small": msg("La plus petite classe est sous le seuil de la politique."),
    "control_failed": msg(
        "Une attaque échoue même sur la table non protégée : elle ne prouve donc rien."
    ),
    "analysis_failed": msg("L’analyse elle-même ne conclut pas à un risque très faible."),
    "not_measured": msg("Le critère « %(criterion)s » n’a pas été mesuré."),
    "risk_too_high": msg("Le risque du critère « %(criterion)s » dépasse le seuil."),
}

KIND: Mapping[str, str] = {
    "nas": msg("numéro d’assurance sociale (NAS)"),
    "nam": msg("numéro d’assurance maladie (NAM)"),
    "code_permanent": msg("code permanent"),
    "permis_de_conduire": msg("numéro de permis de conduire"),
    "carte_de_paiement": msg("numéro de carte de paiement"),
    "neq": msg("numéro d’entreprise (NEQ)"),
    "nom": msg("nom de personne"),
    "courriel": msg("adresse de courriel"),
    "telephone": msg("numéro de téléphone"),
    "adresse": msg("adresse civique"),
    "numero_de_dossier": msg("numéro de dossier"),
    "plaque": msg("plaque d’immatriculation"),
    "adresse_ip": msg("adresse IP"),
    "url": msg("adresse web"),
    "position_gps": msg("position précise"),
    "texte_libre": msg("texte libre"),
    "date_de_naissance": msg("date de naissance"),
    "code_postal": msg("code postal"),
    "prefixe_postal": msg("préfixe de code postal"),
    "date": msg("date"),
    "age": msg("âge"),
    "sexe": msg("sexe ou genre"),
    "langue": msg("langue"),
    "region": msg("lieu ou région"),
    "profession": msg("profession"),
    "origine": msg("origine ou pays"),
    "situation_familiale": msg("situation familiale"),
    "scolarite": msg("scolarité"),
    "sante": msg("santé"),
    "revenu": msg("revenu ou aide reçue"),
    "infraction": msg("infraction ou condamnation"),
    "religion": msg("religion"),
    "orientation": msg("orientation ou identité"),
    "opinion": msg("opinion ou appartenance"),
}
"""By the word of a hit; a test holds it against the detector's own list."""
