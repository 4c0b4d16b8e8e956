"""k-anonymity, l-diversity and t-closeness by generalising and removing rows, exactly."""

from lab.data.anonymise.apply import Suppressed, apply
from lab.data.anonymise.check import Measure, Risk, Verdict, check, risk
from lab.data.anonymise.derive import dates, flat, numbers, postal_codes, regions
from lab.data.anonymise.hierarchy import Hierarchy, Words, from_csv, from_rows
from lab.data.anonymise.model import (
    Criterion,
    DistinctL,
    EntropyL,
    EqualT,
    HierarchicalT,
    Loss,
    Model,
    OrderedT,
    Problem,
    QuasiIdentifier,
    RecursiveCL,
)
from lab.data.anonymise.mondrian import WARNING, Partitioned, mondrian
from lab.data.anonymise.search import ColumnUse, Progress, Solution, search, top

__all__ = [
    "WARNING",
    "ColumnUse",
    "Criterion",
    "DistinctL",
    "EntropyL",
    "EqualT",
    "HierarchicalT",
    "Hierarchy",
    "Loss",
    "Measure",
    "Model",
    "OrderedT",
    "Partitioned",
    "Problem",
    "Progress",
    "QuasiIdentifier",
    "RecursiveCL",
    "Risk",
    "Solution",
    "Suppressed",
    "Verdict",
    "Words",
    "apply",
    "check",
    "dates",
    "flat",
    "from_csv",
    "from_rows",
    "mondrian",
    "numbers",
    "postal_codes",
    "regions",
    "risk",
    "search",
    "top",
]
