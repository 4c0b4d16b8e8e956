"""One cluster, from nothing to ready and back to nothing. Every step may be repeated."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.driver import addons, binaries, cgroups, control, doctor, network, registry
from tests.cluster.driver.api import Api, ApiError
from tests.cluster.driver.commands import attempt
from tests.cluster.driver.forward import LISTENS
from tests.cluster.driver.nodes import Nodes
from tests.cluster.driver.processes import Parts, kill_all
from tests.cluster.driver.telling import CannotDoError, say, until

if TYPE_CHECKING:
    from tests.cluster.driver.api import Json
    from tests.cluster.driver.plan import Node, Plan

MACHINE = ("registry", "docker", "outside", "volumes")
DRIVER = "tests.cluster.driver"
UNDONE, SETTLED_SECONDS = 10, 2
"""How often the nodes' rules are set anew, and after how long they are looked at."""


class Cluster:
    """The cluster of one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.parts = Parts(plan)

    def api(self) -> Api:
        """A client of its API server, which must have been started."""
        return Api(self.plan)

    def nodes(self) -> Nodes:
        """Its nodes."""
        return Nodes(self.plan, self.parts, binaries.known())

    @property
    def is_started(self) -> bool:
        """Whether there is a cluster here, whole or not."""
        etcd = self.parts.get("etcd")
        return network.exists(self.plan) and etcd is not None and etcd.alive

    def up(self) -> None:
        """Start what does not run; end with both nodes ready and policies enforced."""
        began = time.monotonic()
        if not self.is_started:
            doctor.refuse(self.plan)
        programs = binaries.ensure()
        if not self.is_started:
            self._clear()
            self.plan.save()
            self.plan.marker.write_text(str(self.plan.state))
            control.keys(self.plan)
            network.make(self.plan)
        self._start_outside()
        registry.start_registry(self.plan, self.parts)
        if self.plan.docker:
            registry.start_docker(self.plan, self.parts)
        images = addons.push_images(self.plan, programs)
        api = self.api()
        control.start(self.plan, self.parts, programs, api)
        nodes = Nodes(self.plan, self.parts, programs)
        for node in self.plan.nodes:
            network.heal(self.plan, node)
            nodes.start(node)
        until("both nodes", self.nodes_are_ready, seconds=90, logs=self.parts.logs)
        for node in self.plan.nodes:
            nodes.enforce(node)
        addons.install(self.plan, api, images)
        self.parts.start(
            "volumes", sys.executable, "-m", f"{DRIVER}.volumes", str(self.plan.state)
        )
        until("the name server", self._dns_is_ready, seconds=60, logs="'kubectl get events -A'")
        say(f"ready in {time.monotonic() - began:.0f} s: KUBECONFIG={self.plan.kubeconfig}")
        if self.plan.docker:
            until("dockerd", lambda: registry.docker_answers(self.plan), logs=self.parts.logs)
            registry.provide_base(self.plan)

    def down(self, *, purge: bool = False) -> None:
        """End all of it; leave no process, namespace, mount, control group, link or rule.

        Args:
            purge: Delete the images too, which the next start would find again.
        """
        self._clear()
        if purge:
            shutil.rmtree(self.plan.state, ignore_errors=True)

    def set_leaky(self, *, leaky: bool) -> None:
        """Open or close the hole over IPv6 link-local on the running nodes.

        Raises:
            CannotDoError: What enforces policies undid it again and again.
        """
        change = network.loosen if leaky else network.tighten
        for _ in range(UNDONE):
            for node in self.plan.nodes:
                if not network.holds(node, closed=not leaky):
                    change(node)
            time.sleep(SETTLED_SECONDS)
            if all(network.holds(node, closed=not leaky) for node in self.plan.nodes):
                break
        else:
            raise CannotDoError("the nodes' rules do not stay as they were set")
        self.plan = replace(self.plan, leaky=leaky)
        self.plan.save()

    def act_on(self, name: str, action: str) -> None:
        """Stop, kill, start, pause or resume one part, for tests of faults.

        One that is killed is gone at once, as when its machine loses power; one that is stopped
        first ends what it has begun.

        Raises:
            CannotDoError: There is no such part, or it cannot be started alone.
        """
        part = self.parts.get(name)
        if action == "start":
            if name not in control.PARTS:
                raise CannotDoError(f"{name}: alone start {', '.join(control.PARTS)}; 'up' all")
            programs = binaries.known()
            control.start(self.plan, self.parts, programs, self.api(), only=name)
        elif part is None or not part.alive:
            raise CannotDoError(f"{name} does not run; 'status' shows what does")
        elif action in {"stop", "kill"}:
            if action == "kill":
                part.signal(signal.SIGKILL)
            self.parts.end([name])
        else:
            part.signal(signal.SIGSTOP if action == "pause" else signal.SIGCONT)

    def forward(self, port: int, target: str) -> None:
        """Let a port of this machine lead to a service, until told otherwise.

        Args:
            port: On the loopback addresses.
            target: ``namespace/service:port``; empty to end it.
        """
        name = f"forward-{port}"
        log = self.parts.logs / f"{name}.log"
        self.parts.end([name])
        log.unlink(missing_ok=True)
        if not target:
            return
        told = (str(self.plan.state), str(port), target)
        self.parts.start(name, sys.executable, "-m", f"{DRIVER}.forward", *told)
        part = self.parts.get(name)
        if part is None:
            raise CannotDoError(f"port {port}: the forward did not start; see {log}")
        until(f"port {port}", lambda: not part.alive or LISTENS in log.read_text(), logs=log)
        if not part.alive:
            self.parts.end([name])
            lines = log.read_text().strip().splitlines() or ["no message"]
            raise CannotDoError(f"port {port}: {lines[-1]}")

    def _start_outside(self) -> None:
        command = (
            sys.executable,
            "-m",
            f"{DRIVER}.outside",
            str(self.plan.state / "outside.sock"),
        )
        told = (f"{self.plan.links[1]}1", *self.plan.outside_addresses)
        self.parts.start("outside", *command, *told, namespace=self.plan.outside_namespace)

    def _clear(self) -> None:
        nodes = self.nodes()
        names = {part.name for part in self.parts.all()}
        self.parts.end(names & {"volumes", "outside", "docker", "registry"})
        for node in self.plan.nodes:
            nodes.kill(node)
        self.parts.end(name for name in names if not name.startswith("mounts-"))
        for namespace in self.plan.namespaces:
            kill_all(network.pids(namespace))
        self.parts.end(part.name for part in self.parts.all())
        kill_all(cgroups.pids(f"{self.plan.name}-docker"))
        self._unmount()
        network.remove(self.plan)
        for group in self.plan.cgroups:
            cgroups.remove(group)
        for folder in (self.plan.docker_run, *(node.run for node in self.plan.nodes)):
            shutil.rmtree(folder, ignore_errors=True)
        if self.plan.state.exists():
            for entry in self.plan.state.iterdir():
                if entry != self.plan.images:
                    _delete(entry)
        self.plan.marker.unlink(missing_ok=True)

    def _unmount(self) -> None:
        """Mounts are in namespaces that are gone; were one to have leaked, it goes here."""
        for target in self.mounts_left()[::-1]:
            attempt("umount", "-l", target)

    def mounts_left(self) -> list[str]:
        """Mounts of this cluster that the machine sees: there should be none."""
        roots = (str(self.plan.state), f"/run/{self.plan.name}-")
        lines = Path("/proc/mounts").read_text().splitlines()
        targets = [line.split()[1] for line in lines]
        return [target for target in targets if target.startswith(roots)]

    def nodes_are_ready(self) -> bool:
        """Whether every node says that it is ready."""
        try:
            found = self.api().get("/api/v1/nodes")["items"]
        except ApiError:
            return False
        names = {node["metadata"]["name"] for node in found if is_ready(node)}
        return names >= {node.name for node in self.plan.nodes}

    def _dns_is_ready(self) -> bool:
        path = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
        return bool(self.api().get(path)["status"].get("readyReplicas"))

    def failing(self) -> list[str]:
        """Parts that should run and do not."""
        wanted = {*control.PARTS, "registry", "outside", "volumes"}
        wanted |= {"docker"} if self.plan.docker else set()
        for node in self.plan.nodes:
            wanted |= {
                f"{kind}-{node.name}" for kind in ("containerd", "kubelet", "proxy", "router")
            }
        running = {part.name for part in self.parts.all() if part.alive}
        return sorted(wanted - running)

    def a_node(self, name: str) -> Node:
        """A node that may be stopped and started.

        Raises:
            CannotDoError: There is no cluster.
        """
        if not self.is_started:
            raise CannotDoError("no cluster runs here: 'make cluster' starts one")
        return self.plan.node(name)


def is_ready(node: Json) -> bool:
    """Whether a node's Ready condition holds."""
    conditions = node["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _delete(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)
