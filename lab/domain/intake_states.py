"""The states of a *dossier d'anonymisation*, and what moves it from one to another.

"Art." is the *Règlement sur l'anonymisation des renseignements personnels* (A-2.1, r. 0.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class IntakeState(Enum):
    """Where a dossier stands."""

    OPENED = "opened"
    DEPOSITED = "deposited"
    READ = "read"
    COLUMNS_CONFIRMED = "columns_confirmed"
    TREATED = "treated"
    MEASURED = "measured"
    SIGNED = "signed"
    PUBLISHED = "published"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


S = IntakeState
ENDED = frozenset({S.PUBLISHED, S.REFUSED, S.WITHDRAWN})
"""From then on the raw file has no reason to be kept."""
_BEFORE_SIGNED = frozenset({
    S.OPENED,
    S.DEPOSITED,
    S.READ,
    S.COLUMNS_CONFIRMED,
    S.TREATED,
    S.MEASURED,
})


class IntakeMove(Enum):
    """What moves a dossier from one state to another."""

    DEPOSIT = "deposit"
    READ = "read"
    CONFIRM = "confirm"
    TREAT = "treat"
    MEASURE = "measure"
    SIGN = "sign"
    PUBLISH = "publish"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class IntakeTransition:
    """One row of the state table.

    Attributes:
        article: Of the regulation.
        guard: What must hold, in words.
    """

    move: IntakeMove
    from_states: frozenset[IntakeState]
    to_state: IntakeState
    article: str
    guard: str


INTAKE_TRANSITIONS: dict[IntakeMove, IntakeTransition] = {
    t.move: t
    for t in (
        IntakeTransition(
            IntakeMove.DEPOSIT,
            frozenset({S.OPENED, S.DEPOSITED, S.READ}),
            S.DEPOSITED,
            "3, 4",
            "purposes and supervisor are fixed; the file is within the limit",
        ),
        IntakeTransition(
            IntakeMove.READ,
            frozenset({S.DEPOSITED, S.READ}),
            S.READ,
            "5",
            "every row was read and every column scanned",
        ),
        IntakeTransition(
            IntakeMove.CONFIRM,
            frozenset({S.READ, S.COLUMNS_CONFIRMED, S.TREATED, S.MEASURED}),
            S.COLUMNS_CONFIRMED,
            "5",
            "every column has a role; no direct identifier goes on",
        ),
        IntakeTransition(
            IntakeMove.TREAT,
            frozenset({S.COLUMNS_CONFIRMED, S.TREATED, S.MEASURED}),
            S.TREATED,
            "5, 6",
            "the preliminary analysis was made; the technique fits the status asked for",
        ),
        IntakeTransition(
            IntakeMove.MEASURE,
            frozenset({S.TREATED, S.MEASURED}),
            S.MEASURED,
            "7",
            "the three criteria were measured",
        ),
        IntakeTransition(
            IntakeMove.SIGN,
            frozenset({S.MEASURED}),
            S.SIGNED,
            "4, 7",
            "the residual risk is very low; whoever signs did not ask, deposit or treat",
        ),
        IntakeTransition(
            IntakeMove.PUBLISH,
            frozenset({S.SIGNED}),
            S.PUBLISHED,
            "8, 9",
            "the signature is genuine and the bytes are stored",
        ),
        IntakeTransition(
            IntakeMove.REFUSE,
            _BEFORE_SIGNED | {S.SIGNED},
            S.REFUSED,
            "7",
            "a reason is given",
        ),
        IntakeTransition(
            IntakeMove.WITHDRAW,
            _BEFORE_SIGNED | {S.SIGNED, S.PUBLISHED},
            S.WITHDRAWN,
            "8",
            "a reason is given",
        ),
    )
}
