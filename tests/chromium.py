"""The browser that every test in a browser starts."""

from __future__ import annotations

import shutil


def program() -> str:
    """Return where it is; without it such a test fails, as it is part of the set-up."""
    found = shutil.which("chromium")
    assert found, "Chromium is missing: 'make setup' installs it"
    return found
