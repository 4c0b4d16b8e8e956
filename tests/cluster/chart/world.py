"""A lab's identities, rights and admission policies on an API server, and one sandbox in it.

Nothing runs: no image is needed, and an API server without nodes will do.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.domain.egress import Door
from lab.domain.ids import MemberId, SandboxId
from lab.domain.quantity import GIB, Resources
from lab.providers.kubernetes import names, objects, pods
from tests.cluster.chart.asking import Who, path_of
from tests.cluster.chart.bad_pods import RUNTIME
from tests.cluster.release import SHARED
from tests.conftest import make_sandbox
from tests.helm import rendering

if TYPE_CHECKING:
    from tests.cluster.chart.asking import Api

Json = dict[str, Any]
KINDS = (
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "PriorityClass",
    "ConfigMap",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
)
MEMBER = MemberId("m-00000000e5")
JOBS = Who(
    "system:serviceaccount:kube-system:job-controller", ("system:serviceaccounts:kube-system",)
)
OPERATOR = Who("operateur@example.org", ("system:masters", "system:authenticated"))
PERSON = Who("quelqu-un@example.org", ("admins-de-plateforme", "system:authenticated"))
ADDRESSES = pods.Addresses(doors=("storage", "tracking"), gateway="10.96.0.20", hub="10.96.0.21")
SIZE = Resources(1000, GIB, GIB)


@dataclass(frozen=True, kw_only=True)
class World:
    """The lab's namespace, the sandbox's, and who is who."""

    api: Api
    lab: str
    sandbox: str
    images: dict[str, str]
    has_made_shared: bool

    @property
    def hub(self) -> Who:
        """Return the hub's identity."""
        return Who.account(self.lab, "hub")

    @property
    def reconciler(self) -> Who:
        """Return the reconciler's identity."""
        return Who.account(self.lab, "reconciler")

    @property
    def compiled(self) -> objects.Lab:
        """Return what the objects of all sandboxes have in common."""
        return objects.Lab(namespace=self.lab, selectors=objects.DEFAULT_SELECTORS)

    def notebook(self) -> Json:
        """Return the pod that the control plane compiles for a member."""
        return pods.notebook_pod(
            lab=self.lab,
            sandbox_id=SandboxId(self.sandbox),
            member_id=MEMBER,
            image=self.images["notebook"],
            resources=SIZE,
            addresses=ADDRESSES,
            env={"HOME": "/home/scientist"},
            datasets=({"id": "demandes-prestations", "version": 1},),
            template_id="01-depart",
        )

    def probe(self) -> Json:
        """Return the Job of one proof."""
        return pods.probe_job(
            lab=self.lab,
            sandbox_id=SandboxId(self.sandbox),
            name="preuve-0123456789",
            image=self.images["probe"],
            addresses=ADDRESSES,
            env={},
        )

    def probe_pod(self) -> Json:
        """Return the pod that the Job's controller makes of it."""
        template = copy.deepcopy(self.probe()["spec"]["template"])
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": "preuve-0123456789",
            "uid": "00000000-0000-0000-0000-000000000000",
            "controller": True,
        }
        metadata = template["metadata"] | {
            "name": "preuve-0123456789-abcde",
            "namespace": self.sandbox,
            "ownerReferences": [owner],
        }
        return {"apiVersion": "v1", "kind": "Pod", **template, "metadata": metadata}

    def home(self) -> Json:
        """Return the claim of a member's home."""
        return pods.home_claim(
            lab=self.lab,
            sandbox_id=SandboxId(self.sandbox),
            member_id=MEMBER,
            storage_bytes=GIB,
            storage_class="",
        )

    def place(self) -> dict[str, Json]:
        """Return what the reconciler makes for a sandbox, the namespace apart."""
        sandbox = make_sandbox(self.sandbox)
        made = (
            objects.resource_quota(self.compiled, sandbox),
            objects.limit_range(self.compiled, sandbox),
            objects.closed(self.compiled, sandbox.id),
            objects.hub_rights(self.compiled, sandbox.id),
            objects.door_policy(self.compiled, sandbox.id, 3, Door),
            objects.door_service(self.compiled, sandbox.id, 3),
            objects.access(self.compiled, sandbox.id, {"AWS_ACCESS_KEY_ID": "x"}),
        )
        return {f"{each['kind']}/{each['metadata']['name']}": each for each in made}

    def namespace(self, sandbox_id: str) -> Json:
        """Return a sandbox's namespace."""
        return objects.namespace(self.compiled, make_sandbox(sandbox_id), 3)


def build(api: Api, *, mark: str) -> World:
    """Make the lab's namespace with its rights and policies, and one sandbox.

    The sandbox's namespace is one that Pod Security leaves alone, so that what is refused
    is refused by the policies: they must hold without it.

    Args:
        api: Any API server.
        mark: Six hexadecimal digits of this run's own.
    """
    lab, sandbox = f"dev-chart-{mark}", f"sb-e5{mark}00"
    missing = not any(api.ask("GET", path).is_success for path in SHARED)
    given = rendering.values(sharedObjects={"create": missing}, admission={"debuggers": []})
    images = given["images"]
    world = World(api=api, lab=lab, sandbox=sandbox, images=images, has_made_shared=missing)
    try:
        _make(world, given)
        _until_in_force(world)
    except BaseException:
        remove(world)
        raise
    return world


def _make(world: World, given: Json) -> None:
    api, lab, sandbox = world.api, world.lab, world.sandbox
    own = {names.MANAGED_BY: names.FIELD_MANAGER, names.LAB: lab, names.SANDBOX: sandbox}
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": lab}})
    place = {"name": sandbox, "labels": own}
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": place})
    for account in ("default", RUNTIME):
        metadata = {"name": account, "namespace": sandbox}
        api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    runtime = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "handler": "runc"}
    api.apply(runtime | {"metadata": {"name": RUNTIME}})
    for each in rendering.documents(given, namespace=lab):
        hooks = each["metadata"].get("annotations", {})
        if each["kind"] in KINDS and "helm.sh/hook" not in hooks:
            answer = api.apply(each)
            assert answer.is_success, (each["metadata"], answer.text)
    # As the reconciler makes them, the guard in force or not yet.
    for body in world.place().values():
        if body["kind"] in {"LimitRange", "ResourceQuota"}:
            continue  # they would fill in, or count, what a bad pod lacks
        answer = api.apply(body, who=world.reconciler)
        assert answer.is_success, answer.text


def remove(world: World) -> None:
    """Take away everything of ours, the policies first."""
    api = world.api
    shared = {"create": world.has_made_shared}
    made = rendering.documents(rendering.values(sharedObjects=shared), namespace=world.lab)
    for each in made[::-1]:
        if each["kind"] in KINDS:
            api.ask("DELETE", path_of(each))
    api.ask("DELETE", f"/apis/node.k8s.io/v1/runtimeclasses/{RUNTIME}")
    time.sleep(1)
    for name in (world.sandbox, world.lab):
        api.ask("DELETE", f"/api/v1/namespaces/{name}")


def _until_in_force(world: World) -> None:
    """Wait until each policy refuses what it must."""
    bad = world.notebook()
    bad["spec"]["hostNetwork"] = True
    home = world.home()
    trials = (
        ("vase-clos/host:", bad, world.hub),
        ("vase-clos/hub-name:", home | {"metadata": home["metadata"] | {"name": "x"}}, world.hub),
        ("vase-clos/guard-others:", world.place()["NetworkPolicy/tout-fermer"], OPERATOR),
        ("vase-clos/place-create:", world.namespace("sb-e5ffffffff"), OPERATOR),
        ("vase-clos/reconciler-secret:", _other_secret(world), world.reconciler),
    )
    deadline = time.monotonic() + 30
    while answers := [said for rule, *ask in trials if rule not in (said := _asked(world, *ask))]:
        assert time.monotonic() < deadline, f"not in force: {answers}"
        time.sleep(0.2)


def _asked(world: World, body: Json, who: Who) -> str:
    return world.api.create(body, who=who).text


def _other_secret(world: World) -> Json:
    access = world.place()["Secret/acces"]
    return access | {"metadata": access["metadata"] | {"name": "autre"}}
