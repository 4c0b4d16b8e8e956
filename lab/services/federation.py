"""Sign-in by an identity provider: begun here, ended here, and the account that comes of it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.domain.federation import Fault, Identity, PendingSignIn, SignInError, person_of
from lab.domain.ids import MemberId
from lab.domain.member import Member
from lab.domain.text import checked
from lab.domain.token import TokenKind, hash_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.errors import Problem
    from lab.domain.federation import Person, SignInPolicy
    from lab.ports import Clock, IdentityProvider, Store, Transaction
    from lab.services.journal import Journal
    from lab.services.members import MemberService

TIME_TO_SIGN_IN = timedelta(minutes=10)
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,99}", re.ASCII)
_LONGEST, _LONGEST_NAME = 2000, 200
_RIGHTS_GONE = frozenset({Fault.UNKNOWN_GROUP, Fault.TWO_AGENCIES, Fault.MOVED})
"""What ends what the person had: the provider no longer says that it is theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the provider sent the browser back with.

    Attributes:
        error: A word of RFC 6749, where it did not come off.
        issuer: Who answers, where the provider says it (RFC 9207).
    """

    state: str
    code: str = ""
    error: str = ""
    issuer: str = ""


class FederationService:
    """What an identity provider is good for.

    Args:
        key: What nonce and verifier are made from, so that nothing that is kept shows them.
        new_id: Makes an identifier from a prefix, never the same twice.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        journal: Journal,
        members: MemberService,
        provider: IdentityProvider,
        policy: SignInPolicy,
        key: bytes,
        new_id: Callable[[str], str],
    ) -> None:
        self._store, self._clock, self._journal = store, clock, journal
        self._members, self._provider, self._key, self._new_id = members, provider, key, new_id
        self.policy = policy

    async def aclose(self) -> None:
        """Let go of every connection to the provider."""
        await self._provider.aclose()

    async def start(self, browser: str, next_path: str) -> str:
        """Return where the browser is sent.

        Args:
            browser: What only that browser's cookie has; it alone may come back.
            next_path: Where it leads in the end, a path of the portal.

        Raises:
            SignInError: The provider is away, or is not who it should be.
        """
        state, now = secrets.token_urlsafe(32), self._clock.now()
        url = await self._provider.authorization_url(
            state=state, nonce=self._derived("nonce", state), verifier=self._verifier(state)
        )
        async with self._store.begin() as tx:
            await tx.sign_ins.drop_expired(now)
            await tx.sign_ins.put(
                PendingSignIn(
                    hash_token(state), hash_token(browser), next_path, now + TIME_TO_SIGN_IN
                )
            )
        return url

    async def finish(self, browser: str, answer: Answer) -> tuple[str, str]:
        """Return a session token, and where it leads.

        Raises:
            SignInError: It came to nothing; the fault says why.
        """
        async with self._journal.refusals(None, "session.open"):
            pending = await self._taken(browser, answer)
            claims = await self._provider.claims(
                answer.code,
                nonce=self._derived("nonce", answer.state),
                verifier=self._verifier(answer.state),
            )
            try:
                member = await self._admit(person_of(self.policy, claims))
            except SignInError as error:
                if error.fault in _RIGHTS_GONE:
                    await self._withdraw(str(claims["sub"]))
                raise
        token = await self._members.issue(member, TokenKind.SESSION, facts={"by": "provider"})
        return token, pending.next_path

    async def _taken(self, browser: str, answer: Answer) -> PendingSignIn:
        """Use up the state and return what was kept with it."""
        state, now = hash_token(answer.state[:_LONGEST]), self._clock.now()
        async with self._store.begin() as tx:
            pending = await tx.sign_ins.use(state, now)
            seen = pending or await tx.sign_ins.get(state)
        if seen is None or seen.browser != hash_token(browser):
            raise SignInError(Fault.FOREIGN_STATE)
        if pending is None:
            is_replayed = seen.used_at is not None
            raise SignInError(Fault.REPLAYED_STATE if is_replayed else Fault.FOREIGN_STATE)
        if answer.issuer and answer.issuer != self._provider.issuer:
            raise SignInError(Fault.WRONG_ISSUER)
        if answer.error == "access_denied":
            raise SignInError(Fault.CANCELLED)
        if answer.error or not 1 <= len(answer.code) <= _LONGEST:
            raise SignInError(Fault.BAD_ANSWER)
        return pending

    async def _withdraw(self, subject: str) -> None:
        """Close the account of somebody whose groups are gone; all their tokens end."""
        async with self._store.begin() as tx:
            identity = await tx.identities.get(self._provider.issuer, subject)
            member = await tx.members.get(identity.member_id) if identity else None
            if identity is None or member is None or not member.is_active:
                return
            await tx.members.put(replace(member, is_active=False))
            await tx.identities.put(replace(identity, is_withdrawn=True))
            await tx.tokens.drop_of(member.id)
            await self._journal.done(
                tx,
                actor=None,
                action="member.withdraw",
                resource_id=member.id,
                agency_id=member.agency_id,
            )

    async def _admit(self, person: Person) -> Member:
        """Return the member that the person is, made or brought up to date."""
        issuer, now = self._provider.issuer, self._clock.now()
        async with self._store.begin() as tx:
            if person.agency_id and await tx.agencies.get(person.agency_id) is None:
                raise SignInError(Fault.UNKNOWN_AGENCY)
            identity = await tx.identities.get(issuer, person.subject)
            known = await tx.members.get(identity.member_id) if identity else None
            if identity is None or known is None:
                member = await self._created(tx, person)
            elif not known.is_active and not identity.is_withdrawn:
                raise SignInError(Fault.CLOSED)
            else:
                member = await self._updated(tx, person, known)
            await tx.identities.put(Identity(issuer, person.subject, member.id, now))
        return member

    async def _created(self, tx: Transaction, person: Person) -> Member:
        login = self._login(person)
        if await tx.members.by_login(login) is not None:
            raise SignInError(Fault.LOGIN_TAKEN)
        member = Member(
            id=MemberId(self._new_id("m")),
            login=login,
            name=_name(person, login),
            agency_id=person.agency_id,
            roles=person.roles,
        )
        written = await tx.members.put(member)
        await self._journal.done(
            tx,
            actor=None,
            action="member.create",
            resource_id=member.id,
            agency_id=member.agency_id,
            facts={"by": "provider"},
        )
        return written

    async def _updated(self, tx: Transaction, person: Person, known: Member) -> Member:
        """Bring name, roles and agency up to date. The login stays what it was."""
        if person.agency_id != known.agency_id:
            # Who moves keeps nothing of where they were: not even a place in a team.
            teams = [sandbox.spec.members for sandbox in await tx.sandboxes.live()]
            if any(known.id in team for team in teams):
                raise SignInError(Fault.MOVED)
        wanted = replace(
            known,
            name=_name(person, known.login),
            agency_id=person.agency_id,
            roles=person.roles,
            is_active=True,
        )
        if wanted == known:
            return known
        if person.agency_id != known.agency_id:
            await tx.tokens.drop_of(known.id)
        written = await tx.members.put(wanted)
        await self._journal.done(
            tx,
            actor=None,
            action="member.update",
            resource_id=known.id,
            agency_id=wanted.agency_id,
            facts={"by": "provider", "roles": " ".join(sorted(r.value for r in wanted.roles))},
        )
        return written

    def _login(self, person: Person) -> str:
        login = person.login.lower()
        if _LOGIN.fullmatch(login):
            return login
        # What cannot be a login here still names one person, always the same.
        said = f"{self._provider.issuer} {person.subject}"
        return f"p-{hashlib.sha256(said.encode()).hexdigest()[:12]}"

    def _verifier(self, state: str) -> str:
        return self._derived("verifier", state)

    def _derived(self, what: str, state: str) -> str:
        return hmac.new(self._key, f"oidc:{what}:{state}".encode(), hashlib.sha256).hexdigest()


def _name(person: Person, login: str) -> str:
    wrong: list[Problem] = []
    name = checked("name", person.name, longest=_LONGEST_NAME, report=wrong.append)
    return login if wrong else name
