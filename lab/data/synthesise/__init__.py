"""Synthetic tables with differential privacy: declared domain, account, synthesis, audit."""

from lab.data.synthesise.budget import Account, Budget, Spending, epsilon_of, rho_of
from lab.data.synthesise.columns import Categories, Column, Dates, Numbers
from lab.data.synthesise.domain import Domain
from lab.data.synthesise.mechanism import TREE, Plan
from lab.data.synthesise.synthesis import NoisyTable, Synthesis, Warned, generate, synthesise

__all__ = [
    "TREE",
    "Account",
    "Budget",
    "Categories",
    "Column",
    "Dates",
    "Domain",
    "NoisyTable",
    "Numbers",
    "Plan",
    "Spending",
    "Synthesis",
    "Warned",
    "epsilon_of",
    "generate",
    "rho_of",
    "synthesise",
]
