"""What there is to aim at, as whoever runs the probes has written it down."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Targets:
    """What there is to aim at, told by whoever runs the probes.

    Attributes:
        nonce: Sent with everything, so that receivers know it.
        may_send: Send even though there is another interface than the loopback's.
        internet4: Stands for the internet; so do the next two.
        name: Looked up; nothing is when it is empty.
        metadata: Where clouds answer questions about the machine.
        tcp_port: Tried on every address; so is ``udp_port``.
        hosts: Addresses of this host's interfaces.
        loopback_tcp: Ports that listen on the host's own loopback; so does ``loopback_udp``.
        neighbours: Ports that lead into other sandboxes.
        abstract: Name of an abstract unix socket of the host.
        unix_paths: Unix sockets of the host.
        secret_files: Files and folders of the host; the first holds the nonce.
        host_pid: A process of the host.
        doors: Name and port of each door; ``open_doors`` are those that must answer.
        datasets: Names under ``~/donnees``.
    """

    nonce: str = "nonce"
    may_send: bool = False
    internet4: str = "192.0.2.10"
    internet6: str = "2001:db8::10"
    resolver: str = "192.0.2.53"
    name: str = "example.org"
    private4: str = "198.51.100.10"
    metadata: list[str] = field(
        default_factory=lambda: [
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
        ]
    )
    tcp_port: int = 443
    udp_port: int = 443
    hosts: list[str] = field(default_factory=list)
    loopback_tcp: list[int] = field(default_factory=list)
    loopback_udp: int = 0
    neighbours: list[int] = field(default_factory=list)
    abstract: str = ""
    unix_paths: list[str] = field(default_factory=list)
    secret_files: list[str] = field(default_factory=list)
    host_pid: int = 0
    doors: dict[str, int] = field(default_factory=dict)
    open_doors: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
