from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from lab.domain.agency import Usage, room_at
from lab.domain.approval import ApprovalRule, AskedSoFar, decide_so_far
from lab.domain.dataset import DataClass
from lab.domain.draft import ASKS, TASKS, Draft, Step, StepState, checked_values
from lab.domain.ids import AgencyId, DraftId, MemberId, ProfileId
from lab.domain.quantity import GIB, Resources
from tests.conftest import NOON

ALICE = MemberId("m-a")
TODAY = date(2026, 11, 21)
GOOD: dict[Step, dict[str, tuple[str, ...]]] = {
    Step.PEOPLE: {"sponsor": ("Direction",)},
    Step.PURPOSE: {"purpose": ("But",), "success": ("Mesure",)},
    Step.DATA: {"datasets": ("a", "b"), "legal_basis": ("Loi",)},
    Step.USE: {"use": ("predict",), "template": ("01-depart",)},
    Step.RESOURCES: {"size": ("petit",), "ends_on": ("2026-12-05",)},
    Step.EGRESS: {"profile": ("standard",), "egress_reason": ("Lire",)},
    Step.TEAM: {"support": ("none",)},
}


def draft() -> Draft:
    return Draft(DraftId("rd-1"), AgencyId("rft"), ALICE, NOON, NOON)


def whole() -> Draft:
    made = draft()
    for step, values in GOOD.items():
        made = replace(made.answered(step, values, by=ALICE, at=NOON), version=made.version + 1)
    return made


def test_each_step_says_how_far_it_is() -> None:
    empty = draft()
    assert {empty.state(step, {}) for step in TASKS} == {StepState.TODO}
    begun = empty.answered(Step.PURPOSE, {"purpose": ("But",)}, by=ALICE, at=NOON)
    assert begun.state(Step.PURPOSE, {}) is StepState.STARTED
    assert begun.state(Step.DATA, {}) is StepState.TODO
    assert {whole().state(step, {}) for step in TASKS} == {StepState.DONE}
    blank = empty.answered(Step.PURPOSE, {"purpose": ()}, by=ALICE, at=NOON)
    assert blank.state(Step.PURPOSE, {}) is StepState.TODO


def test_a_draft_says_what_it_lacks_and_then_what_it_asks_for() -> None:
    needed = [ask.name for step in TASKS for ask in ASKS[step] if ask.is_required]
    assert [problem.field for problem in draft().missing()] == needed
    assert whole().missing() == []
    asked = whole().asked(otherwise=TODAY)
    assert (asked.datasets, asked.ends_on) == (("a", "b"), date(2026, 12, 5))
    assert draft().asked(otherwise=TODAY).ends_on == TODAY
    assert whole().content()["people"] == {"sponsor": ("Direction",)}


def test_a_stale_reader_learns_which_steps_changed() -> None:
    made = whole()
    assert made.changed_since(made.version) == ()
    assert made.changed_since(made.version - 2) == (Step.EGRESS, Step.TEAM)


LONG = "é" * 2000


@pytest.mark.parametrize(
    ("step", "field", "given", "code"),
    [
        (Step.PEOPLE, "sponsor", "", "required"),
        (Step.PEOPLE, "sponsor", " \n", "required"),
        (Step.PEOPLE, "sponsor", "a\nb", "control_characters"),
        (Step.PEOPLE, "sponsor", "x" * 201, "too_long"),
        (Step.PEOPLE, "sponsor", "Σοφία <b>漢字</b> 🏖", None),
        (Step.PEOPLE, "contact", "", None),
        (Step.PURPOSE, "purpose", LONG, None),
        (Step.PURPOSE, "purpose", LONG + "é", "too_long"),
        (Step.PURPOSE, "success", "a\x00b", "control_characters"),
        (Step.PURPOSE, "success", "<script>alert(1)</script>\nligne 2", None),
        (Step.DATA, "legal_basis", "\ue000", "control_characters"),
        (Step.DATA, "datasets", "", "required"),
        (Step.DATA, "datasets", "x" * 201, "unknown"),
        (Step.USE, "use", "conquer", "unknown"),
        (Step.RESOURCES, "ends_on", "2026-02-31", "bad_date"),
        (Step.RESOURCES, "ends_on", "٢٠٢٦-١٢-٠٥", "bad_date"),
        (Step.RESOURCES, "ends_on", "", "required"),
        (Step.EGRESS, "egress_reason", "", "required"),
        (Step.TEAM, "support", "a lot", "unknown"),
        (Step.TEAM, "colleagues", "", None),
        (Step.TEAM, "agency_id", "sqd", "unknown_field"),
    ],
)
def test_each_field_refuses_what_it_cannot_hold(
    step: Step, field: str, given: str, code: str | None
) -> None:
    values, problems = checked_values(ASKS[step], {**GOOD[step], field: (given,)})
    assert [(p.field, p.code) for p in problems] == ([(field, code)] if code else [])
    if code is None and given:
        assert values[field] == (given,)


def test_what_is_missing_may_be_missing_for_now_and_what_is_wrong_may_not() -> None:
    asks = ASKS[Step.RESOURCES]
    assert checked_values(asks, {}, is_partial=True) == ({}, [])
    _, problems = checked_values(asks, {"ends_on": ("demain",)}, is_partial=True)
    assert [p.code for p in problems] == ["bad_date"]
    _, problems = checked_values(asks, {"size": ("petit", "grand")}, is_partial=True)
    assert [p.code for p in problems] == ["bad_value"]
    many = tuple(map(str, range(101)))
    _, problems = checked_values(ASKS[Step.DATA], {"datasets": many}, is_partial=True)
    assert [p.code for p in problems] == ["too_many"]


def rule(name: str, **changes: object) -> ApprovalRule:
    good = ApprovalRule(
        name,
        *("R", "R"),
        Resources(1000, 2 * GIB, 5 * GIB),
        max_days=31,
        max_team=5,
        data_classes=frozenset({DataClass.SYNTHETIC}),
        profiles=frozenset({ProfileId("standard")}),
    )
    return replace(good, **changes)


BIG = Resources(2000, 2 * GIB, 5 * GIB)


@pytest.mark.parametrize(
    ("known", "reasons"),
    [
        ({}, ()),
        ({"resources": BIG}, ("resources",)),
        ({"resources": BIG, "ends_on": TODAY + timedelta(days=32)}, ("resources", "days")),
        ({"data_classes": frozenset({DataClass.ANONYMISED})}, ("data_class",)),
        ({"team_size": 6, "profile_id": ProfileId("x")}, ("team", "profile")),
    ],
)
def test_what_is_not_answered_counts_as_modest(
    known: dict[str, object], reasons: tuple[str, ...]
) -> None:
    decision = decide_so_far([rule("a")], AskedSoFar(TODAY, **known))
    assert decision.reasons == reasons
    assert decision.is_approved is (reasons == ())


def test_the_first_rule_that_fits_approves_and_without_rules_a_person_looks() -> None:
    wide = rule("b", max_resources=BIG)
    decision = decide_so_far([rule("a"), wide], AskedSoFar(TODAY, resources=BIG))
    assert decision.rule == wide
    assert decide_so_far([], AskedSoFar(TODAY)).reasons == ("no_rule",)


def test_the_quota_says_when_there_is_room() -> None:
    def usage(n: int) -> Usage:
        return Usage(Resources(1000 * n, n * GIB, n * GIB), n)

    ends = [(NOON + timedelta(days=n), usage(1)) for n in (3, 1, 2)]
    assert room_at(usage(3), usage(3), ends, usage(1)) == NOON + timedelta(days=1)
    assert room_at(usage(3), usage(3), ends, usage(3)) == NOON + timedelta(days=3)
    assert room_at(usage(3), usage(3), ends, usage(4)) is None
    # More is held than the quota gives: the first end is not enough.
    assert room_at(usage(3), usage(4), ends, usage(1)) == NOON + timedelta(days=2)
