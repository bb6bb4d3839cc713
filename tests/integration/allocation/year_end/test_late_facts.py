"""Facts about a list that come after its year was closed: they find its money where it stands now."""

from __future__ import annotations

from datetime import date

import pytest

from services.allocation.ledger.model import Role
from shared.kernel.errors import Rejected
from shared.kernel.ids import new_id
from tests.integration.allocation.district import LATER, MILLION, POST, STATEMENT, District
from tests.integration.allocation.house import problem

MUCH_LATER = date(2026, 2, 3)


def test_a_list_at_the_provider_is_settled_in_the_next_year(district: District) -> None:
    named = district.drawn(60 * MILLION)
    told = district.close_year()
    assert told.moved == ({"role": "provider", "moved_vnd": 60 * MILLION},)
    district.answer("settled", named, 60 * MILLION, on=LATER)
    assert district.standing(2024) == {}
    assert district.standing(2025) == {"spent": 60 * MILLION}


def test_a_list_at_the_provider_is_returned_in_the_next_year_and_stands_ready_there(
    district: District,
) -> None:
    named = district.drawn(60 * MILLION)
    district.close_year()
    district.answer("returned", named, 60 * MILLION, on=LATER)
    assert district.standing(2025) == {"returned": 60 * MILLION}
    again = district.approve(50 * MILLION, period="2025-01", fiscal_year=2025, on=LATER)
    assert district.state(again) == "drawn", "returned money pays the next list without the Treasury"
    assert district.standing(2025) == {"returned": 10 * MILLION, "provider": 50 * MILLION}


def test_a_list_answered_in_both_years_is_closed_with_the_sums_of_both(district: District) -> None:
    named = district.drawn(60 * MILLION)
    district.answer("settled", named, 40 * MILLION)
    district.close_year()
    district.answer("settled", named, 15 * MILLION, chunk=1, on=LATER)
    district.answer("returned", named, 5 * MILLION, chunk=2, on=LATER)
    district.close(named, 55 * MILLION, 5 * MILLION, on=LATER)
    assert district.state(named) == "closed"
    assert district.standing(2024) == {"spent": 40 * MILLION}
    assert district.standing(2025) == {"spent": 15 * MILLION, "returned": 5 * MILLION}


def test_an_answer_of_the_old_year_told_again_in_the_new_one_moves_nothing(district: District) -> None:
    named = district.drawn(60 * MILLION)
    district.answer("settled", named, 40 * MILLION)
    district.close_year()
    district.answer("settled", named, 40 * MILLION, on=LATER)
    assert district.standing(2024) == {"spent": 40 * MILLION}
    assert district.standing(2025) == {"provider": 20 * MILLION}
    assert len(district.house.journal("funds.posted")) == 1


def test_a_list_closed_before_its_year_stays_closed(district: District) -> None:
    named = district.drawn(60 * MILLION)
    district.answer("settled", named, 60 * MILLION)
    district.close(named, 60 * MILLION, 0)
    assert district.close_year().moved == ()
    district.close(named, 60 * MILLION, 0, on=LATER)
    assert district.state(named) == "closed"


def test_a_list_that_waits_for_the_treasury_is_drawn_in_the_next_year(district: District) -> None:
    district.give(100 * MILLION)
    named = district.approve(60 * MILLION)
    told = district.close_year()
    assert (told.hold_count, told.moved) == (1, ({"role": "allotment", "moved_vnd": 60 * MILLION},))
    assert told.left == ({"role": "allotment", "left_vnd": 40 * MILLION},)
    district.confirm(named)
    assert district.state(named) == "drawn"
    assert district.standing(2025) == {"provider": 60 * MILLION}
    assert district.standing(2024) == {"allotment": 40 * MILLION}
    district.answer("settled", named, 60 * MILLION, on=LATER)
    assert district.standing(2025) == {"spent": 60 * MILLION}


def test_what_the_treasury_refuses_after_the_closing_is_free_in_the_next_year(district: District) -> None:
    named = district.held(60 * MILLION)
    district.close_year()
    district.refuse(named)
    assert district.state(named) == "voided"
    assert district.standing(2025) == {"allotment": 60 * MILLION}


def test_a_list_withdrawn_after_the_closing_frees_its_money_in_the_next_year(district: District) -> None:
    named = district.held(60 * MILLION)
    district.close_year()
    district.withdraw(named, on=LATER)
    assert district.state(named) == "voided"
    assert district.house.journal("funds.withdrawal_too_late") == []
    district.approve(60 * MILLION, named, 2, on=LATER)
    assert district.state(named, 2) == "held"
    held = district.house.journal("funds.held")[-1]["lines"][0]
    assert held["from_allotment_vnd"] == 60 * MILLION
    assert len(held["decision_lines"]) == 1, "the money is still that of its decision"


def test_a_drawn_list_is_too_late_to_withdraw_after_the_closing_too(district: District) -> None:
    named = district.drawn(60 * MILLION)
    district.close_year()
    district.withdraw(named, on=LATER)
    assert len(district.house.journal("funds.withdrawal_too_late")) == 1
    assert district.standing(2025) == {"provider": 60 * MILLION}


def test_a_list_out_of_returned_and_allotted_money_goes_on_whole(district: District) -> None:
    district.give(100 * MILLION)
    district.paid_list(settled=50 * MILLION, returned=10 * MILLION)
    named = district.approve(25 * MILLION)
    told = district.close_year()
    assert told.hold_count == 2
    assert told.moved == (
        {"role": "allotment", "moved_vnd": 15 * MILLION},
        {"role": "returned", "moved_vnd": 10 * MILLION},
    )
    district.confirm(named)
    assert district.standing(2025) == {"provider": 25 * MILLION}


def test_lists_at_every_stage_go_on_together(district: District) -> None:
    district.give(200 * MILLION)
    waiting = district.approve(30 * MILLION)
    paid = district.approve(40 * MILLION)
    district.confirm(paid)
    district.answer("settled", paid, 25 * MILLION)
    district.answer("returned", paid, 5 * MILLION)
    refused = district.approve(500 * MILLION)
    told = district.close_year()
    assert told.moved == (
        {"role": "allotment", "moved_vnd": 30 * MILLION},
        {"role": "provider", "moved_vnd": 10 * MILLION},
        {"role": "returned", "moved_vnd": 5 * MILLION},
    )
    district.confirm(waiting)
    district.answer("settled", waiting, 30 * MILLION, on=LATER)
    district.answer("settled", paid, 10 * MILLION, chunk=1, on=LATER)
    district.close(paid, 35 * MILLION, 5 * MILLION, on=LATER)
    district.close(waiting, 30 * MILLION, 0, on=LATER)
    assert [district.state(one) for one in (waiting, paid, refused)] == ["closed", "closed", "refused"]
    assert district.standing(2024) == {"allotment": 130 * MILLION, "spent": 25 * MILLION}
    assert district.standing(2025) == {"spent": 40 * MILLION, "returned": 5 * MILLION}


def test_two_closings_later_the_money_is_still_found(district: District) -> None:
    waiting, drawn = district.held(30 * MILLION), district.drawn(40 * MILLION)
    district.close_year(2024, LATER)
    district.close_year(2025, MUCH_LATER)
    district.confirm(waiting)
    district.answer("settled", waiting, 30 * MILLION, on=MUCH_LATER)
    district.answer("settled", drawn, 40 * MILLION, on=MUCH_LATER)
    assert district.standing(2026) == {"spent": 70 * MILLION}
    assert district.standing(2025) == {}


def test_a_late_answer_beyond_the_list_is_refused_in_the_next_year_too(district: District) -> None:
    named, _ = district.drawn(30 * MILLION), district.drawn(40 * MILLION)
    district.close_year()
    with pytest.raises(Rejected) as refused:
        district.answer("settled", named, 30 * MILLION + 1, on=LATER)
    assert refused.value.code == "list_exceeded"
    assert district.standing(2025) == {"provider": 70 * MILLION}


def test_a_list_of_the_closed_year_that_comes_late_is_paid_from_the_open_one(district: District) -> None:
    district.give(10 * MILLION)
    before = district.drawn(20 * MILLION)
    district.answer("returned", before, 20 * MILLION)
    district.close_year()
    named = district.approve(15 * MILLION, period="2024-12", on=LATER)
    assert district.state(named) == "drawn"
    assert district.standing(2025) == {"provider": 15 * MILLION, "returned": 5 * MILLION}
    row = district.house.rows("SELECT * FROM list_funds WHERE list_id = :id", id=named)[0]
    assert (row.fiscal_year, row.period) == (2024, "2024-12"), "what it is for does not change"


def test_unspent_money_of_a_closed_year_pays_no_list_without_a_decision(district: District) -> None:
    district.give(50 * MILLION)
    district.close_year()
    named = district.approve(10 * MILLION, period="2024-12", on=LATER)
    assert district.state(named) == "refused"
    assert district.house.journal("funds.refused")[0]["lines"][0]["shortfall_vnd"] == 10 * MILLION
    assert district.standing(2024) == {"allotment": 50 * MILLION}


def test_a_late_list_told_again_changes_nothing(district: District) -> None:
    district.give(50 * MILLION)
    before = district.held(20 * MILLION)
    district.close_year()
    rows = district.house.one("SELECT count(*) FROM transfers")
    district.approve(20 * MILLION, before, on=LATER)
    assert district.house.one("SELECT count(*) FROM transfers") == rows
    assert district.state(before) == "held"


def test_the_treasury_answers_once_across_the_closing(district: District) -> None:
    named = district.held(60 * MILLION)
    asked = district.asked(named)
    district.close_year()
    district.confirm(named)
    path = f"/v1/withdrawals/{asked['id']}"
    treasurer = district.offices.treasurer
    problem(treasurer.send(f"{path}/refusal", {"reason": "x"}), 409, "withdrawal_answered")
    problem(treasurer.send(f"{path}/confirmation", {"reference": "2"}), 409, "withdrawal_answered")
    assert district.standing(2025) == {"provider": 60 * MILLION}


def test_the_months_of_late_posts_are_those_of_the_late_day(district: District) -> None:
    named = district.drawn(60 * MILLION)
    district.close_year()
    district.answer("settled", named, 60 * MILLION, on=LATER)
    (row,) = district.house.rows(
        "SELECT t.period, t.effective_on FROM transfers t JOIN list_posts p ON p.transfer_id = t.id"
    )
    assert (row.period, row.effective_on) == ("2025-02", LATER)


def test_a_closing_between_two_chunks_of_one_statement_loses_nothing(district: District) -> None:
    named = district.drawn(60 * MILLION)
    statement = str(new_id())
    for chunk in range(6):
        if chunk == 3:
            district.close_year()
        day = LATER if chunk >= 3 else date(2024, 12, 30)
        district.answer("settled", named, 10 * MILLION, chunk, statement, on=day)
    assert (district.left(Role.SPENT), district.left(Role.SPENT, year=2025)) == (30 * MILLION, 30 * MILLION)
    assert district.left(Role.PROVIDER, POST, 2025) == 0
    assert statement != STATEMENT
