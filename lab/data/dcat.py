"""The same version as DCAT 3 says it, under the field names of Données Québec.

The keys are those that the portal donneesquebec.ca (CKAN) takes: ``notes``, ``update_frequency``,
``ext_spatial``, ``relidi_…``; the JSON-LD context says which term of DCAT or Dublin Core each one
is, so that one file serves both. What only its publisher knows (``owner_org``, ``ext_spatial``,
``tags``) is left for them to add.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.data.croissant import licence_of, urn

if TYPE_CHECKING:
    from collections.abc import Mapping

_MIB = 1024**2

CONTEXT: Mapping[str, Any] = {
    "@language": "fr",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "sc": "http://schema.org/",
    "dq": "https://www.donneesquebec.ca/champs#",
    "title": "dct:title",
    "name": "dct:identifier",
    "notes": "dct:description",
    "description": "dct:description",
    "language": "dct:language",
    "license_id": "dct:license",
    "methodologie": "dct:provenance",
    "update_frequency": "dct:accrualPeriodicity",
    "organization": "dct:publisher",
    "metadata_created": {"@id": "dct:issued", "@type": "xsd:dateTime"},
    "version": "dcat:version",
    "access_rights": "dct:accessRights",
    "ext_spatial": "dct:spatial",
    "tags": "dcat:keyword",
    "resources": "dcat:distribution",
    "url": {"@id": "dcat:downloadURL", "@type": "@id"},
    "format": "dct:format",
    "mimetype": "dcat:mediaType",
    "size": {"@id": "dcat:byteSize", "@type": "xsd:nonNegativeInteger"},
    "hash": "spdx:checksum",
    "foaf_name": "foaf:name",
    "type": "dct:type",
    **{
        name: f"dq:{name}"
        for name in (
            *("state", "private", "resource_type", "taille_entier", "relidi_condon_valinc"),
            *("relidi_condon_nombre", "relidi_condon_boolee", "relidi_condon_datheu"),
            *("relidi_confic_utf8", "relidi_confic_separateur_virgule", "relidi_confic_epsg"),
            *("relidi_confic_pascom", "relidi_description_champs"),
        )
    },
}

_METHODS = {
    "synthetique": "Synthèse; la fiche FICHE.md dit comment.",
    "anonymise": "Anonymisation (chapitre A-2.1, r. 0.1); la preuve est dans datapackage.json.",
    "ouvert": "Données déjà publiques, décrites dans FICHE.md.",
    "depersonnalise": "Dépersonnalisation : ce sont toujours des renseignements personnels.",
}


def dcat_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a version. ``document`` is its ``datapackage.json``."""
    is_open = document["data_class"] == "ouvert"
    method = _METHODS[document["data_class"]].replace(" :", "\u00a0:")
    return {
        "@context": dict(CONTEXT),
        "@type": "dcat:Dataset",
        "@id": urn(document),
        "type": "dataset",
        "title": document["title"],
        "name": document["name"],
        "notes": document["description"],
        "language": "FR",
        "license_id": licence_of(document),
        "organization": {
            "@type": "foaf:Organization",
            "foaf_name": document["sources"][0]["title"],
        },
        "methodologie": method,
        # A version never changes; another one comes when somebody brings it.
        "update_frequency": "asNeeded",
        "metadata_created": document["created"],
        "version": document["version"],
        "state": "active",
        "private": not is_open,
        "access_rights": "Publiques" if is_open else "Dans les bacs à sable du laboratoire",
        "resources": [_resource(resource) for resource in document["resources"]],
    }


def _resource(resource: Mapping[str, Any]) -> dict[str, Any]:
    is_csv = resource["format"] == "csv"
    types = {field["type"] for field in resource["schema"]["fields"]}

    def where(kind: str) -> str:
        return "oui" if kind in types else "n/a"

    return {
        "@type": "dcat:Distribution",
        "name": resource["path"],
        "description": f"{resource['path']}, {len(resource['schema']['fields'])} colonnes",
        "url": resource["path"],
        "format": resource["format"].upper(),
        "mimetype": resource["mediatype"],
        "size": resource["bytes"],
        "hash": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": resource["hash"].removeprefix("sha256:"),
        },
        "taille_entier": max(1, round(resource["bytes"] / _MIB)),
        "resource_type": "donnees",
        "relidi_condon_valinc": "oui",
        "relidi_condon_nombre": "oui" if {"number", "integer"} & types else "n/a",
        "relidi_condon_boolee": where("boolean"),
        "relidi_condon_datheu": where("date"),
        "relidi_confic_utf8": "oui" if is_csv else "n/a",
        "relidi_confic_separateur_virgule": "oui" if is_csv else "n/a",
        "relidi_confic_epsg": "n/a",
        "relidi_confic_pascom": "oui" if is_csv else "non",
        "relidi_description_champs": "relidi.descha.foumet",
    }
