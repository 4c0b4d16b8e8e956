from __future__ import annotations

from typing import Any

import pytest

from lab.hub import pod_state

POD = "carnet-m-00000000a1"


def pod(phase: str = "Pending", /, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": POD, "uid": "u-1"}, "status": {"phase": phase, **status}}


def main(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "notebook", "state": state, **more}]}


def first(state: dict[str, Any], /, *others: Any, name: str = "donnees", **more: Any) -> Any:
    return {"initContainerStatuses": [{"name": name, "state": state, **more}, *others]}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


NEXT = {"name": "donnees", "state": waiting("PodInitializing")}


def unscheduled(message: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return {"conditions": [condition | {"message": message}]}


def event(reason: str, message: str) -> dict[str, Any]:
    return {"type": "Warning", "reason": reason, "message": message}


@pytest.mark.parametrize(
    ("seen", "events", "said", "is_final"),
    [
        (
            pod(**main(waiting("ErrImagePull", "rpc error: manifest unknown"))),
            [],
            "L’image du carnet n’existe pas.",
            True,
        ),
        (
            pod(**main(waiting("ImagePullBackOff", "dial tcp: connection refused"))),
            [],
            "ne peut pas être téléchargée",
            False,
        ),
        (pod(**main(waiting("InvalidImageName"))), [], "image du carnet est invalide", True),
        (
            pod(**main(waiting("CreateContainerConfigError", 'secret "acces" not found'))),
            [],
            "Les accès de ce bac à sable",
            False,
        ),
        (pod("Running", **main(waiting("CrashLoopBackOff"))), [], "aussitôt démarré", True),
        (
            pod(
                **first(
                    waiting("PodInitializing"),
                    lastState={
                        "terminated": {"exitCode": 1, "message": "jeux/x/v1/data.csv : empreinte"}
                    },
                )
            ),
            [],
            "n’ont pas pu être copiés. (jeux/x/v1/data.csv : empreinte)",
            False,
        ),
        (
            pod(
                **first(
                    waiting("CrashLoopBackOff", "back-off 10s"),
                    lastState={"terminated": {"exitCode": 1, "message": "empreinte"}},
                )
            ),
            [],
            "n’ont pas pu être copiés. (empreinte)",
            True,
        ),
        (
            pod(
                **first(
                    waiting("CrashLoopBackOff", "back-off 10s"),
                    name="murs",
                    lastState={"terminated": {"exitCode": 75, "message": "la porte"}},
                )
            ),
            [],
            "ne s’est pas fermé à temps : rien n’a démarré. (la porte)",
            True,
        ),
        (
            pod(**unscheduled("0/2 nodes are available: 2 Insufficient memory.")),
            [],
            "assez de place",
            False,
        ),
        (
            pod(**unscheduled("0/2 nodes are available: 2 node(s) had untolerated taint.")),
            [],
            "Aucun nœud de la grappe ne peut prendre ce carnet",
            False,
        ),
        (
            pod(**unscheduled("pod has unbound immediate PersistentVolumeClaims")),
            [],
            "Le volume du dossier personnel n’est pas disponible",
            False,
        ),
        (
            pod(**unscheduled("2 node(s) didn't find available persistent volumes to bind.")),
            [],
            "Le volume du dossier personnel n’est pas disponible",
            False,
        ),
        (
            pod(**unscheduled("pod has unbound immediate PersistentVolumeClaims")),
            [event("ProvisioningFailed", "no such class")],
            "ne peut pas être créé. (no such class)",
            False,
        ),
        (pod(), [event("FailedMount", "timed out")], "ne se monte pas. (timed out)", False),
        (pod("Failed", reason="Evicted", message="disk"), [], "évincé", True),
        (pod("Failed", reason="NodeLost"), [], "Le nœud du carnet a disparu.", True),
        (
            pod("Failed", **main({"terminated": {"reason": "OOMKilled", "exitCode": 137}})),
            [],
            "manqué de mémoire",
            True,
        ),
    ],
)
def test_what_keeps_a_notebook_from_starting_is_told_in_french(
    seen: dict[str, Any], events: list[dict[str, Any]], said: str, *, is_final: bool
) -> None:
    trouble = pod_state.trouble(seen, events)
    assert trouble is not None
    assert said in trouble.sentence
    assert trouble.is_final is is_final


@pytest.mark.parametrize(
    "seen",
    [
        pod(),
        pod(conditions=[{"type": "PodScheduled", "status": "True"}]),
        pod(**first({"running": {}})),
        pod(**first({"terminated": {"exitCode": 0}}, ready=True)),
        pod(**main(waiting("ContainerCreating"))),
        pod("Running", podIP="10.1.2.3", **main({"running": {}})),
        # It failed once, and runs again.
        pod(**first({"running": {}}, lastState={"terminated": {"exitCode": 1}})),
    ],
)
def test_what_is_on_its_way_is_no_trouble(seen: dict[str, Any]) -> None:
    assert pod_state.trouble(seen, []) is None


@pytest.mark.parametrize(
    ("status", "message", "said", "is_final"),
    [
        (403, 'pods "x" is forbidden: exceeded quota: quota, requested: pods=1', "quota", True),
        (403, "ValidatingAdmissionPolicy 'pods' denied request: vase-clos/image", "règles", True),
        (403, 'violates PodSecurity "restricted:v1.34": privileged', "règles de la grappe", True),
        (403, "unable to create new content: it is being terminated", "supprimé", True),
        (403, 'User "hub" cannot get resource "pods"', "pas de droits", True),
        (404, 'namespaces "sb-1" not found', "place sur la grappe", True),
        (422, "Invalid value", "a refusé de démarrer", True),
        (429, "slow down", "ne répond pas", False),
        (500, "failed calling webhook", "ne répond pas", False),
    ],
)
def test_what_the_cluster_refuses_is_told_in_french(
    status: int, message: str, said: str, *, is_final: bool
) -> None:
    refusal = pod_state.refusal(status, message)
    assert said in refusal.sentence
    assert refusal.is_final is is_final


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (None, 1),
        (pod(), None),
        (pod("Running", **main({"running": {}})), None),
        # A server that ran out of memory starts again in its pod.
        (
            pod("Running", **main({"terminated": {"exitCode": 137}})),
            None,
        ),
        (pod("Succeeded", **main({"terminated": {"exitCode": 0}})), 0),
        (pod("Failed", **main({"terminated": {"exitCode": 3}})), 3),
        (pod("Failed", reason="Evicted"), 1),
        (
            pod(
                "Running",
                **main(waiting("CrashLoopBackOff"), lastState={"terminated": {"exitCode": 2}}),
            ),
            2,
        ),
    ],
)
def test_whether_it_runs_is_read_from_the_pod_alone(
    seen: dict[str, Any] | None, code: int | None
) -> None:
    assert pod_state.exit_code(seen) == code


def test_a_pod_that_is_going_does_not_run() -> None:
    going = pod("Running", podIP="10.1.2.3", **main({"running": {}}))
    going["metadata"]["deletionTimestamp"] = "2026-11-22T00:00:00Z"
    assert pod_state.exit_code(going) == 1
    assert not pod_state.is_up(going)


def test_an_address_is_written_as_in_a_url() -> None:
    assert pod_state.host_of(pod("Running", podIP="fd62::7")) == "[fd62::7]"
    assert pod_state.host_of(pod("Running", podIP="10.1.2.3")) == "10.1.2.3"
    assert not pod_state.host_of(pod())


def test_a_start_only_moves_on() -> None:
    scheduled = {"conditions": [{"type": "PodScheduled", "status": "True"}]}
    pulling = [{"reason": "Pulling"}]
    steps = [
        pod_state.step(pod(), []),
        pod_state.step(pod(), [{"reason": "ExternalProvisioning"}]),
        pod_state.step(pod(**scheduled), []),
        pod_state.step(pod(**scheduled), pulling),
        pod_state.step(
            pod(**scheduled, **first({"running": {}}, name="murs")),
            [*pulling, {"reason": "Pulled"}],
        ),
        pod_state.step(
            pod(**scheduled, **first({"terminated": {"exitCode": 0}}, NEXT, name="murs")), []
        ),
        pod_state.step(
            pod(**scheduled, **first({"running": {}})), [*pulling, {"reason": "Pulled"}]
        ),
        pod_state.step(pod(**scheduled, **first({"terminated": {"exitCode": 0}})), []),
        pod_state.step(pod("Running", podIP="10.0.0.1", **main({"running": {}})), []),
    ]
    percents = [percent for percent, _ in steps]
    assert percents == sorted(set(percents))


def test_a_clusters_long_words_are_cut() -> None:
    trouble = pod_state.refusal(403, "exceeded quota " + "x" * 2000)
    assert len(trouble.sentence) < 400
