"""What a notebook's pod and its events say, put in French for the person who waits. Pure.

Kubernetes' own words come after ours, in parentheses, for whoever helps that person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Json = Mapping[str, Any]

MAIN = "notebook"
"""The container that holds the notebook server."""
WALLS = "murs"
"""The first one, which ends once the network closes what it must close."""

LONGEST = 300
"""Characters of a cluster's own message that a person is shown."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod does not start.

    Attributes:
        is_final: Waiting longer cannot help.
    """

    sentence: str
    is_final: bool


_FINAL_WAITS = {
    "InvalidImageName": "Le nom de l’image du carnet est invalide.",
    "ErrImageNeverPull": "L’image du carnet n’est pas sur le nœud.",
    "CreateContainerConfigError": (
        "Les accès de ce bac à sable ne sont pas en place; le carnet ne peut pas démarrer."
    ),
    "RunContainerError": "Le carnet n’a pas pu être lancé sur son nœud.",
    "CrashLoopBackOff": "Le carnet s’arrête aussitôt démarré.",
}
_PASSING_WAITS = {
    "ErrImagePull": "L’image du carnet ne peut pas être téléchargée.",
    "ImagePullBackOff": "L’image du carnet ne peut pas être téléchargée.",
    "CreateContainerError": "Le carnet n’a pas pu être créé sur son nœud.",
}
_NO_SUCH_IMAGE = ("not found", "manifest unknown", "notfound", "no such image")
_ENDS = {
    "Evicted": "Le carnet a été évincé : son nœud manquait de ressources.",
    "Preempting": "Le carnet a cédé sa place à un programme prioritaire.",
    "NodeLost": "Le nœud du carnet a disparu.",
    "NodeShutdown": "Le nœud du carnet s’arrête.",
    "Terminated": "Le nœud du carnet s’arrête.",
    "DeadlineExceeded": "Le carnet a dépassé son temps.",
    "OOMKilled": "Le carnet a manqué de mémoire.",
    "UnexpectedAdmissionError": "Le nœud a refusé le carnet.",
}
_EVENTS = {
    "FailedMount": "Un volume du carnet ne se monte pas.",
    "FailedAttachVolume": "Le volume du dossier personnel ne s’attache pas au nœud.",
    "ProvisioningFailed": "Le volume du dossier personnel ne peut pas être créé.",
    "FailedBinding": "Le volume du dossier personnel ne trouve pas d’espace.",
    "FailedCreatePodSandBox": "Le nœud n’a pas pu préparer le réseau du carnet.",
}
_VOLUMES = ("persistentvolume", "persistent volume", "volume node affinity")
"""In the scheduler's words: unbound claims, none to bind, none that its node could use."""
_ACCESS_MISSING = 'secret "acces" not found'


def trouble(pod: Json, events: Sequence[Json]) -> Trouble | None:
    """Return what keeps a pod from starting, or nothing while all goes well.

    Args:
        pod: As the API server gives it.
        events: Those of this pod and of its home's claim, oldest first.
    """
    status = pod.get("status", {})
    if status.get("phase") == "Failed":
        return Trouble(end_of(pod), is_final=True)
    for container in _containers(status):
        found = _failed_first_step(container, status) or _waiting(container)
        if found:
            return found
    return _unscheduled(status, events) or _from_events(status, events)


def end_of(pod: Json) -> str:
    """Say why a pod ended."""
    status = pod.get("status", {})
    reasons = [status.get("reason", "")]
    reasons += [c.get("state", {}).get("terminated", {}).get("reason", "") for c in _main(status)]
    said = next(
        (_ENDS[reason] for reason in reasons if reason in _ENDS), "Le carnet s’est arrêté."
    )
    return _with(said, status.get("message", ""))


def exit_code(pod: Json | None) -> int | None:
    """Return ``None`` while a pod runs or starts, else how its server ended (1 if unknown)."""
    if pod is None or pod["metadata"].get("deletionTimestamp"):
        return 1
    status = pod.get("status", {})
    phase = status.get("phase")
    for container in _main(status):
        ended = container.get("state", {}).get("terminated")
        if ended and phase in {"Failed", "Succeeded"}:
            return int(ended.get("exitCode", 1))
        if container.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff":
            last = container.get("lastState", {}).get("terminated", {})
            return int(last.get("exitCode", 1)) or 1
    return {"Failed": 1, "Succeeded": 0}.get(str(phase))


def is_up(pod: Json | None) -> bool:
    """Tell whether its server's container runs and has an address."""
    if pod is None or pod["metadata"].get("deletionTimestamp"):
        return False
    status = pod.get("status", {})
    running = [c for c in _main(status) if "running" in c.get("state", {})]
    return status.get("phase") == "Running" and bool(running) and bool(status.get("podIP"))


def host_of(pod: Json) -> str:
    """Return its address as it is written in a URL; empty while it has none."""
    address = str(pod.get("status", {}).get("podIP") or "")
    return f"[{address}]" if ":" in address else address


def step(pod: Json, events: Sequence[Json]) -> tuple[int, str]:
    """Return how far a start has come, in percent, and what is being done."""
    status = pod.get("status", {})
    if is_up(pod):
        return 85, "Le carnet démarre"
    if found := _first_step(status.get("initContainerStatuses") or ()):
        return found
    pulls = [e for e in events if e.get("reason") in {"Pulling", "Pulled"}]
    if pulls and pulls[-1]["reason"] == "Pulling":
        return 50, "Téléchargement de l’image du carnet"
    if _condition(status, "PodScheduled").get("status") == "True":
        return 40, "Préparation du volume et du réseau"
    if any(e.get("reason") == "ExternalProvisioning" for e in events):
        # The scheduler has chosen a node, and says so only once the volume is there.
        return 35, "Création du volume du dossier personnel"
    return 30, "Recherche d’un nœud"


def _first_step(firsts: Sequence[Json]) -> tuple[int, str] | None:
    """Say what the first containers do or did, all of one image; nothing before they run."""
    running = [c.get("name") for c in firsts if "running" in c.get("state", {})]
    if WALLS in running:
        return 60, "Fermeture des murs"
    if running:
        return 65, "Copie des jeux de données"
    ended = [c.get("name") for c in firsts if c.get("state", {}).get("terminated")]
    if not ended:
        return None
    if len(ended) == len(firsts):
        return 75, "Les murs sont fermés; le carnet se prépare"
    return (62, "Les murs sont fermés") if WALLS in ended else None


def _containers(status: Json) -> Iterable[Json]:
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _main(status: Json) -> list[Json]:
    return [c for c in status.get("containerStatuses") or () if c.get("name") == MAIN]


def _condition(status: Json, kind: str) -> Json:
    found: list[Json] = [c for c in status.get("conditions") or () if c.get("type") == kind]
    return found[0] if found else {}


def _waiting(container: Json) -> Trouble | None:
    waiting = container.get("state", {}).get("waiting", {})
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in _FINAL_WAITS:
        # The reconciler may be about to write the Secret again: that one may pass.
        return Trouble(_with(_FINAL_WAITS[reason], message), _ACCESS_MISSING not in message)
    if reason in _PASSING_WAITS:
        is_missing = any(word in message.lower() for word in _NO_SUCH_IMAGE)
        said = "L’image du carnet n’existe pas." if is_missing else _PASSING_WAITS[reason]
        return Trouble(_with(said, message), is_final=is_missing)
    return None


def _failed_first_step(container: Json, status: Json) -> Trouble | None:
    """A first container that ended badly is started again by the cluster: not at once final."""
    names = {c.get("name") for c in status.get("initContainerStatuses") or ()}
    if container.get("name") not in names:
        return None
    ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get(
        "terminated"
    )
    if not ended or not ended.get("exitCode"):
        return None
    if container.get("ready") or "running" in container.get("state", {}):
        return None
    waits = container.get("state", {}).get("waiting", {}).get("reason")
    said = "Les jeux de données n’ont pas pu être copiés."
    if container.get("name") == WALLS:
        said = "Le réseau du carnet ne s’est pas fermé à temps : rien n’a démarré."
    return Trouble(
        _with(said, ended.get("message", "")),
        is_final=waits == "CrashLoopBackOff",
    )


def _unscheduled(status: Json, events: Sequence[Json]) -> Trouble | None:
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") != "False":
        return None
    message = scheduled.get("message", "")
    claim = [e for e in events if e.get("reason") in {"ProvisioningFailed", "FailedBinding"}]
    if claim:
        last = claim[-1]
        return Trouble(_with(_EVENTS[last["reason"]], last.get("message", "")), is_final=False)
    lowered = message.lower()
    if any(word in lowered for word in _VOLUMES):
        said = "Le volume du dossier personnel n’est pas disponible."
    elif "insufficient" in lowered:
        said = "Aucun nœud de la grappe n’a assez de place en ce moment."
    else:
        said = "Aucun nœud de la grappe ne peut prendre ce carnet en ce moment."
    return Trouble(_with(said, message), is_final=False)


def _from_events(status: Json, events: Sequence[Json]) -> Trouble | None:
    if status.get("phase") != "Pending" or status.get("podIP"):
        return None
    warnings = [e for e in events if e.get("reason") in _EVENTS and e.get("type") == "Warning"]
    if not warnings:
        return None
    last = warnings[-1]
    return Trouble(_with(_EVENTS[last["reason"]], last.get("message", "")), is_final=False)


def refusal(status: int, message: str) -> Trouble:
    """Say why the API server did not take what was posted.

    Args:
        status: The HTTP status.
        message: The API server's own words.
    """
    for marks, said in _REFUSALS:
        if any(mark in message for mark in marks):
            return Trouble(_with(said, message), is_final=True)
    if status == 429 or status >= 500:  # noqa: PLR2004 - HTTP
        return Trouble(_with("La grappe ne répond pas en ce moment.", message), is_final=False)
    if status == 404:  # noqa: PLR2004 - HTTP
        return Trouble("Ce bac à sable n’a pas (ou plus) de place sur la grappe.", is_final=True)
    return Trouble(_with("La grappe a refusé de démarrer le carnet.", message), is_final=True)


_REFUSALS = (
    (("exceeded quota", "must specify limits"), "Le quota de ce bac à sable est atteint."),
    (("being terminated",), "Ce bac à sable est en train d’être supprimé."),
    (
        (
            "ValidatingAdmissionPolicy",
            "violates PodSecurity",
            "denied the request",
            "minimum",
            "maximum",
        ),
        "Les règles de la grappe refusent ce carnet.",
    ),
    (('User "',), "Le concentrateur n’a pas de droits dans ce bac à sable."),
)


def _with(sentence: str, message: str) -> str:
    words = " ".join(message.split())
    if not words:
        return sentence
    short = words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"
    return f"{sentence} ({short})"
