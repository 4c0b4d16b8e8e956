"""What may go wrong with data."""

from __future__ import annotations

from lab.domain.errors import LabError, RequestError


class PublicationError(LabError):
    """A version cannot be published, or is no longer what was published."""

    code = "publication_failed"

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")
        self.what, self.why = what, why


class DataError(RequestError):
    """Data that cannot be taken or treated as they are; whoever brought them can mend it.

    Attributes:
        reason: Stable word, snake_case, for example ``mixed_encoding``.
        fr: A sentence for people, with the place (line, column).
        en: The same in English.
    """

    code = "bad_data"

    def __init__(self, reason: str, *, fr: str, en: str) -> None:
        super().__init__(f"{reason}: {en}")
        self.reason, self.fr, self.en = reason, fr, en
