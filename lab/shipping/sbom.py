"""The bill of materials of an image, as CycloneDX writes it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.shipping.errors import ToolMissingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cyclonedx.model.component import Component

    from lab.shipping.gobinary import Module
    from lab.shipping.locked import Requirement

STATUS = "/var/lib/dpkg/status"
"""Where an image lists its Debian packages."""
CONTENT = "vase-clos.lab/content"
_SPACE = uuid.UUID("6f2b4d0e-9f5c-4a53-8f3e-2c0a2f6f7c11")
_FIELD = re.compile(r"^([A-Z][A-Za-z-]*): (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, order=True)
class DebianPackage:
    """One installed package."""

    name: str
    version: str
    architecture: str
    source: str


def debian_packages(status: str) -> tuple[DebianPackage, ...]:
    """Read dpkg's list of what is installed."""
    found = []
    for text in status.split("\n\n"):
        fields: dict[str, str] = dict(_FIELD.findall(text))
        if fields.get("Status", "").endswith(" installed"):
            name = fields["Package"]
            source = str(fields.get("Source", name)).split(" ")[0]
            found.append(
                DebianPackage(name, fields["Version"], fields.get("Architecture", ""), source)
            )
    return tuple(sorted(found))


def describe(
    image: str,
    content: str,
    *,
    python: Iterable[Requirement] = (),
    debian: Iterable[DebianPackage] = (),
    go: Iterable[Module] = (),
) -> str:
    """Return the bill of materials, as JSON.

    Args:
        image: The image's name.
        content: The hash of what the image was made from; also makes the serial number.
        python: What was installed from wheels.
        debian: What the system is made of.
        go: What its Go programs were built from.

    Raises:
        ToolMissingError: The package that writes it is not installed.
    """
    try:
        from cyclonedx.model import Property  # noqa: PLC0415  # of the extra `images`
        from cyclonedx.model.bom import Bom, BomMetaData  # noqa: PLC0415
        from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
        from cyclonedx.output.json import JsonV1Dot6  # noqa: PLC0415
    except ImportError as error:
        raise ToolMissingError(tool="vase-clos[images]") from error
    whole = Component(
        name=f"vase-clos/{image}",
        type=ComponentType.CONTAINER,
        version=content[:16],
        bom_ref=f"image/{image}",
        properties=[Property(name=CONTENT, value=content)],
    )
    parts = [*_python(python), *_debian(debian), *_go(go)]
    bom = Bom(
        components=parts,
        metadata=BomMetaData(component=whole),
        serial_number=uuid.uuid5(_SPACE, f"{image}/{content}"),
    )
    bom.register_dependency(whole, parts)
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _python(packages: Iterable[Requirement]) -> Iterator[Component]:
    from cyclonedx.model.component import Component  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    for each in packages:
        purl = PackageURL("pypi", name=each.name, version=each.version)
        yield Component(name=each.name, version=each.version, purl=purl, bom_ref=str(purl))


def _debian(packages: Iterable[DebianPackage]) -> Iterator[Component]:
    from cyclonedx.model.component import Component  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    for each in packages:
        purl = PackageURL(
            "deb",
            "debian",
            each.name,
            each.version,
            {"arch": each.architecture, "distro": "debian-12", "upstream": each.source},
        )
        yield Component(name=each.name, version=each.version, purl=purl, bom_ref=str(purl))


def _go(modules: Iterable[Module]) -> Iterator[Component]:
    from cyclonedx.model.component import Component  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    for each in modules:
        namespace, _, name = each.path.rpartition("/")
        purl = PackageURL("golang", namespace or None, name, each.version)
        yield Component(name=each.path, version=each.version, purl=purl, bom_ref=str(purl))
