"""``python -m tests.cluster``: the cluster for tests."""

from __future__ import annotations

import sys

from tests.cluster.driver.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
