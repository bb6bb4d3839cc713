"""What tables of money add up to, and which accounts stand behind a figure."""

from __future__ import annotations

from typing import Any

import pytest

from services.portal.money import model
from services.portal.money.model import Bar


def row(undivided: int = 0, held: int = 0, spent: int = 0, left: int = 0) -> dict[str, Any]:
    figures = {"undivided": undivided, "held": held, "spent": spent, "left": left}
    others = {"unmatched_vnd": 0, "carried_vnd": 0, "cancelled_vnd": 0}
    return (
        {f"{name}_vnd": value for name, value in figures.items()}
        | others
        | {"allotted_vnd": held + spent + left}
    )


def account(role: str, came: int, went: int = 0, promised: int = 0) -> dict[str, Any]:
    return {"role": role, "credits_posted": came, "debits_posted": went, "debits_pending": promised}


ACCOUNTS = [
    account("envelope", 1000, 900),
    account("allotment", 900, 500, 100),
    account("returned", 20),
    account("provider", 500, 470),
    account("spent", 450),
    account("advance", 0),
]


def test_a_table_adds_up() -> None:
    sums = model.total([row(held=1, spent=2, left=3), row(undivided=5, left=4)])

    assert sums == {"undivided_vnd": 5, "allotted_vnd": 10, "held_vnd": 1, "spent_vnd": 2, "left_vnd": 7}
    assert model.total([])["allotted_vnd"] == 0


@pytest.mark.parametrize(
    ("money", "bar"),
    [
        (row(), Bar(0.0, 0.0, 0.0)),
        (row(spent=1, held=1, left=2), Bar(25.0, 25.0, 50.0)),
        (row(spent=10**15), Bar(100.0, 0.0, 0.0)),
        (row(spent=1, left=-1), Bar(100.0, 0.0, 0.0)),
    ],
)
def test_a_bar_shows_the_parts_of_what_was_allotted(money: dict[str, Any], bar: Bar) -> None:
    assert Bar.of(money) == bar


def test_rows_without_any_money_are_left_out() -> None:
    assert not model.has_any(row())
    assert model.has_any(row(undivided=1))
    assert model.has_any(row() | {"carried_vnd": 1})


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        ("undivided", {"envelope": 100}),
        ("left", {"allotment": 300, "returned": 20}),
        ("held", {"allotment": 100, "provider": 30}),
        ("spent", {"spent": 450}),
        ("allotted", {"allotment": 400, "returned": 20, "provider": 30, "spent": 450}),
    ],
)
def test_the_accounts_behind_a_figure_add_up_to_it(figure: str, expected: dict[str, int]) -> None:
    assert {one["role"]: amount for one, amount in model.behind(ACCOUNTS, figure)} == expected


def test_without_a_figure_all_accounts_are_shown() -> None:
    assert len(model.behind(ACCOUNTS, "")) == len(ACCOUNTS)


def test_the_way_down_to_a_unit_begins_at_the_top_and_ends_where_it_goes_round() -> None:
    units: list[dict[str, Any]] = [
        {"id": "p", "parent_id": None},
        {"id": "d", "parent_id": "p"},
        {"id": "c", "parent_id": "d"},
    ]
    assert [one["id"] for one in model.trail("c", units)] == ["p", "d", "c"]
    assert model.trail("x", units) == []
    round_: list[dict[str, Any]] = [{"id": "a", "parent_id": "b"}, {"id": "b", "parent_id": "a"}]
    assert len(model.trail("a", round_)) == 2
