"""A real API server and etcd of their own on loopback: no controllers, no nodes.

What is measured is our client's side and the server's, and nothing else writes.
"""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.driver import binaries
from tests.cluster.driver.pki import Pki
from tests.cluster.driver.telling import CannotDoError
from tests.e2e.a_lab import free_block

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

READY_SECONDS = 90
WRITES = frozenset({"POST", "PUT", "PATCH", "APPLY", "DELETE"})
_COUNTED = re.compile(
    r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>\S+)$", re.MULTILINE
)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class Server:
    """One that runs."""

    kubeconfig: Path
    port: int
    processes: Sequence[subprocess.Popen[bytes]]

    @property
    def cpu_seconds(self) -> float:
        """CPU time of both programs so far."""
        ticks = os.sysconf("SC_CLK_TCK")
        total = 0
        for each in self.processes:
            fields = Path(f"/proc/{each.pid}/stat").read_text("ascii").rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / ticks

    def writes(self, resources: frozenset[str]) -> int:
        """How many writes of these kinds (plurals) it has taken so far, as it counts them."""
        url = f"https://127.0.0.1:{self.port}/metrics"
        with urllib.request.urlopen(url, context=self.tls(), timeout=30) as answer:
            text = answer.read().decode()
        found = 0.0
        for line in _COUNTED.finditer(text):
            labels = dict(_LABEL.findall(line["labels"]))
            if labels["verb"] in WRITES and labels["resource"] in resources:
                found += float(line["count"])
        return round(found)

    def tls(self) -> ssl.SSLContext:
        """What it takes to ask as its administrator."""
        folder = self.kubeconfig.parent
        found = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        found.load_cert_chain(folder / "admin.crt", folder / "admin.key")
        return found


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Start one on free ports of loopback, and end it."""
    folder.mkdir()
    programs, base = binaries.ensure(), free_block()
    etcd, peers, port = base, base + 1, base + 2
    pki = Pki(folder / "pki", server=f"https://127.0.0.1:{port}")
    pki.issue("apiserver", "kube-apiserver", names=("127.0.0.1", "localhost"))
    pki.issue("admin", "admin", group="system:masters")
    log = (folder / "server.log").open("wb")
    started = [
        subprocess.Popen(
            [
                str(programs["etcd"]),
                f"--data-dir={folder / 'etcd'}",
                f"--listen-client-urls=http://127.0.0.1:{etcd}",
                f"--advertise-client-urls=http://127.0.0.1:{etcd}",
                f"--listen-peer-urls=http://127.0.0.1:{peers}",
                "--unsafe-no-fsync",
            ],
            stdout=log,
            stderr=log,
        ),
        subprocess.Popen(
            [
                str(programs["kube-apiserver"]),
                f"--secure-port={port}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                f"--etcd-servers=http://127.0.0.1:{etcd}",
                "--service-cluster-ip-range=10.96.0.0/12",
                "--authorization-mode=RBAC",
                f"--client-ca-file={pki.folder}/ca.crt",
                f"--tls-cert-file={pki.folder}/apiserver.crt",
                f"--tls-private-key-file={pki.folder}/apiserver.key",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={pki.folder}/sa.pub",
                f"--service-account-signing-key-file={pki.folder}/sa.key",
                # Both wait for controllers, and there are none: no pod would ever be let in.
                "--disable-admission-plugins=ServiceAccount,ResourceQuota",
            ],
            stdout=log,
            stderr=log,
        ),
    ]
    try:
        found = Server(kubeconfig=pki.folder / "admin.conf", port=port, processes=started)
        _await(found, folder / "server.log")
        yield found
    finally:
        for each in reversed(started):
            each.terminate()
            with suppress(subprocess.TimeoutExpired):
                each.wait(20)
            each.kill()
            each.wait(20)
        log.close()


def _await(found: Server, log: Path) -> None:
    url = f"https://127.0.0.1:{found.port}/readyz"
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(url, context=found.tls(), timeout=2):
            return
        time.sleep(0.2)
    raise CannotDoError(
        f"the API server did not start:\n{log.read_text(errors='replace')[-2000:]}"
    )
