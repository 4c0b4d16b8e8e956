"""The whole lab on the cluster for tests: ``make lab-on-cluster``.

    python -m tests.cluster.lab_on_cluster [--port 8080] [--as-pushed] [--values FILE] [--down]

Builds and pushes the images that changed, installs or upgrades the chart, waits until every
part is ready, and prints the address and the accounts. May be repeated.
"""

from __future__ import annotations

import argparse
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import helm_python as helm
import yaml

from tests.cluster import release
from tests.cluster.conftest import can_run, the_plan
from tests.cluster.driver.api import ApiError
from tests.cluster.driver.cluster import Cluster
from tests.cluster.driver.telling import CannotDoError, say
from tests.cluster.release import Release

PORT = 8080
ANSWER_SECONDS = 60
WHO = {
    "demandeur": "demande un bac à sable",
    "scientifique": "travaille dans le carnet",
    "reviseur": "révise",
    "operateur": "exploite le laboratoire",
    "demandeur.bnf": "un autre organisme",
    "scientifique.bnf": "un autre organisme",
}


def main(arguments: list[str] | None = None) -> int:
    """Run; return the exit status."""
    options = _options(arguments)
    try:
        return down(options) if options.down else up(options)
    except (CannotDoError, ApiError, helm.HelmError, OSError) as error:
        sys.stderr.write(f"lab-on-cluster: {error}\n")
        return 1


def up(options: argparse.Namespace) -> int:
    """Bring the lab up, and say where it is."""
    began = time.monotonic()
    cluster = _cluster(options)
    cluster.up()
    images = release.pushed() if options.as_pushed else release.push_images(cluster)
    say(f"images after {time.monotonic() - began:.0f} s")
    url = f"http://vaseclos.localhost:{options.port}"
    given: dict[str, Any] = {"publicUrl": url}
    if options.values:
        given |= yaml.safe_load(Path(options.values).read_text("utf-8"))
    lab = Release(cluster=cluster)
    seconds = lab.install(release.trial_values(images, **given))
    say(f"release ready after {seconds:.0f} s")
    cluster.forward(options.port, f"{lab.namespace}/front:80")
    _await_portal(options.port)
    _tell(url, lab.accounts())
    return 0


def down(options: argparse.Namespace) -> int:
    """Remove the release; refuses while sandboxes exist."""
    cluster = _cluster(options)
    cluster.forward(options.port, "")
    Release(cluster=cluster).uninstall()
    say("the release is gone; its secrets and volumes stay")
    return 0


def _cluster(options: argparse.Namespace) -> Cluster:
    plan = the_plan()
    if options.state:
        plan = type(plan).saved(Path(options.state)) or plan
    why_not = can_run(plan)
    if why_not:
        raise CannotDoError(why_not)
    return Cluster(plan)


def _await_portal(port: int) -> None:
    """Wait for the way a browser takes."""
    deadline, why = time.monotonic() + ANSWER_SECONDS, ""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/health/ready", headers={"Host": f"vaseclos.localhost:{port}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        try:
            with opener.open(request, timeout=5):
                return
        except (OSError, urllib.error.URLError) as error:
            why = str(error)
        time.sleep(0.5)
    raise CannotDoError(f"the portal does not answer at port {port}: {why}")


def _tell(url: str, accounts: dict[str, str]) -> None:
    say()
    say(f"Le laboratoire : {url}")
    for login, password in sorted(accounts.items()):
        say(f"  {login:18} {password:44} {WHO.get(login, '')}")
    say()
    say("Regarder  : python -m tests.cluster kubectl -- get pods -n vase-clos")
    say("Retirer   : python -m tests.cluster.lab_on_cluster --down")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster.lab_on_cluster",
        description="The whole lab on the cluster for tests.",
    )
    parser.add_argument("--port", type=int, default=PORT, help="on loopback")
    parser.add_argument("--state", default="", help="of another cluster than the usual one")
    parser.add_argument("--as-pushed", action="store_true", help="build nothing")
    parser.add_argument("--values", default="", help="a values file, over those of a trial")
    parser.add_argument("--down", action="store_true", help="remove the release")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
