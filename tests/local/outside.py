"""Run in a network namespace of a test: receive whatever comes, count it, print the counts."""

from __future__ import annotations

import json
import selectors
import socket
import struct
import sys
from collections import Counter
from contextlib import suppress


def main(nonce: str, port: int) -> None:
    selector = selectors.DefaultSelector()
    for number in (port, 80, 53):
        listener = socket.create_server(
            ("::", number), family=socket.AF_INET6, dualstack_ipv6=True
        )
        selector.register(listener, selectors.EVENT_READ, "tcp")
        datagram = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        datagram.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        datagram.bind(("::", number))
        four = struct.pack("4s4s", socket.inet_aton("224.0.0.251"), socket.inet_aton("192.0.2.10"))
        datagram.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, four)
        index = next(i for i, name in socket.if_nameindex() if name != "lo")
        six = socket.inet_pton(socket.AF_INET6, "ff02::fb") + struct.pack("@I", index)
        datagram.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, six)
        selector.register(datagram, selectors.EVENT_READ, "udp")
    selector.register(sys.stdin, selectors.EVENT_READ, "end")
    print("listening", flush=True)  # noqa: T201
    counts: Counter[str] = Counter()
    while True:
        for key, _ in selector.select():
            if key.data == "end":
                print(json.dumps(counts), flush=True)  # noqa: T201
                return
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            with suppress(OSError):
                if key.data == "tcp":
                    peer, _ = sock.accept()
                    with peer:
                        peer.settimeout(1)
                        count(counts, nonce, peer.recv(256), "dns-tcp")
                else:
                    is_dns = sock.getsockname()[1] == 53
                    data = sock.recv(256)
                    count(counts, nonce, data, "dns-udp" if is_dns else "")


def count(counts: Counter[str], nonce: str, data: bytes, other: str) -> None:
    said, _, name = data.decode("latin-1").strip().partition(":")
    counts[name if said == nonce else other] += 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
