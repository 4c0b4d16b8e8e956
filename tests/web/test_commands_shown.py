"""Every page says which command does the same."""

from __future__ import annotations

import re
import shlex
from html import unescape
from typing import TYPE_CHECKING

from lab.domain.agency import Usage
from lab.domain.ids import AgencyId
from lab.domain.quantity import GIB, Resources
from tests.docs.cli_page import leaves, tree
from tests.web.looks import LOOKS, route_of
from tests.web.scenes import stage_everything
from tests.web.staging import stage_more

if TYPE_CHECKING:
    from tests.web.conftest import Users, WebLab

WITHOUT = {
    "": "there is no such page",
    "/api": "the API itself",
    "/entrer": "a person signs in with a browser; a command with a token",
    "/problemes/{code}": "what a refusal means",
}
REFUSED = {("a.tremblay", "/journal"), ("o.lavoie", "/journal?since=jamais&who=personne")}
"""What is refused there is no command either."""
SHOWN = re.compile(r'<(?:code|pre)[^>]*class="[^"]*vc-code[^"]*"[^>]*>(lab [^<]*)<')


async def test_every_page_shows_a_command_that_there_is(users: Users, lab: WebLab) -> None:
    known = {path for path, _ in leaves(tree())}
    scene = await stage_everything(lab)
    roomy = Usage(Resources(64_000, 256 * GIB, 999 * GIB), 99)
    await lab.agencies.set_quota(lab.people["o.lavoie"], AgencyId("rft"), roomy)
    names = vars(scene) | await stage_more(lab)
    silent, unknown, shown = [], [], set()
    for look in LOOKS:
        route = route_of(look.path)
        if route in WITHOUT or (look.login, look.path) in REFUSED:
            continue
        page = await (await users.browser(look.login)).get(look.path.format(**names))
        assert page.status_code in {200, 422}, look
        lines = [unescape(found) for found in SHOWN.findall(page.text)]
        if not lines:
            silent.append((look.login, look.path))
        for line in lines:
            words = shlex.split(line.splitlines()[0].rstrip("\\"))
            if not any(tuple(words[:n]) in known for n in range(2, 5)):
                unknown.append((look.path, line))
            shown.add(" ".join(words[:3]))
    assert silent == []
    assert unknown == []
    assert len(shown) > 35
