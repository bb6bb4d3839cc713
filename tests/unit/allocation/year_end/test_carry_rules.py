"""What a closing year hands on: for any holds and balances the group is whole, in order and adds up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.ledger.model import (
    AccountKey,
    CapitalKind,
    Kind,
    OpenHold,
    Role,
    Verdict,
    ensure_balanced,
    hold_changes,
    totals,
)
from services.allocation.ledger.walk import decide
from services.allocation.year_end.model import (
    IN_OTHER_HANDS,
    UNSPENT,
    Balance,
    StandingHold,
    carried_hold_id,
    carry,
    ensure_over,
    successor,
)
from shared.kernel.errors import Rejected
from shared.kernel.ids import id_of
from shared.kernel.periods import Period

YEAR = 2024
ON = date(2025, 2, 3)
MONTH = Period(2024, 12)
DISTRICT = UUID(int=502)


def key(role: Role, party: str | None = None, year: int = YEAR) -> AccountKey:
    return AccountKey(year, "merit", "central", CapitalKind.RECURRENT, DISTRICT, role, party)


ALLOTMENT, SPENT = key(Role.ALLOTMENT), key(Role.SPENT)
PROVIDER, RETURNED = key(Role.PROVIDER, "post"), key(Role.RETURNED, "post")
SOURCE, ADVANCE = key(Role.SOURCE), key(Role.ADVANCE, "builder")


def hold(
    number: int, debit: AccountKey, credit: AccountKey, open_vnd: int, line: UUID | None = None
) -> StandingHold:
    return StandingHold(UUID(int=number), debit, credit, open_vnd, MONTH, line)


def test_nothing_under_way_needs_no_transfer() -> None:
    carried = carry(YEAR, [], [], ON)
    assert (carried.transfers, carried.accounts, carried.hold_count, carried.moved_vnd) == (
        (),
        frozenset(),
        0,
        {},
    )


def test_a_hold_is_void_then_its_money_moves_then_it_stands_again() -> None:
    line = UUID(int=77)
    void, money, again = carry(YEAR, [hold(1, ALLOTMENT, PROVIDER, 60, line)], [], ON).transfers
    assert (void.kind, money.kind, again.kind) == (Kind.VOID, Kind.DIRECT, Kind.HOLD)
    assert (void.debit_account, void.credit_account, void.hold) == (ALLOTMENT.id, PROVIDER.id, UUID(int=1))
    assert (money.debit_account, money.credit_account) == (ALLOTMENT.id, successor(ALLOTMENT, YEAR).id)
    assert (again.debit_account, again.credit_account) == (
        successor(ALLOTMENT, YEAR).id,
        successor(PROVIDER, YEAR).id,
    )
    assert again.hold is None
    assert {one.amount for one in (void, money, again)} == {60}
    assert {one.decision_line for one in (void, money, again)} == {line}
    assert {one.group for one in (void, money, again)} == {id_of("carried", YEAR)}


def test_months_of_promises_stay_and_money_moves_in_the_month_of_the_closing() -> None:
    void, money, again = carry(YEAR, [hold(1, ALLOTMENT, PROVIDER, 60)], [], ON).transfers
    assert (void.period, money.period, again.period) == (MONTH, Period(2025, 2), MONTH)
    assert {one.effective_on for one in (void, money, again)} == {ON}


def test_a_balance_moves_at_once_without_a_line() -> None:
    (move,) = carry(YEAR, [], [Balance(PROVIDER, 70)], ON).transfers
    assert (move.kind, move.amount, move.decision_line) == (Kind.DIRECT, 70, None)
    assert move.id == id_of("carried-balance", PROVIDER.id)


@pytest.mark.parametrize(
    ("debit", "kinds"),
    [
        (ALLOTMENT, [Kind.VOID, Kind.DIRECT, Kind.HOLD]),
        (key(Role.ENVELOPE), [Kind.VOID, Kind.DIRECT, Kind.HOLD]),
        (SPENT, [Kind.VOID, Kind.DIRECT, Kind.HOLD]),
        (RETURNED, [Kind.VOID, Kind.HOLD]),
        (PROVIDER, [Kind.VOID, Kind.HOLD]),
        (ADVANCE, [Kind.VOID, Kind.HOLD]),
        (SOURCE, [Kind.VOID, Kind.HOLD]),
        (key(Role.ALLOTMENT, year=2025), [Kind.VOID, Kind.HOLD]),
    ],
    ids=["allotment", "envelope", "spent", "returned", "provider", "advance", "source", "other_year"],
)
def test_money_is_brought_only_where_nothing_else_brings_it(debit: AccountKey, kinds: list[Kind]) -> None:
    carried = carry(YEAR, [hold(1, debit, key(Role.CANCELLED), 5)], [], ON)
    assert [one.kind for one in carried.transfers] == kinds


def test_ids_follow_from_what_is_carried_so_a_repeat_finds_them() -> None:
    holds, balances = [hold(1, ALLOTMENT, PROVIDER, 60)], [Balance(RETURNED, 5)]
    first, second = (carry(YEAR, holds, balances, ON).transfers for _ in range(2))
    assert first == second
    assert [one.id for one in first] == [
        id_of("carried-void", UUID(int=1)),
        id_of("carried-balance", RETURNED.id),
        id_of("carried-money", UUID(int=1)),
        carried_hold_id(UUID(int=1)),
    ]


def test_sums_are_told_per_role() -> None:
    carried = carry(
        YEAR,
        [
            hold(1, ALLOTMENT, PROVIDER, 60),
            hold(2, ALLOTMENT, PROVIDER, 1),
            hold(3, RETURNED, PROVIDER, 4),
            hold(4, SOURCE, ALLOTMENT, 9),
        ],
        [Balance(RETURNED, 5), Balance(PROVIDER, 7), Balance(key(Role.PROVIDER, "bank"), 2)],
        ON,
    )
    assert carried.hold_count == 4
    assert carried.moved_vnd == {Role.RETURNED: 5, Role.PROVIDER: 9, Role.ALLOTMENT: 61}


def test_accounts_of_the_next_year_are_named_so_that_they_can_be_opened() -> None:
    carried = carry(YEAR, [hold(1, ALLOTMENT, PROVIDER, 60)], [Balance(ADVANCE, 3)], ON)
    assert carried.accounts == {successor(one, YEAR) for one in (ALLOTMENT, PROVIDER, ADVANCE)}


def test_only_the_year_that_closes_has_a_successor() -> None:
    assert successor(PROVIDER, YEAR).fiscal_year == 2025
    for year in (2023, 2025):
        assert successor(key(Role.PROVIDER, "post", year), YEAR) == key(Role.PROVIDER, "post", year)


def test_a_successor_is_the_same_account_of_another_year() -> None:
    after = successor(PROVIDER, YEAR)
    assert (after.component, after.source, after.capital_kind, after.unit, after.role, after.party) == (
        PROVIDER.component,
        PROVIDER.source,
        PROVIDER.capital_kind,
        PROVIDER.unit,
        PROVIDER.role,
        PROVIDER.party,
    )
    assert after.id != PROVIDER.id


def test_roles_that_move_and_roles_that_wait_for_a_decision_are_apart() -> None:
    assert not set(IN_OTHER_HANDS) & set(UNSPENT)
    assert set(IN_OTHER_HANDS) == {Role.PROVIDER, Role.RETURNED, Role.ADVANCE}


@pytest.mark.parametrize("on", [date(2024, 1, 1), date(2024, 12, 31), date(2023, 6, 1)])
def test_a_year_that_is_not_over_says_until_when(on: date) -> None:
    with pytest.raises(Rejected, match=r"31/12/2024") as refused:
        ensure_over(2024, on)
    assert refused.value.code == "year_not_over"


@pytest.mark.parametrize("year", [-1, 0, 1999, 2101, 10**9])
def test_a_year_is_one_of_this_century(year: int) -> None:
    with pytest.raises(Rejected) as refused:
        ensure_over(year, ON)
    assert refused.value.code == "fiscal_year_invalid"


@pytest.mark.parametrize("on", [date(2025, 1, 1), date(2025, 1, 31), date(2099, 1, 1)])
def test_a_year_that_is_over_may_close(on: date) -> None:
    ensure_over(2024, on)


# --- whatever is under way --------------------------------------------------------------------------------

KEYS = (ALLOTMENT, key(Role.ENVELOPE), PROVIDER, key(Role.PROVIDER, "bank"), RETURNED, ADVANCE, SPENT)


@st.composite
def years(draw: st.DrawFn) -> tuple[list[StandingHold], dict[AccountKey, int]]:
    """Open holds, and accounts that have at least what is promised out of them."""
    pairs = draw(st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS)), max_size=8))
    holds = [
        hold(number, debit, credit, draw(st.integers(1, 1000)))
        for number, (debit, credit) in enumerate(pairs, 1)
        if debit != credit
    ]
    balances = dict.fromkeys(KEYS, 0)
    for one in holds:
        balances[one.debit] += one.open_vnd
    for one_key in KEYS:
        balances[one_key] += draw(st.sampled_from([0, 0, 1, 500]))
    return holds, balances


def in_other_hands(balances: dict[AccountKey, int]) -> list[Balance]:
    return [
        Balance(one, amount) for one, amount in balances.items() if one.role in IN_OTHER_HANDS and amount > 0
    ]


def decided(
    holds: Sequence[StandingHold], balances: dict[AccountKey, int]
) -> tuple[list[Verdict], dict[UUID, int], dict[UUID, int]]:
    """Verdicts, what is available afterwards per account, and what is open per hold."""
    carried = carry(YEAR, holds, in_other_hands(balances), ON)
    available: dict[UUID, int | None] = {one.id: 0 for one in carried.accounts}
    promised = dict.fromkeys(KEYS, 0)
    for one in holds:
        promised[one.debit] += one.open_vnd
    available |= {one.id: amount - promised[one] for one, amount in balances.items()}
    known = {one.id: OpenHold(one.debit.id, one.credit.id, one.open_vnd) for one in holds}
    outcomes = decide(carried.transfers, available, known, {})
    deltas = totals(outcomes)
    ensure_balanced(deltas)
    left = {id_: (amount or 0) for id_, amount in available.items()}
    for id_, delta in deltas.items():
        left[id_] += delta.available
    changed = hold_changes(outcomes)
    still = {id_: one.open - (changed[id_].voided if id_ in changed else 0) for id_, one in known.items()}
    still |= {one.id: one.amount for one in carried.transfers if one.kind is Kind.HOLD}
    return [one.verdict for one in outcomes], left, still


@given(years())
def test_the_ledger_accepts_every_carrying_over(
    year: tuple[list[StandingHold], dict[AccountKey, int]],
) -> None:
    verdicts, left, _ = decided(*year)
    assert set(verdicts) <= {Verdict.ACCEPTED}
    assert min(left.values(), default=0) >= 0


@given(years())
def test_afterwards_nothing_is_open_and_nothing_in_other_hands_in_the_old_year(
    year: tuple[list[StandingHold], dict[AccountKey, int]],
) -> None:
    holds, balances = year
    _, left, still = decided(holds, balances)
    assert all(still[one.id] == 0 for one in holds)
    assert all(still[carried_hold_id(one.id)] == one.open_vnd for one in holds)
    assert all(left[one.id] == 0 for one in KEYS if one.role in IN_OTHER_HANDS)


@given(years())
def test_not_a_dong_comes_or_goes_on_the_way(
    year: tuple[list[StandingHold], dict[AccountKey, int]],
) -> None:
    holds, balances = year
    _, left, still = decided(holds, balances)
    assert sum(left.values()) + sum(still.values()) == sum(balances.values())
    carried = carry(YEAR, holds, in_other_hands(balances), ON)
    direct = sum(one.amount for one in carried.transfers if one.kind is Kind.DIRECT)
    assert sum(carried.moved_vnd.values()) == direct
