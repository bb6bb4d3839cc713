"""The money of a payment list, from its approval to its closing, as events and the Treasury move it."""

from __future__ import annotations

from datetime import date

import pytest

from services.allocation.ledger.model import Role
from shared.kernel.errors import NotFound, Rejected
from shared.kernel.ids import new_id
from tests.integration.allocation.district import MILLION, POST, District
from tests.integration.allocation.house import problem
from tests.integration.allocation.offices import Offices


def test_an_approved_list_is_held_and_the_treasury_is_asked(district: District) -> None:
    decision = district.give(100 * MILLION)
    named = district.approve(60 * MILLION)
    (held,) = district.house.journal("funds.held")
    (line,) = held["lines"]
    assert (line["amount_vnd"], line["from_returned_vnd"]) == (60 * MILLION, 0)
    assert [one["decision_id"] for one in line["decision_lines"]] == [decision]
    (asked,) = district.requests()
    assert (asked["list_id"], asked["amount_vnd"], asked["provider"]) == (named, 60 * MILLION, POST)
    assert district.left(Role.ALLOTMENT) == 40 * MILLION
    assert district.left(Role.PROVIDER, POST) == 0, "nothing is drawn before the Treasury says so"
    assert district.state(named) == "held"


def test_the_treasurys_confirmation_draws_the_money(district: District) -> None:
    district.give(100 * MILLION)
    named = district.approve(60 * MILLION)
    district.confirm(named)
    assert district.state(named) == "drawn"
    assert district.left(Role.PROVIDER, POST) == 60 * MILLION
    (drawn,) = district.house.journal("funds.drawn")
    assert (drawn["list_id"], drawn["provider"], drawn["amount_vnd"]) == (named, POST, 60 * MILLION)
    assert district.requests() == []
    assert district.requests("confirmed")[0]["reference"] == "KB-1"


def test_each_dong_of_a_hold_comes_from_the_oldest_decision_that_has_some(district: District) -> None:
    first, second = district.give(10 * MILLION), district.give(10 * MILLION)
    district.approve(4 * MILLION)
    district.approve(8 * MILLION)
    held = district.house.journal("funds.held")
    shares = [
        [(one["decision_id"], one["amount_vnd"]) for one in event["lines"][0]["decision_lines"]]
        for event in held
    ]
    assert shares == [[(first, 4 * MILLION)], [(first, 6 * MILLION), (second, 2 * MILLION)]]


def test_a_list_that_is_not_covered_is_refused_with_what_lacks_and_holds_nothing(district: District) -> None:
    district.give(50 * MILLION)
    named = district.approve(60 * MILLION)
    (refused,) = district.house.journal("funds.refused")
    (line,) = refused["lines"]
    assert line["needed_vnd"] == 60 * MILLION
    assert (line["available_vnd"], line["shortfall_vnd"]) == (50 * MILLION, 10 * MILLION)
    assert district.left(Role.ALLOTMENT) == 50 * MILLION
    assert district.state(named) == "refused"
    assert district.requests() == []


def test_a_list_of_a_district_without_any_money_lacks_all_of_it(district: District) -> None:
    district.approve(7 * MILLION)
    (refused,) = district.house.journal("funds.refused")
    assert refused["lines"][0]["shortfall_vnd"] == 7 * MILLION


def test_after_a_supplement_the_next_submission_is_held(district: District) -> None:
    district.give(50 * MILLION)
    named = district.approve(60 * MILLION)
    district.give(10 * MILLION, kind="supplement")
    district.approve(60 * MILLION, named, submission=2)
    assert (district.state(named, 1), district.state(named, 2)) == ("refused", "held")
    assert district.left(Role.ALLOTMENT) == 0
    district.confirm(named)
    assert district.state(named, 2) == "drawn"


def test_what_came_back_is_used_first_and_the_withdrawal_is_net_of_it(district: District) -> None:
    district.give(100 * MILLION)
    district.paid_list(settled=50 * MILLION, returned=10 * MILLION)
    assert district.left(Role.RETURNED, POST) == 10 * MILLION
    named = district.approve(25 * MILLION)
    line = district.house.journal("funds.held")[-1]["lines"][0]
    assert (line["from_returned_vnd"], line["from_allotment_vnd"]) == (10 * MILLION, 15 * MILLION)
    (asked,) = district.requests()
    assert asked["amount_vnd"] == 15 * MILLION
    district.confirm(named)
    assert (district.left(Role.RETURNED, POST), district.left(Role.PROVIDER, POST)) == (0, 25 * MILLION)
    assert district.left(Role.ALLOTMENT) == 25 * MILLION


def test_a_list_wholly_covered_by_returned_money_is_drawn_at_once(district: District) -> None:
    district.give(60 * MILLION)
    district.paid_list(settled=50 * MILLION, returned=10 * MILLION)
    named = district.approve(9 * MILLION)
    assert district.state(named) == "drawn"
    assert district.requests() == [], "zero is not asked of the Treasury"
    assert district.house.journal("funds.drawn")[-1]["list_id"] == named
    assert district.left(Role.RETURNED, POST) == MILLION


def test_returned_money_of_one_provider_pays_no_list_of_another(district: District) -> None:
    district.give(60 * MILLION)
    district.paid_list(settled=50 * MILLION, returned=10 * MILLION)
    district.approve(5 * MILLION, provider="bank")
    (refused,) = district.house.journal("funds.refused")
    assert refused["lines"][0]["shortfall_vnd"] == 5 * MILLION


def test_what_the_treasury_refuses_is_free_again(district: District) -> None:
    district.give(100 * MILLION)
    named = district.approve(60 * MILLION)
    (asked,) = district.requests()
    reply = district.offices.treasurer.send(
        f"/v1/withdrawals/{asked['id']}/refusal", {"reason": "thiếu hồ sơ"}
    )
    assert (reply.status_code, reply.get_json()["state"]) == (200, "refused")
    assert district.state(named) == "voided"
    assert district.left(Role.ALLOTMENT) == 100 * MILLION
    assert district.house.journal("withdrawals.refused")[0]["reason"] == "thiếu hồ sơ"
    assert district.house.journal("funds.voided")[0]["list_id"] == named


def test_a_voided_list_can_be_held_again_under_its_next_submission(district: District) -> None:
    district.give(60 * MILLION)
    named = district.approve(60 * MILLION)
    district.withdraw(named)
    district.approve(60 * MILLION, named, submission=2)
    district.confirm(named)
    assert (district.state(named, 1), district.state(named, 2)) == ("voided", "drawn")


def test_the_treasury_answers_once(district: District) -> None:
    district.give(100 * MILLION)
    named = district.approve(60 * MILLION)
    (asked,) = district.requests()
    district.confirm(named)
    treasurer = district.offices.treasurer
    problem(
        treasurer.send(f"/v1/withdrawals/{asked['id']}/refusal", {"reason": "x"}), 409, "withdrawal_answered"
    )
    problem(
        treasurer.send(f"/v1/withdrawals/{asked['id']}/confirmation", {"reference": "KB-2"}),
        409,
        "withdrawal_answered",
    )
    assert district.left(Role.PROVIDER, POST) == 60 * MILLION


def test_the_treasury_may_press_twice(district: District) -> None:
    district.give(100 * MILLION)
    district.approve(60 * MILLION)
    (asked,) = district.requests()
    path = f"/v1/withdrawals/{asked['id']}/confirmation"
    replies = [district.offices.treasurer.send(path, {"reference": "KB-9"}, key="answer") for _ in range(2)]
    assert [one.status_code for one in replies] == [200, 200]
    assert len(district.house.journal("withdrawals.confirmed")) == 1


def test_a_request_that_nobody_made_is_not_found(district: District) -> None:
    reply = district.offices.treasurer.send(f"/v1/withdrawals/{new_id()}/confirmation", {"reference": "1"})
    problem(reply, 404, "withdrawal_unknown")


def test_a_list_withdrawn_in_time_frees_its_money_and_cancels_the_request(district: District) -> None:
    district.give(100 * MILLION)
    named = district.approve(60 * MILLION)
    district.withdraw(named)
    assert district.state(named) == "voided"
    assert district.left(Role.ALLOTMENT) == 100 * MILLION
    (cancelled,) = district.requests("cancelled")
    reply = district.offices.treasurer.send(
        f"/v1/withdrawals/{cancelled['id']}/confirmation", {"reference": "KB-1"}
    )
    problem(reply, 409, "withdrawal_answered")


@pytest.mark.parametrize("when", ["drawn", "voided", "refused"])
def test_a_list_withdrawn_too_late_is_told_so(district: District, when: str) -> None:
    if when != "refused":
        district.give(100 * MILLION)
    named = district.approve(60 * MILLION)
    if when == "drawn":
        district.confirm(named)
    if when == "voided":
        district.refuse(named)
    before = district.left(Role.ALLOTMENT)
    district.withdraw(named)
    (late,) = district.house.journal("funds.withdrawal_too_late")
    assert late["list_id"] == named
    assert district.state(named) == when
    assert district.left(Role.ALLOTMENT) == before


def test_what_was_paid_out_is_spent_and_what_came_back_stands_ready(district: District) -> None:
    district.give(100 * MILLION)
    named = district.paid_list(settled=58 * MILLION, returned=2 * MILLION)
    assert district.left(Role.SPENT) == 58 * MILLION
    assert district.left(Role.RETURNED, POST) == 2 * MILLION
    assert district.left(Role.PROVIDER, POST) == 0
    told = district.house.journal("funds.posted")
    assert [(one["list_id"], one["kind"], one["amount_vnd"]) for one in told] == [
        (named, "settled", 58 * MILLION),
        (named, "returned", 2 * MILLION),
    ]


def test_each_chunk_of_a_statement_is_posted_for_itself(district: District) -> None:
    district.give(100 * MILLION)
    named = district.approve(60 * MILLION)
    district.confirm(named)
    for chunk in range(3):
        district.answer("settled", named, 10 * MILLION, chunk)
    assert district.left(Role.SPENT) == 30 * MILLION
    assert district.left(Role.PROVIDER, POST) == 30 * MILLION


def test_a_chunk_told_again_under_another_event_moves_nothing(district: District) -> None:
    district.give(100 * MILLION)
    named = district.approve(60 * MILLION)
    district.confirm(named)
    for _ in range(2):
        district.answer("settled", named, 10 * MILLION)
    assert district.left(Role.SPENT) == 10 * MILLION
    assert len(district.house.journal("funds.posted")) == 1


def test_more_than_a_provider_was_given_is_never_posted(district: District) -> None:
    district.give(100 * MILLION)
    named = district.approve(60 * MILLION)
    district.confirm(named)
    with pytest.raises(Rejected, match="do not fit") as refused:
        district.answer("settled", named, 60 * MILLION + 1)
    assert refused.value.code == "list_exceeded"
    assert district.left(Role.SPENT) == 0


def test_an_answer_for_a_list_that_was_never_held_is_refused(district: District) -> None:
    with pytest.raises(NotFound) as refused:
        district.answer("settled", str(new_id()), 1)
    assert refused.value.code == "funds_unknown"


def test_a_list_is_closed_when_both_sides_have_the_same_sums(district: District) -> None:
    district.give(100 * MILLION)
    named = district.paid_list(settled=57 * MILLION, returned=2 * MILLION)
    district.close(named, settled=57 * MILLION, returned=2 * MILLION)
    (closed,) = district.house.journal("funds.list_closed")
    assert (closed["settled_vnd"], closed["returned_vnd"], closed["unknown_vnd"]) == (
        57 * MILLION,
        2 * MILLION,
        0,
    )
    assert district.state(named) == "closed"


def test_what_a_provider_never_answered_is_named_at_the_close(district: District) -> None:
    district.give(100 * MILLION)
    named = district.approve(60 * MILLION)
    district.confirm(named)
    district.answer("settled", named, 59 * MILLION)
    district.close(named, settled=59 * MILLION, returned=0, unknown=MILLION)
    (closed,) = district.house.journal("funds.list_closed")
    assert closed["unknown_vnd"] == MILLION
    assert district.left(Role.PROVIDER, POST) == MILLION


@pytest.mark.parametrize(("settled", "returned"), [(56, 2), (57, 3), (59, 0)])
def test_a_close_whose_sums_differ_is_refused_and_says_both(
    district: District, settled: int, returned: int
) -> None:
    district.give(100 * MILLION)
    named = district.paid_list(settled=57 * MILLION, returned=2 * MILLION)
    district.close(named, settled * MILLION, returned * MILLION)
    (refused,) = district.house.journal("funds.close_refused")
    assert refused["list_id"] == named
    assert str(57 * MILLION) in refused["reason"]
    assert str(settled * MILLION) in refused["reason"]
    assert district.state(named) == "drawn"


def test_a_list_that_fits_no_rule_of_that_day_is_refused(district: District) -> None:
    facts = {
        "list_id": str(new_id()),
        "submission": 1,
        "period": "2020-01",
        "fiscal_year": 2020,
        "unit_id": district.unit,
        "provider": POST,
        "lines": [{"line": "merit_monthly", "purpose": "merit_monthly", "amount_vnd": 1}],
    }
    with pytest.raises(Rejected) as refused:
        district.house.hand("lists.approved", facts, on=date(2020, 1, 5))
    assert refused.value.code == "funding_rule_missing"


def test_a_list_of_two_lines_cannot_be_read_and_waits_for_a_person(district: District) -> None:
    with pytest.raises(Rejected) as refused:
        district.house.hand("lists.approved", {"list_id": str(new_id()), "lines": [{}, {}]})
    assert refused.value.code == "list_lines"


def test_districts_do_not_share_money(offices: Offices) -> None:
    rich, poor = (District(offices, unit) for unit in offices.districts(2))
    rich.give(100 * MILLION)
    poor.approve(MILLION)
    assert len(poor.house.journal("funds.refused")) == 1
    assert rich.left(Role.ALLOTMENT) == 100 * MILLION


def test_a_whole_month_of_lists_ends_with_every_dong_accounted_for(district: District) -> None:
    district.give(100 * MILLION)
    first = district.paid_list(settled=40 * MILLION, returned=5 * MILLION)
    second = district.paid_list(settled=20 * MILLION, returned=0)
    district.close(first, 40 * MILLION, 5 * MILLION)
    district.close(second, 20 * MILLION, 0)
    stands = [
        district.left(Role.ALLOTMENT),
        district.left(Role.PROVIDER, POST),
        district.left(Role.RETURNED, POST),
        district.left(Role.SPENT),
    ]
    assert stands == [40 * MILLION, 0, 0, 60 * MILLION]
    assert sum(stands) == 100 * MILLION
