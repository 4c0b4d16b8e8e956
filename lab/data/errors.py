"""What may go wrong with data."""

from __future__ import annotations

from lab.domain.errors import LabError


class PublicationError(LabError):
    """A version cannot be published, or is no longer what was published."""

    code = "publication_failed"

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")
        self.what, self.why = what, why
