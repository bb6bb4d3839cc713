"""What pages show of a month: sums that add up, a pace that is not promised too early, sheets of paper."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.months import model, sheets
from services.portal.months.sheets import FIRST_ROWS, LAST_ROWS, MIDDLE_ROWS, PART_SHEETS, PaperRow

NONE = {"count": 0, "vnd": 0}


def place(unit: str, provider: str, state: str, **sums: tuple[int, int]) -> dict[str, Any]:
    named = {name: {"count": count, "vnd": vnd} for name, (count, vnd) in sums.items()}
    head = {"unit_id": unit, "provider": provider, "channel": "post", "state": state, "list_count": 1}
    return {**head, **dict.fromkeys(model.SUMMED, NONE), **named}


def row(number: int, amount_vnd: int) -> PaperRow:
    return PaperRow(number, "somebody", "QN-1", "Xã Quế Minh", amount_vnd, 0, 0, amount_vnd)


PLACES = [
    place("a", "POST", "closed", payments=(3, 300), settled=(1, 100), returned=(2, 200), reissued=(1, 100)),
    place("a", "POST", "instructed", payments=(1, 100), unanswered=(1, 100)),
    place("b", "POST", "computed", payments=(5, 500)),
]


def test_a_month_by_state_is_in_the_order_of_the_way() -> None:
    found = model.by_state(reversed(PLACES))
    assert [(one.state, one.list_count, one.payments.vnd) for one in found] == [
        ("computed", 1, 500),
        ("instructed", 1, 100),
        ("closed", 1, 300),
    ]


def test_the_lists_of_a_unit_and_provider_are_one_place() -> None:
    first, second = model.by_place(PLACES, {"a": "Thăng Bình"})
    assert (first.unit, dict(first.states), first.sums["payments"].count) == (
        "Thăng Bình",
        {"closed": 1, "instructed": 1},
        4,
    )
    assert (second.unit, second.held_vnd) == ("b", 0)


def test_a_provider_holds_what_is_unanswered_and_what_came_back_and_was_not_used_again() -> None:
    whole = model.altogether(model.by_place(PLACES, {}))
    assert whole.held_vnd == 100 + 200 - 100
    assert whole.sums["payments"].vnd == 900


def test_months_come_newest_first_with_what_is_open() -> None:
    lists = [
        {"period": "2024-08", "state": "closed", "payment_count": 2, "total_vnd": 20},
        {"period": "2024-09", "state": "computed", "payment_count": 3, "total_vnd": 30},
        {"period": "2024-08", "state": "drawn", "payment_count": 1, "total_vnd": 10},
    ]
    newest, before = model.months_of(lists)
    assert (newest.period, newest.open_count) == ("2024-09", 1)
    assert (before.list_count, before.open_count, before.payment_count, before.total_vnd) == (2, 1, 3, 30)


@pytest.mark.parametrize(("period", "following"), [("2024-08", "2024-09"), ("2024-12", "2025-01")])
def test_the_month_after(period: str, following: str) -> None:
    assert model.next_period(period) == following


@pytest.mark.parametrize(
    ("total", "rate", "left_s"),
    [(100, 10, 9), (95, 10, 9), (None, 10, None), (100, None, None), (100, 0, None), (5, 10, None)],
    ids=["even", "rounded up", "no total", "no rate", "stands still", "past its total"],
)
def test_the_time_left_is_told_where_it_can_be_known(
    total: int | None, rate: int | None, left_s: int | None
) -> None:
    one = model.pace({"done": 10, "total": total, "rate": rate, "state": "running"})
    assert (one.left_s, one.running) == (left_s, True)


def test_payments_stand_as_their_outcomes_say() -> None:
    payments = [{"id": "1", "amount_vnd": 5}, {"id": "2", "amount_vnd": 6}]
    shown = model.with_outcomes(payments, [{"id": "2", "standing": "settled", "amount_vnd": 6}])
    assert shown == [payments[0], {"id": "2", "standing": "settled", "amount_vnd": 6}]


def test_only_steps_that_one_may_take_are_shown() -> None:
    approver = [one.name for one in model.steps_for("submitted", ["lists.approve"])]
    assert approver == ["approval", "return"]
    assert model.steps_for("submitted", ["lists.submit"]) == []
    assert [one.name for one in model.steps_for("closed", ["lists.submit"])] == ["reissues"]


@given(st.lists(st.integers(1, 10**12), max_size=700))
def test_sheets_hold_every_row_once_and_carry_their_sum_over_all_parts(amounts: list[int]) -> None:
    rows = [row(number, vnd) for number, vnd in enumerate(amounts, 1)]
    made = []
    for part in sheets.parts_of(sheets.plan_of(len(rows))):
        before = part[0].first - 1
        some = rows[before : before + sum(span.count for span in part)]
        made += sheets.sheets_of(part, some, sum(amounts[:before]))
    assert [one for sheet in made for one in sheet.rows] == rows
    assert [sheet.number for sheet in made] == list(range(1, len(made) + 1))
    assert made[-1].sum_vnd == sum(amounts)
    assert [sheet.last for sheet in made] == [False] * (len(made) - 1) + [True]
    for before_it, after in pairwise(made):
        assert after.carried_vnd == before_it.sum_vnd


@given(st.integers(1, 700))
def test_sheets_fit_their_paper_and_signatures_never_stand_alone(count: int) -> None:
    plan = sheets.plan_of(count)
    assert plan[0].count <= FIRST_ROWS
    for span in plan[1:]:
        assert span.count <= (LAST_ROWS if span.last else MIDDLE_ROWS)
        assert span.count >= 1
    assert all(len(part) <= PART_SHEETS for part in sheets.parts_of(plan))


def test_lines_stand_on_paper_as_the_service_numbers_them() -> None:
    person = {"full_name": "Lê Văn An", "number": "QN-2", "birth_year": 1948, "commune_id": "a"}
    line = {"number": 7, "person_id": "p", "person": person, "reissued_by": None, "amount_vnd": 5}
    line |= {"monthly_vnd": 4, "arrears_vnd": 3, "recovery_vnd": -2}
    unseen = {**line, "person": None, "reissued_by": "q"}
    assert list(sheets.rows_of([line, unseen], {"a": "Xã Quế Minh"})) == [
        PaperRow(7, "Lê Văn An", "QN-2", "Xã Quế Minh", 4, 3, -2, 5),
        PaperRow(7, "p", "", "", 4, 3, -2, 5, paid_again=True),
    ]
