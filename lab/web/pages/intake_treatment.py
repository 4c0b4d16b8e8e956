"""What a person types of a treatment: kept as it is, then turned into what a run takes."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lab.domain.errors import InvalidError, Problem
from lab.domain.evidence import PrivacyPolicy, Technique
from lab.domain.intake import Intake
from lab.web.conditions import checked_key
from lab.web.forms import Form

_EPSILON = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?", re.ASCII)
_MOST_K, _MOST_BINS = 10_000, 1000
_TRUE = {"oui": True, "vrai": True, "true": True, "yes": True}
_FALSE = {"non": False, "faux": False, "false": False, "no": False}
USUAL_SUPPRESSION = "4"
"""In percent: what a form begins with; the policy says nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainTyped:
    """What a person declared that a column may hold, for a synthesis."""

    name: str
    type: str
    kind: str = ""
    values: str = ""
    lower: str = ""
    upper: str = ""
    bins: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentTyped:
    """What a person typed of a treatment. Shares are in percent."""

    cle: str
    technique: str = ""
    k: str = ""
    l: str = ""  # noqa: E741 -- the literature's letter
    t: str = ""
    suppression: str = USUAL_SUPPRESSION
    local: str = ""
    epsilon: str = ""
    domain: tuple[DomainTyped, ...] = ()


_SIMPLE = ("cle", "technique", "k", "l", "t", "suppression", "local", "epsilon")
_DOMAIN = ("kind", "values", "lower", "upper", "bins")
_KIND_OF = {"integer": "numbers", "number": "numbers", "date": "dates"}


def treatment_for(intake: Intake, policy: PrivacyPolicy, offered: Sequence[Technique]) -> Any:
    """Return a form with what the policy asks for, or what was done the last time."""
    done = dict(intake.treatment.parameters) if intake.treatment else {}
    first = offered[0].value if len(offered) == 1 else Technique.K_ANONYMITY.value
    share = done.get("suppression")
    return TreatmentTyped(
        cle=secrets.token_urlsafe(16),
        technique=str(done.get("technique") or first),
        k=str(done.get("k") or policy.k_for(intake.scope)),
        l=str(done.get("l") or ""),
        t=str(done.get("t") or "").replace(".", ","),
        suppression=USUAL_SUPPRESSION if share is None else f"{100 * share:g}".replace(".", ","),
        local="1" if done.get("local_recoding") else "",
        epsilon=str(done.get("epsilon") or "1"),
        domain=tuple(_declared(done.get("domain") or {}, *each) for each in _kept(intake)),
    )


def _declared(declared: dict[str, Any], name: str, kind: str) -> DomainTyped:
    found = declared.get(name)
    if not found:
        # Only the kind: what it may hold is said by a person, never learnt from the data.
        return DomainTyped(name=name, type=kind, kind=_KIND_OF.get(kind, "categories"))
    return DomainTyped(
        name=name,
        type=kind,
        kind=found["kind"],
        values="\n".join(_word(value) for value in found.get("values") or ()),
        lower=str(found.get("lower", found.get("first", ""))),
        upper=str(found.get("upper", found.get("last", ""))),
        bins=str(found.get("bins", "")),
    )


def treatment_names(intake: Intake) -> list[str]:
    """Return the fields of the form."""
    names = (f"{part}-{n}" for n in range(len(_kept(intake))) for part in _DOMAIN)
    return ["version", *_SIMPLE, *names]


def treatment_typed(form: Form, intake: Intake) -> TreatmentTyped:
    """Read a treatment from a form, whatever is in it: it is shown again where it is refused."""
    kept = _kept(intake)
    domain = tuple(
        DomainTyped(
            name=name, type=kind, **{part: form.one(f"{part}-{n}").strip() for part in _DOMAIN}
        )
        for n, (name, kind) in enumerate(kept)
    )
    return TreatmentTyped(domain=domain, **{name: form.one(name).strip() for name in _SIMPLE})


class Parameters:
    """Turns a typed treatment into what a run takes. Collects every problem first."""

    def __init__(self, typed: TreatmentTyped) -> None:
        self._typed = typed
        self._wrong: list[Problem] = []

    def read(self) -> dict[str, Any]:
        """Return the parameters.

        Raises:
            InvalidError: Something is wrong; names every field.
        """
        typed = self._typed
        checked_key(typed.cle or None)
        found: dict[str, Any] = {"technique": typed.technique, "seed": 0}
        match typed.technique:
            case Technique.K_ANONYMITY.value:
                found |= self._classes()
            case Technique.SYNTHESIS.value:
                found |= self._synthesis()
            case Technique.NONE.value:
                pass
            case _:
                self._wrong.append(Problem("technique", "required"))
        if self._wrong:
            raise InvalidError(self._wrong)
        return {name: value for name, value in found.items() if value is not None}

    def _classes(self) -> dict[str, Any]:
        typed = self._typed
        share = self._share("suppression", typed.suppression, most=100.0)
        return {
            "k": self._whole("k", typed.k, least=2),
            "l": self._whole("l", typed.l),
            "t": self._share("t", typed.t, most=1.0),
            "suppression": None if share is None else share / 100,
            "local_recoding": bool(typed.local),
        }

    def _synthesis(self) -> dict[str, Any]:
        epsilon = self._typed.epsilon.replace(",", ".")
        if not _EPSILON.fullmatch(epsilon):
            self._wrong.append(Problem("epsilon", "bad_number", (("example", "0,5"),)))
        domain = {each.name: self._column(n) for n, each in enumerate(self._typed.domain)}
        return {"epsilon": epsilon, "domain": domain, "local_recoding": False}

    def _column(self, place: int) -> dict[str, Any]:
        typed = self._typed.domain[place]
        match typed.kind:
            case "categories":
                values = [line.strip() for line in typed.values.splitlines() if line.strip()]
                if not values:
                    self._undeclared(f"values-{place}", typed.name)
                return {"kind": "categories", "values": self._values(place, values)}
            case "numbers":
                bounds = {
                    name: self._number(f"{name}-{place}", getattr(typed, name), typed.name)
                    for name in ("lower", "upper")
                }
                if bounds["lower"] >= bounds["upper"] and not self._wrong:
                    self._wrong.append(Problem(f"upper-{place}", "bounds_reversed"))
                return {"kind": "numbers", **bounds, **self._bins(place)}
            case "dates":
                days = {
                    key: self._day(f"{name}-{place}", getattr(typed, name), typed.name)
                    for key, name in (("first", "lower"), ("last", "upper"))
                }
                return {"kind": "dates", **days, **self._bins(place)}
            case _:
                self._undeclared(f"kind-{place}", typed.name)
                return {}

    def _values(self, place: int, values: list[str]) -> list[Any]:
        typed = self._typed.domain[place]
        known = _TRUE | _FALSE
        if typed.type == "boolean" and all(value.lower() in known for value in values):
            return [known[value.lower()] for value in values]
        if typed.type == "integer" and all(re.fullmatch(r"-?[0-9]{1,15}", v) for v in values):
            return [int(value) for value in values]
        return list(values)

    def _bins(self, place: int) -> dict[str, Any]:
        bins = self._whole(f"bins-{place}", self._typed.domain[place].bins, most=_MOST_BINS)
        return {} if bins is None else {"bins": bins}

    def _undeclared(self, field: str, name: str) -> None:
        self._wrong.append(Problem(field, "undeclared", (("name", name[:64]),)))

    def _whole(self, field: str, text: str, *, least: int = 1, most: int = _MOST_K) -> int | None:
        if not text:
            return None
        if text.isascii() and text.isdigit() and len(text) <= 5 and least <= int(text) <= most:  # noqa: PLR2004 -- int() of what is short
            return int(text)
        facts = (("least", str(least)), ("most", str(most)))
        self._wrong.append(Problem(field, "out_of_bounds", facts))
        return None

    def _share(self, field: str, text: str, *, most: float) -> float | None:
        if not text:
            return None
        value = _decimal(text)
        if value is None or not 0 <= value <= most:
            facts = (("least", "0"), ("most", f"{most:g}"))
            self._wrong.append(Problem(field, "out_of_bounds", facts))
            return None
        return value

    def _number(self, field: str, text: str, name: str) -> float:
        value = _decimal(text)
        if value is None:
            self._undeclared(field, name)
            return 0.0
        return value

    def _day(self, field: str, text: str, name: str) -> str:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            self._undeclared(field, name)
            return ""


def _decimal(text: str) -> float | None:
    plain = text.replace(",", ".").replace("\u00a0", "").replace(" ", "")
    return float(plain) if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", plain, re.ASCII) else None


def _kept(intake: Intake) -> list[tuple[str, str]]:
    types = {found.name: found.type for found in intake.findings}
    return [(c.name, types.get(c.name, "string")) for c in intake.choices if c.keep]


def _word(value: Any) -> str:
    return {True: "oui", False: "non"}[value] if isinstance(value, bool) else str(value)
