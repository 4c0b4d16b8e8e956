"""Write the reference pages anew: ``python -m tests.docs.generate``."""

from __future__ import annotations

from tests.docs.reference import PAGES
from tests.docs.writing import FOLDER


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), "utf-8")


if __name__ == "__main__":
    main()
