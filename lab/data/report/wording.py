"""Numbers, dates and words of a report, in the language of whoever reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent

from lab.domain.dataset import DataClass
from lab.domain.evidence import Scope, Technique
from lab.domain.intake_states import IntakeState
from lab.domain.privacy import Criterion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, tzinfo
    from enum import Enum
    from typing import Any

NBSP = "\u00a0"
ABSENT = "—"
MOST_NAMED = 12
_SHOWN = 0.001
LONGEST = 420
"""Characters of what a person typed. All of it is in the dossier."""

_WORDS: Mapping[Enum, tuple[str, str]] = {
    DataClass.SYNTHETIC: ("synthétiques", "synthetic"),
    DataClass.ANONYMISED: ("anonymisées", "anonymised"),
    DataClass.OPEN: ("ouvertes", "open"),
    DataClass.DEIDENTIFIED: ("dépersonnalisées", "de-identified"),
    Scope.INSIDE: ("l’organisme seul", "the agency alone"),
    Scope.BETWEEN: ("d’autres organismes aussi", "other agencies too"),
    Technique.K_ANONYMITY: (
        "k-anonymat (généralisation et suppression)",
        "k-anonymity (generalisation and suppression)",
    ),
    Technique.SYNTHESIS: (
        "synthèse avec confidentialité différentielle",
        "synthesis with differential privacy",
    ),
    Technique.NONE: ("retrait des identifiants seulement", "removal of identifiers only"),
    Criterion.SINGLING_OUT: ("individualisation", "singling out"),
    Criterion.LINKING: ("corrélation", "linkability"),
    Criterion.INFERENCE: ("inférence", "inference"),
    IntakeState.OPENED: ("ouvert", "opened"),
    IntakeState.DEPOSITED: ("déposé", "deposited"),
    IntakeState.READ: ("lu", "read"),
    IntakeState.COLUMNS_CONFIRMED: ("colonnes confirmées", "columns confirmed"),
    IntakeState.TREATED: ("traité", "treated"),
    IntakeState.MEASURED: ("mesuré", "measured"),
    IntakeState.SIGNED: ("signé", "signed"),
    IntakeState.PUBLISHED: ("publié", "published"),
    IntakeState.REFUSED: ("refusé", "refused"),
    IntakeState.WITHDRAWN: ("retiré", "withdrawn"),
}

_FAILURES: Mapping[str, tuple[str, str]] = {
    "wrong_technique": ("technique qui ne mène pas au statut", "technique of another status"),
    "k_missing": ("k non mesuré", "k not measured"),
    "k_too_small": ("classe trop petite", "class too small"),
    "l_too_small": ("diversité trop petite", "diversity too small"),
    "t_too_large": ("distance trop grande", "distance too large"),
    "epsilon_too_large": ("ε au-delà du seuil", "ε above the threshold"),
    "control_failed": ("témoin positif échoué", "positive control failed"),
    "analysis_failed": ("une mesure ne passe pas", "one measure does not pass"),
    "not_measured": ("non mesuré", "not measured"),
    "risk_too_high": ("risque trop grand", "risk too high"),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """One language.

    Attributes:
        is_french: Else English.
        zone: Where days begin and end.
    """

    is_french: bool
    zone: tzinfo

    @property
    def tag(self) -> str:
        """The language as HTML and PDF name it."""
        return "fr-CA" if self.is_french else "en-CA"

    @property
    def _locale(self) -> str:
        return "fr_CA" if self.is_french else "en_CA"

    def __call__(self, fr: str, en: str) -> str:
        """Return the one of two texts that is read, a French one with its no-break spaces."""
        return fr.replace(" :", f"{NBSP}:").replace(" %", f"{NBSP}%") if self.is_french else en

    def word(self, value: Enum) -> str:
        """Name one of a closed set."""
        return self(*_WORDS[value])

    def failure(self, code: str) -> str:
        """Name what does not pass; what it is about follows."""
        name, _, about = code.partition(":")
        said = self(*_FAILURES.get(name, (name, name)))
        return f"{said} ({self.word(Criterion(about))})" if about else said

    def number(self, value: float | None, *, digits: int = 3) -> str:
        """Write a number; a dash where there is none."""
        if value is None:
            return ABSENT
        return format_decimal(round(value, digits), f"#,##0.{'#' * digits}", self._locale)

    def share(self, value: float | None) -> str:
        """Write a share of 1 as per cent."""
        if value is None:
            return ABSENT
        pattern = f"#,##0.#{NBSP}%" if self.is_french else "#,##0.#%"
        return format_percent(value, pattern, self._locale)

    def interval(self, found: Mapping[str, Any] | None) -> str:
        """Write an estimate and its two bounds at 95 %."""
        if not found:
            return ABSENT
        # No bound says that there is no risk.
        low, high = self.share(max(0.0, found["lower"])), self.share(max(_SHOWN, found["upper"]))
        return f"{self.share(max(0.0, found['estimate']))} [{low}; {high}]"

    def moment(self, at: datetime | None) -> str:
        """Write a day and time in the lab's zone."""
        if at is None:
            return ABSENT
        pattern = "d MMMM yyyy, H\u00a0'h'\u00a0mm" if self.is_french else "MMMM d, yyyy, H:mm"
        return format_datetime(at.astimezone(self.zone), pattern, locale=self._locale)

    def names(self, found: Iterable[str]) -> str:
        """List names; how many more where there are many."""
        every = list(found)
        shown = ", ".join(every[:MOST_NAMED])
        more = len(every) - MOST_NAMED
        if more > 0:
            return shown + self(f" et {more} autres", f" and {more} more")
        return shown or self("aucune", "none")


def short(text: str, longest: int = LONGEST) -> str:
    """Return a text on one line, cut where it is long."""
    plain = " ".join(text.split())
    return plain if len(plain) <= longest else plain[: longest - 1].rstrip() + "…"
