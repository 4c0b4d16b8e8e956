"""What a person types about a dossier: kept as it is, then turned into what a use case takes."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields

from lab.domain.dataset import DataClass
from lab.domain.errors import InvalidError, Problem
from lab.domain.evidence import ColumnChoice, Scope
from lab.domain.intake import Intake
from lab.domain.privacy import Role
from lab.services.intake_drafts import IntakeDraft
from lab.web.conditions import checked_key
from lab.web.forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a person typed to open a dossier."""

    cle: str = ""
    purposes: str = ""
    supervisor: str = ""
    requester: str = ""
    agency_id: str = ""
    scope: str = Scope.BETWEEN.value
    asked: str = DataClass.ANONYMISED.value
    dataset: str = ""
    title_fr: str = ""
    title_en: str = ""
    description_fr: str = ""
    description_en: str = ""
    licence: str = ""
    source: str = ""

    @classmethod
    def names(cls) -> list[str]:
        """Return the fields of the form."""
        return [each.name for each in fields(cls)]

    @classmethod
    def of(cls, form: Form) -> "Opening":
        """Read it from a form, whatever is in it: it is shown again where it is refused."""
        return cls(**{name: form.one(name) for name in cls.names()})

    @classmethod
    def fresh(cls) -> "Opening":
        """Return an empty form with a key of its own."""
        return cls(cle=secrets.token_urlsafe(16))

    def to_draft(self) -> IntakeDraft:
        """Return it as the use case knows it.

        Raises:
            InvalidError: The status or the scope is none.
        """
        checked_key(self.cle or None)
        wrong = [
            Problem(name, "bad_value")
            for name, kind, value in (
                ("asked", DataClass, self.asked),
                ("scope", Scope, self.scope),
            )
            if value not in [each.value for each in kind]
        ]
        if wrong:
            raise InvalidError(wrong)
        values = {each.name: getattr(self, each.name) for each in fields(IntakeDraft)}
        values |= {"asked": DataClass(self.asked), "scope": Scope(self.scope)}
        values |= {"supervisor": self.supervisor.strip(), "requester": self.requester.strip()}
        return IntakeDraft(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnTyped:
    """What a person chose for one column.

    Attributes:
        is_confirmed: They said so; asked for where something was found in it.
    """

    name: str
    role: str
    drop: bool
    is_confirmed: bool = False
    label_fr: str = ""
    label_en: str = ""
    hierarchy: str = ""


_PARTS = ("name", "role", "drop", "ok", "fr", "en", "h")


def columns_of(intake: Intake) -> list[ColumnTyped]:
    """Return what is confirmed of each column, else what is proposed, to be confirmed."""
    chosen = {choice.name: choice for choice in intake.choices}
    typed = []
    for found in intake.findings:
        choice = chosen.get(found.name)
        if choice is None:
            typed.append(ColumnTyped(name=found.name, role=found.proposed.value, drop=found.drop))
            continue
        typed.append(
            ColumnTyped(
                name=choice.name,
                role=choice.role.value,
                drop=not choice.keep,
                is_confirmed=True,
                label_fr=choice.label_fr,
                label_en=choice.label_en,
                hierarchy=choice.hierarchy,
            )
        )
    return typed


def column_names(intake: Intake) -> list[str]:
    """Return the fields of the form."""
    return ["version", *(f"{part}-{n}" for n in range(len(intake.findings)) for part in _PARTS)]


def columns_typed(form: Form, intake: Intake) -> list[ColumnTyped]:
    """Read the columns from a form, in the order of the table, whatever is in it."""
    typed = {}
    for n in range(len(intake.findings)):
        name = form.one(f"name-{n}")
        typed[name] = ColumnTyped(
            name=name,
            role=form.one(f"role-{n}"),
            drop=bool(form.one(f"drop-{n}")),
            is_confirmed=bool(form.one(f"ok-{n}")),
            label_fr=form.one(f"fr-{n}"),
            label_en=form.one(f"en-{n}"),
            hierarchy=form.one(f"h-{n}").replace("\r\n", "\n"),
        )
    # A column that the form did not have stands there unconfirmed.
    return [typed.get(each.name) or each for each in columns_of(intake)]


def choices_of(typed: Sequence[ColumnTyped], intake: Intake) -> list[ColumnChoice]:
    """Return what is confirmed.

    Raises:
        InvalidError: A column in which something was found is not confirmed, or has no role.
    """
    hit = {found.name for found in intake.findings if found.hits}
    roles = {role.value for role in Role}
    wrong = [
        Problem("columns", "unconfirmed", (("name", each.name[:64]),))
        for each in typed
        if each.role not in roles or (each.name in hit and not each.is_confirmed)
    ]
    if wrong:
        raise InvalidError(wrong)
    return [
        ColumnChoice(
            name=each.name,
            role=Role(each.role),
            keep=not each.drop and each.role != Role.IDENTIFIER,
            label_fr=each.label_fr.strip(),
            label_en=each.label_en.strip(),
            hierarchy=each.hierarchy.strip(),
        )
        for each in typed
    ]
