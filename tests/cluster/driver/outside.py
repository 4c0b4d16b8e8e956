"""What stands for the world outside: real listeners, and a count of all that arrives.

Runs in the namespace that is everybody's default route. Counting is by packet, before
any listener, so a probe of any port and protocol is seen at both ends.

    python -m tests.cluster.driver.outside SOCKET DEVICE ADDRESS ...
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import struct
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from tests.cluster.driver.plan import Plan

TCP_PORTS = (22, 53, 80, 443, 3128, 5000, 6443, 8080, 9000)
UDP_PORTS = (53, 67, 123, 443, 514, 4789, 5353, 9000)
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6, OUTGOING = 3, 0x0800, 0x86DD, 4
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
NEIGHBOURS = range(130, 144)  # ICMPv6 of the link itself: nobody's attempt
SYN, ACK = 0x02, 0x10
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\noutside"

Arrival = tuple[str, str, str, int]


def arrival(frame: bytes) -> Arrival | None:
    """Protocol, source, target and port of a packet; ``None`` for what is no attempt."""
    kind = struct.unpack("!H", frame[12:14])[0]
    packet = frame[14:]
    if kind == ETH_P_IP:
        number, head = packet[9], (packet[0] & 0x0F) * 4
        source, target = packet[12:16], packet[16:20]
    elif kind == ETH_P_IPV6:
        number, head = packet[6], 40
        source, target = packet[8:24], packet[24:40]
    else:
        return None
    rest = packet[head:]
    name = PROTOCOLS.get(number, str(number))
    if (name == "icmp6" and rest[0] in NEIGHBOURS) or (
        name == "tcp" and rest[13] & (SYN | ACK) != SYN
    ):
        return None
    port = struct.unpack("!H", rest[2:4])[0] if name in {"tcp", "udp"} else 0
    return name, str(ipaddress.ip_address(source)), str(ipaddress.ip_address(target)), port


class Outside:
    """The listeners and the counts."""

    def __init__(self) -> None:
        self._counts: Counter[Arrival] = Counter()

    async def run(self, control: Path, device: str, addresses: list[str]) -> None:
        """Listen on every address of the namespace, forever."""
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        raw.setblocking(False)  # noqa: FBT003  # the standard library's own signature
        raw.bind((device, 0))
        loop = asyncio.get_running_loop()
        loop.add_reader(raw, self._take, raw)
        servers = [
            await asyncio.start_server(_answer, host, port)
            for host in ("0.0.0.0", "::")
            for port in TCP_PORTS
        ]
        # On each address: an answer must come from the address that was asked.
        for address in addresses:
            for port in UDP_PORTS:
                await loop.create_datagram_endpoint(Echo, local_addr=(address, port))
        control.unlink(missing_ok=True)
        servers.append(await asyncio.start_unix_server(self._tell, str(control)))
        await asyncio.gather(*(server.serve_forever() for server in servers))

    def _take(self, raw: socket.socket) -> None:
        frame, address = raw.recvfrom(256)
        if address[2] != OUTGOING:
            try:
                found = arrival(frame)
            except (IndexError, struct.error):  # cut short: nothing that arrives whole
                return
            if found:
                self._counts[found] += 1

    async def _tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline() == b"reset\n":
            self._counts.clear()
        rows = [
            {"protocol": name, "source": source, "target": target, "port": port, "count": count}
            for (name, source, target, port), count in sorted(self._counts.items())
        ]
        writer.write(json.dumps({"arrivals": rows}).encode())
        writer.close()


class Echo(asyncio.DatagramProtocol):
    """Sends every datagram back."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Send it back."""
        self._transport.sendto(data, addr)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await asyncio.wait_for(reader.read(1024), 5)
        writer.write(ANSWER)
        await writer.drain()
    except (OSError, TimeoutError):
        return
    finally:
        writer.close()


def ask(plan: Plan, question: str = "show") -> dict[str, list[dict[str, object]]]:
    """What has arrived outside so far.

    Args:
        plan: Of the cluster.
        question: ``show``, or ``reset`` to begin again at nothing.
    """
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(plan.state / "outside.sock"))
        client.sendall(f"{question}\n".encode())
        with client.makefile("rb") as answer:
            counts: dict[str, list[dict[str, object]]] = json.load(answer)
    return counts


if __name__ == "__main__":
    asyncio.run(Outside().run(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
