"""The ``lab`` command, for operators.

Exit codes: 0 done; 1 the lab refused; 2 wrong usage, or this machine lacks
something and nothing was changed; 3 the lab, or a part of it, does not answer.
"""

from lab.cli.app import app

__all__ = ["app"]
