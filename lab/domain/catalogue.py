"""What can be chosen in a request, as the policy files say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.approval import ApprovalRule, TwoRule
    from lab.domain.egress import EgressProfile
    from lab.domain.evidence import PrivacyPolicy
    from lab.domain.ids import ProfileId, TemplateId
    from lab.domain.quantity import Resources
    from lab.domain.questionnaire import Questionnaire


@dataclass(frozen=True, slots=True)
class NotebookTemplate:
    """A folder that every new home starts with.

    Attributes:
        entry: The notebook that opens first, relative to the folder.
    """

    id: TemplateId
    title_fr: str
    title_en: str
    description_fr: str
    description_en: str
    entry: str


@dataclass(frozen=True, slots=True)
class SizeClass:
    """A named amount of compute."""

    id: str
    label_fr: str
    label_en: str
    resources: Resources


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything the policy files offer, each by its id, in the files' order."""

    templates: Mapping[TemplateId, NotebookTemplate]
    profiles: Mapping[ProfileId, EgressProfile]
    sizes: Mapping[str, SizeClass]
    approval: tuple[ApprovalRule, ...]
    privacy: PrivacyPolicy
    questionnaires: Mapping[str, Questionnaire] = field(default_factory=dict)
    two_approvals: tuple[TwoRule, ...] = ()
