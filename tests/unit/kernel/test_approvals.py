from datetime import date

import pytest

from shared.kernel.approvals import (
    Deputy,
    Step,
    ensure_compatible,
    ensure_deputy,
    ensure_maker_is_not_checker,
    ensure_order,
    ensure_other_person,
)
from shared.kernel.errors import Conflict, Denied

STEPS = (Step("approve", "decisions.approve"), Step("issue", "decisions.issue"))
DEPUTIES = (
    Deputy("head", "vice", date(2024, 7, 1), date(2024, 7, 15)),
    Deputy("head", "vice", date(2024, 8, 1), date(2024, 8, 2)),
)


def test_another_person_may_check() -> None:
    ensure_other_person("lan", "minh")
    ensure_maker_is_not_checker(("lan", "hoa"), "minh", on_behalf_of="tuan")


@pytest.mark.parametrize(("actor", "behalf"), [("lan", None), ("minh", "lan")])
def test_neither_the_maker_nor_his_deputy_may_check(actor: str, behalf: str | None) -> None:
    with pytest.raises(Denied) as caught:
        ensure_other_person("lan", actor, behalf)
    assert caught.value.code == "maker_is_checker"
    assert "another person" in caught.value.message.lower()


def test_compatible_roles_pass() -> None:
    ensure_compatible(["preparer", "reader"], [("preparer", "approver")])
    ensure_compatible([], [("preparer", "approver")])


@pytest.mark.parametrize("pair", [("preparer", "approver"), ("approver", "preparer")])
def test_incompatible_roles_are_refused_in_either_order(pair: tuple[str, str]) -> None:
    with pytest.raises(Denied) as caught:
        ensure_compatible(["reader", "preparer", "approver"], [pair])
    assert caught.value.code == "roles_incompatible"
    assert "preparer" in caught.value.message


def test_steps_are_taken_in_their_order() -> None:
    assert ensure_order(STEPS, (), "approve") is STEPS[0]
    assert ensure_order(STEPS, ("approve",), "issue") is STEPS[1]


@pytest.mark.parametrize(
    ("taken", "wanted", "code"),
    [
        ((), "issue", "step_out_of_order"),
        (("approve",), "approve", "step_already_taken"),
        ((), "publish", "step_unknown"),
    ],
)
def test_other_steps_are_refused_with_the_one_that_is_due(
    taken: tuple[str, ...], wanted: str, code: str
) -> None:
    with pytest.raises(Conflict) as caught:
        ensure_order(STEPS, taken, wanted)
    assert caught.value.code == code


def test_a_deputy_acts_within_his_dates() -> None:
    assert ensure_deputy(DEPUTIES, "head", "vice", date(2024, 7, 15)) is DEPUTIES[0]
    assert ensure_deputy(DEPUTIES, "head", "vice", date(2024, 8, 1)) is DEPUTIES[1]


def test_a_deputy_outside_his_dates_is_told_which_they_are() -> None:
    with pytest.raises(Denied) as caught:
        ensure_deputy(DEPUTIES, "head", "vice", date(2024, 7, 20))
    assert caught.value.code == "deputy_out_of_time"
    assert "2024-07-01 to 2024-07-15; 2024-08-01 to 2024-08-02" in caught.value.message


def test_nobody_is_a_deputy_without_appointment() -> None:
    with pytest.raises(Denied) as caught:
        ensure_deputy(DEPUTIES, "head", "clerk", date(2024, 7, 2))
    assert caught.value.code == "deputy_not_appointed"
