"""The domain of the Adult table (UCI, 1996), from its public documentation.

The words are those of the census questionnaire as the UCI page lists them; ages
are 17 to 90 (90 stands for 90 and over), in bins of five years. Nothing is taken
from the rows; the other columns of the full table are not in the shared file.
"""

from __future__ import annotations

import polars as pl

from lab.data.synthesise import Categories, Domain, Numbers
from tests.data.adult import TABLE as PATH

WORDS = {
    "sex": "Female, Male",
    "race": "White, Asian-Pac-Islander, Amer-Indian-Eskimo, Other, Black",
    "marital-status": (
        "Married-civ-spouse, Divorced, Never-married, Separated, Widowed,"
        " Married-spouse-absent, Married-AF-spouse"
    ),
    "education": (
        "Bachelors, Some-college, 11th, HS-grad, Prof-school, Assoc-acdm, Assoc-voc, 9th,"
        " 7th-8th, 12th, Masters, 1st-4th, 10th, Doctorate, 5th-6th, Preschool"
    ),
    "native-country": (
        "United-States, Cambodia, England, Puerto-Rico, Canada, Germany,"
        " Outlying-US(Guam-USVI-etc), India, Japan, Greece, South, China, Cuba, Iran, Honduras,"
        " Philippines, Italy, Poland, Jamaica, Vietnam, Mexico, Portugal, Ireland, France,"
        " Dominican-Republic, Laos, Ecuador, Taiwan, Haiti, Columbia, Hungary, Guatemala,"
        " Nicaragua, Scotland, Thailand, Yugoslavia, El-Salvador, Trinadad&Tobago, Peru, Hong,"
        " Holand-Netherlands"
    ),
    "workclass": (
        "Private, Self-emp-not-inc, Self-emp-inc, Federal-gov, Local-gov, State-gov,"
        " Without-pay, Never-worked"
    ),
    "occupation": (
        "Tech-support, Craft-repair, Other-service, Sales, Exec-managerial, Prof-specialty,"
        " Handlers-cleaners, Machine-op-inspct, Adm-clerical, Farming-fishing,"
        " Transport-moving, Priv-house-serv, Protective-serv, Armed-Forces"
    ),
    "salary-class": ">50K, <=50K",
}

AGE = Numbers(lower=17, upper=90, bins=tuple(range(20, 90, 5)), nullable=False)


def table() -> pl.DataFrame:
    return pl.read_csv(PATH, separator=";")


def domain() -> Domain:
    words = {
        name: Categories(values=tuple(text.split(", ")), nullable=False)
        for name, text in WORDS.items()
    }
    return Domain({"age": AGE, **words})
