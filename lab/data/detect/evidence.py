"""From counts and header to the kinds that a column holds."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Final

from lab.data.detect.context import is_list_of_regions, make, named, settled
from lab.data.detect.header import is_key
from lab.data.detect.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.data.detect.finding import Hit
    from lab.data.detect.tally import Tally

_SIGMAS: Final = 2.9
"""Just under 3: one value that passes a test which one in ten passes by chance."""
_MOST_CATEGORIES: Final = 0.5
_FIRST_BIRTH, _LAST_BIRTH = 1895, 2035

_CHANCE: Final = {Kind.NAS: 0.1, Kind.CARD: 0.1, Kind.NAM: 0.08, Kind.PERMANENT_CODE: 0.08,
                  Kind.NEQ: 0.04}  # fmt: skip
"""Share of values of the right length that pass by chance: Luhn, dates, first digits."""


def hits_of(tally: Tally, said: frozenset[Kind], column: str) -> tuple[Hit, ...]:
    """Give the kinds that a column holds, with the confidence of each.

    Args:
        tally: What was counted over all rows.
        said: The kinds that the header names.
        column: The header itself.
    """
    hits = [hit for judge in _JUDGES if (hit := judge(tally, said)) is not None]
    hits += named(tally, said, frozenset(hit.kind for hit in hits))
    if not hits and is_key(column):
        hits += _key(tally)
    return settled(hits)


def _is_beyond_chance(tally: Tally, kind: Kind) -> bool:
    """Say whether more values pass than would by chance, and clearly so.

    Distinct values are counted: the same number a thousand times is one proof.
    """
    shaped, passed = tally.count(kind, "shaped").distinct, tally.count(kind).distinct
    chance = _CHANCE[kind]
    if not passed or passed < 2 * chance * shaped:
        return False
    return passed - chance * shaped >= _SIGMAS * sqrt(chance * (1 - chance) * shaped)


def _checked(
    tally: Tally, kind: Kind, said: frozenset[Kind], note: tuple[str, str] = ("", "")
) -> Hit | None:
    """Judge a kind whose test passes by chance now and then."""
    passed = tally.share(kind, "hit", "shaped")
    if _is_beyond_chance(tally, kind):
        more = 0.15 if kind in said else 0.0
        # One number may have passed by chance; each further distinct one halves the doubt.
        proved = passed * (1 - 0.5 ** tally.count(kind).distinct)
        return make(tally, kind, 0.55 + 0.35 * proved + more, said, note=note)
    if kind in said:
        shaped = tally.rate(kind, "shaped")
        why = (
            ("l’en-tête le dit; les valeurs ne passent pas la vérification",
             "the header says so; the values fail the check")
        )  # fmt: skip
        return make(tally, kind, 0.7 if shaped > 0 else 0.5, said, note=why)
    return None


def _nas(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    temporary = tally.count(Kind.NAS, "temporary").rows
    odd = tally.count(Kind.NAS, "unassigned").rows
    fr, en = [], []
    if temporary:
        fr.append(f"{temporary} temporaires (série 9)")
        en.append(f"{temporary} temporary (9 series)")
    if odd:
        fr.append(f"{odd} commencent par 0 ou 8, non attribués")
        en.append(f"{odd} begin with 0 or 8, not assigned")
    return _checked(tally, Kind.NAS, said, ("; ".join(fr), "; ".join(en)))


def _card(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    return _checked(tally, Kind.CARD, said)


def _neq(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    # Telephones of some area codes begin as a NEQ does: most of the column must.
    if Kind.NEQ in said or tally.share(Kind.NEQ, "hit", "shaped") >= 0.5:  # noqa: PLR2004
        return _checked(tally, Kind.NEQ, said)
    return None


def _twelve(tally: Tally, said: frozenset[Kind], kind: Kind, other: Kind) -> Hit | None:
    """Judge the two numbers of four letters and eight digits, which some values fit both."""
    both = tally.count(kind, "both").rows
    note = (
        (f"{both} conviennent aussi à l’autre numéro de 12 caractères (NAM ou code permanent)",
         f"{both} also fit the other 12-character number (health or permanent code)")
        if both else ("", "")
    )  # fmt: skip
    hit = _checked(tally, kind, said, note)
    if hit is None or kind in said:
        return hit
    # Fewer values than the other: chance, unless both were mixed in one column.
    mine, theirs = tally.count(kind).rows - both, tally.count(other).rows - both
    if other in said or mine * 4 < theirs:
        return None
    checked = tally.share(Kind.NAM, "checked") if kind is Kind.NAM else 0.0
    return make(tally, kind, hit.confidence + 0.2 * (checked > 0.6), said, note=note)  # noqa: PLR2004  # 0.2 by chance


def _nam(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    return _twelve(tally, said, Kind.NAM, Kind.PERMANENT_CODE)


def _permanent_code(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    return _twelve(tally, said, Kind.PERMANENT_CODE, Kind.NAM)


def _licence(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    dated = tally.share(Kind.LICENCE, "dated")
    if Kind.LICENCE in said:
        return make(tally, Kind.LICENCE, 0.6 + 0.3 * dated, said)
    if tally.count(Kind.LICENCE).rows and dated >= 0.5:  # noqa: PLR2004  # 0.04 by chance
        return make(tally, Kind.LICENCE, 0.55 + 0.35 * dated, said)
    return None


def _phone(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    rate = tally.rate(Kind.PHONE)
    parted = tally.rate(Kind.PHONE, "parted")
    canada = tally.share(Kind.PHONE, "canada")
    if Kind.PHONE in said:
        local = tally.rate(Kind.PHONE, "local")
        return make(tally, Kind.PHONE, 0.6 + 0.35 * max(rate, local), said, rate=max(rate, local))
    if tally.share(Kind.PHONE, "parted", "shaped") >= 0.02 and parted > 0:  # noqa: PLR2004
        return make(tally, Kind.PHONE, 0.6 + 0.15 * canada + 0.2 * rate, said)
    # Ten digits alone are telephones when nearly all could be dialled in Canada.
    if tally.share(Kind.PHONE, "canada", "shaped") >= 0.6:  # noqa: PLR2004  # 0.05 by chance
        return make(tally, Kind.PHONE, 0.5 + 0.4 * canada, said)
    return None


def _above(
    kind: Kind, least: float, base: float
) -> Callable[[Tally, frozenset[Kind]], Hit | None]:
    """Judge a kind whose shape alone tells: any rate above ``least``, or the header."""

    def judge(tally: Tally, said: frozenset[Kind]) -> Hit | None:
        rate = tally.rate(kind)
        if rate > least or (kind in said and rate > 0):
            more = 0.1 if kind in said else 0.0
            return make(tally, kind, base + (0.95 - base) * rate + more, said)
        return None

    return judge


def _ip(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    rate = tally.rate(Kind.IP)
    if Kind.IP in said:
        return make(tally, Kind.IP, 0.6 + 0.35 * rate, said)
    # Versions have four parts too, but small ones.
    if rate > 0.1 and tally.share(Kind.IP, "high") >= 0.5:  # noqa: PLR2004
        return make(tally, Kind.IP, 0.6 + 0.3 * rate, said)
    return None


def _plate(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    now, old = tally.rate(Kind.PLATE), tally.rate(Kind.PLATE, "old")
    if Kind.PLATE in said:
        return make(
            tally, Kind.PLATE, 0.6 + 0.35 * min(1, now + old), said, rate=min(1, now + old)
        )
    if now >= 0.6:  # noqa: PLR2004  # product codes share the shape of some
        return make(tally, Kind.PLATE, 0.6 * now, said)
    return None


def _gps(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    north, west = tally.rate(Kind.GPS, "latitude"), tally.rate(Kind.GPS, "longitude")
    pair = tally.rate(Kind.GPS)
    if pair > 0.05:  # noqa: PLR2004  # a few could be anything
        return make(tally, Kind.GPS, 0.7 + 0.25 * pair, said)
    single = max(north, west)
    if Kind.GPS in said and single > 0.05:  # noqa: PLR2004
        return make(tally, Kind.GPS, 0.65 + 0.3 * single, said, rate=single)
    if west >= 0.8:  # noqa: PLR2004  # negative, and to four decimals
        return make(tally, Kind.GPS, 0.6, said, rate=west)
    return None


def _name(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    known, shaped = tally.rate(Kind.NAME), tally.rate(Kind.NAME, "shaped")
    full = tally.rate(Kind.NAME, "full")
    if Kind.NAME in said and (shaped >= 0.3 or known > 0):  # noqa: PLR2004
        return make(tally, Kind.NAME, 0.65 + 0.2 * shaped + 0.15 * known, said, rate=shaped)
    if is_list_of_regions(tally):  # Côte-Nord is nobody
        return None
    distinct = tally.sketch.count()
    # Parks, stations and schools bear names of people, but there are few of them.
    is_few = distinct < min(40, 0.2 * tally.rows) or bool(said & {Kind.REGION, Kind.URL})
    if known >= 0.6 or (not is_few and (full >= 0.05 or known >= 0.2)):  # noqa: PLR2004
        return make(tally, Kind.NAME, 0.5 + 0.4 * min(1, known + full), said)
    return None


def _address(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    rate, loose = tally.rate(Kind.ADDRESS), tally.rate(Kind.ADDRESS, "loose")
    if rate > 0.05:  # noqa: PLR2004
        return make(tally, Kind.ADDRESS, 0.7 + 0.25 * rate, said)
    if Kind.ADDRESS in said:
        return make(tally, Kind.ADDRESS, 0.6 + 0.3 * max(rate, loose), said, rate=max(rate, loose))
    return None


def _file_number(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    uuid = tally.rate(Kind.FILE_NUMBER, "uuid")
    if uuid >= 0.5:  # noqa: PLR2004
        return make(tally, Kind.FILE_NUMBER, 0.7 + 0.25 * uuid, said, rate=uuid)
    if Kind.FILE_NUMBER not in said:
        return None
    distinct = tally.sketch.count()
    coded = 1.0 if tally.is_number else tally.rate(Kind.FILE_NUMBER)
    # Few different values are a category that the header happens to name so.
    if distinct < min(20, 0.05 * tally.rows):
        return None
    return make(tally, Kind.FILE_NUMBER, 0.65 + 0.3 * coded, said, rate=coded)


def _key(tally: Tally) -> list[Hit]:
    if tally.sketch.count() < _MOST_CATEGORIES * tally.rows:
        return []
    note = ("une clé de ligne ramène à la source", "a key of rows leads back to the source")
    said = frozenset({Kind.FILE_NUMBER})
    return [make(tally, Kind.FILE_NUMBER, 0.6, said, rate=1.0, note=note)]


def _free_text(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    count = tally.count(Kind.FREE_TEXT)
    # Long labels of a category come again and again; what people write does not.
    is_written = count.distinct > max(50, 0.002 * count.rows) or (
        count.distinct >= 3 and count.distinct * 2 > count.rows  # noqa: PLR2004
    )
    if is_written:
        return make(tally, Kind.FREE_TEXT, 0.7 + 0.25 * tally.rate(Kind.FREE_TEXT), said)
    worded = tally.rate(Kind.FREE_TEXT, "worded")
    if Kind.FREE_TEXT in said and worded > 0.1:  # noqa: PLR2004
        return make(tally, Kind.FREE_TEXT, 0.6, said, rate=worded)
    return None


def _dates(tally: Tally, said: frozenset[Kind]) -> Hit | None:
    rate = tally.rate(Kind.DATE)
    years = tally.rate(Kind.DATE, "year")
    if tally.is_number and tally.low is not None and tally.high is not None:
        in_range = tally.low >= _FIRST_BIRTH and tally.high <= _LAST_BIRTH
        years = 1.0 if in_range else years
    found = max(rate, years)
    if Kind.BIRTH_DATE in said and found > 0:
        return make(tally, Kind.BIRTH_DATE, 0.7 + 0.25 * found, said, rate=found)
    if rate >= 0.5 or (Kind.DATE in said and rate > 0):  # noqa: PLR2004
        return make(tally, Kind.DATE, 0.6 + 0.3 * rate, said)
    return None


_JUDGES: Final = (
    _nas, _nam, _permanent_code, _licence, _card, _neq,
    _above(Kind.EMAIL, 0, 0.8), _phone, _name, _address, _ip, _above(Kind.URL, 0.02, 0.6),
    _gps, _plate, _file_number, _free_text, _dates, _above(Kind.POSTAL_CODE, 0.01, 0.6),
)  # fmt: skip
