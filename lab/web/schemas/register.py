"""The register of what was anonymised, on the wire (A-2.1, r. 0.1, art. 9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lab.domain.dataset import DataClass
from lab.domain.evidence import Technique
from lab.domain.ids import MemberId
from lab.domain.intake import Intake
from lab.domain.intake_states import IntakeState
from lab.domain.member import Member
from lab.web.schemas.common import Out
from lab.web.schemas.requests import person


class RegisterOut(Out):
    """One row of the register (art. 9). / Une ligne du registre.

    Attributes:
        description: Of the anonymised information, with the columns that are in it (1°).
        purposes: What it is for (2°).
        technique: With its parameters, and ``security_measures`` (3°).
        final_at: When the analysis of the risks was completed (4°).
        reviewed_at: When it was last brought up to date (4°, art. 8).
    """

    intake_id: str
    dataset: str
    version: int
    agency_id: str
    description: str
    purposes: str
    status: DataClass
    technique: Technique | None
    parameters: dict[str, Any]
    security_measures: str
    preliminary_at: datetime | None
    final_at: datetime | None
    reviewed_at: datetime | None
    supervisor: str
    signed_at: datetime | None
    published_at: datetime | None
    next_review_at: datetime | None
    raw_destroyed_at: datetime | None
    state: IntakeState

    @classmethod
    def of(cls, intake: Intake, people: Mapping[MemberId, Member]) -> RegisterOut:
        """Write it."""
        treatment, signature = intake.treatment, intake.signature
        return cls(
            intake_id=intake.id,
            dataset=intake.dataset_id,
            version=intake.published.version if intake.published else 0,
            agency_id=intake.agency_id,
            description=_description(intake),
            purposes=intake.purposes,
            status=intake.asked,
            technique=treatment.technique if treatment else None,
            parameters=dict(treatment.parameters) if treatment else {},
            security_measures=MEASURES_FR,
            preliminary_at=intake.preliminary.at if intake.preliminary else None,
            final_at=intake.final.at if intake.final else None,
            reviewed_at=intake.reviews[-1].at if intake.reviews else None,
            supervisor=person(signature.by, people).name if signature else "",
            signed_at=signature.at if signature else None,
            published_at=intake.published_at,
            next_review_at=intake.next_review_at,
            raw_destroyed_at=intake.destruction.seen_gone_at if intake.destruction else None,
            state=intake.state,
        )


def _description(intake: Intake) -> str:
    kept = [choice.label_fr or choice.name for choice in intake.choices if choice.keep]
    columns = f" Colonnes\u00a0: {', '.join(kept)}." if kept else ""
    return f"{intake.title_fr}. {intake.description_fr}{columns}"


MEASURES_FR = (
    "Dépôt chiffré, hors d’atteinte des bacs à sable; destruction constatée après la publication; "
    "lecture seule, derrière des murs éprouvés."
)

REGISTER_HEADERS: Mapping[str, str] = {
    "intake_id": "Dossier",
    "dataset": "Jeu de données",
    "version": "Version",
    "agency_id": "Organisme",
    "description": "Description des renseignements",
    "purposes": "Fins prévues",
    "status": "Statut",
    "technique": "Technique d’anonymisation",
    "parameters": "Paramètres",
    "security_measures": "Mesures de protection et de sécurité",
    "preliminary_at": "Date de l’analyse préliminaire",
    "final_at": "Date de l’analyse des risques de réidentification (art. 7)",
    "reviewed_at": "Date de la mise à jour de l’analyse (art. 8)",
    "supervisor": "Personne compétente",
    "signed_at": "Date de la signature",
    "published_at": "Date de publication",
    "next_review_at": "Date de la prochaine évaluation",
    "raw_destroyed_at": "Date de destruction du fichier déposé",
    "state": "État",
}
"""Of the CSV, in French: the register is the agency's."""
