"""What a column may hold: each kind, what it is for the law, and what is done with it.

Roles follow the *Règlement sur l'anonymisation des renseignements personnels*
(A-2.1, r. 0.1, art. 5): what points at a person by itself is removed first. What is
proposed here is only proposed: a person confirms it (`lab.data.detect.confirmation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lab.domain.privacy import Role


class Action(StrEnum):
    """What happens to a column before anything else is done with the table."""

    DROP = "retirer"
    GENERALISE = "généraliser"
    KEEP = "garder"


class Kind(StrEnum):
    """What the values of a column look like, or what its header says that they are."""

    NAS = "nas"
    NAM = "nam"
    PERMANENT_CODE = "code_permanent"
    LICENCE = "permis_de_conduire"
    CARD = "carte_de_paiement"
    NEQ = "neq"
    NAME = "nom"
    EMAIL = "courriel"
    PHONE = "telephone"
    ADDRESS = "adresse"
    FILE_NUMBER = "numero_de_dossier"
    PLATE = "plaque"
    IP = "adresse_ip"
    URL = "url"
    GPS = "position_gps"
    FREE_TEXT = "texte_libre"
    BIRTH_DATE = "date_de_naissance"
    POSTAL_CODE = "code_postal"
    POSTAL_PREFIX = "prefixe_postal"
    DATE = "date"
    AGE = "age"
    SEX = "sexe"
    LANGUAGE = "langue"
    REGION = "region"
    OCCUPATION = "profession"
    ORIGIN = "origine"
    FAMILY = "situation_familiale"
    EDUCATION = "scolarite"
    HEALTH = "sante"
    INCOME = "revenu"
    OFFENCE = "infraction"
    RELIGION = "religion"
    ORIENTATION = "orientation"
    OPINION = "opinion"


@dataclass(frozen=True, slots=True)
class Trait:
    """What is proposed for a kind, and how people call it.

    Attributes:
        role: What a column of this kind is.
        action: What is done with it unless a person decides otherwise.
        fr: Its name in French, with its article left out.
        en: The same in English.
    """

    role: Role
    action: Action
    fr: str
    en: str


_ID, _QUASI, _SENSITIVE = Role.IDENTIFIER, Role.QUASI_IDENTIFIER, Role.SENSITIVE
_DROP, _GENERALISE, _KEEP = Action.DROP, Action.GENERALISE, Action.KEEP

TRAITS: dict[Kind, Trait] = {
    Kind.NAS: Trait(_ID, _DROP, "numéro d’assurance sociale (NAS)", "social insurance number"),
    Kind.NAM: Trait(_ID, _DROP, "numéro d’assurance maladie (NAM)", "health insurance number"),
    Kind.PERMANENT_CODE: Trait(_ID, _DROP, "code permanent", "pupil’s permanent code"),
    Kind.LICENCE: Trait(_ID, _DROP, "numéro de permis de conduire", "driver’s licence number"),
    Kind.CARD: Trait(_ID, _DROP, "numéro de carte de paiement", "payment card number"),
    Kind.NEQ: Trait(_ID, _DROP, "numéro d’entreprise (NEQ)", "Quebec enterprise number"),
    Kind.NAME: Trait(_ID, _DROP, "nom de personne", "name of a person"),
    Kind.EMAIL: Trait(_ID, _DROP, "adresse de courriel", "e-mail address"),
    Kind.PHONE: Trait(_ID, _DROP, "numéro de téléphone", "telephone number"),
    Kind.ADDRESS: Trait(_ID, _DROP, "adresse civique", "civic address"),
    Kind.FILE_NUMBER: Trait(_ID, _DROP, "numéro de dossier", "file number"),
    Kind.PLATE: Trait(_ID, _DROP, "plaque d’immatriculation", "licence plate"),
    Kind.IP: Trait(_ID, _DROP, "adresse IP", "IP address"),
    Kind.URL: Trait(_ID, _DROP, "adresse web", "web address"),
    Kind.GPS: Trait(_ID, _DROP, "position précise", "precise position"),
    # A column of remarks points at nobody by itself, yet nobody can say what it holds.
    Kind.FREE_TEXT: Trait(_SENSITIVE, _DROP, "texte libre", "free text"),
    Kind.BIRTH_DATE: Trait(_QUASI, _GENERALISE, "date de naissance", "date of birth"),
    Kind.POSTAL_CODE: Trait(_QUASI, _GENERALISE, "code postal", "postal code"),
    Kind.POSTAL_PREFIX: Trait(_QUASI, _KEEP, "préfixe de code postal", "postal prefix"),
    Kind.DATE: Trait(_QUASI, _GENERALISE, "date", "date"),
    Kind.AGE: Trait(_QUASI, _GENERALISE, "âge", "age"),
    Kind.SEX: Trait(_QUASI, _KEEP, "sexe ou genre", "sex or gender"),
    Kind.LANGUAGE: Trait(_QUASI, _KEEP, "langue", "language"),
    Kind.REGION: Trait(_QUASI, _GENERALISE, "lieu ou région", "place or region"),
    Kind.OCCUPATION: Trait(_QUASI, _GENERALISE, "profession", "occupation"),
    Kind.ORIGIN: Trait(_QUASI, _GENERALISE, "origine ou pays", "origin or country"),
    Kind.FAMILY: Trait(_QUASI, _KEEP, "situation familiale", "family situation"),
    Kind.EDUCATION: Trait(_QUASI, _KEEP, "scolarité", "education"),
    Kind.HEALTH: Trait(_SENSITIVE, _KEEP, "santé", "health"),
    Kind.INCOME: Trait(_SENSITIVE, _KEEP, "revenu ou aide reçue", "income or benefit"),
    Kind.OFFENCE: Trait(_SENSITIVE, _KEEP, "infraction ou condamnation", "offence or conviction"),
    Kind.RELIGION: Trait(_SENSITIVE, _KEEP, "religion", "religion"),
    Kind.ORIENTATION: Trait(_SENSITIVE, _KEEP, "orientation ou identité", "orientation"),
    Kind.OPINION: Trait(_SENSITIVE, _KEEP, "opinion ou appartenance", "opinion or membership"),
}

IDENTIFYING = frozenset(kind for kind, trait in TRAITS.items() if trait.role is Role.IDENTIFIER)

NEVER_KEPT = frozenset({
    Kind.NAS, Kind.NAM, Kind.PERMANENT_CODE, Kind.LICENCE, Kind.CARD, Kind.EMAIL, Kind.PHONE,
})  # fmt: skip
"""Kinds whose shape or arithmetic leaves so little doubt that nobody's word clears them."""
