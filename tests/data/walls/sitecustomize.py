"""Stands in for the sandbox's walls where the template runs without one: loopback and no names."""

# ruff: noqa: INP001, ANN001, ANN002, ANN003, ANN201  # a module by this name, alone on its path

import errno
import ipaddress
import socket


def _is_loopback(host: object) -> bool:
    try:
        return host in {None, "", "localhost"} or ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


_getaddrinfo, _connect = socket.getaddrinfo, socket.socket.connect


def _is_name(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return host not in {None, "", "localhost"}
    return False


def getaddrinfo(host, *args, **kwargs):
    if _is_name(host.decode() if isinstance(host, bytes) else host):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return _getaddrinfo(host, *args, **kwargs)


def connect(self, address):
    if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
        raise OSError(errno.ENETUNREACH, "Network is unreachable")
    return _connect(self, address)


socket.getaddrinfo = getaddrinfo
socket.socket.connect = connect
