"""What each column of a table says about people, before anybody may treat it."""

from lab.data.detect.confirmation import Confirmation, check, must_go
from lab.data.detect.finding import Finding, Hit
from lab.data.detect.kinds import TRAITS, Action, Kind, Trait
from lab.data.detect.scanning import Progress, scan

__all__ = [
    "TRAITS",
    "Action",
    "Confirmation",
    "Finding",
    "Hit",
    "Kind",
    "Progress",
    "Trait",
    "check",
    "must_go",
    "scan",
]
