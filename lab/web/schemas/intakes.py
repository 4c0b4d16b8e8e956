"""Dossiers on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from lab.domain.dataset import DataClass
from lab.domain.evidence import ColumnChoice, PrivacyPolicy, Scope, Technique
from lab.domain.ids import MemberId
from lab.domain.intake import Intake
from lab.domain.intake_content import of_analysis, of_destruction, of_signature, of_treatment
from lab.domain.intake_review import Review
from lab.domain.intake_run import Run, RunState, Step
from lab.domain.intake_states import IntakeState
from lab.domain.member import Member
from lab.domain.privacy import Role
from lab.services.intake_drafts import IntakeDraft
from lab.web.schemas.common import Body, DatasetRefOut, Name, Out, PersonOut, Text
from lab.web.schemas.requests import person

Line = Annotated[Text, Field(max_length=2000)]
Paragraphs = Annotated[Text, Field(max_length=20_000)]
Share = Annotated[float, Field(ge=0, le=1)]


class IntakeIn(Body):
    """What a dossier is opened with. / De quoi ouvrir un dossier.

    Attributes:
        dataset: The slug it shall be published under.
        purposes: What the anonymised data are for; fixed before anything is deposited.
        supervisor: Login of the competent person; neither depositor nor requester.
        requester: Login of who in the agency wants the table in; empty where nobody does.
    """

    agency_id: Name
    dataset: Name
    title_fr: Line
    title_en: Line
    description_fr: Paragraphs
    description_en: Paragraphs
    purposes: Paragraphs
    licence: Line
    source: Line
    asked: Literal["synthetique", "anonymise", "ouvert", "depersonnalise"]
    scope: Literal["interne", "entre-organismes"] = "entre-organismes"
    supervisor: Name
    requester: Name = ""

    def to_draft(self) -> IntakeDraft:
        """Return it as the use case knows it."""
        values = self.model_dump() | {"asked": DataClass(self.asked), "scope": Scope(self.scope)}
        return IntakeDraft(**values)


class ColumnIn(Body):
    """What a person confirms of one column. / Ce qu’on confirme d’une colonne.

    Attributes:
        hierarchy: CSV text with semicolons, one line per value; empty to have one derived.
    """

    name: Name
    role: Literal["identifiant", "quasi-identifiant", "sensible", "autre"]
    keep: bool = True
    label_fr: Name = ""
    label_en: Name = ""
    hierarchy: Annotated[Text, Field(max_length=50_000)] = ""

    def to_choice(self) -> ColumnChoice:
        """Return it as the domain knows it."""
        return ColumnChoice(**self.model_dump() | {"role": Role(self.role)})


class ColumnsIn(Body):
    """Every column. / Toutes les colonnes."""

    columns: Annotated[list[ColumnIn], Field(max_length=2000)]


class DomainIn(Body):
    """What a column may hold, for a synthesis. / Ce qu’une colonne peut contenir."""

    kind: Literal["categories", "numbers", "dates"]
    values: Annotated[list[Name], Field(max_length=1000)] | list[int] | list[bool] | None = None
    lower: float | None = None
    upper: float | None = None
    first: Name | None = None
    last: Name | None = None
    bins: Annotated[int, Field(ge=1, le=1000)] | None = None


class RunIn(Body):
    """Long work to be done. / Un long travail à faire.

    Attributes:
        k: Smallest class; not below the policy's.
        l: Distinct values of each sensitive column in each class.
        t: Largest distance of a class to the whole table.
        suppression: Largest share of rows that may be left out.
        epsilon: Of a synthesis; taken from the source's budget for good.
        domain: By column, for a synthesis; nothing of it is learnt from the data.
    """

    step: Literal["read", "treat", "measure", "review"]
    technique: Literal["k-anonymat", "synthese", "aucune"] | None = None
    k: Annotated[int, Field(ge=2, le=10_000)] | None = None
    l: Annotated[int, Field(ge=1, le=10_000)] | None = None  # noqa: E741 -- the literature's letter
    t: Share | None = None
    suppression: Share | None = None
    local_recoding: bool = False
    epsilon: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")] | None = None
    delta: Annotated[float, Field(gt=0, lt=1)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31)] = 0
    domain: Annotated[dict[Name, DomainIn], Field(max_length=200)] | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """What the step is asked for."""
        return self.model_dump(exclude_none=True, exclude={"step"}, mode="json")


class SignatureIn(Body):
    """What the competent person says to their signature. / Ce que dit qui signe."""

    reason: Annotated[Text, Field(max_length=2000)] = ""


class HitOut(Out):
    """One kind of value that was recognised. / Un genre de valeur reconnu."""

    kind: str
    rate: float
    examples: list[str]


class ColumnOut(Out):
    """A column: what was found, and what was confirmed. / Une colonne.

    Attributes:
        must_go: Recognised so surely that nobody's word keeps it.
        role: What a person confirmed; nothing yet before.
    """

    name: str
    type: str
    proposed: Role
    drop: bool
    must_go: bool
    missing: float
    distinct: int
    hits: list[HitOut]
    role: Role | None
    keep: bool | None
    label_fr: str
    label_en: str
    hierarchy: str


class ColumnsOut(Out):
    """Every column, in the table's order. / Toutes les colonnes."""

    columns: list[ColumnOut]

    @classmethod
    def of(cls, intake: Intake) -> ColumnsOut:
        """Write them."""
        chosen = {choice.name: choice for choice in intake.choices}
        columns = []
        for found in intake.findings:
            choice = chosen.get(found.name)
            columns.append(
                ColumnOut(
                    name=found.name,
                    type=found.type,
                    proposed=found.proposed,
                    drop=found.drop,
                    must_go=found.must_go,
                    missing=found.missing,
                    distinct=found.distinct,
                    hits=[
                        HitOut(kind=hit.kind, rate=hit.rate, examples=list(hit.examples))
                        for hit in found.hits
                    ],
                    role=choice.role if choice else None,
                    keep=choice.keep if choice else None,
                    label_fr=choice.label_fr if choice else "",
                    label_en=choice.label_en if choice else "",
                    hierarchy=choice.hierarchy if choice else "",
                )
            )
        return cls(columns=columns)


class RawOut(Out):
    """The raw file. / Le fichier déposé."""

    name: str
    size_bytes: int
    sha256: str
    deposited_at: datetime


class ThresholdsOut(Out):
    """The thresholds that were used. / Les seuils utilisés."""

    k_between: int
    k_inside: int
    attack_risk_upper: float
    epsilon_total: Decimal
    review_months: int

    @classmethod
    def of(cls, policy: PrivacyPolicy) -> ThresholdsOut:
        """Write them."""
        return cls(
            k_between=policy.k_between,
            k_inside=policy.k_inside,
            attack_risk_upper=policy.attack_risk_upper,
            epsilon_total=policy.epsilon_total,
            review_months=policy.review_months,
        )


class ReviewOut(Out):
    """A re-assessment of a published version (art. 8). / Une réévaluation.

    Attributes:
        by: Who asked for it; nobody where the lab did by itself, before the date.
        k: Smallest class of the published table, counted anew.
        not_repeated: What needs the destroyed source; held as it was to the thresholds of then.
        report: What was counted anew.
        is_answered_for: Whether a person asked for it or confirmed it; else no date moved.
    """

    at: datetime
    by: PersonOut | None
    confirmed_by: PersonOut | None
    confirmed_at: datetime | None
    is_answered_for: bool
    k: int | None
    passes: bool
    failures: list[str]
    not_repeated: list[str]
    thresholds: ThresholdsOut
    report: dict[str, Any]

    @classmethod
    def of(cls, review: Review, people: Mapping[MemberId, Member]) -> ReviewOut:
        """Write it, with the person it names."""
        confirmation = review.confirmation
        return cls(
            at=review.at,
            by=person(review.by, people) if review.by else None,
            confirmed_by=person(confirmation.by, people) if confirmation else None,
            confirmed_at=confirmation.at if confirmation else None,
            is_answered_for=review.is_answered_for,
            k=review.k,
            passes=review.passes,
            failures=list(review.failures),
            not_repeated=list(review.not_repeated),
            thresholds=ThresholdsOut.of(review.policy),
            report=dict(review.report),
        )


class IntakeOut(Out):
    """A dossier. / Un dossier d’anonymisation.

    Attributes:
        failures: Why its final analysis does not pass; empty where it does, or is not made.
    """

    id: str
    dataset: str
    agency_id: str
    title_fr: str
    title_en: str
    description_fr: str
    description_en: str
    purposes: str
    licence: str
    source: str
    asked: DataClass
    scope: Scope
    state: IntakeState
    depositor: PersonOut
    supervisor: PersonOut
    requester: PersonOut | None
    opened_at: datetime
    raw: RawOut | None
    row_count: int
    technique: Technique | None
    passes: bool | None
    failures: list[str]
    signed_by: PersonOut | None
    signed_at: datetime | None
    published: DatasetRefOut | None
    published_at: datetime | None
    next_review_at: datetime | None
    reviewed_at: datetime | None
    destroyed_at: datetime | None
    reason: str
    version: int

    @classmethod
    def of(cls, intake: Intake, people: Mapping[MemberId, Member]) -> IntakeOut:
        """Write it, with the people it names."""
        raw, final, signature = intake.raw, intake.final, intake.signature
        return cls(
            id=intake.id,
            dataset=intake.dataset_id,
            agency_id=intake.agency_id,
            title_fr=intake.title_fr,
            title_en=intake.title_en,
            description_fr=intake.description_fr,
            description_en=intake.description_en,
            purposes=intake.purposes,
            licence=intake.licence,
            source=intake.source,
            asked=intake.asked,
            scope=intake.scope,
            state=intake.state,
            depositor=person(intake.depositor_id, people),
            supervisor=person(intake.supervisor_id, people),
            requester=person(intake.requester_id, people) if intake.requester_id else None,
            opened_at=intake.opened_at,
            raw=RawOut(
                name=raw.name,
                size_bytes=raw.size_bytes,
                sha256=raw.sha256,
                deposited_at=raw.deposited_at,
            )
            if raw
            else None,
            row_count=intake.row_count,
            technique=intake.treatment.technique if intake.treatment else None,
            passes=final.passes if final else None,
            failures=list(final.failures) if final else [],
            signed_by=person(signature.by, people) if signature else None,
            signed_at=signature.at if signature else None,
            published=DatasetRefOut.of(intake.published) if intake.published else None,
            published_at=intake.published_at,
            next_review_at=intake.next_review_at,
            reviewed_at=intake.reviews[-1].at if intake.reviews else None,
            destroyed_at=intake.destruction.seen_gone_at if intake.destruction else None,
            reason=intake.reason,
            version=intake.version,
        )


class ReportOut(Out):
    """The evidence of a dossier. / La preuve d’un dossier.

    Attributes:
        preliminary: Before the treatment (art. 5).
        final: After it (art. 7).
        signature: Over all of this, by who answers for it.
        destruction: That nothing of the raw file is left, with a signature of its own.
        reviews: What was analysed again since, the oldest first (art. 8).
    """

    intake_id: str
    preliminary: dict[str, Any] | None
    treatment: dict[str, Any] | None
    final: dict[str, Any] | None
    thresholds: ThresholdsOut | None
    signature: dict[str, Any] | None
    destruction: dict[str, Any] | None
    reviews: list[ReviewOut]

    @classmethod
    def of(cls, intake: Intake, people: Mapping[MemberId, Member]) -> ReportOut:
        """Write it."""
        return cls(
            intake_id=intake.id,
            preliminary=of_analysis(intake.preliminary) if intake.preliminary else None,
            treatment=of_treatment(intake.treatment) if intake.treatment else None,
            final=of_analysis(intake.final) if intake.final else None,
            thresholds=ThresholdsOut.of(intake.policy) if intake.policy else None,
            signature=of_signature(intake.signature) if intake.signature else None,
            destruction=of_destruction(intake.destruction) if intake.destruction else None,
            reviews=[ReviewOut.of(review, people) for review in intake.reviews],
        )


class RunOut(Out):
    """Long work, and how far it is. / Un long travail et son avancement."""

    id: str
    intake_id: str
    step: Step
    state: RunState
    what: str
    done: int
    total: int
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    is_cancelling: bool
    error_code: str
    error_fr: str
    error_en: str
    version: int

    @classmethod
    def of(cls, run: Run) -> RunOut:
        """Write it."""
        return cls(
            id=run.id,
            intake_id=run.intake_id,
            step=run.step,
            state=run.state,
            what=run.progress.what,
            done=run.progress.done,
            total=run.progress.total,
            asked_at=run.asked_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
            is_cancelling=run.is_open and run.cancel_asked_at is not None,
            error_code=run.error_code,
            error_fr=run.error_fr,
            error_en=run.error_en,
            version=run.version,
        )
