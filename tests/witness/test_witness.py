from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import TestClient, TestServer

from lab.providers.kubernetes.inside.probes.addresses import Addresses, link_local_of
from lab.witness.__main__ import PORTS, read
from lab.witness.arrivals import Arrivals, TooManyRunsError
from lab.witness.control import Control
from lab.witness.listeners import Listeners

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NONCE, OTHER = "0" * 31 + "1", "0" * 31 + "2"
TOKEN = {"Authorization": "Bearer a-token-of-this-test"}
OWN = Addresses(
    interface="lo", v4="127.0.0.1", v6="::1", link_local="fe80::2", gateway_link_local="fe80::1"
)


def free_port() -> int:
    with socket.socket(socket.AF_INET6) as sock, socket.socket(socket.AF_INET6, 2) as datagram:
        sock.bind(("::", 0))
        port = int(sock.getsockname()[1])
        datagram.bind(("::", port))
        return port


@asynccontextmanager
async def witness(*ports: int, own: Addresses = OWN) -> AsyncIterator[TestClient]:
    arrivals = Arrivals()
    async with Listeners(arrivals, ports) as listeners:
        control = Control(
            token="a-token-of-this-test",
            node="node1",
            node_addresses=("192.0.2.1", "2001:db8::1"),
            arrivals=arrivals,
            listeners=listeners,
            own=lambda: own,
        )
        async with TestClient(TestServer(control.app()), headers=TOKEN) as client:
            yield client


async def tcp(host: str, port: int, message: str) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(message.encode())
    writer.write_eof()
    assert await reader.read(1) == b"!"
    writer.close()
    await writer.wait_closed()


async def udp(host: str, port: int, message: str) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, 2) as sock:
        sock.settimeout(0)
        sock.connect((host, port))
        await loop.sock_sendall(sock, message.encode())
        assert await asyncio.wait_for(loop.sock_recv(sock, 8), 2) == b"!"


async def test_what_arrives_is_counted_by_nonce_and_name_over_both_families() -> None:
    port = free_port()
    async with witness(port) as client:
        heard = await (await client.put(f"/arrivals/{NONCE}")).json()
        assert heard == {"tcp": [port], "udp": [port]}
        for host in ("127.0.0.1", "::1"):
            await tcp(host, port, f"{NONCE}:tcp-a\n")
            await udp(host, port, f"{NONCE}:udp-a\n")
        await udp("127.0.0.1", port, f"{NONCE}:udp-b\n")
        found = await (await client.get(f"/arrivals/{NONCE}")).json()
    assert found == {"arrivals": {"tcp-a": 2, "udp-a": 2, "udp-b": 1}, "silent": {}}


async def test_what_nobody_announced_is_not_counted_and_pushes_nothing_out() -> None:
    port = free_port()
    async with witness(port) as client:
        await client.put(f"/arrivals/{NONCE}")
        for number in range(100, 120):
            await udp("127.0.0.1", port, f"{number:032x}:flood\n")
        await udp("127.0.0.1", port, f"{NONCE}:{'x' * 80}\n")
        await udp("127.0.0.1", port, f"{NONCE}:Not A Name\n")
        assert (await client.get(f"/arrivals/{OTHER}")).status == 404
        found = await (await client.get(f"/arrivals/{NONCE}")).json()
        assert found["arrivals"] == {}


async def test_a_connection_that_says_nothing_is_counted_by_where_it_came_from() -> None:
    port = free_port()
    async with witness(port) as client:
        await client.put(f"/arrivals/{NONCE}")
        await tcp("127.0.0.1", port, "")
        await tcp("::1", port, "GET / HTTP/1.1\n")
        found = await (await client.get(f"/arrivals/{NONCE}")).json()
        assert found == {"arrivals": {}, "silent": {"127.0.0.1": 1, "::1": 1}}


async def test_a_port_that_is_taken_is_left_out_and_a_deaf_one_is_not_said_to_hear() -> None:
    port, taken = free_port(), free_port()
    with socket.socket(socket.AF_INET) as sock, socket.socket(socket.AF_INET, 2) as datagram:
        for each in (sock, datagram):
            each.bind(("0.0.0.0", taken))
        sock.listen()
        async with witness(port, taken) as client:
            told = await (await client.get("/addresses")).json()
            assert told["udp"] == sorted([port] if told["udp"] == [port] else [port, taken])
            heard = await (await client.put(f"/arrivals/{NONCE}")).json()
            assert heard == {"tcp": [port], "udp": [port]}


async def test_it_tells_where_it_is_to_whoever_has_the_token() -> None:
    port = free_port()
    async with witness(port) as client:
        told = await (await client.get("/addresses")).json()
        assert told == {
            "interface": "lo",
            "v4": "127.0.0.1",
            "v6": "::1",
            "link_local": "fe80::2",
            "gateway_link_local": "fe80::1",
            "node": "node1",
            "node_addresses": ["192.0.2.1", "2001:db8::1"],
            "tcp": [port],
            "udp": [port],
        }
        wrong = {"Authorization": "Bearer another"}
        for path in ("/addresses", f"/arrivals/{NONCE}"):
            assert (await client.get(path, headers=wrong)).status == 401
        assert (await client.get("/live", headers=wrong)).status == 204
        assert (await client.put("/arrivals/not-a-nonce")).status == 422


async def test_one_that_began_anew_knows_nothing_of_a_run() -> None:
    port = free_port()
    async with witness(port) as client:
        await client.put(f"/arrivals/{NONCE}")
    async with witness(port) as client:
        await udp("127.0.0.1", port, f"{NONCE}:tcp-a\n")
        assert (await client.get(f"/arrivals/{NONCE}")).status == 404


async def test_a_forgotten_run_is_gone() -> None:
    async with witness(free_port()) as client:
        await client.put(f"/arrivals/{NONCE}")
        assert (await client.delete(f"/arrivals/{NONCE}")).status == 204
        assert (await client.get(f"/arrivals/{NONCE}")).status == 404


def test_a_watched_run_is_never_forgotten_for_a_new_one_but_for_its_age() -> None:
    now = 0.0
    arrivals = Arrivals(clock=lambda: now)
    for number in range(512):
        arrivals.announce(f"{number:032x}")
    with pytest.raises(TooManyRunsError):
        arrivals.announce(NONCE.replace("0", "f"))
    now = 1000.0
    arrivals.announce(NONCE.replace("0", "f"))
    assert arrivals.of(f"{3:032x}") is None


def test_a_link_local_address_follows_from_the_hardware_address() -> None:
    assert link_local_of("0a:58:0a:f4:00:01") == "fe80::858:aff:fef4:1"


def test_the_configuration_is_read_and_what_is_wrong_with_it_is_said(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a-token-of-this-test\n")
    env = {
        "LAB_WITNESS_TOKEN_FILE": str(file),
        "LAB_NODE": "node1",
        "LAB_NODE_ADDRESSES": "192.0.2.1,2001:db8::1",
    }
    config = read(env)
    assert (config.token, config.node, config.ports) == ("a-token-of-this-test", "node1", PORTS)
    assert config.node_addresses == ("192.0.2.1", "2001:db8::1")
    assert read({**env, "LAB_WITNESS_PORTS": "53,80"}).ports == (53, 80)
    with pytest.raises(ValueError, match="LAB_WITNESS_PORTS"):
        read({**env, "LAB_WITNESS_PORTS": "many"})
    with pytest.raises(ValueError, match="cannot read"):
        read({"LAB_STATE_DIR": str(tmp_path)})
    file.write_text("short")
    with pytest.raises(ValueError, match="holds no token"):
        read(env)
