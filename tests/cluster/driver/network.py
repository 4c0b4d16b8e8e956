"""Network namespaces, the pairs that join them, and what is closed on the nodes.

Everything of the cluster is inside: nothing can leave the machine even if a policy
fails, and taking it down is deleting namespaces. The machine itself gets one end of
a pair and two routes; its firewall is never touched.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.driver.commands import attempt, inside, run

if TYPE_CHECKING:
    from tests.cluster.driver.plan import Node, Plan

GATEWAY, GATEWAY6 = "192.0.2.1", "2001:db8::1"
BRIDGE = "cni0"
REJECT = ("-s", "fe80::/10", "-j", "REJECT")
FRESH = ("-m", "conntrack", "--ctstate", "NEW", "-j", "DROP")
# Over IPv6 link-local: policies match pod addresses, and such a source is none.
LINK_LOCAL = (
    ("INPUT", "-i", BRIDGE, "!", "-p", "ipv6-icmp", *REJECT),
    ("FORWARD", *REJECT),
)
# A pod that has just started: what policies let through was accepted further up, so what
# comes this far is of a pod that the network plug-in has not noticed yet. Dropped, not
# rejected: who may connect tries again by itself, a second later.
UNNOTICED = (
    ("INPUT", "-i", BRIDGE, "!", "-p", "ipv6-icmp", *FRESH),
    ("FORWARD", "-i", BRIDGE, "-j", "DROP"),
    ("FORWARD", "-o", BRIDGE, "-j", "DROP"),
)
CLOSED = {
    "iptables": tuple(tuple("icmp" if w == "ipv6-icmp" else w for w in r) for r in UNNOTICED),
    "ip6tables": (*LINK_LOCAL, *UNNOTICED),
}


def make(plan: Plan) -> None:
    """Namespaces, pairs, addresses, routes."""
    for namespace in plan.namespaces:
        run("ip", "netns", "add", namespace)
        inside(namespace, "ip", "link", "set", "lo", "up")
    to_host, to_outside, to_node = plan.links
    first, second = plan.nodes
    near = f"10.{plan.octet}.1.1"
    near6 = f"fd{plan.octet:02x}:0:0:1::1"
    outside = plan.outside_addresses
    _join(to_host, "", (f"{plan.host}/30", f"{plan.host6}/64"))
    _join(to_host, first.namespace, (f"{first.address}/30", f"{first.address6}/64"), end=1)
    _join(to_outside, first.namespace, (f"{GATEWAY}/24", f"{GATEWAY6}/64"))
    _join(to_outside, plan.outside_namespace, (f"{outside[0]}/24", f"{outside[1]}/64"), end=1)
    _join(to_node, first.namespace, (f"{near}/30", f"{near6}/64"))
    _join(to_node, second.namespace, (f"{second.address}/30", f"{second.address6}/64"), end=1)
    for node in plan.nodes:
        forwarding = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        inside(node.namespace, "sysctl", "-qw", *forwarding)
    for address in outside[2:]:
        width = "128" if ":" in address else "32"
        _address(plan.outside_namespace, f"{address}/{width}", "lo")
    for at, to, via in (
        (first.namespace, "default", outside[0]),
        (first.namespace, "default", outside[1]),
        (first.namespace, second.pods, second.address),
        (first.namespace, second.pods6, second.address6),
        (second.namespace, "default", near),
        (second.namespace, "default", near6),
        (plan.outside_namespace, "default", GATEWAY),
        (plan.outside_namespace, "default", GATEWAY6),
        ("", plan.ranges[0], first.address),
        ("", plan.ranges[1], first.address6),
    ):
        family = ("-6",) if ":" in via else ()
        _at(at, "ip", *family, "route", "add", to, "via", via)


def remove(plan: Plan) -> None:
    """Take all of it away; what is not there is well."""
    for end in ("0", "1"):
        attempt("ip", "link", "delete", f"{plan.links[0]}{end}")
    for namespace in plan.namespaces:
        attempt("ip", "netns", "delete", namespace)


def exists(plan: Plan) -> bool:
    """Whether every namespace is there."""
    return all(Path("/run/netns", namespace).exists() for namespace in plan.namespaces)


def pids(namespace: str) -> list[int]:
    """Processes in a network namespace."""
    return [int(pid) for pid in (attempt("ip", "netns", "pids", namespace) or "").split()]


def tighten(node: Node) -> None:
    """Close what the network plug-in leaves open.

    Under deny-all a pod would reach, over IPv6 link-local, its node's kubelet and every
    pod on the same bridge; and everything, in the second or two after it starts.
    """
    loosen(node)
    for tool, rules in CLOSED.items():
        for rule in rules:
            inside(node.namespace, tool, "-w", "-A", *rule)


def loosen(node: Node) -> None:
    """Open those holes again: a containment proof must find the lasting one."""
    enter = ("nsenter", f"--net=/run/netns/{node.namespace}")
    for tool, rules in CLOSED.items():
        for rule in rules:
            while attempt(*enter, tool, "-w", "-D", *rule) is not None:
                pass  # there may be two of it: see holds


def holds(node: Node, *, closed: bool) -> bool:
    """Tell whether the rules are all there, or none of them.

    What enforces policies writes back the whole table that it read a moment before: a change of
    ours in between is lost, or what was deleted is there again.
    """
    enter = ("nsenter", f"--net=/run/netns/{node.namespace}")
    return all(
        (attempt(*enter, tool, "-w", "-C", *rule) is not None) is closed
        for tool, rules in CLOSED.items()
        for rule in rules
    )


def cut(plan: Plan, node: Node) -> None:
    """Let nothing into or out of a node: what its disappearance looks like to the others."""
    heal(plan, node)
    for tool in ("iptables", "ip6tables"):
        for chain, way in (("PREROUTING", "-i"), ("OUTPUT", "-o")):
            rule = (chain, way, _uplink(plan, node), "-j", "DROP")
            inside(node.namespace, tool, "-w", "-t", "raw", "-I", *rule)


def heal(plan: Plan, node: Node) -> None:
    """Undo :func:`cut`, where there is something to undo."""
    for tool in ("iptables", "ip6tables"):
        for chain, way in (("PREROUTING", "-i"), ("OUTPUT", "-o")):
            rule = (chain, way, _uplink(plan, node), "-j", "DROP")
            enter = ("nsenter", f"--net=/run/netns/{node.namespace}")
            attempt(*enter, tool, "-w", "-t", "raw", "-D", *rule)


def _uplink(plan: Plan, node: Node) -> str:
    return f"{plan.links[2]}{0 if node == plan.nodes[0] else 1}"


def _join(link: str, namespace: str, addresses: tuple[str, str], *, end: int = 0) -> None:
    device = f"{link}{end}"
    if not end:
        run("ip", "link", "add", device, "type", "veth", "peer", "name", f"{link}1")
    if namespace:
        run("ip", "link", "set", device, "netns", namespace)
    for address in addresses:
        _address(namespace, address, device)
    _at(namespace, "ip", "link", "set", device, "up")


def _address(namespace: str, address: str, device: str) -> None:
    # Without nodad an IPv6 address cannot be bound for a second.
    nodad = ("nodad",) if ":" in address else ()
    _at(namespace, "ip", "address", "add", address, "dev", device, *nodad)


def _at(namespace: str, *command: str) -> None:
    if namespace:
        inside(namespace, *command)
    else:
        run(*command)
