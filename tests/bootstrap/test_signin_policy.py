from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.catalogue import PolicyError
from lab.catalogue.signin import sign_in_policy
from lab.domain.federation import Fault, SignInError, person_of
from lab.domain.member import Role
from lab.settings import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

REST = """
claims: {groups: groups, login: preferred_username, name: name}
contact_fr: quelqu’un
contact_en: somebody
"""
FACTOR = "second_factor: {roles: [operator], acr: [gold], amr: []}\n"


def test_the_policy_that_is_shipped_lets_nobody_in() -> None:
    policy = sign_in_policy(CHECKOUT / "policies" / "signin.yaml")
    assert policy.groups == ()
    assert policy.second_factor_roles == {Role.OPERATOR, Role.REVIEWER}
    with pytest.raises(SignInError) as refused:
        person_of(policy, {"sub": "x", "groups": ["tous"]})
    assert refused.value.fault is Fault.UNKNOWN_GROUP


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "is not of type 'object'"),
        ("groups: []\n" + REST, "'second_factor' is a required property"),
        (FACTOR + REST + "groups: [{group: a, roles: [chef]}]", "groups[0].roles[0]"),
        (FACTOR + REST + "groups: [{group: a, roles: []}]", "groups[0].roles"),
        (FACTOR + REST + "groups: [{group: a, roles: [requester]}]", "group 'a'"),
        (FACTOR + REST + "groups: [{group: a, agency: rft, roles: [operator]}]", "group 'a'"),
        (FACTOR.replace("[gold]", "[]") + REST + "groups: []", "neither acr nor amr"),
        ("groups: [", "not YAML"),
    ],
)
def test_a_wrong_policy_is_refused_in_one_line_that_says_where(
    tmp_path: Path, body: str, words: str
) -> None:
    file = tmp_path / "signin.yaml"
    file.write_text(body)
    with pytest.raises(PolicyError) as refused:
        sign_in_policy(file)
    assert str(refused.value).startswith("signin.yaml: ")
    assert words in str(refused.value)


@pytest.mark.parametrize("given", [None, 3, {"a": 1}, [["a"]], [1], "b"])
def test_claims_of_another_shape_give_nothing(tmp_path: Path, given: object) -> None:
    file = tmp_path / "signin.yaml"
    file.write_text(FACTOR + REST + "groups: [{group: a, agency: rft, roles: [requester]}]")
    policy = sign_in_policy(file)
    with pytest.raises(SignInError):
        person_of(policy, {"sub": "x", "groups": given})
    assert person_of(policy, {"sub": "x", "groups": "a", "name": 3}).name == ""
