"""How an API server fails, in one family, and what each failure means to the lab."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.domain.errors import ProviderError, TerminalProviderError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.domain.sandbox import Stage


class ClusterError(Exception):
    """The API server refused, failed or did not answer. Safe to retry.

    Attributes:
        status: Of HTTP; 0 where no answer came.
        retry_after: Seconds the server asked us to wait; 0 where it did not say.
    """

    def __init__(self, message: str, *, status: int = 0, retry_after: float = 0) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


class UnreachableError(ClusterError):
    """No answer came: refused, cut, or too late. Whether it was done is not known."""


class BusyError(ClusterError):
    """The server asks to come back later (429, 503). Nothing was done."""


class ConflictError(ClusterError):
    """The object changed in between, or is there already."""


class ExpiredError(ClusterError):
    """What was seen so far is too old to go on from (410): list again."""


class TerminatingError(ClusterError):
    """The namespace is being deleted; nothing can be made in it."""


class FullError(ClusterError):
    """A quota of the cluster has no room for it."""


class RefusedError(ClusterError):
    """The server understood and will refuse again: rights, admission, a wrong object."""


class NotOursError(RefusedError):
    """An object of that name exists and does not carry our label. It is never touched."""


_BUSY = frozenset({429, 503})
_UNAUTHORIZED, _FORBIDDEN = 401, 403
_FAMILIES: dict[int, type[ClusterError]] = {
    409: ConflictError,
    410: ExpiredError,
    **dict.fromkeys((400, 405, 406, 413, 415, 422), RefusedError),
}


def from_answer(
    status: int, body: Mapping[str, object], what: str, *, retry_after: float = 0
) -> ClusterError:
    """Say what an answer other than success means.

    Args:
        status: Of HTTP.
        body: A ``Status`` object, as far as one came.
        what: What was tried: ``patch namespaces/sb-…``.
        retry_after: What the answer's header said, in seconds.
    """
    said = str(body.get("message") or "no reason was given")
    message = f"{what}: {said}"
    if status in _BUSY:
        return BusyError(f"{what}: the API server is busy", status=status, retry_after=retry_after)
    if status == _UNAUTHORIZED:
        return RefusedError(f"{what}: the API server does not accept our identity", status=status)
    if status == _FORBIDDEN:
        return _forbidden(message, said)
    family = _FAMILIES.get(status, ClusterError)
    return family(message, status=status)


def _forbidden(message: str, said: str) -> ClusterError:
    """403 has four meanings: a dying namespace, a full quota, admission, or no right."""
    if "being terminated" in said:
        return TerminatingError(message, status=_FORBIDDEN)
    if "exceeded quota" in said or "status unknown for quota" in said:
        return FullError(message, status=_FORBIDDEN)
    if "serviceaccount" in said and "not found" in said:
        # The controller that makes a namespace's default account has not come by yet.
        return ClusterError(message, status=_FORBIDDEN)
    return RefusedError(message, status=_FORBIDDEN)


@contextmanager
def told_by(stage: Stage) -> Iterator[None]:
    """Turn what goes wrong inside into the provider errors that the core knows.

    Raises:
        TerminalProviderError: The server will refuse again until an operator acts.
        ProviderError: Trying again later may help.
    """
    try:
        yield
    except RefusedError as error:
        raise TerminalProviderError(stage, str(error)) from error
    except ClusterError as error:
        raise ProviderError(stage, str(error)) from error
