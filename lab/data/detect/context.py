"""Kinds that the header tells, or a short list of values; and which hit weighs most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lab.data.detect.finding import Hit
from lab.data.detect.header import fold
from lab.data.detect.kinds import TRAITS, Kind
from lab.data.detect.lexicon import LANGUAGES, SEXES
from lab.data.regions import INHABITANTS_THOUSANDS
from lab.domain.privacy import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.data.detect.tally import Tally

_SURE: Final = 0.99
_OLDEST: Final = 130
_RANK: Final = {
    Role.IDENTIFIER: 0, Role.SENSITIVE: 1, Role.QUASI_IDENTIFIER: 2, Role.OTHER: 3,
}  # fmt: skip
_BY_HEADER: Final = (
    Kind.SEX, Kind.LANGUAGE, Kind.REGION, Kind.OCCUPATION, Kind.ORIGIN, Kind.FAMILY,
    Kind.EDUCATION, Kind.HEALTH, Kind.INCOME, Kind.OFFENCE, Kind.RELIGION, Kind.ORIENTATION,
    Kind.OPINION, Kind.EMAIL,
)  # fmt: skip
_REGIONS: Final = frozenset(fold(name).replace("–", "-") for name in INHABITANTS_THOUSANDS)
_TWO_SEXES: Final = SEXES - {"x", "autre", "other", "nb", "non-binaire"}


def make(
    tally: Tally, kind: Kind, confidence: float, said: frozenset[Kind], *,
    rate: float | None = None, note: tuple[str, str] = ("", ""),
) -> Hit:  # fmt: skip
    """Make a hit; without a rate, the one that was counted; never wholly sure."""
    return Hit(
        kind=kind,
        rate=tally.rate(kind) if rate is None else rate,
        confidence=round(min(_SURE, confidence), 2),
        by_header=kind in said,
        note_fr=note[0],
        note_en=note[1],
    )


def named(tally: Tally, said: frozenset[Kind], found: frozenset[Kind]) -> list[Hit]:
    """Give the hits that header, range and short lists of values tell.

    Args:
        tally: What was counted.
        said: What the header names.
        found: Kinds that values gave already.
    """
    hits = [
        make(tally, kind, 0.7 if kind is not Kind.EMAIL else 0.5, said, rate=0.0)
        for kind in _BY_HEADER
        if kind in said and kind not in found
    ]
    hits += _age(tally, said) + _postal_prefix(tally, said)
    if Kind.GPS in said and Kind.GPS not in found:
        note = ("position arrondie", "rounded position")
        hits.append(make(tally, Kind.REGION, 0.6, said | {Kind.REGION}, rate=0.0, note=note))
    seen = {hit.kind for hit in hits} | found
    listed = tally.values or frozenset()
    lists = {
        Kind.SEX: len(listed) > 1 and listed <= SEXES and bool(listed & _TWO_SEXES),
        Kind.LANGUAGE: len(listed) > 1
        and listed <= LANGUAGES
        and not listed <= {"autre", "other"},
        Kind.REGION: is_list_of_regions(tally),
    }
    hits += [
        make(tally, kind, 0.8, said, rate=1.0)
        for kind, is_so in lists.items()
        if is_so and kind not in seen
    ]
    return hits


def is_list_of_regions(tally: Tally) -> bool:
    """Say whether most of the few values are administrative regions of Quebec."""
    listed = tally.values or frozenset()
    return len(listed) > 1 and len(listed & _REGIONS) * 2 > len(listed)


def _age(tally: Tally, said: frozenset[Kind]) -> list[Hit]:
    if Kind.AGE not in said:
        return []
    if tally.high is not None and (tally.high > _OLDEST or (tally.low or 0) < 0):
        return []
    return [make(tally, Kind.AGE, 0.8, said, rate=1.0 if tally.is_number else 0.0)]


def _postal_prefix(tally: Tally, said: frozenset[Kind]) -> list[Hit]:
    rate = tally.rate(Kind.POSTAL_PREFIX)
    by_header = bool({Kind.POSTAL_PREFIX, Kind.POSTAL_CODE} & said) and rate > 0
    quebec = tally.share(Kind.POSTAL_PREFIX, "quebec") > 0.8  # noqa: PLR2004  # G, H, J
    if by_header or (rate > 0.9 and quebec):  # noqa: PLR2004  # codes of three share the shape
        return [make(tally, Kind.POSTAL_PREFIX, 0.5 + 0.4 * rate, said)]
    return []


def settled(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Put the weightiest first, without those that another explains."""
    by_kind = {hit.kind: hit for hit in hits}
    address = by_kind.get(Kind.ADDRESS)
    if address is not None and address.rate >= 0.5:  # noqa: PLR2004  # long, but an address
        by_kind.pop(Kind.FREE_TEXT, None)
    if Kind.BIRTH_DATE in by_kind:
        by_kind.pop(Kind.DATE, None)
    return tuple(
        sorted(by_kind.values(), key=lambda h: (_RANK[TRAITS[h.kind].role], -h.confidence, h.kind))
    )
