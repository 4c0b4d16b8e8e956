"""What can be chosen, read from the policy files and the templates' folders."""

from __future__ import annotations

import functools
import json
from decimal import Decimal
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import yaml

from lab.domain.approval import ApprovalRule, TwoRule
from lab.domain.catalogue import Catalogue, NotebookTemplate, SizeClass
from lab.domain.dataset import DataClass
from lab.domain.egress import Door, EgressProfile
from lab.domain.evidence import PrivacyPolicy
from lab.domain.ids import ProfileId, TemplateId
from lab.domain.quantity import Resources, parse_bytes, parse_cpu
from lab.domain.questionnaire import Choice, Level, Question, Questionnaire

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


_LEAD_DAYS = 30
"""Where an agency's policy, written before there was a choice, says nothing."""

QUESTIONNAIRES = ("privacy", "readiness", "relevance")
"""Each is a file ``questions-….yaml``, and a step of the guided request by the same name."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same language in a tenth of the time, where the machine has it."""


class PolicyError(ValueError):
    """A policy file is missing or wrong; the message names file and place."""


class FileCatalogue:
    """Reads the files once; a change takes effect at the next start.

    Args:
        policies_dir: Holds ``egress.yaml``, ``sizes.yaml``, ``approval.yaml``,
            ``privacy.yaml`` and the ``questions-*.yaml`` of the guided request.
        templates_dir: One folder per template, each with a ``gabarit.yaml``.
    """

    def __init__(self, *, policies_dir: Path, templates_dir: Path) -> None:
        self._policies_dir, self._templates_dir = policies_dir, templates_dir

    def catalogue(self) -> Catalogue:
        """Return what the files offer.

        Raises:
            PolicyError: A file is missing or wrong.
        """
        return self._read

    @functools.cached_property
    def _read(self) -> Catalogue:
        egress = load(self._policies_dir / "egress.yaml", "egress")
        sizes = load(self._policies_dir / "sizes.yaml", "sizes")
        approval = load(self._policies_dir / "approval.yaml", "approval")
        profiles = {ProfileId(p["id"]): _profile(p) for p in egress["profiles"]}
        templates = [
            _template(load(path, "template"))
            for path in sorted(self._templates_dir.glob("*/gabarit.yaml"))
        ]
        return Catalogue(
            templates={template.id: template for template in templates},
            profiles=profiles,
            sizes={size["id"]: _size(size) for size in sizes["sizes"]},
            approval=tuple(_rule(rule, set(profiles)) for rule in approval["rules"]),
            privacy=_privacy(load(self._policies_dir / "privacy.yaml", "privacy")),
            questionnaires={name: self._questionnaire(name) for name in QUESTIONNAIRES},
            two_approvals=tuple(
                _two(rule, set(profiles)) for rule in approval.get("two_approvals", ())
            ),
        )

    def _questionnaire(self, name: str) -> Questionnaire:
        file = f"questions-{name}.yaml"
        body = load(self._policies_dir / file, "questions")
        questions = tuple(_question(each) for each in body["questions"])
        levels = tuple(Level(**each) for each in body.get("levels", ()))
        for what, ids in (
            ("questions", [q.id for q in questions]),
            *((f"choices of '{q.id}'", [c.id for c in q.choices]) for q in questions),
        ):
            if len(set(ids)) != len(ids):
                msg = f"{file}: two {what} have the same id"
                raise PolicyError(msg)
        if [level.at_least for level in levels] != sorted({level.at_least for level in levels}):
            msg = f"{file}: levels must go up"
            raise PolicyError(msg)
        texts = {key: body[key] for key in ("title_fr", "title_en", "intro_fr", "intro_en")}
        return Questionnaire(id=name, questions=questions, levels=levels, **texts)


def load(path: Path, kind: str) -> dict[str, Any]:
    """Read one policy file, checked against the schema of its kind.

    Raises:
        PolicyError: It is missing or wrong; the message names file and place.
    """
    try:
        body = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 -- safe
        wrong = jsonschema.exceptions.best_match(_validator(kind).iter_errors(body))
    except OSError as error:
        msg = f"{path.name}: {error.strerror}"
        raise PolicyError(msg) from error
    except yaml.YAMLError as error:
        msg = f"{path.name}: not YAML: {error}"
        raise PolicyError(msg) from error
    if wrong is not None:
        msg = f"{path.name}: {wrong.json_path}: {wrong.message}"
        raise PolicyError(msg)
    return dict(body)


@functools.cache
def _validator(kind: str) -> jsonschema.Draft202012Validator:
    text = resources.files("lab.catalogue").joinpath(f"{kind}.json").read_text()
    return jsonschema.Draft202012Validator(json.loads(text))


def _profile(body: Mapping[str, Any]) -> EgressProfile:
    return EgressProfile(
        id=ProfileId(body["id"]),
        label_fr=body["label_fr"],
        label_en=body["label_en"],
        description_fr=body["description_fr"],
        description_en=body["description_en"],
        doors=frozenset(map(Door, body["doors"])),
    )


def _size(body: Mapping[str, Any]) -> SizeClass:
    resources_ = Resources(
        parse_cpu(body["cpu"]), parse_bytes(body["memory"]), parse_bytes(body["storage"])
    )
    return SizeClass(body["id"], body["label_fr"], body["label_en"], resources_)


def _two(body: Mapping[str, Any], known_profiles: set[ProfileId]) -> TwoRule:
    others = _known_profiles(body, "other_profiles", known_profiles)
    return TwoRule(
        id=body["id"],
        label_fr=body["label_fr"],
        label_en=body["label_en"],
        data_classes=frozenset(map(DataClass, body.get("data_classes", ()))),
        min_gpu=body.get("min_gpu", 0),
        other_profiles=others,
    )


def _known_profiles(
    body: Mapping[str, Any], key: str, known: set[ProfileId]
) -> frozenset[ProfileId]:
    given = frozenset(map(ProfileId, body.get(key, ())))
    if given - known:
        msg = f"approval.yaml: rule '{body['id']}': unknown profiles {sorted(given - known)}"
        raise PolicyError(msg)
    return given


def _rule(body: Mapping[str, Any], known_profiles: set[ProfileId]) -> ApprovalRule:
    profiles = _known_profiles(body, "profiles", known_profiles)
    limit = Resources(
        parse_cpu(body["max_cpu"]),
        parse_bytes(body["max_memory"]),
        parse_bytes(body["max_storage"]),
    )
    return ApprovalRule(
        id=body["id"],
        label_fr=body["label_fr"],
        label_en=body["label_en"],
        max_resources=limit,
        max_days=body["max_days"],
        max_team=body["max_team"],
        data_classes=frozenset(map(DataClass, body["data_classes"])),
        profiles=profiles,
    )


def _privacy(body: Mapping[str, Any]) -> PrivacyPolicy:
    return PrivacyPolicy(
        k_between=body["k_between"],
        k_inside=body["k_inside"],
        attack_risk_upper=body["attack_risk_upper"],
        # As it is written there, not the binary number nearest to it.
        epsilon_total=Decimal(str(body["epsilon_total"])),
        review_months=body["review_months"],
        raw_limit_bytes=parse_bytes(body["raw_limit"]),
        review_lead_days=body.get("review_lead_days", _LEAD_DAYS),
    )


def _question(body: Mapping[str, Any]) -> Question:
    choices = tuple(Choice(**choice) for choice in body["choices"])
    texts = {key: body[key] for key in ("label_fr", "label_en", "hint_fr", "hint_en")}
    return Question(id=body["id"], choices=choices, **texts)


def _template(body: Mapping[str, Any]) -> NotebookTemplate:
    return NotebookTemplate(
        id=TemplateId(body["id"]),
        title_fr=body["title_fr"],
        title_en=body["title_en"],
        description_fr=body["description_fr"],
        description_en=body["description_en"],
        entry=body["entry"],
    )
