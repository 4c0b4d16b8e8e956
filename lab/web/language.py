"""French first: texts, dates and amounts in the reader's language.

French is the source language: the message identifiers *are* the French texts.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.units import format_unit

from lab.domain.quantity import GIB, KIB, MIB

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, tzinfo

LOCALE_DIR = Path(__file__).parent / "locale"
COOKIE: Final = "langue"
_SECONDS_SHOWN_EXACTLY = 90
_NO_BREAK = "\u00a0"
# In French, as the office of the language writes it; a number never leaves its unit.
_HOURS = "H\u00a0'h'"
_MINUTES = f"{_HOURS}\u00a0mm"
_SECONDS = f"{_MINUTES}\u00a0'min'\u00a0ss\u00a0's'"
_SMALLEST_SHARE = 0.001
_DAYS_FROM = timedelta(days=2)


def msg(text: str) -> str:
    """Mark a French text for translators, where it is written and not yet shown."""
    return text


class Language:
    """One language of the portal.

    Args:
        code: ``fr`` or ``en``; also the value of ``lang`` in HTML.
        locale: How dates and numbers are written.
        translations: From French text; empty for French itself.
    """

    def __init__(
        self, code: str, locale: Locale, translations: Mapping[str, str | tuple[str, ...]]
    ) -> None:
        self.code, self.locale, self._translations = code, locale, translations

    def text(self, french: str, /, **facts: object) -> str:
        """Return the text in this language, with its facts in place."""
        found = self._translations.get(french)
        said = found if isinstance(found, str) and found else french
        return said % facts if facts else said

    def form(self, one: str, many: str, n: int) -> str:
        """Return the form that goes with ``n``, its facts not yet in place."""
        found = self._translations.get(one)
        forms = found if isinstance(found, tuple) and all(found) else (one, many)
        is_one = n < 2 if self.code == "fr" else n == 1  # noqa: PLR2004 -- 0 is singular in French
        return forms[0 if is_one else 1]

    def plural(self, one: str, many: str, n: int, /, **facts: object) -> str:
        """Return the form that goes with ``n``."""
        return self.form(one, many, n) % ({"n": self.count(n)} | facts)

    def either(self, fr: str, en: str) -> str:
        """Choose between texts that data hold in both languages."""
        return fr if self.code == "fr" else en or fr

    def day(self, day: date) -> str:
        """Write a day: ``21 novembre 2026``."""
        text = format_date(day, "long", locale=self.locale)
        # The locale's data leave out that French says the first of a month as an ordinal.
        return f"1er{text[1:]}" if self.code == "fr" and day.day == 1 else text

    def moment(self, at: datetime, zone: tzinfo) -> str:
        """Write a day and time in the lab's zone: ``21 novembre 2026 à 7 h 05``."""
        local = at.astimezone(zone)
        return self.text(
            msg("%(day)s à %(time)s"), day=self.day(local.date()), time=self._time(local)
        )

    def instant(self, at: datetime, zone: tzinfo) -> str:
        """Write a moment to the second."""
        local = at.astimezone(zone)
        pattern = _SECONDS if self.code == "fr" else "h:mm:ss a"
        time = format_datetime(local, pattern, tzinfo=zone, locale=self.locale)
        return self.text(msg("%(day)s à %(time)s"), day=self.day(local.date()), time=time)

    def last_day(self, expires_at: datetime, zone: tzinfo) -> str:
        """Write the last day before an instant that ends one."""
        return self.day((expires_at.astimezone(zone) - timedelta(microseconds=1)).date())

    def _time(self, local: datetime) -> str:
        if self.code != "fr":
            return format_datetime(local, "h:mm a", tzinfo=local.tzinfo, locale=self.locale)
        pattern = _MINUTES if local.minute else _HOURS
        return format_datetime(local, pattern, tzinfo=local.tzinfo, locale=self.locale)

    def duration(self, length: timedelta) -> str:
        """Write a length of time for people: ``3,2 s``, ``12 jours``."""
        seconds = max(0.0, length.total_seconds())
        if seconds < _SECONDS_SHOWN_EXACTLY:
            shown = round(seconds, 1) if seconds < 10 else round(seconds)  # noqa: PLR2004
            return self._unit(shown, "duration-second")
        if seconds >= _DAYS_FROM.total_seconds():
            return self.plural("%(n)s jour", "%(n)s jours", length.days)
        return format_timedelta(timedelta(seconds=seconds), threshold=2, locale=self.locale)

    def size(self, count: int) -> str:
        """Write an amount of memory or storage: ``8 Go``."""
        if count >= GIB or count == 0:
            return self._unit(round(count / GIB, 1), "digital-gigabyte")
        if count >= MIB:
            return self._unit(round(count / MIB, 1), "digital-megabyte")
        return self._unit(max(round(count / KIB, 1), 0.1), "digital-kilobyte")

    def _unit(self, number: float, unit: str) -> str:
        """Write a number with its unit, never apart at the end of a line."""
        text = format_unit(number, unit, length="short", locale=self.locale)
        return text.replace(" ", _NO_BREAK).replace("\u202f", _NO_BREAK)

    def count(self, number: float) -> str:
        """Write a number with its separators."""
        return format_decimal(number, locale=self.locale)

    def hours(self, thousandths: int) -> str:
        """Write hours, from thousandths of one."""
        return f"{self.count(thousandths / 1000)}{_NO_BREAK}h"

    def month(self, first_day: date) -> str:
        """Write a month: ``novembre 2026``."""
        return format_date(first_day, "MMMM y", locale=self.locale)

    def percent(self, share: float) -> str:
        """Write a share as a percentage, to a tenth; what is not zero is never written as zero."""
        if 0 < share < _SMALLEST_SHARE / 2:
            return self.text(msg("moins de %(n)s"), n=self.percent(_SMALLEST_SHARE))
        return self.count(round(100 * share, 1)) + (f"{_NO_BREAK}%" if self.code == "fr" else "%")

    def cores(self, millicores: int) -> str:
        """Write an amount of computing power."""
        number = self.count(millicores / 1000)
        if millicores < 2000:  # noqa: PLR2004 -- fewer than two
            return self.text(msg("%(n)s processeur"), n=number)
        return self.text(msg("%(n)s processeurs"), n=number)


def load(code: str) -> Language:
    """Read one language from its catalogue."""
    locale = Locale(code, "CA")
    if code == "fr":
        return Language(code, locale, {})
    path = LOCALE_DIR / code / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return Language(code, locale, {})
    with path.open("rb") as source:
        catalogue = read_po(source, locale=code)
    translations = {
        (m.id[0] if isinstance(m.id, tuple) else str(m.id)): (
            tuple(m.string) if isinstance(m.string, (tuple, list)) else str(m.string or "")
        )
        for m in catalogue
        if m.id and not m.fuzzy
    }
    return Language(code, locale, translations)


LANGUAGES: Final[Mapping[str, Language]] = {code: load(code) for code in ("fr", "en")}


def preferred(accept: str) -> Language:
    """Choose by an ``Accept-Language`` header; French where it says nothing we have."""
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept[:1000].split(",")):
        name, _, weight = part.partition(";q=")
        code = name.strip().lower().partition("-")[0]
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if code in LANGUAGES and quality > 0:
            wishes.append((-quality, place, code))
    return LANGUAGES[min(wishes)[2]] if wishes else LANGUAGES["fr"]
