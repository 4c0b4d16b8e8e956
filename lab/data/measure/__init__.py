"""Measure: the law's three criteria and the utility, before and after.

Individualisation, corrélation and inférence (A-2.1, r. 0.1, art. 5 to 7): classes are counted,
and each criterion is attacked, with bounds, with people who are not in the source, and with the
same attack on the unprotected table, so that a broken attack cannot pass.
"""

from lab.data.measure.codec import as_json, from_json
from lab.data.measure.counting import Counts, Diversity, count, diversity
from lab.data.measure.drawing import draw
from lab.data.measure.intervals import Interval, Rate
from lab.data.measure.judging import Thresholds, Verdict, judge, judge_utility
from lab.data.measure.plots import (
    Figure,
    attack_risks,
    class_sizes,
    column_shifts,
    utility_bars,
)
from lab.data.measure.report import Audience, RiskReport, Technique, UtilityReport
from lab.data.measure.risks import Plan, measure_risk
from lab.data.measure.sentences import Reason
from lab.data.measure.trials import Attack, Method, Trial
from lab.data.measure.usefulness import measure_utility

__all__ = [
    "Attack",
    "Audience",
    "Counts",
    "Diversity",
    "Figure",
    "Interval",
    "Method",
    "Plan",
    "Rate",
    "Reason",
    "RiskReport",
    "Technique",
    "Thresholds",
    "Trial",
    "UtilityReport",
    "Verdict",
    "as_json",
    "attack_risks",
    "class_sizes",
    "column_shifts",
    "count",
    "diversity",
    "draw",
    "from_json",
    "judge",
    "judge_utility",
    "measure_risk",
    "measure_utility",
    "utility_bars",
]
