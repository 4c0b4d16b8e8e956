"""The chart, rendered offline for three value sets, against Kubernetes' schemas and our rules."""

from __future__ import annotations

import copy
import functools
import re
from typing import Any

import helm_python as helm
import kubernetes_validate
import kubernetes_validate.utils
import pytest

from lab.settings import Cluster
from tests.helm.rendering import CHART, NAMESPACE, SETS, documents, only, values

Json = dict[str, Any]
VERSIONS = ("1.30", "1.34")
UNKNOWN_TO_THE_SCHEMAS = {
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}
DIGEST = re.compile(r"^[^\s@]+@sha256:[0-9a-f]{64}$")
PODS = {"Deployment", "StatefulSet", "DaemonSet", "Job", "Pod"}
COMPONENTS = {"api", "reconciler", "gateway", "witness", "hub", "front", "tracking"}
NEEDS_API = {"reconciler", "hub", "uninstall"}


@pytest.fixture(scope="module", params=SETS)
def rendered(request: pytest.FixtureRequest) -> list[Json]:
    return documents(values(request.param))


def pod_of(body: Json) -> Json:
    """Return the pod's spec inside whatever makes pods."""
    spec: Json = body["spec"] if body["kind"] == "Pod" else body["spec"]["template"]["spec"]
    return spec


def pods(rendered: list[Json]) -> dict[str, Json]:
    return {o["metadata"]["name"]: pod_of(o) for o in rendered if o["kind"] in PODS}


def secret_files(volume: Json, *, with_optional: bool = True) -> set[str]:
    """Return the keys of the lab's Secret that a volume shows."""
    sources = [volume, *volume.get("projected", {}).get("sources", [])]
    shown = [source["secret"] for source in sources if "secret" in source]
    return {
        item["key"]
        for secret in shown
        if with_optional or not secret.get("optional")
        for item in secret.get("items", [])
    }


def holders(rendered: list[Json], key: str) -> set[str]:
    """Return the components whose pods hold a key."""
    return {
        name.partition("-")[0]
        for name, pod in pods(rendered).items()
        for volume in pod["volumes"]
        if key in secret_files(volume)
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_what_kubernetes_takes(
    rendered: list[Json], version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It reads 20 MB of definitions anew for each object.
    read = functools.cache(kubernetes_validate.utils.schema_contents)
    monkeypatch.setattr(kubernetes_validate.utils, "schema_contents", read)
    seen = 0
    for body in rendered:
        if body["kind"] in UNKNOWN_TO_THE_SCHEMAS:
            try:
                kubernetes_validate.validate(body, version, strict=True)
            except kubernetes_validate.SchemaNotFoundError:
                continue
        kubernetes_validate.validate(body, version, strict=True)
        seen += 1
    assert seen > 40


def test_names_are_given_once(rendered: list[Json]) -> None:
    names = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in rendered]

    assert len(names) == len(set(names))


def test_every_component_is_there(rendered: list[Json]) -> None:
    assert pods(rendered).keys() >= COMPONENTS


def test_images_are_named_by_digest_alone(rendered: list[Json]) -> None:
    for name, pod in pods(rendered).items():
        for container in pod["containers"] + pod.get("initContainers", []):
            assert DIGEST.match(container["image"]), name


def test_every_pod_is_restricted(rendered: list[Json]) -> None:
    for name, pod in pods(rendered).items():
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] > 0, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["enableServiceLinks"] is False, name
        assert not pod.get("hostNetwork"), name
        for container in pod["containers"]:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, name
            assert own["readOnlyRootFilesystem"] is True, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name


def test_every_pod_has_limits_and_probes(rendered: list[Json]) -> None:
    for body in rendered:
        if body["kind"] not in PODS:
            continue
        for container in pod_of(body)["containers"]:
            resources = container["resources"]
            assert resources["limits"]["memory"] == resources["requests"]["memory"]
            if body["kind"] in {"Deployment", "StatefulSet", "DaemonSet"}:
                assert {"startupProbe", "livenessProbe"} <= container.keys()


def test_only_those_who_need_it_hold_a_token(rendered: list[Json]) -> None:
    for name, pod in pods(rendered).items():
        assert pod["automountServiceAccountToken"] is (name in NEEDS_API), name


def test_volumes_come_from_no_node_and_have_a_limit(rendered: list[Json]) -> None:
    for name, pod in pods(rendered).items():
        for volume in pod["volumes"]:
            kind = (volume.keys() - {"name"}).pop()
            kinds = {"emptyDir", "secret", "configMap", "persistentVolumeClaim", "ephemeral"}
            assert kind in kinds | {"projected"}, name
            if kind == "emptyDir":
                assert "sizeLimit" in volume["emptyDir"], (name, volume["name"])
            if kind == "projected":  # of the lab's Secret, and of no token
                assert all(
                    source.keys() == {"secret"} for source in volume["projected"]["sources"]
                )


def test_every_secret_file_that_is_mounted_is_made_or_the_guide_asks_for_it(
    rendered: list[Json],
) -> None:
    made = [o for o in rendered if o["kind"] == "Secret"]
    guide = (CHART.parents[1] / "docs" / "guides" / "cluster.md").read_text("utf-8")
    keys = set(made[0]["data"]) if made else set(re.findall(r"`([a-z0-9-]+)`", guide))
    for name, pod in pods(rendered).items():
        for volume in pod["volumes"]:
            assert secret_files(volume) <= keys, name


def test_only_those_who_make_credentials_hold_the_store_administrators_key(
    rendered: list[Json],
) -> None:
    assert holders(rendered, "s3-admin-key") - {"storage"} == {"reconciler", "seeding"}


def test_the_api_holds_nothing_of_what_sandboxes_are_made_of(rendered: list[Json]) -> None:
    volumes = {v["name"]: v for v in pods(rendered)["api"]["volumes"]}
    held = secret_files(volumes["secrets"])

    assert not held & {"s3-admin-key", "mlflow-admin-password", "proof-key", "witness-token"}


def test_deposited_files_are_read_by_the_api_and_the_reconciler_alone(
    rendered: list[Json],
) -> None:
    assert holders(rendered, "quarantine-key") == {"api", "reconciler"}
    # The seeding makes the bucket's credential; without the key the bucket is random bytes.
    assert holders(rendered, "quarantine-s3-key") == {"api", "reconciler", "seeding"}
    for name in ("api", "reconciler"):
        (volume,) = (v for v in pods(rendered)[name]["volumes"] if v["name"] == "secrets")
        must = secret_files(volume, with_optional=False)
        assert "database-url" in must
        assert not must & {"quarantine-key", "quarantine-s3-key"}


@pytest.mark.parametrize(("name", "asked"), [("trial", "2Gi"), ("external", None)])
def test_a_table_is_worked_on_in_a_place_that_goes_with_the_pod(
    name: str, asked: str | None
) -> None:
    pod = pods(documents(values(name)))["reconciler"]
    (container,) = pod["containers"]
    (place,) = (m["mountPath"] for m in container["volumeMounts"] if m["name"] == "work")
    (volume,) = (v for v in pod["volumes"] if v["name"] == "work")

    assert place == "/var/lib/lab/quarantine"
    assert container["resources"]["requests"].get("ephemeral-storage") == asked
    if asked:
        assert volume["emptyDir"] == {"sizeLimit": asked}
    else:
        claim = volume["ephemeral"]["volumeClaimTemplate"]["spec"]
        assert claim["resources"]["requests"]["storage"] == "100Gi"
        assert claim["storageClassName"] == "chiffre"


def test_the_control_plane_is_told_of_the_quarantine_as_it_reads_it() -> None:
    (container,) = pods(documents(values("external")))["api"]["containers"]
    (told,) = (e["value"] for e in container["env"] if e["name"] == "LAB_CLUSTER")
    cluster = Cluster.model_validate_json(told)

    assert cluster.quarantine_bucket == cluster.quarantine_access_key == "labo-quarantaine"


def test_a_file_of_any_length_passes_the_ingress_and_its_operator_has_the_last_word() -> None:
    key = "nginx.ingress.kubernetes.io/proxy-"
    found = only(documents(values("external")), "Ingress", "front")["metadata"]["annotations"]
    assert (found[key + "body-size"], found[key + "request-buffering"]) == ("0", "off")
    said = values("external", ingress={"annotations": {key + "body-size": "1g"}})
    found = only(documents(said), "Ingress", "front")["metadata"]["annotations"]
    assert found[key + "body-size"] == "1g"


def test_every_component_has_a_policy_and_the_rest_is_closed(rendered: list[Json]) -> None:
    policies = {o["metadata"]["name"]: o["spec"] for o in rendered if o["kind"] == "NetworkPolicy"}
    closed = policies.pop("closed")

    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for body in rendered:
        if body["kind"] not in PODS:
            continue
        metadata = (
            body["metadata"] if body["kind"] == "Pod" else body["spec"]["template"]["metadata"]
        )
        component = metadata["labels"]["app.kubernetes.io/component"]
        assert policies[component]["policyTypes"] == ["Ingress", "Egress"]
        selected = policies[component]["podSelector"]["matchLabels"]
        assert selected.items() <= metadata["labels"].items()


def test_sandboxes_reach_the_doors_and_the_hub_and_nothing_else() -> None:
    reached = set()
    for body in documents(values()):
        if body["kind"] != "NetworkPolicy" or body["metadata"]["name"] == "witness":
            continue
        for rule in body["spec"].get("ingress") or []:
            for peer in rule.get("from", []):
                if "namespaceSelector" in peer:
                    ports = tuple((p["port"], p.get("endPort")) for p in rule["ports"])
                    reached.add((body["metadata"]["name"], ports))

    assert reached == {("gateway", ((20000, 59999),)), ("hub", ((8081, None),))}


@pytest.mark.parametrize("component", ["database", "storage"])
def test_what_keeps_data_calls_nobody(component: str) -> None:
    policy = only(documents(values()), "NetworkPolicy", component)

    assert policy["spec"]["egress"] == []


def test_the_database_is_reached_by_those_who_keep_rows_in_it() -> None:
    policy = only(documents(values()), "NetworkPolicy", "database")
    (rule,) = policy["spec"]["ingress"]
    named = {p["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for p in rule["from"]}

    assert named == {"api", "reconciler", "hub", "tracking", "seeding"}
    assert rule["ports"] == [{"protocol": "TCP", "port": 5432}]


def test_no_rule_of_rbac_uses_a_star(rendered: list[Json]) -> None:
    for body in rendered:
        for rule in body.get("rules") or []:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]


def test_policies_refuse_where_they_cannot_tell(rendered: list[Json]) -> None:
    policies = [o for o in rendered if o["kind"] == "ValidatingAdmissionPolicy"]
    bindings = [o for o in rendered if o["kind"] == "ValidatingAdmissionPolicyBinding"]

    assert {p["metadata"]["name"] for p in policies} == {b["spec"]["policyName"] for b in bindings}
    assert len(policies) == 5
    for policy in policies:
        assert policy["spec"]["failurePolicy"] == "Fail"
        for validation in policy["spec"]["validations"]:
            assert re.match(r"vase-clos/[a-z-]+: .", validation["message"])
    for binding in bindings:
        assert "Deny" in binding["spec"]["validationActions"]


def test_the_external_set_makes_neither_storage_nor_database_nor_secret() -> None:
    kinds = {(o["kind"], o["metadata"]["name"]) for o in documents(values("external"))}

    assert not {("StatefulSet", "storage"), ("StatefulSet", "database")} & kinds
    assert not any(kind == "Secret" for kind, _ in kinds)
    assert ("Ingress", "front") in kinds


def secrets_rules(rendered: list[Json]) -> list[Json]:
    """What the reconciler may do with Secrets in the lab's own namespace."""
    (role,) = (
        o for o in rendered if o["kind"] == "Role" and o["metadata"]["name"] == "reconciler"
    )
    return [rule for rule in role["rules"] if "secrets" in rule["resources"]]


def test_the_reconciler_reads_the_secret_that_pulls_images_and_no_other() -> None:
    (rule,) = secrets_rules(documents(values("external")))
    assert (rule["verbs"], rule["resourceNames"]) == (["get"], ["registre"])
    assert secrets_rules(documents(values())) == []


@pytest.mark.parametrize(("name", "pulled"), [("external", ["registre"]), ("trial", [])])
def test_admission_lets_the_reconciler_write_what_pulls_images_where_one_is_named(
    name: str, pulled: list[str]
) -> None:
    (policy,) = (
        o
        for o in documents(values(name))
        if o["kind"] == "ValidatingAdmissionPolicy"
        and o["metadata"]["name"].endswith("reconciler")
    )
    (rule,) = (
        v["expression"]
        for v in policy["spec"]["validations"]
        if "vase-clos/reconciler-secret:" in v["message"]
    )
    assert re.findall(r"variables\.it\.metadata\.name == '([^']+)'", rule) == ["acces", *pulled]
    assert rule.count("kubernetes.io/dockerconfigjson") == len(pulled)
    assert rule.count("(") == rule.count(")")


def test_no_pod_of_a_sandbox_has_a_sysctl(rendered: list[Json]) -> None:
    """The mould sets none, so admission lets none through, safe or not."""
    (policy,) = (
        o
        for o in rendered
        if o["kind"] == "ValidatingAdmissionPolicy" and o["metadata"]["name"].endswith("-pods")
    )
    rules = [v["expression"] for v in policy["spec"]["validations"]]
    none = "object.spec.?securityContext.?sysctls.orValue([]).size() == 0"
    assert sum(none in rule for rule in rules) == 1


def test_a_route_is_left_out_where_the_kind_is_unknown() -> None:
    assert not [o for o in documents(values("gateway")) if o["kind"] == "HTTPRoute"]


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("trial", {"images": {"lab": "registry.example.org/lab:latest"}}, "images"),
        ("trial", {"publicUrl": "https://labo.example.org/"}, "publicUrl"),
        ("trial", {"replicas": {"api": 0}}, "replicas"),
        ("trial", {"replique": {"api": 2}}, "replique"),
        ("external", {"existingSecret": ""}, "existingSecret"),
        ("external", {"sandbox": {"pullSecret": "acces"}}, "pullSecret"),
        ("trial", {"sandbox": {"pullSecret": "lab-secrets"}}, "pullSecret"),
        ("external", {"storage": {"external": {"url": ""}}}, "storage"),
        ("external", {"storage": {"external": {"admin": "ceph"}}}, "admin"),
        ("trial", {"dossiers": {"bucket": "Quarantaine!"}}, "bucket"),
        ("trial", {"dossiers": {"work": {"size": "beaucoup"}}}, "size"),
        ("gateway", {"gatewayApi": {"parentRefs": []}}, "parentRefs"),
        ("trial", {"resources": {"api": {"requests": {"cpu": "beaucoup"}}}}, "resources"),
        ("trial", {"networkPolicy": {"apiServer": {"cidrs": ["partout"]}}}, "cidrs"),
    ],
)
def test_bad_values_are_refused_by_name(name: str, spoil: Json, said: str) -> None:
    with pytest.raises(helm.HelmError, match=said):
        documents(values(name, **copy.deepcopy(spoil)))


def test_an_image_that_is_not_given_is_named() -> None:
    with pytest.raises(helm.HelmError, match=r"images\.probe"):
        documents(values(images={"probe": ""}))


def test_the_file_that_lists_what_was_pushed_is_a_values_file() -> None:
    references = values()["images"]
    pushed = {n: {"reference": r, "content": "c", "size": 1} for n, r in references.items()}
    given = values() | {"registry": "registry.example.org", "images": pushed}

    assert pods(documents(given)) == pods(documents(values()))


def test_the_linter_has_nothing_to_say() -> None:
    report = helm.lint(CHART, values(), strict=True, namespace=NAMESPACE)

    assert [m for m in report["messages"] if m["severity"] > 1] == []


def test_every_value_is_in_the_schema_and_commented() -> None:
    lines = (CHART / "values.yaml").read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.match(r"^[a-zA-Z]+:", line):
            above = lines[number - 1] if number else ""
            commented = above.startswith("#") or "#" in line
            grouped = line.startswith(("ingress", "gatewayApi", "front", "networkPolicy"))
            assert (
                commented
                or grouped
                or line.startswith(("demo", "timeZone", "replicas", "tolerations", "uninstall"))
            ), line


MONITORED = {
    "enabled": True,
    "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "veille"}}}],
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
}


def test_figures_are_given_only_where_the_values_say_so() -> None:
    usual, monitored = documents(values()), documents(values(metrics=MONITORED))
    for found, is_given in ((usual, False), (monitored, True)):
        volume = next(v for v in pods(found)["api"]["volumes"] if v["name"] == "secrets")
        text = str(volume)
        assert ("metrics-token" in text) is is_given
        rules = only(found, "NetworkPolicy", "api")["spec"]["ingress"]
        assert len(rules) == (2 if is_given else 1)
    assert rules[1] == {"from": MONITORED["from"], "ports": [{"protocol": "TCP", "port": 8001}]}
    assert not any(body["kind"] == "ServiceMonitor" for body in usual)
    monitor = only(monitored, "ServiceMonitor", "api")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["authorization"]["credentials"]["key"] == "metrics-token"
