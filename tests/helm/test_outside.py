"""What the chart is told of systems that others run: an identity provider, a mail server."""

from __future__ import annotations

from typing import Any

import helm_python as helm
import pytest
import yaml

from lab.catalogue.signin import sign_in_policy
from lab.settings import Mail, Oidc
from tests.helm.rendering import documents, only, values

SIGN_IN: dict[str, Any] = {
    "enabled": True,
    "issuer": "https://id.example.org:8443/realms/qc",
    "clientId": "vase-clos",
    "secret": "identite",
    "label": {"fr": "Mon compte"},
    "policy": {
        "groups": [{"group": "exploitation", "roles": ["operator"]}],
        "claims": {"groups": "groups", "login": "preferred_username", "name": "name"},
        "second_factor": {"roles": ["operator"], "acr": [], "amr": ["mfa"]},
        "contact_fr": "le soutien",
        "contact_en": "the help desk",
    },
    "cidrs": ["198.51.100.40/32"],
}
MAIL: dict[str, Any] = {
    "host": "smtp.example.org",
    "sender": "labo@example.org",
    "username": "labo",
    "secret": "courriel",
}


def pod(objects: list[dict[str, Any]], name: str) -> dict[str, Any]:
    found: dict[str, Any] = only(objects, "Deployment", name)["spec"]["template"]["spec"]
    return found


def told(objects: list[dict[str, Any]], name: str) -> dict[str, str]:
    (container,) = pod(objects, name)["containers"]
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}


def secrets_of(objects: list[dict[str, Any]], name: str) -> dict[str, str]:
    """Return each key that the pod is given, with its Secret."""
    volume = next(v for v in pod(objects, name)["volumes"] if v["name"] == "secrets")
    sources = [source["secret"] for source in volume["projected"]["sources"]]
    return {item["key"]: source["name"] for source in sources for item in source["items"]}


def test_nothing_of_them_is_there_by_default() -> None:
    usual = documents(values())
    text = yaml.safe_dump_all(usual)
    assert "LAB_OIDC" not in text
    assert "LAB_MAIL" not in text
    assert "oidc-client-secret" not in text
    assert not any(body["metadata"]["name"] == "sign-in" for body in usual)


def test_the_api_alone_signs_people_in_and_the_lab_reads_what_it_is_told(tmp_path: Any) -> None:
    objects = documents(values(signIn=SIGN_IN))
    oidc = Oidc.model_validate_json(told(objects, "api")["LAB_OIDC"])
    assert (oidc.issuer, oidc.client_id) == (SIGN_IN["issuer"], "vase-clos")
    assert (oidc.label_fr, oidc.label_en) == ("Mon compte", Oidc.model_fields["label_en"].default)
    assert secrets_of(objects, "api")["oidc-client-secret"] == "identite"
    assert "LAB_OIDC" not in told(objects, "reconciler")
    assert "oidc-client-secret" not in secrets_of(objects, "reconciler")
    policy = tmp_path / "signin.yaml"
    policy.write_text(only(objects, "ConfigMap", "sign-in")["data"]["signin.yaml"], "utf-8")
    assert str(oidc.policy) == "/etc/lab/signin.yaml"
    mounts = pod(objects, "api")["containers"][0]["volumeMounts"]
    assert {"name": "sign-in", "mountPath": "/etc/lab", "readOnly": True} in mounts
    assert [rule.group for rule in sign_in_policy(policy).groups] == ["exploitation"]
    assert only(objects, "NetworkPolicy", "api")["spec"]["egress"][-1] == {
        "ports": [{"protocol": "TCP", "port": 8443}],
        "to": [{"ipBlock": {"cidr": "198.51.100.40/32"}}],
    }


def test_another_policy_starts_the_api_anew() -> None:
    other = SIGN_IN | {"policy": SIGN_IN["policy"] | {"contact_fr": "une autre personne"}}
    found = [
        only(documents(values(signIn=each)), "Deployment", "api")["spec"]["template"]["metadata"]
        for each in (SIGN_IN, other, SIGN_IN)
    ]
    assert found[0] == found[2] != found[1]


def test_the_reconciler_alone_sends_mail_and_holds_the_password() -> None:
    objects = documents(values(mail=MAIL))
    mail = Mail.model_validate_json(told(objects, "reconciler")["LAB_MAIL"])
    assert (mail.host, mail.the_port, mail.security) == ("smtp.example.org", 587, "starttls")
    assert str(mail.password_file) == "/var/lib/lab/secrets/smtp-password"
    assert secrets_of(objects, "reconciler")["smtp-password"] == "courriel"
    assert "smtp-password" not in secrets_of(objects, "api")
    rules = only(objects, "NetworkPolicy", "reconciler")["spec"]["egress"]
    assert rules[-1] == {"ports": [{"protocol": "TCP", "port": 587}]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"signIn": SIGN_IN | {"issuer": ""}},
        {"signIn": SIGN_IN | {"issuer": "id.example.org"}},
        {"signIn": SIGN_IN | {"clientId": ""}},
        {"signIn": SIGN_IN | {"policy": {"groups": []}}},
        {"signIn": SIGN_IN | {"scopes": ["profile"]}},
        {"signIn": SIGN_IN | {"clientSecret": "in the open"}},
        {"mail": MAIL | {"sender": ""}},
        {"mail": MAIL | {"secret": ""}},
        {"mail": MAIL | {"security": "none"}},
        {"mail": MAIL | {"username": ""}},
        {"mail": MAIL | {"password": "in the open"}},
    ],
)
def test_what_could_not_work_is_refused_before_anything_is_installed(
    wrong: dict[str, Any],
) -> None:
    with pytest.raises(helm.HelmError):
        documents(values(**wrong))
