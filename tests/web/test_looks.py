from __future__ import annotations

from lab.web.gate import UNSAFE
from tests.web.looks import AFTER_A_STOP, BUTTONS, LOOKS, NO_PAGE, ROUTES, route_of


def _pages(*, unsafe: bool) -> set[str]:
    return {
        route.path
        for route in ROUTES
        if bool(route.methods & UNSAFE) is unsafe
        and (not route.path.startswith(("/api/", "/internal/", "/oauth/", "/health/", "/metrics")))
    }


def test_every_page_of_the_route_table_is_looked_at() -> None:
    looked = {route_of(look.path) for look in LOOKS}
    assert _pages(unsafe=False) - looked - set(NO_PAGE) == set()
    assert set(NO_PAGE) & looked == set()


def test_every_form_of_the_route_table_is_sent_with_something_wrong_in_it() -> None:
    sent = {route_of(look.form, "POST") for look in LOOKS if look.form} | {AFTER_A_STOP}
    assert _pages(unsafe=True) - sent - BUTTONS == set()
    assert BUTTONS & sent == set()


def test_a_page_that_nobody_looks_at_would_be_found() -> None:
    assert route_of("/nulle/part") == ""
    assert route_of("/demandes/nouvelle/guidee") != route_of("/demandes/nouvelle/rd-1")
