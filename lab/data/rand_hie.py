"""The RAND Health Insurance Experiment: a real table for public use, as statsmodels carries it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import statsmodels
from pyarrow import csv

from lab.data.source import Prose, Source
from lab.domain.dataset import Column, DataClass, Dataset
from lab.domain.ids import DatasetId

ROWS = 20_190

DATASET = Dataset(
    id=DatasetId("rand-hie"),
    title_fr="Assurance maladie et visites médicales (expérience RAND)",
    title_en="Health insurance and medical visits (RAND experiment)",
    description_fr=(
        "20 190 observations de l’expérience RAND sur l’assurance maladie (États-Unis, 1974 à "
        "1982) : nombre de visites chez le médecin selon le partage des coûts et l’état de santé. "
        "Table réelle, d’usage public."
    ),
    description_en=(
        "20,190 observations of the RAND Health Insurance Experiment (United States, 1974 to "
        "1982): number of visits to a doctor by cost sharing and health. A real table, for public "
        "use."
    ),
    data_class=DataClass.OPEN,
    licence="Domaine public (mention de statsmodels)",
    source=(
        "RAND Corporation, Health Insurance Experiment; extrait de Cameron et Trivedi, "
        "Microeconometrics (2005), distribué avec statsmodels (statsmodels.datasets.randhie)"
    ),
)

COLUMNS = (
    Column(
        "mdvis",
        "integer",
        "Visites chez un médecin, sans hospitalisation, dans l’année",
        "Outpatient visits to a doctor in the year",
    ),
    Column(
        "lncoins",
        "number",
        "ln(coassurance + 1), la coassurance allant de 0 à 100",
        "ln(coinsurance + 1), coinsurance from 0 to 100",
    ),
    Column(
        "idp",
        "integer",
        "1 si le régime a une franchise individuelle, 0 sinon",
        "1 if the plan has an individual deductible, 0 otherwise",
    ),
    Column(
        "lpi",
        "number",
        "ln(max(1, prime annuelle de participation))",
        "ln(max(1, annual participation incentive payment))",
    ),
    Column(
        "fmde",
        "number",
        "0 si idp vaut 1; sinon ln(max(1, dépense maximale / (0,01 × coassurance)))",
        "0 if idp is 1; otherwise ln(max(1, maximum expenditure / (0.01 × coinsurance)))",
    ),
    Column(
        "physlm",
        "number",
        "1 si la personne a une limitation physique (part estimée, entre 0 et 1, si inconnue)",
        "1 if the person has a physical limitation (estimated share, 0 to 1, where unknown)",
    ),
    Column("disea", "number", "Indice de maladies chroniques", "Index of chronic diseases"),
    Column("hlthg", "integer", "1 si la santé est dite bonne", "1 if self-rated health is good"),
    Column(
        "hlthf", "integer", "1 si la santé est dite passable", "1 if self-rated health is fair"
    ),
    Column(
        "hlthp", "integer", "1 si la santé est dite mauvaise", "1 if self-rated health is poor"
    ),
)

FRENCH = Prose(
    what=(
        "Un extrait réel, sans identifiant, de l’expérience RAND sur l’assurance maladie : des "
        "familles américaines ont reçu au hasard un régime d’assurance plus ou moins généreux, et "
        "l’on a compté leurs visites médicales. Une ligne est une personne observée pendant une "
        "année; une même personne peut revenir sur plusieurs lignes, sans que rien ne le dise."
    ),
    how=(
        "La RAND Corporation a recueilli les données. La table est celle que Cameron et Trivedi "
        "ont préparée pour *Microeconometrics* (Cambridge University Press, 2005) et que "
        "statsmodels distribue (`statsmodels.datasets.randhie`). Nous n’y changeons rien : mêmes "
        "lignes, mêmes colonnes, même ordre; nous ajoutons seulement des libellés en français. "
        "Ce n’est qu’une partie des données d’origine, et statsmodels prévient qu’elle diffère un "
        "peu de celle du livre."
    ),
    limits=(
        "Des États-Unis des années 1970 : rien n’y décrit le réseau de la santé du Québec.",
        (
            "Les lignes d’une même personne ne sont pas indépendantes; sans identifiant, on ne "
            "peut les tenir ensemble, et une validation croisée flattera le modèle."
        ),
        "La santé excellente est la catégorie de référence : hlthg, hlthf et hlthp y valent 0.",
        "Ne cherchez pas à reconnaître quelqu’un. C’est une règle du laboratoire, même ici.",
    ),
    uses=(
        "Modéliser un nombre de visites (Poisson, binomiale négative, arbres).",
        "Mesurer l’effet d’un partage des coûts attribué au hasard.",
    ),
)

ENGLISH = Prose(
    what=(
        "A real extract, with no identifier, of the RAND Health Insurance Experiment: American "
        "families got, at random, a more or less generous insurance plan, and their medical "
        "visits were counted. One row is one person in one year; a person may be on several rows, "
        "and nothing says so."
    ),
    how=(
        "The RAND Corporation collected the data. The table is the one that Cameron and Trivedi "
        "prepared for *Microeconometrics* (Cambridge University Press, 2005) and that statsmodels "
        "carries (`statsmodels.datasets.randhie`). We change nothing: same rows, same columns, "
        "same order; we only add labels in French. It is a part of the original data, and "
        "statsmodels warns that it varies slightly from what the book reports."
    ),
    limits=(
        "The United States of the 1970s: nothing here describes Quebec’s health network.",
        (
            "Rows of one person are not independent; without an identifier they cannot be kept "
            "together, and cross-validation will flatter the model."
        ),
        "Excellent health is the omitted category: hlthg, hlthf and hlthp are then 0.",
        "Do not try to recognise anybody. It is a rule of the lab, even here.",
    ),
    uses=(
        "Model a count of visits (Poisson, negative binomial, trees).",
        "Measure the effect of cost sharing given at random.",
    ),
)

_ARROW = {"integer": pa.int64(), "number": pa.float64()}


def load() -> pa.Table:
    """Read the table as statsmodels installs it; nothing is downloaded."""
    path = Path(statsmodels.__file__).parent / "datasets" / "randhie" / "randhie.csv"
    types = {column.name: _ARROW[column.type] for column in COLUMNS}
    options = csv.ConvertOptions(column_types=types, include_columns=list(types))
    return csv.read_csv(path, convert_options=options)


def source() -> Source:
    """Read the table and say everything about it."""
    return Source(DATASET, COLUMNS, load(), "other-pd", FRENCH, ENGLISH)
