"""What beneficiaries tell twice, in another order or about something unknown: it is harmless, or refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from services.allocation.ledger.model import Role
from shared.kernel.errors import Conflict, NotFound, Rejected
from shared.kernel.ids import new_id
from tests.integration.allocation.district import MILLION, POST, District
from tests.integration.allocation.house import TODAY, House

FUNDS = (
    "funds.held",
    "funds.refused",
    "funds.drawn",
    "funds.voided",
    "funds.withdrawal_too_late",
    "funds.posted",
    "funds.list_closed",
    "funds.close_refused",
    "withdrawals.requested",
)
NEXT_DAY = date(2024, 8, 6)


def told(house: House) -> dict[str, int]:
    """How often each fact about the money of lists was told."""
    return {kind: len(house.journal(kind)) for kind in FUNDS}


def ledger_rows(house: House) -> int:
    return int(
        house.one("SELECT count(*) FROM transfers") + house.one("SELECT count(*) FROM transfer_refusals")
    )


def refusal(code: str, kind: type[Rejected], act: Callable[[], object]) -> str:
    """The sentence of a refusal of this code and kind."""
    with pytest.raises(kind) as refused:
        act()
    assert refused.value.code == code
    return refused.value.message


# --- lists.approved ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["held", "refused", "drawn", "voided", "closed"])
def test_the_same_submission_told_again_changes_nothing_whatever_became_of_it(
    district: District, state: str
) -> None:
    if state != "refused":
        district.give(30 * MILLION)
    named = district.approve(30 * MILLION)
    if state in {"drawn", "closed"}:
        district.confirm(named)
    if state == "voided":
        district.refuse(named)
    if state == "closed":
        district.answer("settled", named, 30 * MILLION)
        district.close(named, 30 * MILLION, 0)
    before, rows, standing = told(district.house), ledger_rows(district.house), district.standing(2024)
    district.approve(30 * MILLION, named)
    district.approve(30 * MILLION, named, on=NEXT_DAY)
    assert (told(district.house), ledger_rows(district.house)) == (before, rows)
    assert district.standing(2024) == standing
    assert district.state(named) == state


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"provider": "bank"}, "provider"),
        ({"period": "2024-07"}, "period"),
        ({"fiscal_year": 2025}, "fiscal_year"),
        ({"unit_id": str(new_id())}, "unit_id"),
        (
            {"lines": [{"line": "merit_monthly", "purpose": "merit_monthly", "amount_vnd": 29 * MILLION}]},
            "total_vnd",
        ),
    ],
    ids=["provider", "period", "year", "unit", "amount"],
)
def test_a_known_submission_with_another_content_is_a_conflict_that_names_the_difference(
    district: District, change: dict[str, Any], named: str
) -> None:
    list_id = district.held(30 * MILLION)
    before = told(district.house)
    message = refusal(
        "submission_differs", Conflict, lambda: district.approve(30 * MILLION, list_id, **change)
    )
    assert f"another {named};" in message
    assert "next number" in message
    assert told(district.house) == before
    assert district.left(Role.ALLOTMENT) == 0


def test_all_differences_are_named_at_once(district: District) -> None:
    named = district.held(30 * MILLION)
    message = refusal(
        "submission_differs",
        Conflict,
        lambda: district.approve(30 * MILLION, named, provider="bank", period="2024-09"),
    )
    assert "another period, provider;" in message


@pytest.mark.parametrize("state", ["held", "drawn", "closed"])
def test_a_next_submission_waits_until_the_money_of_the_last_is_free(district: District, state: str) -> None:
    named = district.held(30 * MILLION)
    if state in {"drawn", "closed"}:
        district.confirm(named)
    if state == "closed":
        district.answer("settled", named, 30 * MILLION)
        district.close(named, 30 * MILLION, 0)
    district.give(30 * MILLION)
    message = refusal("list_held_already", Rejected, lambda: district.approve(30 * MILLION, named, 2))
    assert f"Submission 1 of list {named} is {state}" in message
    assert district.left(Role.ALLOTMENT) == 30 * MILLION


@pytest.mark.parametrize("how", ["refused", "voided"])
def test_a_next_submission_is_held_once_the_last_is_settled(district: District, how: str) -> None:
    if how == "voided":
        named = district.held(30 * MILLION)
        district.withdraw(named)
    else:
        named = district.approve(30 * MILLION)
        district.give(30 * MILLION)
    district.approve(30 * MILLION, named, 2)
    assert (district.state(named, 1), district.state(named, 2)) == (how, "held")


def test_a_submission_that_arrives_after_its_successor_is_refused(district: District) -> None:
    district.give(30 * MILLION)
    named = district.approve(30 * MILLION, submission=3)
    district.withdraw(named, 3)
    message = refusal("submission_outdated", Rejected, lambda: district.approve(30 * MILLION, named, 2))
    assert "Submission 2" in message
    assert "after 3" in message
    assert district.house.one("SELECT count(*) FROM list_funds") == 1


def test_an_earlier_submission_told_again_after_its_successor_changes_nothing(district: District) -> None:
    named = district.held(30 * MILLION)
    district.withdraw(named)
    district.approve(30 * MILLION, named, 2)
    before = told(district.house)
    district.approve(30 * MILLION, named, 1)
    assert told(district.house) == before
    assert (district.state(named, 1), district.state(named, 2)) == ("voided", "held")


@pytest.mark.parametrize("amount", [0, -1])
def test_a_list_asks_for_an_amount_that_can_be_held(district: District, amount: int) -> None:
    message = refusal("list_amount", Rejected, lambda: district.approve(amount))
    assert str(amount) in message
    assert district.house.one("SELECT count(*) FROM list_funds") == 0


def test_a_list_without_lines_is_refused(district: District) -> None:
    refusal("list_lines", Rejected, lambda: district.approve(1, lines=[]))


# --- payments.settled and payments.returned ---------------------------------------------------------------


@pytest.mark.parametrize("kind", ["settled", "returned"])
@pytest.mark.parametrize("state", ["held", "refused", "voided"])
def test_an_answer_for_a_list_that_no_provider_has_is_refused(
    district: District, state: str, kind: str
) -> None:
    district.drawn(50 * MILLION)  # the provider has money, but not of the list that is answered for
    if state != "refused":
        district.give(30 * MILLION)
    named = district.approve(30 * MILLION)
    if state == "voided":
        district.withdraw(named)
    message = refusal("list_not_drawn", Rejected, lambda: district.answer(kind, named, 30 * MILLION))
    assert f"List {named} is {state}" in message
    assert district.left(Role.PROVIDER, POST) == 50 * MILLION
    assert district.house.journal("funds.posted") == []


@pytest.mark.parametrize("kind", ["settled", "returned"])
def test_an_answer_told_again_on_another_day_moves_nothing(district: District, kind: str) -> None:
    named = district.drawn(30 * MILLION)
    district.answer(kind, named, 20 * MILLION)
    rows = ledger_rows(district.house)
    district.answer(kind, named, 20 * MILLION, on=NEXT_DAY)
    assert ledger_rows(district.house) == rows
    assert len(district.house.journal("funds.posted")) == 1
    assert district.left(Role.PROVIDER, POST) == 10 * MILLION


def test_a_chunk_told_again_with_another_amount_is_a_conflict_that_says_both(district: District) -> None:
    named = district.drawn(30 * MILLION)
    district.answer("settled", named, 20 * MILLION)
    message = refusal("answer_differs", Conflict, lambda: district.answer("settled", named, 21 * MILLION))
    assert "20.000.000" in message
    assert "21.000.000" in message
    assert district.left(Role.SPENT) == 20 * MILLION


def test_one_chunk_may_hold_both_settled_and_returned_payments(district: District) -> None:
    named = district.drawn(30 * MILLION)
    district.answer("settled", named, 20 * MILLION)
    district.answer("returned", named, 10 * MILLION)
    assert (district.left(Role.SPENT), district.left(Role.RETURNED, POST)) == (20 * MILLION, 10 * MILLION)


@pytest.mark.parametrize("first", ["settled", "returned"])
def test_answers_beyond_the_list_are_refused_though_the_provider_has_money_of_others(
    district: District, first: str
) -> None:
    named, other = district.drawn(30 * MILLION), district.drawn(50 * MILLION)
    district.answer(first, named, 25 * MILLION)
    second = str(new_id())
    message = refusal(
        "list_exceeded",
        Rejected,
        lambda: district.answer("settled", named, 5 * MILLION + 1, statement=second),
    )
    assert "30.000.000" in message
    assert "5.000.001" in message
    district.answer("settled", named, 5 * MILLION, statement=second)
    district.answer("settled", other, 50 * MILLION)
    assert district.left(Role.PROVIDER, POST) == 0


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [{"line": "funeral", "count": 1, "amount_vnd": 1}],
        [{"line": "merit_monthly", "count": 1, "amount_vnd": 1}] * 2,
        [
            {"line": "merit_monthly", "count": 1, "amount_vnd": 1},
            {"line": "funeral", "count": 1, "amount_vnd": 1},
        ],
    ],
    ids=["none", "foreign", "twice", "one_foreign"],
)
def test_an_answer_speaks_of_the_lines_of_its_list_each_once(
    district: District, lines: list[dict[str, Any]]
) -> None:
    named = district.drawn(30 * MILLION)
    refusal("list_lines", Rejected, lambda: district.answer("settled", named, 1, lines=lines))
    assert district.left(Role.PROVIDER, POST) == 30 * MILLION


@pytest.mark.parametrize("amount", [0, -5])
def test_an_answer_about_no_money_is_refused(district: District, amount: int) -> None:
    named = district.drawn(30 * MILLION)
    refusal("amount_invalid", Rejected, lambda: district.answer("settled", named, amount))
    assert district.house.journal("funds.posted") == []


@pytest.mark.parametrize("kind", ["settled", "returned"])
def test_an_answer_for_an_unknown_list_names_it(district: District, kind: str) -> None:
    unknown = str(new_id())
    message = refusal("funds_unknown", NotFound, lambda: district.answer(kind, unknown, 1))
    assert unknown in message


def test_what_was_unknown_at_the_close_may_be_answered_later(district: District) -> None:
    named = district.drawn(30 * MILLION)
    district.answer("settled", named, 20 * MILLION)
    district.close(named, 20 * MILLION, 0, unknown=10 * MILLION)
    district.answer("returned", named, 10 * MILLION, chunk=1)
    assert district.left(Role.RETURNED, POST) == 10 * MILLION
    assert district.state(named) == "closed"


# --- lists.closed -----------------------------------------------------------------------------------------


def test_a_close_told_again_with_the_same_sums_changes_nothing(district: District) -> None:
    district.give(30 * MILLION)
    named = district.paid_list(settled=28 * MILLION, returned=2 * MILLION)
    for day in (TODAY, NEXT_DAY):
        district.close(named, 28 * MILLION, 2 * MILLION, on=day)
    assert len(district.house.journal("funds.list_closed")) == 1
    assert district.state(named) == "closed"


def test_a_close_told_again_with_other_sums_is_a_conflict(district: District) -> None:
    district.give(30 * MILLION)
    named = district.paid_list(settled=28 * MILLION, returned=2 * MILLION)
    district.close(named, 28 * MILLION, 2 * MILLION)
    message = refusal("list_closed", Conflict, lambda: district.close(named, 27 * MILLION, 3 * MILLION))
    assert str(28 * MILLION) in message
    assert str(27 * MILLION) in message
    assert district.house.journal("funds.close_refused") == []
    assert district.state(named) == "closed"


def test_a_close_that_was_refused_is_accepted_once_the_sums_agree(district: District) -> None:
    named = district.drawn(30 * MILLION)
    district.close(named, 30 * MILLION, 0)
    assert district.state(named) == "drawn"
    district.answer("settled", named, 30 * MILLION)
    district.close(named, 30 * MILLION, 0)
    assert district.state(named) == "closed"
    assert told(district.house)["funds.close_refused"] == 1


@pytest.mark.parametrize("state", ["held", "refused", "voided"])
def test_a_list_that_was_never_drawn_is_not_closed(district: District, state: str) -> None:
    if state != "refused":
        district.give(30 * MILLION)
    named = district.approve(30 * MILLION)
    if state == "voided":
        district.withdraw(named)
    refusal("list_not_drawn", Rejected, lambda: district.close(named, 0, 0))
    assert district.state(named) == state


def test_a_close_of_an_unknown_list_is_refused(district: District) -> None:
    refusal("funds_unknown", NotFound, lambda: district.close(str(new_id()), 0, 0))


# --- lists.withdrawal_requested ---------------------------------------------------------------------------


def test_a_list_withdrawn_twice_is_given_back_once(district: District) -> None:
    named = district.held(30 * MILLION)
    for day in (TODAY, NEXT_DAY):
        district.withdraw(named, on=day)
    counts = told(district.house)
    assert (counts["funds.voided"], counts["funds.withdrawal_too_late"]) == (1, 0)
    assert district.left(Role.ALLOTMENT) == 30 * MILLION


def test_a_withdrawal_told_again_does_not_touch_the_next_submission(district: District) -> None:
    named = district.held(30 * MILLION)
    district.withdraw(named)
    district.approve(30 * MILLION, named, 2)
    district.withdraw(named, 1)
    assert (district.state(named, 1), district.state(named, 2)) == ("voided", "held")
    assert district.left(Role.ALLOTMENT) == 0


def test_whoever_asks_too_late_is_answered_each_time(district: District) -> None:
    named = district.drawn(30 * MILLION)
    for _ in range(2):
        district.withdraw(named)
    assert told(district.house)["funds.withdrawal_too_late"] == 2
    assert district.left(Role.PROVIDER, POST) == 30 * MILLION


@pytest.mark.parametrize("known", [True, False], ids=["unknown_submission", "unknown_list"])
def test_a_withdrawal_of_something_unknown_is_refused_with_its_name(district: District, known: bool) -> None:  # noqa: FBT001
    named = district.held(30 * MILLION) if known else str(new_id())
    message = refusal("funds_unknown", NotFound, lambda: district.withdraw(named, 7))
    assert f"list {named} at submission 7" in message
    assert district.house.journal("funds.withdrawal_too_late") == []


# --- out of order -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["payments.settled", "payments.returned", "lists.closed"])
def test_what_comes_before_its_list_waits_for_a_person(district: District, kind: str) -> None:
    named = str(new_id())
    facts = {
        "list_id": named,
        "statement_id": str(new_id()),
        "chunk": 0,
        "lines": [{"line": "merit_monthly", "amount_vnd": 1, "settled_vnd": 1, "returned_vnd": 0}],
    }
    refusal("funds_unknown", NotFound, lambda: district.house.hand(kind, facts))
    district.give(MILLION)
    district.approve(MILLION, named)
    refusal("list_not_drawn", Rejected, lambda: district.house.hand(kind, facts))
    district.confirm(named)
    district.house.hand(kind, facts)
    assert district.state(named) == "drawn"


def test_a_rule_that_changed_since_leaves_the_money_of_a_list_where_it_was_drawn(district: District) -> None:
    named = district.drawn(30 * MILLION)
    with district.house.owner.begin() as connection:
        connection.exec_driver_sql("UPDATE funding_rules SET component = 'merit-372'")
    district.answer("settled", named, 20 * MILLION)
    district.answer("returned", named, 10 * MILLION)
    assert (district.left(Role.SPENT), district.left(Role.RETURNED, POST)) == (20 * MILLION, 10 * MILLION)
    assert district.house.one("SELECT count(*) FROM accounts WHERE component = 'merit-372'") == 0


def test_a_rule_that_ended_since_does_not_stop_an_answer(district: District) -> None:
    named = district.drawn(30 * MILLION)
    with district.house.owner.begin() as connection:
        connection.exec_driver_sql("UPDATE funding_rules SET valid_to = '2024-08-05'")
    district.answer("settled", named, 30 * MILLION, on=NEXT_DAY)
    assert district.left(Role.SPENT) == 30 * MILLION
    refusal("funding_rule_missing", Rejected, lambda: district.approve(1, on=NEXT_DAY))
