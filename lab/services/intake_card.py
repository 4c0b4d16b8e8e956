"""What a published version says of the dossier it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.dataset import Dataset, DatasetRef
from lab.domain.intake_content import evidence_of, of_signature
from lab.ports import Card

if TYPE_CHECKING:
    from datetime import datetime

    from lab.domain.evidence import Treatment
    from lab.domain.intake import Intake


def card_of(intake: Intake, treatment: Treatment, ref: DatasetRef, at: datetime) -> Card:
    """Return what its version says of itself: the register's facts, not what was found in it."""
    signature = intake.signature
    evidence = evidence_of(intake)
    # Who and what was typed about other columns stays in the dossier.
    kept = [name.name for name in intake.choices if name.keep]
    columns = [each for each in evidence["columns"] if each["name"] in kept]
    public = ("intake_id", "asked", "scope", "purposes", "preliminary", "treatment", "final")
    shown = {name: evidence[name] for name in (*public, "thresholds")}
    return Card(
        dataset=Dataset(
            id=intake.dataset_id,
            title_fr=intake.title_fr,
            title_en=intake.title_en,
            description_fr=intake.description_fr,
            description_en=intake.description_en,
            data_class=intake.asked,
            licence=intake.licence,
            source=intake.source,
        ),
        version=ref.version,
        published_at=at,
        columns=tuple(choice for choice in intake.choices if choice.keep),
        treatment=treatment.technique.value,
        purposes=intake.purposes,
        evidence=shown
        | {
            "columns": [{k: each[k] for k in ("name", "role")} for each in columns],
            "raw_sha256": intake.raw.sha256 if intake.raw else "",
            "signature": of_signature(signature) if signature else None,
        },
    )
