"""Money that had counted as paid and came back after all: out of spent, or out of nowhere with an alarm."""

from __future__ import annotations

from datetime import date

import pytest

from services.allocation.ledger.model import Role
from shared.kernel.errors import Conflict, NotFound, Rejected
from shared.kernel.ids import new_id
from tests.integration.allocation.district import LATER, MILLION, POST, District

NEXT_DAY = date(2024, 8, 6)


@pytest.fixture
def paid(district: District) -> str:
    """A list of 60 million, all of it paid out."""
    named = district.drawn(60 * MILLION)
    district.answer("settled", named, 60 * MILLION)
    return named


def test_what_came_back_late_is_no_longer_spent_and_stands_ready(district: District, paid: str) -> None:
    district.answer("returned_late", paid, 5 * MILLION)
    assert district.standing(2024) == {"spent": 55 * MILLION, "returned": 5 * MILLION}
    told = district.house.journal("funds.posted")[-1]
    assert (told["kind"], told["amount_vnd"], told["list_id"]) == ("returned_late", 5 * MILLION, paid)
    assert district.house.journal("funds.late_return_unmatched") == []


def test_what_came_back_late_pays_the_next_list(district: District, paid: str) -> None:
    district.answer("returned_late", paid, 5 * MILLION)
    again = district.approve(4 * MILLION)
    assert district.state(again) == "drawn"
    assert district.left(Role.RETURNED, POST) == MILLION


def test_told_again_it_comes_back_once(district: District, paid: str) -> None:
    for day in (NEXT_DAY, NEXT_DAY, LATER):
        district.answer("returned_late", paid, 5 * MILLION, on=day)
    assert district.left(Role.RETURNED, POST) == 5 * MILLION
    assert len(district.house.journal("funds.posted")) == 2


def test_told_again_with_another_amount_it_is_a_conflict(district: District, paid: str) -> None:
    district.answer("returned_late", paid, 5 * MILLION)
    with pytest.raises(Conflict) as refused:
        district.answer("returned_late", paid, 6 * MILLION)
    assert refused.value.code == "answer_differs"
    assert district.left(Role.RETURNED, POST) == 5 * MILLION


def test_each_chunk_comes_back_for_itself(district: District, paid: str) -> None:
    for chunk in range(3):
        district.answer("returned_late", paid, 10 * MILLION, chunk)
    assert district.standing(2024) == {"spent": 30 * MILLION, "returned": 30 * MILLION}


@pytest.mark.parametrize("before", [0, 50 * MILLION], ids=["at_once", "after_others"])
def test_no_more_comes_back_than_was_paid(district: District, paid: str, before: int) -> None:
    other = district.drawn(100 * MILLION)
    district.answer("settled", other, 100 * MILLION)
    if before:
        district.answer("returned_late", paid, before)
    with pytest.raises(Rejected) as refused:
        district.answer("returned_late", paid, 60 * MILLION - before + 1, chunk=1)
    assert refused.value.code == "late_return_exceeds_settled"
    assert district.left(Role.SPENT) == 160 * MILLION - before


def test_what_was_returned_at_first_cannot_come_back_late(district: District) -> None:
    named = district.drawn(60 * MILLION)
    district.answer("returned", named, 60 * MILLION)
    with pytest.raises(Rejected) as refused:
        district.answer("returned_late", named, 1)
    assert refused.value.code == "late_return_exceeds_settled"


def test_before_anything_was_paid_nothing_can_come_back(district: District) -> None:
    named = district.held(60 * MILLION)
    with pytest.raises(Rejected) as refused:
        district.answer("returned_late", named, 1)
    assert refused.value.code == "list_not_drawn"
    with pytest.raises(NotFound):
        district.answer("returned_late", str(new_id()), 1)


def test_a_list_closes_with_what_came_back_late_as_returned(district: District, paid: str) -> None:
    district.answer("returned_late", paid, 5 * MILLION)
    district.close(paid, 60 * MILLION, 0)
    assert district.state(paid) == "drawn", "the sums of before are refused"
    district.close(paid, 55 * MILLION, 5 * MILLION)
    assert district.state(paid) == "closed"


def test_a_closed_list_may_still_get_money_back(district: District, paid: str) -> None:
    district.close(paid, 60 * MILLION, 0)
    district.answer("returned_late", paid, 5 * MILLION)
    assert district.standing(2024) == {"spent": 55 * MILLION, "returned": 5 * MILLION}
    assert district.state(paid) == "closed"


def test_after_a_late_return_the_rest_may_still_be_answered_and_no_more(district: District) -> None:
    named = district.drawn(60 * MILLION)
    district.answer("settled", named, 50 * MILLION)
    district.answer("returned_late", named, 20 * MILLION)
    district.answer("settled", named, 10 * MILLION, chunk=1)
    assert district.standing(2024) == {"spent": 40 * MILLION, "returned": 20 * MILLION}
    with pytest.raises(Rejected) as refused:
        district.answer("settled", named, 1, chunk=2)
    assert refused.value.code == "list_exceeded"


def test_what_was_spent_in_a_closed_year_comes_out_of_unmatched_with_an_alarm(
    district: District, paid: str
) -> None:
    district.close_year()
    district.answer("returned_late", paid, 5 * MILLION, on=LATER)
    assert district.standing(2024) == {"spent": 60 * MILLION}, "a closed year is never rewritten"
    assert district.standing(2025) == {"unmatched": -5 * MILLION, "returned": 5 * MILLION}
    (alarm,) = district.house.journal("funds.late_return_unmatched")
    assert (alarm["list_id"], alarm["fiscal_year"], alarm["amount_vnd"]) == (paid, 2025, 5 * MILLION)


def test_what_was_spent_in_both_years_comes_out_of_the_open_one_first(district: District) -> None:
    named = district.drawn(60 * MILLION)
    district.answer("settled", named, 40 * MILLION)
    district.close_year()
    district.answer("settled", named, 20 * MILLION, chunk=1, on=LATER)
    district.answer("returned_late", named, 25 * MILLION, on=LATER)
    assert district.standing(2024) == {"spent": 40 * MILLION}
    assert district.standing(2025) == {"unmatched": -5 * MILLION, "returned": 25 * MILLION}
    (alarm,) = district.house.journal("funds.late_return_unmatched")
    assert alarm["amount_vnd"] == 5 * MILLION
    district.answer("returned_late", named, 25 * MILLION, on=LATER)
    assert district.standing(2025)["returned"] == 25 * MILLION


def test_what_other_lists_spent_in_the_open_year_is_not_touched(district: District, paid: str) -> None:
    other = district.drawn(30 * MILLION)
    district.close_year()
    district.answer("settled", other, 30 * MILLION, on=LATER)
    district.answer("returned_late", paid, 5 * MILLION, on=LATER)
    standing = {"spent": 30 * MILLION, "unmatched": -5 * MILLION, "returned": 5 * MILLION}
    assert district.standing(2025) == standing


def test_returned_late_before_the_closing_is_carried_as_returned(district: District, paid: str) -> None:
    district.answer("returned_late", paid, 5 * MILLION)
    told = district.close_year()
    assert told.moved == ({"role": "returned", "moved_vnd": 5 * MILLION},)
    assert district.standing(2025) == {"returned": 5 * MILLION}
