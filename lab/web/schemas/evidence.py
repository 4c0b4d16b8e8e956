"""What the gateway hands over."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from lab.domain.attempt import BlockedAttempt, Rule
from lab.domain.ids import SandboxId
from lab.web.schemas.common import Body, Out, Text

SANDBOX_ID = r"^sb-[0-9a-f]{10}$"
NONCE = r"^[A-Za-z0-9_-]{8,64}$"
RUN = r"^[a-z0-9][a-z0-9-]{0,62}$"


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


class AttemptIn(Body):
    """One line of the gateway's."""

    sandbox_id: str = Field(pattern=SANDBOX_ID)
    rule: Annotated[Rule, Field(strict=False)]
    target: Text = Field(max_length=200)
    at: Annotated[AwareDatetime, Field(strict=False), AfterValidator(_utc)]
    count: int = Field(ge=1, le=10**9)

    def attempt(self) -> BlockedAttempt:
        """Return it in the domain's words; the gateway knows the sandbox, and not the member."""
        return BlockedAttempt(
            sandbox_id=SandboxId(self.sandbox_id),
            member_id=None,
            rule=self.rule,
            target=self.target,
            first_at=self.at,
            last_at=self.at,
            count=self.count,
        )


class BatchIn(Body):
    """Several at once.

    Attributes:
        batch: Names it in logs. The same attempts again change nothing, under whatever name.
    """

    batch: str = Field(default="", max_length=64)
    attempts: list[AttemptIn] = Field(max_length=5000)


class TakenOut(Out):
    """How many were kept."""

    kept: int


class GrantOut(Out):
    """One grant, with the secrets in it."""

    sandbox_id: str
    name: str
    values: dict[str, object]


class GrantsOut(Out):
    """All of them."""

    grants: list[GrantOut]
