"""Who leads: a Lease on the API server, held by one process at a time.

Nobody else's clock is believed. A lease counts as left once it has not changed for its
whole duration *as seen from here*; and who holds it stops believing in it well before
the others could.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

_CLOCK_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class LeaseError(Exception):
    """The API server refused, or did not answer."""


class LeaseTakenError(LeaseError):
    """Somebody wrote it in between; look again."""


class LostLeaseError(Exception):
    """This process may not act any more."""


class LeaseApi(Protocol):
    """One Lease object, as JSON."""

    async def get(self) -> dict[str, Any] | None:
        """Return it, or nothing where there is none.

        Raises:
            LeaseError: We could not look.
        """
        ...

    async def create(self, lease: Mapping[str, Any]) -> dict[str, Any]:
        """Make it.

        Raises:
            LeaseTakenError: It is there.
            LeaseError: It failed.
        """
        ...

    async def replace(self, lease: Mapping[str, Any]) -> dict[str, Any]:
        """Write it, if it is still the version that was read.

        Raises:
            LeaseTakenError: It changed.
            LeaseError: It failed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long a lease lasts.

    Attributes:
        lasts: So long after the last sign of its holder others leave it alone.
        renew: How often its holder gives one.
        give_up: So long after the last sign that got through its holder stops; the rest, until
            others may take over, is for what was under way.
    """

    lasts: timedelta = timedelta(seconds=15)
    renew: timedelta = timedelta(seconds=5)
    give_up: timedelta = timedelta(seconds=10)


class Elector:
    """Tries to hold the lease, and says whether it does.

    Args:
        api: Where the lease is.
        identity: Of this very process: a restarted one is another.
        terms: How long it lasts.
        now: The time that is written into the lease, for people to read.
    """

    def __init__(
        self,
        api: LeaseApi,
        *,
        identity: str,
        terms: Terms | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api, self.identity, self._now = api, identity, now
        self._terms = terms or Terms()
        self._seen: tuple[object, ...] = ()
        self._seen_at = 0.0
        self._held: dict[str, Any] | None = None
        self._good_until = 0.0
        self.holder = ""

    def is_leader(self) -> bool:
        """Tell whether this process holds the lease now, by its own clock."""
        return self._held is not None and _time() < self._good_until

    def check(self) -> None:
        """Let who leads go on.

        Raises:
            LostLeaseError: This process does not lead, or not any more.
        """
        if not self.is_leader():
            raise LostLeaseError("another process may lead now")

    async def acquire(self) -> None:
        """Return once this process leads, however long that takes."""
        while not await self._try():  # noqa: ASYNC110  what is waited for is not in this process
            await asyncio.sleep(self._terms.renew.total_seconds() / 2)
        log.info("leading", extra={"identity": self.identity})

    async def keep(self) -> None:
        """Renew again and again; return once the lease is lost."""
        while self.is_leader():
            left = self._good_until - _time()
            await asyncio.sleep(min(self._terms.renew.total_seconds(), left))
            while self.is_leader() and not await self._renew() and self.is_leader():  # noqa: ASYNC110
                await asyncio.sleep(min(1.0, max(0.0, self._good_until - _time())))
        log.error("the lease is lost", extra={"identity": self.identity})

    async def release(self) -> None:
        """Give it back, so that another one need not wait. Acts of this process must be over."""
        held, self._held = self._held, None
        if held is None:
            return
        try:
            lease = self._written(held, holder="")
            lease["spec"]["leaseDurationSeconds"] = 1
            await self._api.replace(lease)
        except LeaseError:
            log.warning("the lease was not given back: it runs out by itself")

    async def _try(self) -> bool:
        """Take the lease where it is free."""
        began = _time()
        try:
            found = await self._api.get()
            if found is None:
                self._hold(await self._api.create(self._new()), began)
                return True
            if _spec(found).get("holderIdentity") == self.identity:
                # Our own answer was lost on its way.
                self._hold(await self._api.replace(self._written(found)), began)
                return True
            if not self._is_left(found):
                return False
            self._hold(await self._api.replace(self._taken(found)), began)
        except LeaseTakenError:
            return False
        except LeaseError as error:
            log.warning("the lease cannot be looked at: %s", error)
            return False
        return True

    async def _renew(self) -> bool:
        held = self._held
        if held is None:
            return False
        began = _time()
        try:
            async with asyncio.timeout(max(0.0, self._good_until - began)):
                self._hold(await self._api.replace(self._written(held)), began)
        except LeaseTakenError:
            return await self._look_again(began)
        except (LeaseError, TimeoutError) as error:
            log.warning("the lease is not renewed: %s", error)
            return False
        return True

    async def _look_again(self, began: float) -> bool:
        """After a conflict: an answer of ours was lost on its way, or it is another's now."""
        try:
            found = await self._api.get()
        except LeaseError as error:
            log.warning("the lease cannot be looked at: %s", error)
            return False
        if found is not None and _spec(found).get("holderIdentity") == self.identity:
            self._held = found  # the next try writes over what was read now
            return False
        log.error("another one took the lease", extra={"after": _time() - began})
        self._held = None
        return False

    def _is_left(self, lease: Mapping[str, Any]) -> bool:
        """Tell whether its holder gave it back, or has given no sign for its whole duration."""
        spec = _spec(lease)
        self.holder = str(spec.get("holderIdentity") or "")
        sign = (self.holder, spec.get("renewTime"), spec.get("leaseTransitions"))
        now = _time()
        if sign != self._seen:
            self._seen, self._seen_at = sign, now
        if not self.holder:
            return True
        said = spec.get("leaseDurationSeconds")
        lasts = said if type(said) is int and said > 0 else self._terms.lasts.total_seconds()
        return now - self._seen_at > lasts

    def _hold(self, lease: dict[str, Any], began: float) -> None:
        # From before the request: the others count from when it arrived.
        self._held, self.holder = lease, self.identity
        self._good_until = began + self._terms.give_up.total_seconds()

    def _new(self) -> dict[str, Any]:
        now = self._now().strftime(_CLOCK_FORMAT)
        spec = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": int(self._terms.lasts.total_seconds()),
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": 0,
        }
        return {"spec": spec}

    def _taken(self, lease: Mapping[str, Any]) -> dict[str, Any]:
        taken = self._written(lease)
        before = _spec(lease).get("leaseTransitions")
        taken["spec"]["leaseTransitions"] = (before if type(before) is int else 0) + 1
        taken["spec"]["acquireTime"] = taken["spec"]["renewTime"]
        return taken

    def _written(self, lease: Mapping[str, Any], *, holder: str | None = None) -> dict[str, Any]:
        """Return it with a new sign; the version that was read goes with it."""
        spec = {
            **_spec(lease),
            "holderIdentity": self.identity if holder is None else holder,
            "leaseDurationSeconds": int(self._terms.lasts.total_seconds()),
            "renewTime": self._now().strftime(_CLOCK_FORMAT),
        }
        return {**lease, "spec": spec}


def _spec(lease: Mapping[str, Any]) -> dict[str, Any]:
    spec = lease.get("spec")
    return spec if isinstance(spec, dict) else {}


def _time() -> float:
    """Return the loop's own clock, which no administrator sets back."""
    return asyncio.get_running_loop().time()
