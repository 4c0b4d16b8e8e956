"""Try the walls of the pod this runs in. See ``probes.run``."""

from __future__ import annotations

import sys

if __package__:
    from .probes import run
else:  # run as a folder, inside
    from probes import run  # type: ignore[import-not-found,no-redef]

if __name__ == "__main__":
    sys.exit(run.main(sys.argv[1:]))
