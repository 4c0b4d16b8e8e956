"""The rule of each route. With a route that has none the application refuses to start."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from fastapi import Request  # noqa: TC002 -- FastAPI reads the annotation
from fastapi.routing import APIRoute

from lab.domain.errors import ForbiddenError, InvalidError, NotSignedInError, Problem
from lab.domain.member import ACCESS, Resource, Verb
from lab.web.forms import form_of
from lab.web.gate import UNSAFE, is_upload
from lab.web.identity import CSRF_FIELD, CSRF_HEADER, caller_of, check_form
from lab.web.wiring import lab_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi.dependencies.models import Dependant
    from starlette.routing import BaseRoute

    from lab.domain.member import Member


class Who(Enum):
    """Whom a route is for."""

    PUBLIC = "public"
    """Anybody. A form of a public page still needs its proof of origin."""
    SIGNED_IN = "signed in"
    """Whoever has an account; a service decides what they get."""
    ALLOWED = "allowed"
    """Whoever the access table lets do it to at least one such thing; a service decides which."""
    HUB = "hub"
    """The hub, by its own secret."""
    GATEWAY = "gateway"
    """The gateway of a cluster, by its own secret."""
    MONITOR = "monitor"
    """Whoever watches over the lab, by a secret of its own; figures only."""
    CLIENT = "client"
    """A sign-in client, whose credential the route itself checks."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may call a route. Used as a dependency, so that it runs before anything else."""

    who: Who
    verb: Verb | None = None
    resource: Resource | None = None

    async def __call__(self, request: Request) -> None:
        """Let the request pass, or refuse it.

        Raises:
            NotSignedInError: Nobody is signed in.
            ForbiddenError: No role of the caller may ever do this.
            InvalidError: A query parameter does not exist.
            WebError: The form is none of ours.
        """
        is_api = request.url.path.startswith("/api/")
        if self.who is Who.HUB:
            _require(request, request.app.state.hub_token)
        elif self.who is Who.GATEWAY:
            _require(request, request.app.state.gateway_token)
        elif self.who is Who.MONITOR:
            _require(request, request.app.state.metrics_token)
        elif self.who is Who.PUBLIC:
            await _check_proof(request, is_api=is_api)
        elif self.who is not Who.CLIENT:
            await self._check_caller(request, is_api=is_api)
        if is_api:
            _check_query(request)

    async def _check_caller(self, request: Request, *, is_api: bool) -> None:
        caller = await caller_of(request)
        if caller is None:
            raise NotSignedInError
        if caller.by_cookie:
            await _check_proof(request, is_api=is_api)
        if not is_api and request.method not in UNSAFE:
            # Every page says how many notices wait.
            request.state.unread = await lab_of(request).notices.unread(caller.member)
        if self.verb is None or self.resource is None:
            return
        if not _may_ever(caller.member, self.verb, self.resource):
            error = ForbiddenError(self.verb.value, self.resource.value)
            if request.method in UNSAFE:
                action = f"{self.resource.name.lower()}.{self.verb.value}"
                await lab_of(request).journal.refused(error, actor=caller.member, action=action)
            raise error


def public() -> Rule:
    """Anybody may."""
    return Rule(Who.PUBLIC)


def signed_in() -> Rule:
    """Whoever has an account may."""
    return Rule(Who.SIGNED_IN)


def allowed(verb: Verb, resource: Resource) -> Rule:
    """Whoever the access table lets may."""
    return Rule(Who.ALLOWED, verb, resource)


def hub_only() -> Rule:
    """Only the hub may."""
    return Rule(Who.HUB)


def gateway_only() -> Rule:
    """Only the gateway of a cluster may."""
    return Rule(Who.GATEWAY)


def monitor_only() -> Rule:
    """Only who watches over the lab may."""
    return Rule(Who.MONITOR)


def client_only() -> Rule:
    """Only a sign-in client may."""
    return Rule(Who.CLIENT)


def rule_of(route: BaseRoute) -> Rule | None:
    """Return the rule that a route declares."""
    if not isinstance(route, APIRoute):
        return None
    calls = (dependency.call for dependency in route.dependant.dependencies)
    return next((call for call in calls if isinstance(call, Rule)), None)


def without_rule(routes: Iterable[BaseRoute]) -> list[str]:
    """Name the routes that declare no rule."""
    return [str(getattr(route, "path", route)) for route in routes if rule_of(route) is None]


def _may_ever(member: Member, verb: Verb, resource: Resource) -> bool:
    return member.is_active and any((verb, resource) in ACCESS[role] for role in member.roles)


def _require(request: Request, expected: bytes | None) -> None:
    """Let one program of the lab's own pass; nobody, where it has no secret."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    fits = hmac.compare_digest(expected or b"", given.encode("utf-8", "replace"))
    if not expected or scheme.lower() != "bearer" or not fits:
        raise NotSignedInError


async def _check_proof(request: Request, *, is_api: bool) -> None:
    if request.method not in UNSAFE:
        return
    if is_api:
        check_form(request, request.headers.get(CSRF_HEADER, ""))
    elif is_upload(request.method, request.url.path):
        # Before a byte of the file is read. An address is written down in more places than a
        # body, so this proof is good for this one address.
        given = request.query_params.get(CSRF_FIELD, "")
        check_form(request, given, of=request.url.path)
    else:
        check_form(request, (await form_of(request)).one(CSRF_FIELD))


def _check_query(request: Request) -> None:
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = _query_names(route.dependant)
    query = request.query_params
    problems = [Problem(name[:64], "unknown_query") for name in query if name not in known]
    problems += [Problem(n, "given_twice") for n in known if len(query.getlist(n)) > 1]
    if problems:
        raise InvalidError(problems)


def _query_names(dependant: Dependant) -> set[str]:
    names = {field.alias for field in dependant.query_params}
    return names.union(*(_query_names(part) for part in dependant.dependencies))
