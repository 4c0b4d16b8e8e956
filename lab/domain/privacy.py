"""What a column may tell about a person, as the law's analysis asks."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What one column is, confirmed by a person before anything is published."""

    IDENTIFIER = "identifiant"
    """Points at a person by itself: removed first (r. 0.1, art. 5)."""
    QUASI_IDENTIFIER = "quasi-identifiant"
    """Points at a person together with others, or with what somebody knows."""
    SENSITIVE = "sensible"
    """What nobody may learn about a person."""
    OTHER = "autre"


class Criterion(StrEnum):
    """The three criteria of the law (Règlement sur l'anonymisation, A-2.1, r. 0.1, art. 5)."""

    SINGLING_OUT = "individualisation"
    LINKING = "corrélation"
    INFERENCE = "inférence"
