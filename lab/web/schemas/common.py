"""What several nouns share on the wire."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from lab.domain.agency import Usage
from lab.domain.dataset import DatasetRef
from lab.domain.member import Member
from lab.domain.quantity import Resources

T = TypeVar("T")

MOST = 2**53
"""The largest whole number that every JSON reader keeps."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Body(BaseModel):
    """What a caller sends."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Out(BaseModel):
    """What a caller gets."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _readable(text: str) -> str:
    if any(unicodedata.category(c) in {"Cc", "Cs", "Co"} and c not in "\n\r\t" for c in text):
        raise PydanticCustomError("control_characters", "control characters")
    return text


def _day(value: object) -> object:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("bad_date", "not a day")


Text = Annotated[str, AfterValidator(_readable)]
"""A text without control characters, lone surrogates or private use; line breaks are fine."""

Name = Annotated[str, AfterValidator(_readable), Field(max_length=200)]
Day = Annotated[date, BeforeValidator(_day), Field(json_schema_extra={"format": "date"})]
Amount = Annotated[int, Field(ge=0, le=MOST)]


class ResourcesBody(Body):
    """An amount of compute. / Une quantité de ressources."""

    cpu_millicores: Annotated[int, Field(ge=0, le=10_000_000)]
    memory_bytes: Amount
    storage_bytes: Amount
    gpu_count: Annotated[int, Field(ge=0, le=10_000)] = 0

    def to_domain(self) -> Resources:
        """Return it as the domain knows it."""
        return Resources(
            self.cpu_millicores, self.memory_bytes, self.storage_bytes, self.gpu_count
        )


class UsageBody(ResourcesBody):
    """Compute, and over how many sandboxes. / Ressources et nombre de bacs à sable."""

    sandboxes: Annotated[int, Field(ge=0, le=100_000)]

    def to_usage(self) -> Usage:
        """Return it as the domain knows it."""
        return Usage(self.to_domain(), self.sandboxes)


class ResourcesOut(Out):
    """An amount of compute. / Une quantité de ressources."""

    cpu_millicores: int
    memory_bytes: int
    storage_bytes: int
    gpu_count: int

    @classmethod
    def of(cls, resources: Resources) -> ResourcesOut:
        """Write it."""
        return cls(
            cpu_millicores=resources.cpu_millicores,
            memory_bytes=resources.memory_bytes,
            storage_bytes=resources.storage_bytes,
            gpu_count=resources.gpu_count,
        )


class UsageOut(ResourcesOut):
    """Compute, and over how many sandboxes. / Ressources et nombre de bacs à sable."""

    sandboxes: int

    @classmethod
    def of_usage(cls, usage: Usage) -> UsageOut:
        """Write it."""
        amounts = ResourcesOut.of(usage.resources).model_dump()
        return cls(**amounts, sandboxes=usage.sandboxes)


class PersonOut(Out):
    """A person, as others of the same work see them. / Une personne."""

    id: str
    login: str
    name: str

    @classmethod
    def of(cls, member: Member) -> PersonOut:
        """Write it."""
        return cls(id=member.id, login=member.login, name=member.name)


class DatasetRefOut(Out):
    """One immutable version of one data set. / Une version d’un jeu de données."""

    id: str
    version: int

    @classmethod
    def of(cls, ref: DatasetRef) -> DatasetRefOut:
        """Write it."""
        return cls(id=ref.dataset_id, version=ref.version)


class PageOut(Out, Generic[T]):
    """A part of a list. / Une partie d’une liste.

    Attributes:
        next: Give it back as ``after`` to get the next part; empty on the last one.
    """

    items: list[T]
    next: str = ""
