"""What was allotted, is held, was spent and is left, from what accounts come to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.allocation.ledger.model import Role
from services.allocation.ledger.standing import Standing

amounts = st.integers(-(10**15), 10**15)


def test_a_month_that_was_paid() -> None:
    balance = {Role.ENVELOPE: 50, Role.ALLOTMENT: 300, Role.RETURNED: 20, Role.PROVIDER: 10, Role.SPENT: 670}
    money = Standing(balance, promised=100)

    assert (money.allotted, money.held, money.spent, money.left) == (1000, 110, 670, 220)
    assert (money.undivided, money.unmatched, money.carried, money.cancelled) == (50, 0, 0, 0)


def test_an_advance_is_held_and_what_the_year_took_away_is_allotted_no_more() -> None:
    money = Standing({Role.ADVANCE: 7, Role.CARRIED: 30, Role.CANCELLED: 3})

    assert (money.allotted, money.held, money.carried, money.cancelled) == (7, 7, 30, 3)


def test_money_that_came_back_unexplained_was_not_allotted_twice() -> None:
    money = Standing({Role.RETURNED: 5, Role.SPENT: 95, Role.UNMATCHED: -5})

    assert (money.allotted, money.unmatched, money.left) == (95, 5, 5)


@given(st.dictionaries(st.sampled_from(Role), amounts), amounts)
def test_the_figures_always_add_up(balance: dict[Role, int], promised: int) -> None:
    money = Standing(balance, promised)

    assert money.allotted + money.unmatched == money.held + money.spent + money.left
