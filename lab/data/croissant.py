"""The same version as Croissant 1.1 says it, for tools of machine learning.

Everything is read from the descriptor (``lab.data.descriptor``), the working contract, so that the
two never disagree. Names and context: Croissant Format Specification 1.1, MLCommons, 2026-01-29
(http://mlcommons.org/croissant/1.1), and its vocabulary for responsible AI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "http://mlcommons.org/croissant/1.1"
MEDIA_TYPE = "application/ld+json"
RECORDS = "table"

CONTEXT: Mapping[str, Any] = {
    "@language": "fr",
    "@vocab": "http://schema.org/",
    "sc": "http://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    **{
        name: f"cr:{name}"
        for name in (
            *("annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty"),
            *("excludes", "extract", "field", "fileProperty", "fileObject", "fileSet", "format"),
            *("includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField"),
            *("recordSet", "references", "regex", "readLines", "sdVersion", "separator"),
            *("source", "subField", "transform", "unArchive", "value"),
        )
    },
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}
"""The recommended one (appendix 1), in French first."""

_TYPES = {
    "string": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "date": "sc:Date",
    "boolean": "sc:Boolean",
}
_SPDX = frozenset({"CC0-1.0", "CC-BY-4.0", "PDDL-1.0", "ODC-By-1.0"})
_PERSONAL = {
    "synthetique": "Données synthétiques : aucune ligne n’est celle d’une personne.",
    "anonymise": (
        "Données anonymisées (chapitre A-2.1, r. 0.1) : le risque résiduel de réidentification "
        "est très faible, mais n’est pas nul."
    ),
    "ouvert": "Données déjà publiques.",
}


def croissant_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a version. ``document`` is its ``datapackage.json``."""
    best = next(r for r in document["resources"] if r["format"] == "parquet")
    private = _PERSONAL.get(document["data_class"])
    return {
        "@context": dict(CONTEXT),
        "@type": "sc:Dataset",
        "@id": urn(document),
        "conformsTo": [VERSION, "http://mlcommons.org/croissant/RAI/1.0"],
        "name": document["title"],
        "alternateName": {"@value": document["title_en"], "@language": "en"},
        "description": document["description"],
        "license": licence_of(document),
        "url": urn(document),
        "creator": {"@type": "sc:Organization", "name": document["sources"][0]["title"]},
        "datePublished": document["created"],
        "version": document["version"],
        "inLanguage": "fr",
        "isLiveDataset": False,
        **(
            {"rai:personalSensitiveInformation": private.replace(" :", "\u00a0:")}
            if private
            else {}
        ),
        "distribution": [_file(resource) for resource in document["resources"]],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": RECORDS,
                "name": RECORDS,
                "description": document["description"],
                "field": [_field(field, best["path"]) for field in best["schema"]["fields"]],
            }
        ],
    }


def urn(document: Mapping[str, Any]) -> str:
    """Return what names a version everywhere, and is reached nowhere: the lab is closed."""
    name, number = document["id"].split("/v")
    return f"urn:vase-clos:dataset:{name}:{number}"


def licence_of(document: Mapping[str, Any]) -> str | dict[str, str]:
    """Return the address of a known licence, else its words."""
    title = str(document["licenses"][0]["title"])
    if title in _SPDX:
        return f"https://spdx.org/licenses/{title}"
    return {"@type": "sc:CreativeWork", "name": title}


def _file(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": resource["path"],
        "name": resource["path"],
        "contentUrl": resource["path"],
        "contentSize": f"{resource['bytes']} B",
        "encodingFormat": resource["mediatype"],
        "sha256": resource["hash"].removeprefix("sha256:"),
    }


def _field(field: Mapping[str, Any], path: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{RECORDS}/{field['name']}",
        "name": field["name"],
        "description": field["title"],
        "dataType": _TYPES[field["type"]],
        "source": {"fileObject": {"@id": path}, "extract": {"column": field["name"]}},
    }
