"""Agencies and quotas on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lab.domain.agency import Agency
from lab.domain.ids import AgencyId
from lab.services.agencies import MOST_DAYS, QuotaView
from lab.web.schemas.common import Body, Name, Out, UsageBody, UsageOut

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
    """What an agency may hold at once. / Ce qu’un organisme peut détenir à la fois."""

    quota: UsageBody
    max_days: Days | None = None


class QuotaOut(Out):
    """A quota, what is held of it and what is left. / Un quota, l’utilisé et le reste."""

    agency_id: str
    quota: UsageOut
    held: UsageOut
    left: UsageOut
    max_days: int
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
            version=view.agency.version,
        )
