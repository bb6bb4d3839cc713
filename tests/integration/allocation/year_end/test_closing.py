"""Closing a year: what is under way stands in the next one afterwards, or nothing happened at all."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest

from services.allocation.ledger import handlers as ledger
from services.allocation.ledger import store as ledger_store
from services.allocation.ledger.model import AccountKey, Kind, Role, Verdict
from services.allocation.year_end import handlers
from services.allocation.year_end.events import YearClosed
from services.allocation.year_end.model import carried_hold_id
from services.allocation.year_end.queries import standing_holds
from shared.kernel.errors import Conflict, Rejected
from shared.kernel.ids import id_of, new_id
from tests.integration.allocation.district import LATER
from tests.integration.allocation.house import House, account, problem, transfer
from tests.integration.allocation.offices import Offices

DISTRICT = new_id()
ALLOTMENT = account(Role.ALLOTMENT, DISTRICT)
ENVELOPE = account(Role.ENVELOPE, DISTRICT)
PROVIDER = account(Role.PROVIDER, DISTRICT, "vnpost")
BANK = account(Role.PROVIDER, DISTRICT, "bank")
RETURNED = account(Role.RETURNED, DISTRICT, "vnpost")
ADVANCE = account(Role.ADVANCE, DISTRICT, "contractor")
SPENT = account(Role.SPENT, DISTRICT)
ALL = (ALLOTMENT, ENVELOPE, PROVIDER, BANK, RETURNED, ADVANCE, SPENT)


def next_year(key: AccountKey, by: int = 1) -> AccountKey:
    return account(key.role, key.unit, key.party, key.fiscal_year + by)


def close(house: House, year: int = 2024, on: date = LATER) -> YearClosed:
    with house.unit_of_work.begin(house.act("accountant-1", on)) as work:
        return handlers.close_year(work, year)


def refused(house: House, year: int = 2024, on: date = LATER) -> Rejected:
    with pytest.raises(Rejected) as found:
        close(house, year, on)
    return found.value


def totals(house: House) -> list[Any]:
    return [
        tuple(row)
        for row in house.rows(
            "SELECT id, debits_posted, credits_posted, debits_pending, credits_pending "
            "FROM accounts ORDER BY id"
        )
    ]


def counts(house: House) -> dict[str, int]:
    tables = ("accounts", "transfers", "transfer_refusals", "holds", "ledger_years", "journal")
    return {table: int(house.one(f"SELECT count(*) FROM {table}")) for table in tables}


@pytest.fixture
def opened(bare_house: House) -> House:
    bare_house.open(*ALL)
    return bare_house


# --- nothing is under way ---------------------------------------------------------------------------------


def test_a_year_with_nothing_under_way_is_closed_and_nothing_moves(opened: House) -> None:
    told = close(opened)
    assert (told.hold_count, told.moved, told.left) == (0, (), ())
    assert opened.one("SELECT count(*) FROM transfers") == 0
    assert opened.one("SELECT count(*) FROM accounts WHERE fiscal_year = 2025") == 0


def test_a_year_that_no_account_knows_is_closed_as_well(bare_house: House) -> None:
    assert close(bare_house, 2019).successor_year == 2020


def test_the_closing_is_told_with_who_and_when(opened: House) -> None:
    close(opened)
    (row,) = opened.rows("SELECT * FROM ledger_years")
    assert (row.fiscal_year, row.closed_on, row.closed_by) == (2024, LATER, "accountant-1")
    (told,) = opened.journal("ledger.year_closed")
    assert told == {"fiscal_year": 2024, "successor_year": 2025, "hold_count": 0, "moved": [], "left": []}


def test_a_year_is_closed_once(opened: House) -> None:
    close(opened)
    error = refused(opened)
    assert (type(error), error.code) == (Conflict, "year_closed")
    assert len(opened.journal("ledger.year_closed")) == 1


@pytest.mark.parametrize(
    ("year", "on", "code"),
    [
        (2024, date(2024, 8, 5), "year_not_over"),
        (2024, date(2024, 12, 31), "year_not_over"),
        (2025, date(2025, 1, 1), "year_not_over"),
        (2024, date(2025, 1, 1), None),
        (2024, date(2031, 5, 5), None),
        (1999, date(2025, 1, 1), "fiscal_year_invalid"),
        (0, date(2025, 1, 1), "fiscal_year_invalid"),
        (2101, date(2025, 1, 1), "fiscal_year_invalid"),
    ],
    ids=["in_it", "last_day", "first_day", "day_after", "years_after", "too_early", "zero", "too_late"],
)
def test_only_a_year_that_is_over_is_closed(opened: House, year: int, on: date, code: str | None) -> None:
    if code is None:
        assert close(opened, year, on).fiscal_year == year
    else:
        assert refused(opened, year, on).code == code
        assert opened.one("SELECT count(*) FROM ledger_years") == 0


def test_money_that_nobody_promised_stays_and_is_listed(opened: House) -> None:
    opened.fund(ALLOTMENT, 700)
    opened.fund(ENVELOPE, 50)
    opened.fund(account(Role.ALLOTMENT, new_id()), 300)
    told = close(opened)
    assert told.left == ({"role": "envelope", "left_vnd": 50}, {"role": "allotment", "left_vnd": 1000})
    assert told.moved == ()
    assert (opened.available(ALLOTMENT), opened.available(next_year(ALLOTMENT))) == (700, 0)


def test_what_is_spent_stays_in_its_year(opened: House) -> None:
    opened.fund(SPENT, 700)
    told = close(opened)
    assert (told.moved, told.left) == ((), ())
    assert opened.available(SPENT) == 700


# --- money in other hands ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [PROVIDER, RETURNED, ADVANCE], ids=["provider", "returned", "advance"])
def test_money_in_other_hands_stands_in_the_next_year(opened: House, key: AccountKey) -> None:
    opened.fund(key, 900)
    told = close(opened)
    assert told.moved == ({"role": key.role.value, "moved_vnd": 900},)
    assert (opened.available(key), opened.available(next_year(key))) == (0, 900)


def test_each_party_keeps_its_own_money(opened: House) -> None:
    opened.fund(PROVIDER, 900)
    opened.fund(BANK, 100)
    told = close(opened)
    assert told.moved == ({"role": "provider", "moved_vnd": 1000},)
    assert (opened.available(next_year(PROVIDER)), opened.available(next_year(BANK))) == (900, 100)


def test_what_was_passed_on_before_does_not_move_again(opened: House) -> None:
    opened.fund(PROVIDER, 900)
    opened.move(transfer(PROVIDER, SPENT, 899))
    assert close(opened).moved == ({"role": "provider", "moved_vnd": 1},)


def test_money_of_other_years_stays_where_it_is(opened: House) -> None:
    earlier, later = account(Role.PROVIDER, DISTRICT, "vnpost", 2023), next_year(PROVIDER)
    opened.open(earlier, later)
    for key in (earlier, PROVIDER, later):
        opened.fund(key, 100)
    close(opened)
    assert [opened.available(key) for key in (earlier, PROVIDER, later)] == [100, 0, 200]


# --- promises ---------------------------------------------------------------------------------------------


def test_an_open_hold_stands_in_the_next_year_with_its_money(opened: House) -> None:
    opened.fund(ALLOTMENT, 1000)
    hold = transfer(ALLOTMENT, PROVIDER, 600, Kind.HOLD)
    opened.move(hold)
    told = close(opened)
    assert (told.hold_count, told.moved) == (1, ({"role": "allotment", "moved_vnd": 600},))
    assert told.left == ({"role": "allotment", "left_vnd": 400},)
    rows = {row.id: row for row in opened.rows("SELECT * FROM holds")}
    assert (rows[hold.id].voided_vnd, rows[hold.id].posted_vnd) == (600, 0)
    again = rows[carried_hold_id(hold.id)]
    assert (again.amount_vnd, again.voided_vnd, again.posted_vnd) == (600, 0, 0)
    assert again.debit_account == next_year(ALLOTMENT).id
    assert again.credit_account == next_year(PROVIDER).id
    assert (opened.available(ALLOTMENT), opened.available(next_year(ALLOTMENT))) == (400, 0)


def test_of_a_hold_that_was_kept_in_part_the_open_part_goes_on(opened: House) -> None:
    opened.fund(ALLOTMENT, 1000)
    hold = transfer(ALLOTMENT, PROVIDER, 600, Kind.HOLD)
    opened.move(
        hold,
        transfer(ALLOTMENT, PROVIDER, 250, Kind.POST, hold=hold.id),
        transfer(ALLOTMENT, PROVIDER, 50, Kind.VOID, hold=hold.id),
    )
    told = close(opened)
    assert told.moved == (
        {"role": "allotment", "moved_vnd": 300},
        {"role": "provider", "moved_vnd": 250},
    )
    amount = opened.one("SELECT amount_vnd FROM holds WHERE id = :id", id=carried_hold_id(hold.id))
    assert amount == 300
    assert opened.available(next_year(PROVIDER)) == 250


@pytest.mark.parametrize("kind", [Kind.POST, Kind.VOID], ids=["kept", "released"])
def test_a_settled_hold_does_not_go_on(opened: House, kind: Kind) -> None:
    opened.fund(ALLOTMENT, 1000)
    hold = transfer(ALLOTMENT, SPENT, 600, Kind.HOLD)
    opened.move(hold, transfer(ALLOTMENT, SPENT, 600, kind, hold=hold.id))
    assert close(opened).hold_count == 0
    assert opened.one("SELECT count(*) FROM holds") == 1


def test_returned_money_that_is_promised_goes_on_once(opened: House) -> None:
    opened.fund(RETURNED, 500)
    hold = transfer(RETURNED, PROVIDER, 200, Kind.HOLD)
    opened.move(hold)
    told = close(opened)
    assert told.moved == ({"role": "returned", "moved_vnd": 500},)
    assert opened.available(next_year(RETURNED)) == 300
    assert opened.available(RETURNED) == 0


def test_promises_and_money_in_other_hands_move_together(opened: House) -> None:
    opened.fund(ALLOTMENT, 1000)
    opened.fund(PROVIDER, 70)
    opened.fund(RETURNED, 30)
    holds = [
        transfer(ALLOTMENT, PROVIDER, 400, Kind.HOLD),
        transfer(RETURNED, PROVIDER, 20, Kind.HOLD),
        transfer(ALLOTMENT, BANK, 100, Kind.HOLD),
    ]
    opened.move(*holds)
    told = close(opened)
    assert told.hold_count == 3
    assert told.moved == (
        {"role": "allotment", "moved_vnd": 500},
        {"role": "provider", "moved_vnd": 70},
        {"role": "returned", "moved_vnd": 30},
    )
    groups = opened.rows("SELECT DISTINCT group_id FROM transfers WHERE effective_on = :on", on=LATER)
    assert [row.group_id for row in groups] == [id_of("carried", 2024)]
    assert opened.available(next_year(ALLOTMENT)) == 0
    assert opened.available(next_year(PROVIDER)) == 70
    assert opened.available(next_year(RETURNED)) == 10


def test_a_hold_out_of_a_source_needs_no_money_brought(opened: House) -> None:
    source = account(Role.SOURCE, None)
    opened.open(source)
    hold = transfer(source, ALLOTMENT, 600, Kind.HOLD)
    opened.move(hold)
    told = close(opened)
    assert (told.hold_count, told.moved) == (1, ())
    keep = transfer(next_year(source), next_year(ALLOTMENT), 600, Kind.POST, hold=carried_hold_id(hold.id))
    assert opened.move(keep)[0].verdict is Verdict.ACCEPTED


def test_a_hold_between_two_years_keeps_the_side_that_is_not_closed(opened: House) -> None:
    later = next_year(ALLOTMENT)
    opened.open(later)
    opened.fund(later, 100)
    hold = transfer(later, SPENT, 40, Kind.HOLD)
    opened.move(hold)
    close(opened)
    (row,) = opened.rows("SELECT * FROM holds WHERE id = :id", id=carried_hold_id(hold.id))
    assert (row.debit_account, row.credit_account) == (later.id, next_year(SPENT).id)
    assert opened.available(later) == 60


def test_the_money_of_a_decision_line_stays_the_money_of_that_line(opened: House) -> None:
    old, young = new_id(), new_id()
    opened.fund(ALLOTMENT, 100, line=old)
    opened.fund(ALLOTMENT, 50, line=young)
    opened.move(
        transfer(ALLOTMENT, PROVIDER, 100, Kind.HOLD, decision_line=old),
        transfer(ALLOTMENT, PROVIDER, 20, Kind.HOLD, decision_line=young),
    )
    close(opened)
    hold = opened.one(
        "SELECT id FROM transfers WHERE kind = 'hold' AND decision_line = :l AND effective_on = :on",
        l=old,
        on=LATER,
    )
    opened.move(
        transfer(next_year(ALLOTMENT), next_year(PROVIDER), 100, Kind.VOID, hold=hold, decision_line=old)
    )
    with opened.unit_of_work.reading() as connection:
        left = [ledger_store.line_balances(connection, key.id) for key in (ALLOTMENT, next_year(ALLOTMENT))]
    assert left == [[(young, 30)], [(old, 100)]]


def test_a_hold_keeps_the_month_it_was_made_for(opened: House) -> None:
    opened.fund(ALLOTMENT, 1000)
    hold = transfer(ALLOTMENT, PROVIDER, 600, Kind.HOLD)
    opened.move(hold)
    close(opened)
    rows = opened.rows("SELECT kind, period FROM transfers WHERE effective_on = :on ORDER BY kind", on=LATER)
    assert [(row.kind, row.period) for row in rows] == [
        ("direct", "2025-02"),
        ("hold", "2024-08"),
        ("void", "2024-08"),
    ]


# --- afterwards -------------------------------------------------------------------------------------------


def test_a_closed_year_takes_no_more_transfers(opened: House) -> None:
    opened.fund(ALLOTMENT, 100)
    close(opened)
    with pytest.raises(Rejected, match="2024 is closed") as found:
        opened.move(transfer(ALLOTMENT, SPENT, 1))
    assert found.value.code == "year_closed"


def test_a_transfer_of_a_closed_year_told_again_is_still_the_stored_one(opened: House) -> None:
    opened.fund(ALLOTMENT, 100)
    given, too_much = transfer(ALLOTMENT, SPENT, 60), transfer(ALLOTMENT, SPENT, 1000)
    opened.move(given, too_much)
    close(opened)
    first, second = opened.move(given, too_much)
    assert (first.verdict, first.exists) == (Verdict.ACCEPTED, True)
    assert (second.verdict, second.exists) == (Verdict.REFUSED, True)


def test_a_closed_year_does_not_stop_the_next(opened: House) -> None:
    close(opened)
    source, allotment = (account(role, DISTRICT, year=2025) for role in (Role.SOURCE, Role.ALLOTMENT))
    opened.open(source, allotment)
    assert opened.move(transfer(source, allotment, 7))[0].verdict is Verdict.ACCEPTED


def test_what_was_carried_is_carried_again(opened: House) -> None:
    opened.fund(ALLOTMENT, 1000)
    opened.fund(PROVIDER, 70)
    hold = transfer(ALLOTMENT, PROVIDER, 600, Kind.HOLD)
    opened.move(hold)
    for year in (2024, 2025, 2026):
        close(opened, year, date(year + 1, 2, 3))
    third = carried_hold_id(carried_hold_id(carried_hold_id(hold.id)))
    with opened.unit_of_work.reading() as connection:
        standing = standing_holds(connection, [hold.id])
    assert standing[hold.id].id == third
    assert standing[hold.id].debit_account == next_year(ALLOTMENT, 3).id
    assert opened.available(next_year(PROVIDER, 3)) == 70
    keep = transfer(next_year(ALLOTMENT, 3), next_year(PROVIDER, 3), 600, Kind.POST, hold=third)
    assert opened.move(keep)[0].verdict is Verdict.ACCEPTED


def test_a_hold_that_was_never_carried_stands_for_itself(opened: House) -> None:
    opened.fund(ALLOTMENT, 10)
    hold = transfer(ALLOTMENT, PROVIDER, 10, Kind.HOLD)
    opened.move(hold)
    unknown = new_id()
    with opened.unit_of_work.reading() as connection:
        standing = standing_holds(connection, [hold.id, unknown])
    assert set(standing) == {hold.id}
    assert standing[hold.id].id == hold.id


@pytest.mark.parametrize(("year", "expected"), [(2023, 2023), (2024, 2026), (2025, 2026), (2026, 2026)])
def test_money_of_a_closed_year_stands_in_the_first_that_is_open(
    opened: House, year: int, expected: int
) -> None:
    close(opened, 2025, date(2026, 2, 3))
    close(opened, 2024, date(2026, 2, 3))
    with opened.unit_of_work.begin(opened.act()) as work:
        assert ledger_store.standing_year(work.connection, year) == expected


# --- all or nothing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", ["carried-void", "carried-money", "carried-hold", "carried-balance"])
def test_a_refused_group_leaves_everything_as_it_was(opened: House, taken: str) -> None:
    """Somebody used an id that the closing derives, so that one member of its group is in conflict."""
    opened.fund(ALLOTMENT, 1000)
    opened.fund(PROVIDER, 70)
    hold = transfer(ALLOTMENT, PROVIDER, 600, Kind.HOLD)
    opened.move(hold)
    of = PROVIDER.id if taken == "carried-balance" else hold.id
    opened.move(transfer(ALLOTMENT, SPENT, 1, id=id_of(taken, of)))
    before = (totals(opened), counts(opened))
    error = refused(opened)
    assert error.code == "carry_over_refused"
    assert "stays open" in error.message
    assert (totals(opened), counts(opened)) == before
    assert opened.move(transfer(ALLOTMENT, SPENT, 1))[0].verdict is Verdict.ACCEPTED


def test_a_year_whose_successor_is_closed_stays_open_with_its_money(opened: House) -> None:
    opened.fund(PROVIDER, 70)
    close(opened, 2025, date(2026, 2, 3))
    before = (totals(opened), counts(opened))
    error = refused(opened, 2024, date(2026, 2, 3))
    assert error.code == "year_closed"
    assert "2025 is closed" in error.message
    assert (totals(opened), counts(opened)) == before


def test_a_year_with_nothing_under_way_may_be_closed_after_its_successor(opened: House) -> None:
    close(opened, 2025, date(2026, 2, 3))
    assert close(opened, 2024, date(2026, 2, 3)).moved == ()


def test_more_than_one_batch_of_holds_goes_on_whole(opened: House, monkeypatch: pytest.MonkeyPatch) -> None:
    opened.fund(ALLOTMENT, 1000)
    opened.move(*(transfer(ALLOTMENT, PROVIDER, 10, Kind.HOLD) for _ in range(23)))
    monkeypatch.setattr(ledger, "BATCH_MAX", 10)
    told = close(opened)
    assert (told.hold_count, told.moved) == (23, ({"role": "allotment", "moved_vnd": 230},))
    assert opened.one("SELECT count(*) FROM holds WHERE posted_vnd + voided_vnd < amount_vnd") == 23


# --- many hands -------------------------------------------------------------------------------------------


def test_closed_by_two_at_once_it_is_closed_once(opened: House) -> None:
    opened.fund(PROVIDER, 70)
    start = threading.Barrier(2)

    def ask(_: int) -> str:
        start.wait(10)
        try:
            close(opened)
        except Conflict as error:
            return error.code
        return "closed"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(ask, range(2))) == ["closed", "year_closed"]
    assert opened.available(next_year(PROVIDER)) == 70


def test_whoever_pays_while_the_year_closes_is_before_it_or_refused(opened: House) -> None:
    """Transfers race with the closing; afterwards nothing stands in the closed year's other hands."""
    opened.fund(ALLOTMENT, 100)
    start = threading.Barrier(5)

    def pay(number: int) -> str:
        fresh = account(Role.PROVIDER, DISTRICT, f"post-{number}")
        start.wait(10)
        try:
            opened.open(fresh)
            (outcome,) = opened.move(transfer(ALLOTMENT, fresh, 10))
        except Rejected as error:
            return error.code
        return outcome.verdict.value

    def shut() -> str:
        start.wait(10)
        return str(close(opened).fiscal_year)

    with ThreadPoolExecutor(5) as pool:
        closing = pool.submit(shut)
        paid = [pool.submit(pay, number) for number in range(4)]
        answers = [one.result(30) for one in paid]
        assert closing.result(30) == "2024"
    assert set(answers) <= {"accepted", "year_closed"}
    carried = opened.one("SELECT coalesce(sum(credits_posted), 0) FROM accounts WHERE fiscal_year = 2025")
    assert carried == 10 * answers.count("accepted")


def test_the_closing_waits_for_a_transfer_under_way_in_an_account_it_cannot_see(opened: House) -> None:
    fresh = account(Role.PROVIDER, DISTRICT, "new-post")
    source = account(Role.SOURCE, DISTRICT)
    with ThreadPoolExecutor(1) as pool:
        with opened.unit_of_work.begin(opened.act()) as work:
            ledger_store.open_accounts(work.connection, [source, fresh])
            ledger.transfer(work, [transfer(source, fresh, 55)])
            closing = pool.submit(close, opened)
            while not opened.waiting():
                assert not closing.done()
        assert closing.result(30).moved == ({"role": "provider", "moved_vnd": 55},)
    assert opened.available(next_year(fresh)) == 55


# --- over HTTP --------------------------------------------------------------------------------------------


@pytest.fixture
def after_the_year(offices: Offices) -> Offices:
    """The same people half a year later."""
    offices.house.clock.advance(timedelta(days=182))
    return offices


def test_the_accountant_closes_a_year_and_sees_what_moved_and_what_is_left(after_the_year: Offices) -> None:
    offices = after_the_year
    unit = offices.uuid(offices.districts(1)[0])
    offices.house.fund(account(Role.PROVIDER, unit, "vnpost"), 70)
    offices.house.fund(account(Role.ALLOTMENT, unit), 30)
    reply = offices.accountant.send("/v1/ledger/years/2024/closing")
    assert reply.status_code == 200, reply.get_data(as_text=True)
    assert reply.get_json() == {
        "fiscal_year": 2024,
        "successor_year": 2025,
        "hold_count": 0,
        "moved": [{"role": "provider", "moved_vnd": 70}],
        "left": [{"role": "allotment", "left_vnd": 30}],
    }
    shown = offices.accountant.get("/v1/accounts", fiscal_year=2025, role="provider")["items"]
    assert [one["available_vnd"] for one in shown] == [70]


def test_pressed_twice_the_year_is_closed_once(after_the_year: Offices) -> None:
    first, second = (
        after_the_year.accountant.send("/v1/ledger/years/2024/closing", key="close-2024") for _ in range(2)
    )
    assert first.data == second.data
    assert second.headers["Idempotency-Hit"] == "true"
    again = after_the_year.accountant.send("/v1/ledger/years/2024/closing")
    problem(again, 409, "year_closed")


@pytest.mark.parametrize(
    ("year", "status", "code"),
    [(2025, 422, "year_not_over"), (1999, 422, "fiscal_year_invalid"), (99999, 422, "fiscal_year_invalid")],
)
def test_a_year_that_cannot_be_closed_is_refused(
    after_the_year: Offices, year: int, status: int, code: str
) -> None:
    problem(after_the_year.accountant.send(f"/v1/ledger/years/{year}/closing"), status, code)


@pytest.mark.parametrize("year", ["x", "20.5", "-2024", ""])
def test_what_is_no_year_is_no_address(after_the_year: Offices, year: str) -> None:
    reply = after_the_year.accountant.send(f"/v1/ledger/years/{year}/closing")
    assert reply.status_code == 404


def test_a_year_is_closed_by_those_who_account_for_the_whole_province(after_the_year: Offices) -> None:
    offices = after_the_year
    own = offices.districts(1)[0]
    person = offices.holder("district-accountant", "ledger.transfer", unit=own)
    problem(person.send("/v1/ledger/years/2024/closing"), 403, "unit_foreign")
    problem(offices.officer.send("/v1/ledger/years/2024/closing"), 403, "permission_missing")
    assert offices.house.one("SELECT count(*) FROM ledger_years") == 0


def test_without_a_key_no_year_is_closed(after_the_year: Offices) -> None:
    reply = after_the_year.accountant.send("/v1/ledger/years/2024/closing", key=None)
    problem(reply, 400, "idempotency_key_missing")
    assert after_the_year.house.one("SELECT count(*) FROM ledger_years") == 0
