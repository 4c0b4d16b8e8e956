"""``python -m lab.seeding``: what a new lab on a cluster needs. May run again at any time.

With ``--link LOGIN`` or ``--token LOGIN`` it makes nothing, and prints a way in for
somebody who is there already: for whoever may run programs in the lab's own pods.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
from functools import partial
from typing import TYPE_CHECKING

from lab import bootstrap, logs
from lab.bootstrap.outside import dataset_storage
from lab.domain.errors import LabError, ProviderError, StoreUnavailableError
from lab.domain.token import TokenKind
from lab.seeding import quarantine, tracking
from lab.seeding.datasets import Shipped
from lab.seeding.sowing import Sowing
from lab.settings import BadSettingsError, from_environment
from lab.store import SqlGrants, migrate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from lab.bootstrap import Lab
    from lab.settings import Settings

log = logging.getLogger(__name__)

CHOSEN = "demo-passwords"
"""A secret that need not be there: JSON, a password for each login."""
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 10.0


async def seed(settings: Settings, *, has_demo: bool, wait_seconds: float) -> None:
    """Migrate, make agencies and accounts, publish the data sets that are shipped.

    Raises:
        LabError: The database or the store does not answer in time, or refuses.
    """
    deadline = asyncio.get_running_loop().time() + wait_seconds
    await _insisting(lambda: migrate.upgrade(settings.database_url), "the database", deadline)
    lab = await bootstrap.build(settings, acts=False)
    try:
        if isinstance(lab.grants, SqlGrants):
            await lab.grants.reseal()
        passwords = await Sowing(lab, chosen=_chosen(settings)).people(has_demo=has_demo)
        chosen = _chosen(settings)
        for login, password in passwords.items():
            told = "as chosen" if login in chosen else password
            print(f"account {login}: password {told}", flush=True)  # noqa: T201  told once, here
        shipped = Shipped(lab, dataset_storage(settings))
        for place in (tracking, quarantine):
            await _insisting(partial(place.prepare, settings), "the object store", deadline)
        count = await _insisting(shipped.publish, "the object store", deadline)
        print(f"data sets published: {count}", flush=True)  # noqa: T201
    finally:
        await lab.aclose()


async def tell(settings: Settings, login: str, *, as_token: bool) -> str:
    """Return a link that signs somebody in, or a token for the API.

    Raises:
        NotFoundError: Nobody has that login.
    """
    lab: Lab = await bootstrap.build(settings, acts=False)
    try:
        if not as_token:
            return await Sowing(lab).link(login)
        member = await lab.members.by_login(None, login)
        return await lab.members.issue(member, TokenKind.API, facts={"label": "lab.seeding"})
    finally:
        await lab.aclose()


async def _insisting(
    work: Callable[[], Awaitable[int | None]], what: str, deadline: float
) -> int | None:
    """Do it as soon as the other side is there."""
    wait = _FIRST_WAIT
    while True:
        try:
            return await work()
        except (StoreUnavailableError, ProviderError) as error:
            if asyncio.get_running_loop().time() + wait > deadline:
                raise
            log.info("waiting for %s: %s", what, error)
        await asyncio.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT)


def _chosen(settings: Settings) -> dict[str, str]:
    try:
        text = settings.secret(CHOSEN)
    except FileNotFoundError:
        return {}
    found = json.loads(text or "{}")
    if not isinstance(found, dict):
        raise BadSettingsError(f"the secret {CHOSEN} is no JSON object")
    return {str(login): str(password) for login, password in found.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the settings from the environment and do what is asked."""
    parser = argparse.ArgumentParser(prog="lab.seeding", description="What a new lab needs.")
    parser.add_argument("--demo", action="store_true", help="fictional agencies and people too")
    parser.add_argument("--wait", type=float, default=600, help="seconds, for the other parts")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--link", metavar="LOGIN", help="print a link that signs in, once")
    which.add_argument("--token", metavar="LOGIN", help="print a token for the API")
    options = parser.parse_args(arguments)
    logs.start()
    login = options.link or options.token
    try:
        settings = from_environment()
        if login:
            as_token = options.token is not None
            print(asyncio.run(tell(settings, login, as_token=as_token)))  # noqa: T201
        else:
            asyncio.run(seed(settings, has_demo=options.demo, wait_seconds=options.wait))
    except (LabError, BadSettingsError, OSError, ValueError) as error:
        raise SystemExit(f"lab.seeding: {error}") from None


if __name__ == "__main__":
    main()
