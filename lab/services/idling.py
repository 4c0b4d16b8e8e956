"""Finds the notebook servers that will soon end for want of use."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.domain.errors import ProviderError
from lab.domain.notice import Happening, NoticeKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lab.domain.idleness import IdleRule
    from lab.domain.ids import MemberId
    from lab.domain.sandbox import Sandbox
    from lab.ports import Notebooks

log = logging.getLogger(__name__)

_OFTENEST = timedelta(minutes=1)


class IdleLook:
    """Asks the hub what runs, now and then: its list of people is long where there are many.

    Args:
        rule: After how long without any use a server ends.
    """

    def __init__(self, *, notebooks: Notebooks, rule: IdleRule) -> None:
        self._notebooks, self._rule = notebooks, rule
        self._every = min(_OFTENEST, rule.lead / 4)
        self._next_at: datetime | None = None

    async def found(
        self, live: Sequence[Sandbox], now: datetime
    ) -> list[tuple[Happening, tuple[MemberId, ...]]]:
        """Return which servers end soon, each with whose it is.

        A hub that does not answer tells of none; it is asked again.
        """
        if not self._rule.is_on or (self._next_at is not None and now < self._next_at):
            return []
        self._next_at = now + self._every
        teams = {s.id: s.spec.members for s in live if s.may_run(now)}
        try:
            running = await self._notebooks.running()
        except ProviderError as error:
            log.warning("not known which notebooks are used: %s", error)
            return []
        return [
            (
                Happening(NoticeKind.IDLE, each.sandbox_id, str(int(end.timestamp()))),
                (each.member_id,),
            )
            for each in running
            if each.member_id in teams.get(each.sandbox_id, ())
            and (end := self._rule.told_of(each.used_at, now)) is not None
        ]
