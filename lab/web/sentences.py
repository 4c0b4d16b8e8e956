"""What each stable code means, in a sentence for the person who meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.web.language import msg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.errors import Problem
    from lab.web.language import Language

TITLES: Mapping[str, str] = {
    "bad_request": msg("La demande ne peut pas être lue"),
    "bad_json": msg("Le corps de la demande n’est pas du JSON valide"),
    "invalid": msg("Des renseignements sont à corriger"),
    "not_found": msg("Page ou objet introuvable"),
    "forbidden": msg("Vous n’avez pas le droit de faire cela"),
    "second_person": msg("Une deuxième personne doit approuver"),
    "not_signed_in": msg("Vous devez vous connecter"),
    "sign_in_failed": msg("La connexion n’a pas abouti"),
    "bad_csrf": msg("Le formulaire n’est plus valide"),
    "bad_origin": msg("La demande vient d’un autre site"),
    "conflict": msg("L’objet a changé entre-temps"),
    "wrong_state": msg("Ce n’est plus possible dans l’état actuel"),
    "quota_exceeded": msg("Le quota de l’organisme est dépassé"),
    "person_quota_exceeded": msg("Votre propre quota est dépassé"),
    "budget_spent": msg("Les heures du mois sont épuisées"),
    "idempotency_key_reused": msg("La clé d’idempotence a déjà servi à autre chose"),
    "shown_once": msg("Ce secret ne peut être montré qu’une seule fois"),
    "not_ready": msg("Ce n’est pas encore prêt"),
    "method_not_allowed": msg("Cette méthode n’est pas offerte ici"),
    "too_large": msg("L’envoi est trop volumineux"),
    "unsupported_media_type": msg("Ce type de contenu n’est pas accepté"),
    "too_many_attempts": msg("Trop de tentatives"),
    "wrong_host": msg("Cette adresse n’est pas celle du portail"),
    "provider_failed": msg("Un système du laboratoire ne répond pas"),
    "provider_refused": msg("Un système du laboratoire a refusé"),
    "store_unavailable": msg("Le laboratoire est occupé"),
    "store_busy": msg("Le laboratoire est occupé"),
    "store_failed": msg("Le laboratoire est indisponible"),
    "store_full": msg("Le laboratoire n’a plus d’espace"),
    "internal": msg("Une erreur inattendue s’est produite"),
}
"""By the code of a problem document. Each has a page below ``/problemes/``."""

DETAILS: Mapping[str, str] = {
    "bad_request": msg("La demande contient des caractères ou une forme que le portail refuse."),
    "bad_json": msg("Envoyez un document JSON bien formé, en UTF-8."),
    "invalid": msg("Rien n’a été enregistré. Corrigez les champs indiqués et envoyez de nouveau."),
    "not_found": msg(
        "Il n’y a rien à cette adresse, ou vous n’y avez pas accès. "
        "Vérifiez l’adresse ou revenez à l’accueil."
    ),
    "forbidden": msg(
        "Votre compte ne permet pas cette action. "
        "Demandez à la personne qui exploite le laboratoire si vous en avez besoin."
    ),
    "second_person": msg(
        "Votre approbation est déjà comptée. Cette demande en attend une autre, "
        "d’une personne différente."
    ),
    "not_signed_in": msg("Connectez-vous, ou joignez un jeton valide à la demande."),
    "sign_in_failed": msg(
        "Le fournisseur d’identité ou la politique du laboratoire ne permet pas d’entrer; "
        "la page de connexion dit pourquoi."
    ),
    "bad_csrf": msg(
        "Pour votre sécurité, un formulaire ne vaut que pour la session qui l’a ouvert. "
        "Revenez à la page, rechargez-la et envoyez de nouveau."
    ),
    "bad_origin": msg("Le portail n’accepte que les formulaires de ses propres pages."),
    "conflict": msg(
        "Vous aviez lu la version %(expected)s, la version actuelle est %(found)s. "
        "Relisez avant de recommencer."
    ),
    "wrong_state": msg("Quelqu’un d’autre a peut-être déjà agi. Relisez l’état actuel."),
    "quota_exceeded": msg("Rien n’a été accordé ni déposé. Il reste : %(left)s."),
    "person_quota_exceeded": msg(
        "Rien n’a été accordé ni déposé. Il vous reste : %(left)s. La personne qui exploite le "
        "laboratoire règle ce que chaque personne peut tenir."
    ),
    "budget_spent": msg(
        "Rien n’a été fait. %(resource)s : tout le budget du mois est utilisé (%(budget)s h, "
        "%(month)s). Ce sera possible de nouveau le %(next)s, ou dès que le budget sera relevé."
    ),
    "idempotency_key_reused": msg(
        "La même clé est arrivée avec un autre contenu. Utilisez une nouvelle clé."
    ),
    "shown_once": msg(
        "La même clé d’idempotence a déjà créé ce secret. Faites-en un nouveau avec une autre clé."
    ),
    "not_ready": msg("Attendez que toutes les étapes soient prêtes, puis recommencez."),
    "method_not_allowed": msg("Consultez la description de l’API pour savoir ce qui est offert."),
    "too_large": msg("Une demande peut contenir au plus 1 Mo."),
    "unsupported_media_type": msg("Type attendu : %(wanted)s."),
    "too_many_attempts": msg("Attendez %(wait)s avant d’essayer de nouveau."),
    "wrong_host": msg("Utilisez l’adresse que le laboratoire vous a donnée."),
    "provider_failed": msg(
        "Le système « %(stage)s » n’a pas répondu. Réessayez dans un instant; "
        "si cela dure, prévenez la personne qui exploite le laboratoire."
    ),
    "provider_refused": msg(
        "Le système « %(stage)s » a refusé et refusera encore. "
        "Prévenez la personne qui exploite le laboratoire."
    ),
    "store_unavailable": msg("Rien n’a été enregistré. Réessayez dans un instant."),
    "store_busy": msg("Rien n’a été enregistré. Réessayez dans un instant."),
    "store_failed": msg(
        "Rien n’a été enregistré. Prévenez la personne qui exploite le laboratoire."
    ),
    "store_full": msg(
        "Rien n’a été enregistré. "
        "La personne qui exploite le laboratoire doit libérer de l’espace."
    ),
    "internal": msg(
        "Rien n’indique que votre action a réussi. "
        "Donnez ce numéro à la personne qui exploite le laboratoire : %(id)s."
    ),
}

FIELDS: Mapping[str, str] = {
    "required": msg("Ce renseignement est obligatoire"),
    "questions.required": msg("Écrivez au moins une question"),
    "questions.too_many": msg("Posez au plus %(most)s questions"),
    "answers.too_many": msg("Il y a plus de réponses que de questions (%(most)s)"),
    "text.required": msg("Écrivez un message"),
    "purpose.required": msg("Décrivez le but public et la question"),
    "datasets.required": msg("Choisissez au moins un jeu de données"),
    "template.required": msg("Choisissez un gabarit"),
    "size.required": msg("Choisissez un format"),
    "profile.required": msg("Choisissez des règles de sortie"),
    "ends_on.required": msg("Indiquez la date de fin"),
    "sponsor.required": msg("Dites qui répond de cet essai"),
    "success.required": msg("Dites à quoi vous saurez que l’essai a réussi"),
    "legal_basis.required": msg("Nommez la loi, la mission ou l’entente qui vous le permet"),
    "use.required": msg("Choisissez ce que vous voulez essayer"),
    "egress_reason.required": msg("Dites pourquoi ces règles de sortie"),
    "support.required": msg("Choisissez l’aide que vous souhaitez, ou aucune"),
    "reason.required": msg("Donnez une raison; la personne qui a fait la demande la lira"),
    "agency_id.required": msg("Choisissez un organisme"),
    "login.required": msg("Écrivez votre identifiant"),
    "password.required": msg("Écrivez votre mot de passe"),
    "too_long": msg("Écrivez au plus %(longest)s caractères"),
    "too_many": msg("Choisissez-en au plus %(most)s"),
    "control_characters": msg("Retirez les caractères de contrôle ou illisibles"),
    "unknown": msg("« %(name)s » n’existe pas ou n’est pas offert"),
    "datasets.unknown": msg("Le jeu de données « %(name)s » n’existe pas"),
    "colleagues.unknown": msg(
        "« %(name)s » n’est pas l’identifiant d’une personne active de votre organisme"
    ),
    "not_mountable": msg(
        "Le jeu de données « %(name)s » contient encore des renseignements personnels; "
        "il ne peut pas entrer dans un bac à sable"
    ),
    "not_apart": msg(
        "La personne compétente ne peut être ni celle qui dépose ni celle qui demande"
    ),
    "other_class": msg(
        "Ce jeu de données a le statut « %(name)s »; les statuts ne se mêlent jamais"
    ),
    "unconfirmed": msg("Confirmez la colonne « %(name)s »"),
    "identifier_kept": msg(
        "La colonne « %(name)s » identifie une personne; elle ne peut pas être gardée"
    ),
    "nothing_kept": msg("Gardez au moins une colonne"),
    "columns.unknown": msg("La table n’a pas de colonne « %(name)s »"),
    "wrong_technique": msg("Cette technique ne mène pas au statut demandé"),
    "below_threshold": msg("La politique de l’organisme demande au moins %(least)s"),
    "over_budget": msg("Il reste ε = %(left)s à cette source pour toute sa vie"),
    "over_memory": msg(
        "Traiter cette table peut prendre %(needed)s Mio de mémoire et le laboratoire en a "
        "%(limit)s : gardez moins de colonnes (%(columns)s ici), déposez au plus %(rows)s lignes, "
        "ou demandez plus de mémoire à la personne qui exploite le laboratoire"
    ),
    "too_heavy": msg("Le fichier dépasse la limite (%(most)s)"),
    "not_chosen": msg("Choisissez un fichier"),
    "statement.required": msg("Confirmez la déclaration pour signer"),
    "unsaid": msg("Écrivez ce qui vous convainc"),
    "undeclared": msg("Déclarez ce que la colonne « %(name)s » peut contenir"),
    "bounds_reversed": msg("La fin de l’intervalle doit suivre son début"),
    "out_of_bounds": msg("Le nombre doit être de %(least)s à %(most)s"),
    "bad_number": msg("Écrivez un nombre; par exemple : %(example)s"),
    "supervisor.required": msg("Nommez la personne compétente"),
    "supervisor.unknown": msg(
        "« %(name)s » n’est pas l’identifiant d’une personne qui peut signer pour cet organisme"
    ),
    "purposes.required": msg("Décrivez les fins prévues"),
    "agency_id.unknown": msg("Choisissez un organisme"),
    "raw.empty": msg("Le fichier est vide"),
    "not_the_deposited": msg("Ce fichier n’est pas celui qui a été déposé; déposez-le de nouveau"),
    "unpublished": msg(
        "Le jeu de données « %(name)s » n’est pas encore publié : "
        "son analyse finale n’est pas signée"
    ),
    "to_review": msg(
        "Le jeu de données « %(name)s » est à réviser : "
        "son analyse doit être refaite avant qu’il serve"
    ),
    "version_withdrawn": msg("Le jeu de données « %(name)s » a été retiré"),
    "in_the_past": msg("La date de fin doit être aujourd’hui ou plus tard"),
    "too_far": msg(
        "La date de fin doit être le %(latest)s au plus tard (%(days)s jours pour cet organisme)"
    ),
    "not_later": msg("La date doit être après la fin actuelle, le %(latest)s"),
    "beyond_rule": msg(
        "Vous pouvez prolonger par vous-même jusqu’au %(latest)s; pour plus, demandez-le "
        "à la personne qui exploite le laboratoire"
    ),
    "ask_operator": msg(
        "Seule la personne qui exploite le laboratoire peut prolonger ce bac à sable davantage"
    ),
    "not_confirmed": msg("Pour confirmer, écrivez « tout arrêter »"),
    "bad_date": msg("Écrivez une date qui existe, par exemple 2026-12-31"),
    "before_since": msg("Le dernier jour vient avant le premier"),
    "who.unknown": msg("Personne n’a l’identifiant « %(name)s »"),
    "login.unknown": msg(
        "Aucune personne active de cet organisme qui pourrait l’ouvrir n’a l’identifiant "
        "« %(name)s »"
    ),
    "not_in_team": msg("« %(name)s » n’est pas de l’équipe"),
    "requester_stays": msg(
        "La personne qui a demandé le bac à sable reste dans son équipe; supprimez plutôt le bac"
    ),
    "not_of_request": msg(
        "Ici, seule une personne de l’équipe de la demande peut y revenir : chaque dossier "
        "personnel a reçu sa part de stockage au départ"
    ),
    "team_beyond_rule": msg(
        "Aucune règle d’approbation ne permet cette équipe pour ces données; demandez-le à la "
        "personne qui exploite le laboratoire"
    ),
    "oneself": msg("On ne désactive pas son propre compte"),
    "last_operator": msg("C’est la dernière personne qui exploite le laboratoire"),
    "too_many_drafts": msg(
        "Votre organisme a déjà %(most)s demandes commencées; envoyez-en une ou jetez-en une"
    ),
    "bad_format": msg("Ce n’est pas écrit comme prévu; par exemple : %(example)s"),
    "bad_length": msg("Écrivez de %(shortest)s à %(longest)s caractères"),
    "out_of_range": msg("Le nombre doit être de 1 à %(most)s"),
    "taken": msg("« %(name)s » est déjà pris"),
    "bad_cursor": msg("Ce curseur ne vient pas d’une page précédente"),
    "unknown_field": msg("Ce champ n’existe pas"),
    "unknown_query": msg("Ce paramètre n’existe pas"),
    "given_twice": msg("Ce paramètre ne peut être donné qu’une fois"),
    "bad_type": msg("Cette valeur n’est pas du type attendu"),
    "bad_value": msg("Cette valeur n’est pas acceptée"),
    "bad_hours": msg("Écrivez un nombre entier d’heures, ou rien pour ne pas fixer de budget"),
    "bad_amount": msg("Écrivez une quantité comme 4, 8Gi ou 512Mi"),
}
"""By ``field.code`` first, then by ``code``."""

_PLACEHOLDERS = {
    "name": "?",
    "longest": "?",
    "most": "?",
    "latest": "?",
    "days": "?",
    "shortest": "?",
    "example": "?",
    "least": "?",
    "left": "?",
}


def of_problem(problem: Problem, language: Language) -> str:
    """Return the sentence for one wrong field."""
    french = FIELDS.get(f"{problem.field}.{problem.code}") or FIELDS.get(problem.code)
    if french is None:
        french = FIELDS["bad_value"]
    return language.text(french, **(_PLACEHOLDERS | dict(problem.facts)))
