"""Which groups of an identity provider are what here, read from the policy file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.catalogue import PolicyError, load
from lab.domain.federation import GroupRule, SignInPolicy
from lab.domain.ids import AgencyId
from lab.domain.member import Role

if TYPE_CHECKING:
    from pathlib import Path

_STAFF = frozenset({Role.OPERATOR, Role.REVIEWER})


def sign_in_policy(path: Path) -> SignInPolicy:
    """Return what the file says.

    Raises:
        PolicyError: It is missing or wrong; the message names file and place.
    """
    body = load(path, "signin")
    groups = []
    for each in body["groups"]:
        roles = frozenset(map(Role, each["roles"]))
        agency = each.get("agency")
        # The lab's own people see every agency, and an agency's people see theirs.
        if (agency is None) != (roles <= _STAFF) or (agency is not None and roles & _STAFF):
            msg = (
                f"{path.name}: group '{each['group']}': operator and reviewer are roles without "
                "an agency, requester and scientist are roles in one"
            )
            raise PolicyError(msg)
        groups.append(GroupRule(each["group"], AgencyId(agency) if agency else None, roles))
    factor = body["second_factor"]
    if factor["roles"] and not (factor["acr"] or factor["amr"]):
        msg = f"{path.name}: second_factor: roles need it, and neither acr nor amr says what it is"
        raise PolicyError(msg)
    return SignInPolicy(
        groups_claim=body["claims"]["groups"],
        login_claim=body["claims"]["login"],
        name_claim=body["claims"]["name"],
        groups=tuple(groups),
        second_factor_roles=frozenset(map(Role, factor["roles"])),
        acr=tuple(factor["acr"]),
        amr=frozenset(factor["amr"]),
        contact_fr=body["contact_fr"],
        contact_en=body["contact_en"],
    )
