"""``python -m lab.gateway --settings gateway.json``."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from lab import logs
from lab.gateway import config
from lab.gateway.app import serve


def main() -> None:
    """Read settings and run until told to stop."""
    parser = argparse.ArgumentParser(prog="lab.gateway", description="The doors of every sandbox.")
    parser.add_argument("--settings", type=Path, help="JSON file; else LAB_GATEWAY_* is read")
    options = parser.parse_args()
    logs.start()
    path: Path | None = options.settings
    try:
        read = config.from_file(path) if path else config.from_environment(os.environ)
    except (OSError, ValueError) as error:
        raise SystemExit(f"lab.gateway: {config.in_one_line(error)}") from None
    asyncio.run(serve(read))


if __name__ == "__main__":
    main()
