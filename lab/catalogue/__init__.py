"""What can be chosen, read from the policy files and the templates' folders."""

from __future__ import annotations

import functools
import json
from decimal import Decimal
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import yaml

from lab.domain.approval import ApprovalRule
from lab.domain.catalogue import Catalogue, NotebookTemplate, SizeClass
from lab.domain.dataset import DataClass
from lab.domain.egress import Door, EgressProfile
from lab.domain.evidence import PrivacyPolicy
from lab.domain.ids import ProfileId, TemplateId
from lab.domain.quantity import Resources, parse_bytes, parse_cpu

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


_LEAD_DAYS = 30
"""Where an agency's policy, written before there was a choice, says nothing."""


class PolicyError(ValueError):
    """A policy file is missing or wrong; the message names file and place."""


class FileCatalogue:
    """Reads the files once; a change takes effect at the next start.

    Args:
        policies_dir: Holds ``egress.yaml``, ``sizes.yaml``, ``approval.yaml`` and
            ``privacy.yaml``.
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
        )


def load(path: Path, kind: str) -> dict[str, Any]:
    """Read one policy file, checked against the schema of its kind.

    Raises:
        PolicyError: It is missing or wrong; the message names file and place.
    """
    schema = json.loads(resources.files("lab.catalogue").joinpath(f"{kind}.json").read_text())
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
        jsonschema.validate(body, schema)
    except OSError as error:
        msg = f"{path.name}: {error.strerror}"
        raise PolicyError(msg) from error
    except yaml.YAMLError as error:
        msg = f"{path.name}: not YAML: {error}"
        raise PolicyError(msg) from error
    except jsonschema.ValidationError as error:
        msg = f"{path.name}: {error.json_path}: {error.message}"
        raise PolicyError(msg) from error
    return dict(body)


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


def _rule(body: Mapping[str, Any], known_profiles: set[ProfileId]) -> ApprovalRule:
    unknown = set(body["profiles"]) - known_profiles
    if unknown:
        msg = f"approval.yaml: rule '{body['id']}': unknown profiles {sorted(unknown)}"
        raise PolicyError(msg)
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
        profiles=frozenset(map(ProfileId, body["profiles"])),
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


def _template(body: Mapping[str, Any]) -> NotebookTemplate:
    return NotebookTemplate(
        id=TemplateId(body["id"]),
        title_fr=body["title_fr"],
        title_en=body["title_en"],
        description_fr=body["description_fr"],
        description_en=body["description_en"],
        entry=body["entry"],
    )
