"""Shapes, as regular expressions for polars (Rust: no look-around)."""

from __future__ import annotations

import re
from typing import Final

from lab.data.detect.lexicon import FIRST_NAMES, ORGANISATIONS, SURNAMES

# A number is not a piece of a longer one: "1 046 454 286,50" is an amount.
_BEFORE: Final = r"(?:^|[^0-9A-Za-z .,\-]|[^0-9A-Za-z][ .,\-]|[A-Za-z][ ,.\-]+)"
_AFTER: Final = r"(?:$|[^0-9A-Za-z .,\-]|[ .,\-]+(?:$|[^0-9 .,\-]))"
_EDGE: Final = r"(?:^|[^0-9A-Za-z])"
_END: Final = r"(?:$|[^0-9A-Za-z])"
_NO_MORE: Final = r"(?:$|[^0-9A-Za-z .\-]|[ .\-]+(?:$|[^0-9 .\-]))"
"""No digit follows, even apart: four letters and sixteen digits are "Visa" and a card."""

NINE: Final = rf"{_BEFORE}(\d{{3}}[ ./\-]{{0,3}}\d{{3}}[ ./\-]{{0,3}}\d{{3}}){_AFTER}"
CARD: Final = rf"{_BEFORE}(\d(?:[ \-]{{0,3}}\d){{13,18}}){_AFTER}"
NEQ: Final = rf"{_BEFORE}((?:11|22|33|88)(?:[ .\-]?\d){{8}}){_AFTER}"
"""Registraire des entreprises: ten digits; 11 legal person, 22 partnership, 33 sole owner,
88 other (public body)."""

PHONE: Final = (
    r"(?:^|[^0-9A-Za-z.,\-]|[^0-9A-Za-z][ .,\-]|[A-Za-z][ :.\-]+)(?:\+?1[ ./\-]{0,3})?"
    r"\(?([2-9]\d\d)\)?[ ./\-]{0,3}([2-9]\d\d)[ .\-]{0,3}(\d{4})"
    r"(?:$|[^0-9A-Za-z.,\-]|[ .,\-]+(?:$|[^0-9])|[ ,]{0,2}(?:x|ext|p|poste)\.? ?\d)"
)
PHONE_PARTED: Final = r"[2-9]\d\d\)?[ ./\-]{1,3}[2-9]\d\d[ .\-]{0,3}\d{4}|\+1[2-9]\d{9}"
PHONE_LOCAL: Final = r"^[2-9]\d\d[ .\-]?\d{4}$"

LETTERS_8: Final = rf"{_EDGE}([A-Za-z]{{4}})[ .\-]{{0,2}}\d(?:[ .\-]{{0,2}}\d){{7}}{_NO_MORE}"
DIGITS_8: Final = rf"{_EDGE}[A-Za-z]{{4}}[ .\-]{{0,2}}(\d(?:[ .\-]{{0,2}}\d){{7}}){_NO_MORE}"
LICENCE: Final = rf"{_EDGE}[A-Za-z][ .\-]{{0,2}}(\d(?:[ .\-]{{0,2}}\d){{11}}){_NO_MORE}"
"""Société de l'assurance automobile du Québec: the name's first letter and twelve digits."""

# Canada Post, Addressing Guidelines: no D F I O Q U anywhere, no W nor Z in front.
_FSA: Final = r"[ABCEGHJ-NPRSTVXYabceghj-nprstvxy]\d[ABCEGHJ-NPRSTV-Zabceghj-nprstv-z]"
_LDU: Final = r"\d[ABCEGHJ-NPRSTV-Zabceghj-nprstv-z]\d"
POSTAL_CODE: Final = rf"{_EDGE}{_FSA}[ \-]{{0,3}}{_LDU}{_END}"
POSTAL_PREFIX: Final = rf"^{_FSA}$"

EMAIL: Final = (
    r"[\p{L}\p{N}][\p{L}\p{N}._%+'&\-]* ?@ ?[\p{L}\p{N}\-]+(?:\.[\p{L}\p{N}\-]+)*\.\p{L}{2,}"
)
URL: Final = r"(?i)(?:https?|ftp)://[^\s/]+|\bwww\.[\p{L}\p{N}\-]+\.\p{L}{2,}"
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
IPV4: Final = rf"(?:^|[^0-9A-Za-z.])({_OCTET}(?:\.{_OCTET}){{3}})(?:$|[^0-9A-Za-z.])"
OCTET_OVER_31: Final = r"(?:^|\.)(?:3[2-9]|[4-9]\d|\d{3})(?:\.|$)"
IPV6: Final = (
    r"(?i)^\[?(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|"
    r"(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?"
    r"(?:\d{1,3}(?:\.\d{1,3}){3})?)(?:%\w+)?(?:/\d{1,3})?\]?$"
)
UUID: Final = r"(?i)^\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$"

# Series of the SAAQ: A12 BCD (2009), 12A BCD (2022), ABC 12D (2023).
PLATE: Final = r"(?i)^(?:[A-Z]\d\d[ \-]?[A-Z]{3}|\d\d[A-Z][ \-]?[A-Z]{3}|[A-Z]{3}[ \-]?\d\d[A-Z])$"
PLATE_OLD: Final = r"(?i)^(?:[A-Z]{3}[ \-]?\d{3}|\d{3}[ \-]?[A-Z]{3}|[A-Z]{1,2}[ \-]?\d{5,6})$"

PAIR: Final = r"(-?\d{1,3}[.,]\d{4,})°?[;, /]+(-?\d{1,3}[.,]\d{4,})"
PAIR_SECOND: Final = r"-?\d{1,3}[.,]\d{4,}°?[;, /]+(-?\d{1,3}[.,]\d{4,})"
DEGREES: Final = r"""\d{1,3} ?° ?\d{1,2} ?['′] ?\d{1,2}(?:[.,]\d+)? ?(?:"|″|'')? ?[NSEWO]"""
DECIMAL_4: Final = r"^([+-]?\d{1,3}[.,]\d{4,})$"

_MONTH: Final = (
    r"(?:janv?|f[ée]v|feb|mars?|avr|apr|mai|may|juin|june?|juil|july?|ao[uû]t|aug|sept?|oct|nov|"
    r"d[ée]c)[\p{L}]*\.?"
)
_TIME: Final = (
    r"(?:[ T,]+\d{1,2}[:h]\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?(?:Z|[+\-]\d\d:?\d\d)?)?"
)
DATE: Final = (
    rf"(?i)^(?:(?:1[89]|20)\d\d[ ./\-]\d{{1,2}}[ ./\-]\d{{1,2}}{_TIME}|"
    rf"\d{{1,2}}[ ./\-]\d{{1,2}}[ ./\-](?:(?:1[89]|20)\d\d|\d\d){_TIME}|"
    r"(?:1[89]|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|"
    rf"(?:le )?\d{{1,2}}(?:er)?[ .\-]+{_MONTH}[ ,.\-]+\d{{2,4}}|"
    rf"{_MONTH}[ .\-]+\d{{1,2}}(?:st|nd|rd|th)?[ ,.\-]+\d{{4}})$"
)
YEAR: Final = r"^(?:19\d\d|20[0-2]\d)$"

_WAYS_FIRST: Final = (
    "rue|avenue|av|ave|boul|boulevard|bd|blvd|chemin|ch|rang|rg|route|rte|place|pl|cote|montee|"
    "mtee|impasse|imp|allee|terrasse|croissant|crois|carre|square|promenade|quai|cours|sentier|"
    "ruelle|autoroute|voie|domaine|passage|rond-point|esplanade"
)
_WAYS_LAST: Final = (
    "street|st|road|rd|avenue|av|ave|drive|dr|boulevard|boul|blvd|lane|ln|court|ct|crescent|cres|"
    "way|terrace|rang|circle"
)
_CIVIC: Final = r"\d{1,5}(?: ?[a-z])?(?: ?[-/] ?\d{1,5}[a-z]?)?(?: 1/2)?"
ADDRESS: Final = (
    rf"(?:^|[ ,(:]){_CIVIC} ?,? +"
    rf"(?:(?:\d{{1,3}}(?:e|er|re|ere|eme) +)?(?:{_WAYS_FIRST})\.? +[\p{{L}}\d]|"
    rf"(?:[\p{{L}}\d'.\-]+ +){{1,3}}(?:{_WAYS_LAST})(?:\.|,| |$)|"
    rf"\d{{1,3}}(?:e|er|re|ere|eme) +(?:{_WAYS_FIRST})\b)"
)
"""Over folded text. Canada Post, Addressing Guidelines: the civic number, then in French the
type of way before its name, in English after."""
ADDRESS_BOX: Final = (
    r"(?:^|[ ,])(?:c\.? ?p\.?|case postale|p\.? ?o\.? ?box) +\d+|"
    r"^\d{1,5} ?,? +[^,]+, ?(?:app|apt|appartement|unite|unit|bureau|suite)\.? ?#?\d+"
)
ADDRESS_LOOSE: Final = (
    rf"^(?:{_CIVIC} ?,? +[\p{{L}}][\p{{L}}'.\- ]+|(?:{_WAYS_FIRST})\.? +[\p{{L}}\d])"
)

NAME: Final = r"^(?:\p{L}[\p{L}'\-]*\.?)(?:(?: ?, ?| )(?:\p{L}[\p{L}'\-]*\.?|\(\p{L}+\))){0,5}$"


def _words(words: tuple[str, ...]) -> str:
    return rf"\b(?:{'|'.join(re.escape(w) for w in words)})\b"


FIRST_NAME: Final = _words(FIRST_NAMES)
SURNAME: Final = _words(SURNAMES)
ORGANISATION: Final = _words(ORGANISATIONS)
SAINT: Final = r"^(?:saint|sainte|st|ste|notre)[ \-]|-(?:sur|de|des|du|la|le|les|d'|l')-?"
FILE_CODE: Final = (
    r"^[\p{L}#]{0,8}[ ./_\-#:]{0,2}\d[\p{L}\d]*(?:[ ./_\-]{1,2}[\p{L}\d]{1,10}){0,4}$"
)
OPAQUE: Final = r"^[A-Za-z0-9+/=_\-]{16,}$"
