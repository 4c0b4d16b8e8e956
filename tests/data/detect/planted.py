"""Fictional identifiers, each written in five ways, and columns that hold none."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from lab.data.detect import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    Random = np.random.Generator
    Writer = Callable[[Random], str]

NOTHING = (None, "N/D", "s.o.", "", "inconnu", "..")


def words(text: str) -> list[str]:
    return text.split()


# Half of each list is in no lexicon: rare names are people too.
FIRST = words(
    "Marie Émile Zoé Jean-Philippe Noémie Aïcha Oluwaseun Thuy-Linh Björn Ségolène Kateri"
)
LAST = words("Tremblay Côté Lévesque D'Amours O'Brien Nguyễn Okonkwo Saint-Onge Awashish Papatie")
STREETS = ("Saint-Denis", "des Érables", "Principale", "Notre-Dame", "de l’Église", "Wellington")
WORDS = words(
    "le dossier de la personne a été revu par notre équipe et une visite aura lieu jeudi"
)


def luhn_ended(digits: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 * (doubled > 9)
    return digits + str(-total % 10)


def number(random: Random, size: int) -> str:
    return "".join(str(d) for d in random.integers(0, 10, size))


def pick(random: Random, values: Sequence[str]) -> str:
    return values[int(random.integers(len(values)))]


def nas(random: Random, first: str = "1234567") -> str:
    return luhn_ended(pick(random, first) + number(random, 7))


def birth(random: Random) -> date:
    return date(1930, 1, 1) + timedelta(days=int(random.integers(30_000)))


def letters(random: Random, size: int, among: str = "ABCDEGHLMNPRSTV") -> str:
    return "".join(pick(random, among) for _ in range(size))


def nam(random: Random) -> str:
    day, woman = birth(random), int(random.integers(2))
    return f"{letters(random, 4)}{day:%y}{day.month + 50 * woman:02}{day:%d}{number(random, 2)}"


def permanent_code(random: Random) -> str:
    day, woman = birth(random), int(random.integers(2))
    return f"{letters(random, 4)}{day.day + 62 * woman:02}{day:%m%y}{number(random, 2)}"


def licence(random: Random) -> str:
    return f"{letters(random, 1)}{number(random, 4)}{birth(random):%d%m%y}{number(random, 2)}"


def card(random: Random) -> str:
    return luhn_ended(
        pick(random, ("4", "51", "55", "2221", "6011")).ljust(4, "5") + number(random, 11)
    )


def phone(random: Random) -> tuple[str, str, str]:
    area = pick(random, ("514", "418", "819", "450", "438", "581", "873", "367"))
    return area, f"{random.integers(220, 910)}".replace("11", "12"), number(random, 4)


def postal(random: Random) -> tuple[str, str]:
    tail = letters(random, 1) + number(random, 1)
    return f"{pick(random, 'GHJK')}{number(random, 1)}{letters(random, 1)}", number(
        random, 1
    ) + tail


def neq(random: Random) -> str:
    return pick(random, ("11", "22", "33", "88")) + number(random, 8)


def email(random: Random) -> str:
    host = pick(random, ("exemple.ca", "québec.example", "courriel.example.org"))
    return f"{pick(random, FIRST)}.{pick(random, LAST).replace(' ', '')}@{host}".replace("'", "")


def civic(random: Random) -> str:
    return str(random.integers(1, 9999))


def ip6(random: Random) -> str:
    return ":".join(f"{random.integers(1, 65_536):x}" for _ in range(8))


def spot(random: Random) -> tuple[float, float]:
    return round(float(random.uniform(45, 52)), 5), round(float(random.uniform(-79, -60)), 5)


def plate(random: Random) -> tuple[str, str]:
    return f"{letters(random, 1)}{number(random, 2)}", letters(random, 3)


def sentence(random: Random) -> str:
    return " ".join(pick(random, WORDS) for _ in range(int(random.integers(12, 40)))).capitalize()


def grouped(text: str, sizes: Sequence[int], by: str) -> str:
    out, at = [], 0
    for size in sizes:
        out.append(text[at : at + size])
        at += size
    return by.join(out)


def _numbers(
    make: Callable[[Random], str], sizes: Sequence[int], label: str
) -> tuple[Writer, ...]:
    return (
        make,
        lambda r: grouped(make(r), sizes, " "),
        lambda r: grouped(make(r), sizes, "-").lower(),
        lambda r: f"  {grouped(make(r), sizes, chr(0xA0))} ",
        lambda r: f"{label}{grouped(make(r), sizes, '-')}",
    )


def _phones() -> tuple[Writer, ...]:
    def written(form: str) -> Writer:
        def write(random: Random) -> str:
            area, exchange, line = phone(random)
            return form.format(a=area, e=exchange, n=line, x=random.integers(100))

        return write

    forms = ("({a}) {e}-{n}", "{a}{e}{n}", "+1 {a}.{e}.{n}", "1-{a}-{e}-{n} poste {x}")
    return (*(written(form) for form in forms), written("{a} {e} {n}"))


def _named(make: Writer) -> tuple[Writer, ...]:
    return (
        make,
        lambda r: make(r).upper(),
        lambda r: make(r).lower(),
        lambda r: f" {make(r)}  ",
        lambda r: make(r).replace("'", "’").replace("é", "e"),
    )


def _full(random: Random) -> str:
    return f"{pick(random, FIRST)} {pick(random, LAST)}"


def _address_fr(kind: str) -> Writer:
    return lambda r: f"{civic(r)}, {kind} {pick(r, STREETS)}"


# Kind, header, the five ways to write it. A header that says nothing is `col`.
PLANTED: tuple[tuple[str, Kind, str, tuple[Writer, ...]], ...] = (
    ("nas", Kind.NAS, "col", _numbers(nas, (3, 3, 3), "NAS: ")),
    ("nas_temporary", Kind.NAS, "col", _numbers(lambda r: nas(r, "9"), (3, 3, 3), "no ")),
    ("nas_header", Kind.NAS, "No_Ass_Soc", _numbers(lambda r: number(r, 9), (3, 3, 3), "")),
    ("nam", Kind.NAM, "col", _numbers(nam, (4, 4, 4), "RAMQ ")),
    ("permanent", Kind.PERMANENT_CODE, "col", _numbers(permanent_code, (4, 4, 4), "CP: ")),
    ("licence", Kind.LICENCE, "col", _numbers(licence, (5, 6, 2), "permis ")),
    ("card", Kind.CARD, "col", _numbers(card, (4, 4, 4, 4), "Visa ")),
    ("neq", Kind.NEQ, "col", _numbers(neq, (4, 3, 3), "NEQ ")),
    ("neq_header", Kind.NEQ, "Numéro d’entreprise", _numbers(neq, (10,), "")),
    ("phone", Kind.PHONE, "col", _phones()),
    ("cell", Kind.PHONE, "tél. cellulaire", _phones()),
    ("postal", Kind.POSTAL_CODE, "col", (
        lambda r: " ".join(postal(r)), lambda r: "".join(postal(r)), lambda r: "-".join(postal(r)),
        lambda r: "  ".join(postal(r)).lower(), lambda r: f"Québec (Québec) {' '.join(postal(r))}",
    )),
    ("email", Kind.EMAIL, "col", (
        email, lambda r: email(r).upper(), lambda r: f"<{email(r)}>",
        lambda r: f" mailto:{email(r)} ", lambda r: f"{pick(r, FIRST)} ({email(r)})",
    )),
    ("first", Kind.NAME, "Prénom de l’élève", _named(lambda r: pick(r, FIRST))),
    ("last", Kind.NAME, "nomFamille", _named(lambda r: pick(r, LAST))),
    ("full", Kind.NAME, "col", _named(_full)),
    ("last_first", Kind.NAME, "NOM", _named(lambda r: f"{pick(r, LAST)}, {pick(r, FIRST)}")),
    ("address", Kind.ADDRESS, "col", (
        _address_fr("rue"), _address_fr("boul."), lambda r: _address_fr("avenue")(r).upper(),
        lambda r: f"{civic(r)}-{r.integers(1, 90)} ch. {pick(r, STREETS)}, app. 4",
        lambda r: f"{civic(r)} {pick(r, ('Main', 'King', 'Peel'))} St. West",
    )),
    ("address_header", Kind.ADDRESS, "Adresse postale", (
        _address_fr("rang"), _address_fr("3e Avenue"), lambda r: f"C.P. {civic(r)}",
        lambda r: f"{civic(r)} {pick(r, STREETS)}", lambda r: f"rue {pick(r, STREETS)}",
    )),
    ("file", Kind.FILE_NUMBER, "n° de dossier", (
        lambda r: number(r, 7), lambda r: f"D-{number(r, 6)}", lambda r: f"2024/{number(r, 5)}",
        lambda r: f"QC{number(r, 4)}-{letters(r, 2)}",
        lambda r: f" {letters(r, 3)} {number(r, 4)}",
    )),
    ("patient", Kind.FILE_NUMBER, "PatientID", _numbers(lambda r: number(r, 8), (4, 4), "P")),
    ("uuid", Kind.FILE_NUMBER, "col", (
        lambda r: f"{_hex(r, 8)}-{_hex(r, 4)}-{_hex(r, 4)}-{_hex(r, 4)}-{_hex(r, 12)}",
        lambda r: _hex(r, 32), lambda r: _hex(r, 32).upper(),
        lambda r: f"{{{_hex(r, 8)}-{_hex(r, 4)}-{_hex(r, 4)}-{_hex(r, 4)}-{_hex(r, 12)}}}",
        lambda r: f" {_hex(r, 32)} ",
    )),
    ("ipv4", Kind.IP, "col", (
        lambda r: f"{_ip4(r)}", lambda r: f"{_ip4(r)}:8080", lambda r: f" {_ip4(r)} ",
        lambda r: f"{_ip4(r)}/24", lambda r: f"192.168.{r.integers(256)}.{r.integers(256)}",
    )),
    ("ipv6", Kind.IP, "col", (
        ip6, lambda r: ip6(r).upper(), lambda r: f"2001:db8::{r.integers(9999)}",
        lambda r: f"fe80::{_hex(r, 4)}:{_hex(r, 4)}%eth0", lambda r: f"[{ip6(r)}]",
    )),
    ("url", Kind.URL, "col", (
        lambda r: f"https://exemple.ca/{number(r, 4)}", lambda r: f"www.exemple{number(r, 2)}.ca",
        lambda r: f"HTTP://EXEMPLE.CA/{number(r, 3)}",
        lambda r: f"voir http://a.example/{number(r, 3)}",
        lambda r: f"https://élan.example/~{pick(r, LAST)}",
    )),
    ("plate", Kind.PLATE, "plaque", (
        lambda r: " ".join(plate(r)), lambda r: "".join(plate(r)), lambda r: "-".join(plate(r)),
        lambda r: f"{letters(r, 3)} {number(r, 2)}{letters(r, 1)}".lower(),
        lambda r: f"{number(r, 3)} {letters(r, 3)}",
    )),
    ("gps", Kind.GPS, "col", (
        lambda r: "{}, {}".format(*spot(r)), lambda r: "{};{}".format(*spot(r)),
        lambda r: f"POINT ({' '.join(str(v) for v in spot(r)[::-1])})",
        lambda r: "{} / {}".format(*(str(v).replace(".", ",") for v in spot(r))),
        lambda r: f"{r.integers(45, 50)}°{r.integers(60):02}'{r.integers(60):02}\"N",
    )),
    ("birth", Kind.BIRTH_DATE, "date_naissance", (
        lambda r: f"{birth(r)}", lambda r: f"{birth(r):%d/%m/%Y}", lambda r: f"{birth(r):%Y%m%d}",
        lambda r: f"{birth(r).day} {pick(r, ('janvier', 'févr.', 'août'))} {birth(r).year}",
        lambda r: f"{birth(r)} 00:00:00",
    )),
    ("text", Kind.FREE_TEXT, "col", (
        sentence, lambda r: sentence(r).upper(), lambda r: f"« {sentence(r)} »",
        lambda r: sentence(r).replace(" ", "  "), lambda r: f"- {sentence(r)}\n- {sentence(r)}",
    )),
)  # fmt: skip


def _hex(random: Random, size: int) -> str:
    return "".join(f"{d:x}" for d in random.integers(0, 16, size))


def _ip4(random: Random) -> str:
    return ".".join(str(d) for d in random.integers(1, 255, 4))


def column(random: Random, write: Writer, rows: int, *, missing: float) -> list[str | None]:
    out: list[str | None] = []
    for _ in range(rows):
        gap = random.random() < missing
        out.append(NOTHING[int(random.integers(len(NOTHING)))] if gap else write(random))
    return out
