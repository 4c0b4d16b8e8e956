"""Hours of compute in words: what was used, of how much, what is left, what was told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.domain.hours import THRESHOLDS, Metered
from lab.web.language import msg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lab.domain.hours import Account
    from lab.services.budgets import BudgetHold
    from lab.web.language import Language

METERED: Mapping[Metered, str] = {
    Metered.CPU: msg("Heures-processeur"),
    Metered.GPU: msg("Heures-GPU"),
}


@dataclass(frozen=True, slots=True)
class HourLine:
    """How one budget stands.

    Attributes:
        left: Empty where there is no limit.
        share: Of the budget; 1 is all of it; nothing where there is no limit.
        told: The thresholds that were reached this month, in percent, and when.
    """

    metered: Metered
    label: str
    text: str
    left: str
    share: float | None
    is_spent: bool
    told: Sequence[tuple[int, datetime]]


def hour_lines(account: Account, language: Language) -> list[HourLine]:
    """Return a line for each thing counted; none for GPUs where there are none to count."""
    shown = [
        metered
        for metered in Metered
        if metered is Metered.CPU or account.budget.of(metered) is not None or account.used.gpu
    ]
    return [_line(account, metered, language) for metered in shown]


def spent_facts(account: Account, metered: Metered, language: Language) -> dict[str, str]:
    """Return what the sentence about a budget that is used up needs."""
    following = account.month.last_day + timedelta(days=1)
    return {
        "resource": language.text(METERED[metered]),
        "month": language.month(account.month.first_day),
        "budget": language.count(account.budget.of(metered) or 0),
        "next": language.day(following),
    }


def spent_words(account: Account, metered: Metered, language: Language) -> str:
    """Say that nothing is left, and when there will be."""
    return language.text(
        msg(
            "%(resource)s : tout le budget du mois est utilisé (%(budget)s h, %(month)s). Ce sera "
            "possible de nouveau le %(next)s, ou dès que le budget sera relevé."
        ),
        **spent_facts(account, metered, language),
    )


def hold_words(hold: BudgetHold, language: Language) -> str:
    """Say whether a sandbox may go on that its agency's budget suspended, and why."""
    if hold.lacking is not None:
        return spent_words(hold.account, hold.lacking, language)
    if hold.is_new_month:
        return language.text(
            msg("Un nouveau mois a commencé : la personne qui exploite peut le reprendre.")
        )
    return language.text(
        msg("Le budget du mois a été relevé : la personne qui exploite peut le reprendre.")
    )


def _line(account: Account, metered: Metered, language: Language) -> HourLine:
    used = language.hours(account.used.thousandths(metered))
    most, left = account.budget.of(metered), account.left(metered)
    if most is None or left is None:
        text = language.text(msg("%(used)s utilisées; aucun budget fixé"), used=used)
        left_text = ""
    else:
        left_text = language.hours(left.thousandths(metered))
        text = language.text(
            msg("%(used)s utilisées sur %(budget)s; il reste %(left)s"),
            used=used,
            budget=language.hours(most * 1000),
            left=left_text,
        )
    told = [(p, account.told[metered, p]) for p in THRESHOLDS if (metered, p) in account.told]
    return HourLine(
        metered=metered,
        label=language.text(METERED[metered]),
        text=text,
        left=left_text,
        share=account.share(metered),
        is_spent=account.is_spent(metered),
        told=told,
    )
