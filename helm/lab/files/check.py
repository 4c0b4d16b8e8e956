"""``helm test``: asks every part of the lab whether it works, and says which does not.

Standard library only.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request

PATIENCE_S = 120
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> int:
    """Ask everything until it answers or the time is over; return the exit code."""
    public = os.environ["LAB_PUBLIC_HOST"]
    trials = (
        ("le portail est prêt (api)", "http://api:8001/health/ready", "api:8001", ""),
        ("la page de connexion est servie (front)", "http://front/entrer", public, "<form"),
        ("l’interne est fermé (front)", "http://front/internal/v1/grants", public, "!"),
        ("le concentrateur répond (hub)", "http://hub:8081/hub/api/health", "", ""),
        ("la passerelle suit les accès (gateway)", "http://gateway:8003/ready", "", ""),
        ("le suivi répond (tracking)", "http://tracking:5000/health", "", ""),
        ("le stockage répond (storage)", os.environ["LAB_STORAGE_CHECK"], "", "?"),
    )
    deadline = time.monotonic() + PATIENCE_S
    failed = 0
    for what, url, host, wanted in trials:
        why = ask(url, host, wanted)
        while why and time.monotonic() < deadline:
            time.sleep(1)
            why = ask(url, host, wanted)
        failed += bool(why)
        sys.stdout.write(f"{'ÉCHEC' if why else 'ok   '} {what}{f' : {why}' if why else ''}\n")
        sys.stdout.flush()
    return 1 if failed else 0


def ask(url: str, host: str, wanted: str) -> str:
    """Return why an answer is not as it should be; nothing where it is.

    Args:
        url: What to ask.
        host: Under which name, where not the one in the address.
        wanted: What the answer must hold; ``!`` wants a refusal, ``?`` any answer at all.
    """
    request = urllib.request.Request(url, headers={"Host": host} if host else {})  # noqa: S310
    try:
        with _OPENER.open(request, timeout=10) as answer:
            text = answer.read(1 << 20).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        if wanted == "?" or (wanted == "!" and error.code in {403, 404}):
            return ""
        return f"réponse {error.code}"
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    if wanted == "!":
        return "a répondu"
    return "" if wanted in {"", "?"} or wanted in text else "ce n’est pas la page attendue"


if __name__ == "__main__":
    sys.exit(main())
