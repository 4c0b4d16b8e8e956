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

NINE: Final = rf"{_BEFORE}([0-9]{{3}}[ ./\-]{{0,3}}[0-9]{{3}}[ ./\-]{{0,3}}[0-9]{{3}}){_AFTER}"
CARD: Final = rf"{_BEFORE}([0-9](?:[ \-]{{0,3}}[0-9]){{13,18}}){_AFTER}"
NEQ: Final = rf"{_BEFORE}((?:11|22|33|88)(?:[ .\-]?[0-9]){{8}}){_AFTER}"
"""Registraire des entreprises: ten digits; 11 legal person, 22 partnership, 33 sole owner,
88 other (public body)."""

PHONE: Final = (
    r"(?:^|[^0-9A-Za-z.,\-]|[^0-9A-Za-z][ .,\-]|[A-Za-z][ :.\-]+)(?:\+?1[ ./\-]{0,3})?"
    r"\(?([2-9][0-9][0-9])\)?[ ./\-]{0,3}([2-9][0-9][0-9])[ .\-]{0,3}([0-9]{4})"
    r"(?:$|[^0-9A-Za-z.,\-]|[ .,\-]+(?:$|[^0-9])|[ ,]{0,2}(?:x|ext|p|poste)\.? ?[0-9])"
)
PHONE_PARTED: Final = (
    r"[2-9][0-9][0-9]\)?[ ./\-]{1,3}[2-9][0-9][0-9][ .\-]{0,3}[0-9]{4}|\+1[2-9][0-9]{9}"
)
PHONE_LOCAL: Final = r"^[2-9][0-9][0-9][ .\-]?[0-9]{4}$"

LETTERS_8: Final = (
    rf"{_EDGE}([A-Za-z]{{4}})[ .\-]{{0,2}}[0-9](?:[ .\-]{{0,2}}[0-9]){{7}}{_NO_MORE}"
)
DIGITS_8: Final = rf"{_EDGE}[A-Za-z]{{4}}[ .\-]{{0,2}}([0-9](?:[ .\-]{{0,2}}[0-9]){{7}}){_NO_MORE}"
LICENCE: Final = rf"{_EDGE}[A-Za-z][ .\-]{{0,2}}([0-9](?:[ .\-]{{0,2}}[0-9]){{11}}){_NO_MORE}"
"""Société de l'assurance automobile du Québec: the name's first letter and twelve digits."""

# Canada Post, Addressing Guidelines: no D F I O Q U anywhere, no W nor Z in front.
_FSA: Final = r"[ABCEGHJ-NPRSTVXYabceghj-nprstvxy][0-9][ABCEGHJ-NPRSTV-Zabceghj-nprstv-z]"
_LDU: Final = r"[0-9][ABCEGHJ-NPRSTV-Zabceghj-nprstv-z][0-9]"
POSTAL_CODE: Final = rf"{_EDGE}{_FSA}[ \-]{{0,3}}{_LDU}{_END}"
POSTAL_PREFIX: Final = rf"^{_FSA}$"

EMAIL: Final = (
    r"[\p{L}\p{N}][\p{L}\p{N}._%+'&\-]* ?@ ?[\p{L}\p{N}\-]+(?:\.[\p{L}\p{N}\-]+)*\.\p{L}{2,}"
)
URL: Final = r"(?i)(?:https?|ftp)://[^\s/]+|\bwww\.[\p{L}\p{N}\-]+\.\p{L}{2,}"
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4: Final = rf"(?:^|[^0-9A-Za-z.])({_OCTET}(?:\.{_OCTET}){{3}})(?:$|[^0-9A-Za-z.])"
OCTET_OVER_31: Final = r"(?:^|\.)(?:3[2-9]|[4-9][0-9]|[0-9]{3})(?:\.|$)"
IPV6: Final = (
    r"(?i)^\[?(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|"
    r"(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?"
    r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3})?)(?:%\w+)?(?:/[0-9]{1,3})?\]?$"
)
UUID: Final = r"(?i)^\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$"

# Series of the SAAQ: A12 BCD (2009), 12A BCD (2022), ABC 12D (2023).
PLATE: Final = (
    r"(?i)^(?:[A-Z][0-9]{2}[ \-]?[A-Z]{3}|[0-9]{2}[A-Z][ \-]?[A-Z]{3}|"
    r"[A-Z]{3}[ \-]?[0-9]{2}[A-Z])$"
)
PLATE_OLD: Final = (
    r"(?i)^(?:[A-Z]{3}[ \-]?[0-9]{3}|[0-9]{3}[ \-]?[A-Z]{3}|[A-Z]{1,2}[ \-]?[0-9]{5,6})$"
)

PAIR: Final = r"(-?[0-9]{1,3}[.,][0-9]{4,})°?[;, /]+(-?[0-9]{1,3}[.,][0-9]{4,})"
PAIR_SECOND: Final = r"-?[0-9]{1,3}[.,][0-9]{4,}°?[;, /]+(-?[0-9]{1,3}[.,][0-9]{4,})"
DEGREES: Final = (
    r"""[0-9]{1,3} ?° ?[0-9]{1,2} ?['′] ?[0-9]{1,2}(?:[.,][0-9]+)? ?(?:"|″|'')? ?[NSEWO]"""
)
DECIMAL_4: Final = r"^([+-]?[0-9]{1,3}[.,][0-9]{4,})$"

_MONTH: Final = (
    r"(?:janv?|fev|feb|mars?|avr|apr|mai|may|juin|june?|juil|july?|aout|aug|sept?|oct|nov|"
    r"dec)[a-z]*\.?"
)
_TIME: Final = (
    r"(?:[ t,]+[0-9]{1,2}[:h][0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?[ap]m)?"
    r"(?:z|[+\-][0-9]{2}:?[0-9]{2})?)?"
)
DATE: Final = (
    rf"^(?:(?:1[89]|20)[0-9][0-9][ ./\-][0-9]{{1,2}}[ ./\-][0-9]{{1,2}}{_TIME}|"
    rf"[0-9]{{1,2}}[ ./\-][0-9]{{1,2}}[ ./\-](?:(?:1[89]|20)[0-9][0-9]|[0-9][0-9]){_TIME}|"
    r"(?:1[89]|20)[0-9][0-9](?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])|"
    rf"(?:le )?[0-9]{{1,2}}(?:er)?[ .\-]+{_MONTH}[ ,.\-]+[0-9]{{2,4}}|"
    rf"{_MONTH}[ .\-]+[0-9]{{1,2}}(?:st|nd|rd|th)?[ ,.\-]+[0-9]{{4}})$"
)
YEAR: Final = r"^(?:19[0-9][0-9]|20[0-2][0-9])$"

_WAYS_FIRST: Final = (
    "rue|avenue|av|ave|boul|boulevard|bd|blvd|chemin|ch|rang|rg|route|rte|place|pl|cote|montee|"
    "mtee|impasse|imp|allee|terrasse|croissant|crois|carre|square|promenade|quai|cours|sentier|"
    "ruelle|autoroute|voie|domaine|passage|rond-point|esplanade"
)
_WAYS_LAST: Final = (
    "street|st|road|rd|avenue|av|ave|drive|dr|boulevard|boul|blvd|lane|ln|court|ct|crescent|cres|"
    "way|terrace|rang|circle"
)
_CIVIC: Final = r"[0-9]{1,5}(?: ?[a-z])?(?: ?[-/] ?[0-9]{1,5}[a-z]?)?(?: 1/2)?"
ADDRESS: Final = (
    rf"(?:^|[ ,(:]){_CIVIC} ?,? +"
    rf"(?:(?:[0-9]{{1,3}}(?:e|er|re|ere|eme) +)?(?:{_WAYS_FIRST})\.? +[a-z0-9]|"
    rf"(?:[a-z0-9'.\-]+ +){{1,3}}(?:{_WAYS_LAST})(?:\.|,| |$)|"
    rf"[0-9]{{1,3}}(?:e|er|re|ere|eme) +(?:{_WAYS_FIRST})\b)"
)
"""Over folded text. Canada Post, Addressing Guidelines: the civic number, then in French the
type of way before its name, in English after."""
ADDRESS_BOX: Final = (
    r"(?:^|[ ,])(?:c\.? ?p\.?|case postale|p\.? ?o\.? ?box) +[0-9]+|"
    r"^[0-9]{1,5} ?,? +[^,]+, ?(?:app|apt|appartement|unite|unit|bureau|suite)\.? ?#?[0-9]+"
)
ADDRESS_LOOSE: Final = rf"^(?:{_CIVIC} ?,? +[a-z][a-z'.\- ]+|(?:{_WAYS_FIRST})\.? +[a-z0-9])"

NAME: Final = r"^(?:\p{L}[\p{L}'\-]*\.?)(?:(?: ?, ?| )(?:\p{L}[\p{L}'\-]*\.?|\(\p{L}+\))){0,5}$"


def _words(words: tuple[str, ...]) -> str:
    return rf"\b(?:{'|'.join(re.escape(w) for w in words)})\b"


FIRST_NAME: Final = _words(FIRST_NAMES)
SURNAME: Final = _words(SURNAMES)
ORGANISATION: Final = _words(ORGANISATIONS)
SAINT: Final = r"^(?:saint|sainte|st|ste|notre)[ \-]|-(?:sur|de|des|du|la|le|les|d'|l')-?"
FILE_CODE: Final = (
    r"^[a-z#]{0,8}[ ./_\-#:]{0,2}[0-9][a-z0-9]*(?:[ ./_\-]{1,2}[a-z0-9]{1,10}){0,4}$"
)
