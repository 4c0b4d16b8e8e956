"""Agencies and quotas on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lab.domain.agency import Agency, PersonQuota
from lab.domain.ids import AgencyId
from lab.services.agencies import MOST_DAYS, PersonQuotaView, QuotaView
from lab.web.schemas.common import Amount, Body, Name, Out, PersonOut, UsageBody, UsageOut
from lab.web.schemas.usage import BudgetBody, MeterOut

Days = Annotated[int, Field(ge=1, le=MOST_DAYS)]


class AgencyIn(Body):
    """A new agency. / Un nouvel organisme."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,19}$", max_length=20)]
    name_fr: Name
    name_en: Name
    quota: UsageBody
    max_days: Days

    def to_domain(self) -> Agency:
        """Return it as the domain knows it."""
        return Agency(
            id=AgencyId(self.id),
            name_fr=self.name_fr,
            name_en=self.name_en,
            quota=self.quota.to_usage(),
            max_days=self.max_days,
        )


class AgencyOut(Out):
    """An agency. / Un organisme."""

    id: str
    name_fr: str
    name_en: str
    quota: UsageOut
    max_days: int
    version: int

    @classmethod
    def of(cls, agency: Agency) -> AgencyOut:
        """Write it."""
        return cls(
            id=agency.id,
            name_fr=agency.name_fr,
            name_en=agency.name_en,
            quota=UsageOut.of_usage(agency.quota),
            max_days=agency.max_days,
            version=agency.version,
        )


class QuotaIn(Body):
    """What an agency may hold at once. / Ce qu’un organisme peut détenir à la fois.

    Attributes:
        budget: Hours of each month; without it, the budget stays as it is.
    """

    quota: UsageBody
    max_days: Days | None = None
    budget: BudgetBody | None = None


class QuotaOut(Out):
    """A quota, what is held of it and what is left. / Un quota, l’utilisé et le reste.

    Attributes:
        month: The one that the hours are of.
        hours: How the month's budgets stand.
    """

    agency_id: str
    quota: UsageOut
    held: UsageOut
    left: UsageOut
    max_days: int
    month: str
    hours: list[MeterOut]
    version: int

    @classmethod
    def of(cls, view: QuotaView) -> QuotaOut:
        """Write it."""
        return cls(
            agency_id=view.agency.id,
            quota=UsageOut.of_usage(view.agency.quota),
            held=UsageOut.of_usage(view.held),
            left=UsageOut.of_usage(view.left),
            max_days=view.agency.max_days,
            month=str(view.account.month),
            hours=MeterOut.all_of(view.account),
            version=view.agency.version,
        )


class PersonQuotaIn(Body):
    """What one person may hold at once; null leaves it to the agency’s quota.

    Ce qu’une personne peut détenir à la fois; null s’en remet au quota de l’organisme.
    """

    cpu_millicores: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    memory_bytes: Amount | None = None
    storage_bytes: Amount | None = None
    gpu_count: Annotated[int, Field(ge=0, le=10_000)] | None = None
    sandboxes: Annotated[int, Field(ge=0, le=100_000)] | None = None


class PersonLimitsOut(Out):
    """A person’s own limits. / Les limites propres à une personne."""

    cpu_millicores: int | None
    memory_bytes: int | None
    storage_bytes: int | None
    gpu_count: int | None
    sandboxes: int | None

    @classmethod
    def of(cls, quota: PersonQuota) -> PersonLimitsOut:
        """Write them."""
        names = cls.model_fields
        return cls(**dict(zip(names, quota.amounts, strict=True)))


class PersonQuotaOut(Out):
    """A person’s quota, what is held of it and what is left. / Le quota d’une personne.

    Attributes:
        limits: As they were set.
        quota: The same, as far as the agency's quota goes.
        held: By what the person asked for.
        left: Where the agency has as much.
    """

    agency_id: str
    person: PersonOut
    limits: PersonLimitsOut
    quota: UsageOut
    held: UsageOut
    left: UsageOut
    version: int

    @classmethod
    def of(cls, view: PersonQuotaView) -> PersonQuotaOut:
        """Write it."""
        return cls(
            agency_id=view.quota.agency_id,
            person=PersonOut.of(view.member),
            limits=PersonLimitsOut.of(view.quota),
            quota=UsageOut.of_usage(view.most),
            held=UsageOut.of_usage(view.held),
            left=UsageOut.of_usage(view.left),
            version=view.quota.version,
        )
