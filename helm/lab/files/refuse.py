"""Ends with an error while sandboxes of this lab exist: their data would be left without a keeper.

Runs before ``helm uninstall`` deletes anything. Standard library only.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
ANNOTATION = "vase-clos.lab/uninstall"
CONSENT = "even-with-sandboxes"
MOST_NAMED = 20

REFUSAL = """\
Refus : {count} bac(s) à sable existent encore : {names}.
Désinstaller maintenant laisserait leurs données sans gardien ni certificat.
  1. Demandez leur suppression (lab sandbox delete …) et attendez ; ou bien
  2. kubectl annotate namespace {lab} {annotation}={consent}
     puis recommencez ; leurs espaces de noms resteront, à supprimer à la main.
(Refused: {count} sandbox(es) still exist. Delete them first, or annotate the namespace as above.)
"""


def main() -> int:
    """Look, and say; return the exit code."""
    lab = os.environ["LAB_NAMESPACE"]
    # Decoys, which last for one trial of the network, hold nothing.
    ours = f"vase-clos.lab/lab={lab},vase-clos.lab/sandbox,vase-clos.lab/component!=probe"
    selector = urllib.parse.quote(ours)
    found = ask(f"/api/v1/namespaces?labelSelector={selector}")["items"]
    names = sorted(each["metadata"]["name"] for each in found)
    notes = ask(f"/api/v1/namespaces/{lab}")["metadata"].get("annotations") or {}
    if not names:
        sys.stdout.write("Aucun bac à sable : on peut désinstaller. (No sandbox: go on.)\n")
        return 0
    if notes.get(ANNOTATION) == CONSENT:
        sys.stdout.write(f"{len(names)} bac(s) restent, comme demandé. (Left behind, as told.)\n")
        return 0
    named = ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
    sys.stderr.write(
        REFUSAL.format(
            count=len(names), names=named, lab=lab, annotation=ANNOTATION, consent=CONSENT
        )
    )
    return 1


def ask(path: str) -> dict[str, Any]:
    """Read from the API server with this pod's own token."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    where = f"[{host}]" if ":" in host else host
    token = (ACCOUNT / "token").read_text("ascii")
    request = urllib.request.Request(
        f"https://{where}:{port}{path}", headers={"Authorization": f"Bearer {token}"}
    )
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=20, context=context) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found


if __name__ == "__main__":
    sys.exit(main())
