from __future__ import annotations

import asyncio
import json
import secrets
import signal
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import httpx
import pytest

from lab.hub import traefik
from tests.hub.stage import ANNE, BRUNO, OTHER, SANDBOX, Stage, browser

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

IDLE_SECONDS = 62


def site(stage: Stage, member: str) -> str:
    return stage.config.public_url.replace("://", f"://{member}.")


def prefix(stage: Stage, member: str, sandbox: str = SANDBOX) -> str:
    return f"{site(stage, member)}/user/{member}/{sandbox}/"


def signed_in(stage: Stage, member: str) -> httpx.Client:
    client = browser(follow_redirects=True)
    client.get(f"{stage.config.public_url}/ouvrir/{member}").raise_for_status()
    return client


def opened(stage: Stage, member: str, sandbox: str = SANDBOX) -> httpx.Client:
    client = signed_in(stage, member)
    page = client.get(prefix(stage, member, sandbox) + "lab")
    assert page.status_code == 200, page.text[:300]
    assert "jupyter-config-data" in page.text
    return client


@pytest.fixture(scope="module")
def anne(running: Stage) -> Iterator[httpx.Client]:
    with closing(opened(running, ANNE)) as client:
        yield client


def xsrf(client: httpx.Client, path: str) -> dict[str, str]:
    values = [c.value for c in client.cookies.jar if c.name == "_xsrf" and c.path == path]
    return {"X-XSRFToken": values[0] or ""}


def new_kernel(stage: Stage, client: httpx.Client, member: str, sandbox: str = SANDBOX) -> str:
    answer = client.post(
        prefix(stage, member, sandbox) + "api/kernels",
        json={"name": "python3"},
        headers=xsrf(client, f"/user/{member}/{sandbox}/"),
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


class Kernel:
    def __init__(
        self,
        stage: Stage,
        client: httpx.Client,
        member: str,
        kernel: str,
        sandbox: str = SANDBOX,
    ) -> None:
        host = httpx.URL(site(stage, member))
        self.url = (
            f"ws://127.0.0.1:{host.port}/user/{member}/{sandbox}/api/kernels/{kernel}/channels"
        )
        self.headers = {
            "Host": f"{host.host}:{host.port}",
            "Origin": site(stage, member),
            "Cookie": "; ".join(
                f"{c.name}={c.value}"
                for c in client.cookies.jar
                if c.domain.lstrip(".") in host.host and f"/user/{member}".startswith(c.path[:5])
            ),
        }
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self.session = aiohttp.ClientSession()
        self.socket = await self.session.ws_connect(self.url, headers=self.headers)
        self.opened_at = time.monotonic()
        self.reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()
        await self.session.close()
        await self.reader

    async def _read(self) -> None:
        """Read all the time, as a browser does: that is also what answers pings."""
        async for message in self.socket:
            await self.messages.put(json.loads(message.data))

    async def run(self, code: str) -> str:
        header = {"msg_id": str(time.monotonic_ns()), "msg_type": "execute_request"}
        header |= {"username": "", "session": "s", "version": "5.3", "date": ""}
        content = {"code": code, "silent": False, "store_history": True}
        content |= {"user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
        await self.socket.send_json({
            "channel": "shell",
            "header": header,
            "parent_header": {},
            "metadata": {},
            "content": content,
        })
        async with asyncio.timeout(60):
            while True:
                message = await self.messages.get()
                if message["parent_header"].get("msg_id") != header["msg_id"]:
                    continue
                if message["msg_type"] == "execute_result":
                    return str(message["content"]["data"]["text/plain"])


@pytest.fixture(scope="module")
def channel(running: Stage, anne: httpx.Client) -> Iterator[Kernel]:
    """A kernel's socket, open from the first test to the last, read by a loop of its own."""
    kernel = Kernel(running, anne, ANNE, new_kernel(running, anne, ANNE))
    running.servers.call(kernel.__aenter__)
    yield kernel
    running.servers.call(kernel.__aexit__)


def calculates(running: Stage, channel: Kernel) -> bool:
    number = secrets.randbelow(1000)
    return bool(running.servers.call(lambda: channel.run(f"1 + {number}")) == str(number + 1))


def test_a_kernels_socket_survives_new_routes_and_the_death_of_the_hub(
    running: Stage, anne: httpx.Client, channel: Kernel
) -> None:
    assert calculates(running, channel)

    traefik.write(running.config)
    running.start_server(BRUNO, SANDBOX)
    assert calculates(running, channel)

    for how in (signal.SIGTERM, signal.SIGKILL):
        running.end("hub", how)
        assert calculates(running, channel)
        running.start_hub()
        assert running.is_ready(ANNE, SANDBOX)
    assert anne.get(prefix(running, ANNE) + "lab").status_code == 200


def test_two_members_have_two_origins_and_neither_opens_the_others(
    running: Stage, anne: httpx.Client
) -> None:
    if not running.is_ready(BRUNO, SANDBOX):
        running.start_server(BRUNO, SANDBOX)
    with closing(opened(running, BRUNO)) as bruno:
        theirs = bruno.get(prefix(running, ANNE) + "api/contents")
        assert theirs.status_code in {403, 404}

        # Anne's own cookies, sent by hand to Bruno's server.
        for cookie in [c for c in anne.cookies.jar if ANNE in c.domain]:
            bruno.cookies.set(
                cookie.name, cookie.value or "", domain=f"{BRUNO}.vaseclos.localhost", path="/"
            )
        with browser() as thief:
            stolen = "; ".join(f"{c.name}={c.value}" for c in anne.cookies.jar)
            answer = thief.get(
                prefix(running, BRUNO) + "api/contents",
                headers={"Cookie": stolen, "Sec-Fetch-Mode": "navigate"},
            )
            assert answer.status_code in {302, 403}, answer.text[:200]


def test_what_a_sandbox_holds_opens_nothing_from_outside(running: Stage) -> None:
    grant = json.loads((running.config.grants_dir / SANDBOX / f"hub-{ANNE}.json").read_text())
    url = prefix(running, ANNE)
    with browser() as outside:
        for token in (grant["token"], grant["door_token"]):
            for headers in (
                {"Authorization": f"token {token}"},
                {"Authorization": f"Bearer {token}"},
            ):
                assert outside.get(f"{url}api/contents", headers=headers).status_code in {302, 403}
            assert outside.get(f"{url}api/contents?token={token}").status_code == 403
            assert outside.get(f"{url}api/contents?a=1&token={token}").status_code == 403
            socket = {"Sec-WebSocket-Protocol": f"v1.token.websocket.jupyter.org.{token}"}
            assert outside.get(f"{url}api/contents", headers=socket).status_code == 403
            for base in (running.config.public_url, site(running, ANNE)):
                answer = outside.get(
                    f"{base}/hub/api/user", headers={"Authorization": f"token {token}"}
                )
                assert answer.status_code in {302, 403, 404, 503}
                assert ANNE not in answer.text
    # The same token works where it is meant to: the two sides of the probe.
    real = {"Authorization": f"token {grant['token']}"}
    assert httpx.get(f"{running.config.hub_url}/hub/api/user", headers=real).status_code == 200
    door = {"Authorization": f"token {grant['door_token']}"}
    assert httpx.get(f"{running.config.hub_url}/hub/api/user", headers=door).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/hub/api",
        "/hub/api/users",
        "/hub//api/users",
        "/hub/%61pi/users",
        "/hub/user/../api/users",
        "/hub/user/%2e%2e/api/users",
        "/hub/api/oauth2/token",
        "/hub/api/oauth2/authorize/../../users",
        "/hub/metrics",
        "/hub/home",
        "/hub/admin",
        "/hub/token",
        "/hub/spawn",
        "/internal/v1/sandboxes/sb-00000000c3/launch",
        "/internal",
        "//internal/v1/sandboxes/sb-00000000c3/launch",
    ],
)
def test_only_what_a_sign_in_needs_of_the_hub_is_public(stage: Stage, path: str) -> None:
    with browser() as outside:
        answer = outside.get(
            stage.config.public_url + path, headers={"Authorization": f"token {stage.token}"}
        )
    is_home = answer.headers.get("location") == f"{stage.config.public_url}/"
    assert answer.status_code in {403, 404} or is_home, (answer.status_code, answer.text[:200])


def test_nobody_is_signed_in_whom_the_portal_does_not_name(stage: Stage) -> None:
    with closing(signed_in(stage, "m-0000000000")) as stranger:
        answer = stranger.get(f"{stage.config.public_url}/hub/login")
        assert answer.status_code == 401
        assert stage.hub("GET", "/users/m-0000000000").status_code == 404


def test_signing_out_at_the_portal_closes_the_notebook_soon(running: Stage) -> None:
    with closing(opened(running, ANNE)) as client:
        assert client.get(prefix(running, ANNE) + "api/status").status_code == 200
        kept = {token: m for token, m in running.portal.tokens.items() if m == ANNE}
        running.portal.tokens.clear()
        client.cookies.delete("portail")

        def is_out(url: str) -> bool:
            return client.get(url).status_code in {401, 403}

        at_the_hub = f"{running.config.public_url}/hub/user/{ANNE}/{SANDBOX}/lab"
        running.wait_until(lambda: is_out(at_the_hub), "signed out at the hub", 20)
        in_the_notebook = prefix(running, ANNE) + "api/status"
        running.wait_until(lambda: is_out(in_the_notebook), "signed out of the notebook", 20)
        running.portal.tokens |= kept


def test_a_sandbox_that_is_not_ready_starts_nothing_and_says_why(stage: Stage) -> None:
    sandbox = "sb-00000000e5"
    stage.portal.refusals[sandbox, ANNE] = (409, {"code": "not_ready", "detail": "containment"})
    stage.hub("POST", f"/users/{ANNE}")
    assert stage.hub("POST", f"/users/{ANNE}/servers/{sandbox}").status_code in {201, 202, 500}
    events = stage.hub("GET", f"/users/{ANNE}/servers/{sandbox}/progress").text
    last = json.loads(events.rpartition("data:")[2].strip())
    assert last["failed"]
    assert "Ce bac à sable n’est pas prêt" in last["message"]
    assert not stage.config.keeper_dir(sandbox, ANNE).exists()
    assert not list((stage.config.grants_dir / sandbox).glob("*"))
    stage.hub("DELETE", f"/users/{ANNE}/servers/{sandbox}")


def test_stopping_ends_the_server_takes_the_grant_away_and_says_so(stage: Stage) -> None:
    stage.start_server(ANNE, OTHER)
    grant = stage.config.grants_dir / OTHER / f"hub-{ANNE}.json"
    assert grant.stat().st_mode & 0o777 == 0o600
    home = stage.root / "homes" / OTHER / ANNE
    assert (home / "01-depart" / "depart.ipynb").exists()
    with closing(opened(stage, ANNE, OTHER)) as client:
        stage.hub("DELETE", f"/users/{ANNE}/servers/{OTHER}")
        stage.wait_until(lambda: not grant.exists(), "the grant is gone")
        pages: list[httpx.Response] = []

        def is_stopped() -> bool:
            pages.append(client.get(prefix(stage, ANNE, OTHER) + "lab"))
            return pages[-1].status_code == 424

        stage.wait_until(is_stopped, "the server is stopped")
        page = pages[-1]
        assert "Cet atelier est arrêté" in page.text
        api = client.get(prefix(stage, ANNE, OTHER) + "api/contents")
        assert api.status_code in {404, 503}


def test_a_server_is_shown_in_the_portals_frame_only(running: Stage, anne: httpx.Client) -> None:
    alone = anne.get(
        prefix(running, ANNE) + "lab",
        headers={"Sec-Fetch-Dest": "document"},
        follow_redirects=False,
    )
    assert alone.is_redirect
    assert alone.headers["location"] == f"{running.config.public_url}/bacs/{SANDBOX}/atelier"


@pytest.mark.parametrize(
    "path",
    ["lab", "api/contents", "nothing", "files/01-depart/depart.ipynb", "static/favicon.ico"],
)
def test_every_answer_of_a_server_carries_the_policy(
    running: Stage, anne: httpx.Client, path: str
) -> None:
    answer = anne.get(prefix(running, ANNE) + path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"frame-ancestors {running.config.public_url}" in policy
    assert ("sandbox allow-scripts allow-same-origin" in policy) == (not path.startswith("files"))
    assert answer.headers["referrer-policy"] == "same-origin"


def test_a_kernels_socket_lives_on_while_nobody_types(running: Stage, channel: Kernel) -> None:
    # Last in the module: the others have used most of the minute.
    time.sleep(max(0.0, IDLE_SECONDS - (time.monotonic() - channel.opened_at)))
    assert calculates(running, channel)
