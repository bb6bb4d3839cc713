"""The ledger on its tables: what a repeat, a refusal, a group and a hold do there; totals are rows."""

from __future__ import annotations

import itertools

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from services.allocation.ledger import handlers as ledger
from services.allocation.ledger import store
from services.allocation.ledger.model import AccountKey, Kind, Outcome, Role, Transfer, Verdict
from shared.kernel.errors import NotFound, Rejected
from shared.kernel.ids import new_id
from tests.integration.allocation.house import TODAY, House, account, transfer

DISTRICT = new_id()
ALLOTMENT = account(Role.ALLOTMENT, DISTRICT)
PROVIDER = account(Role.PROVIDER, DISTRICT, "vnpost")
SPENT = account(Role.SPENT, DISTRICT)


def verdicts(outcomes: list[Outcome]) -> list[str]:
    return [outcome.verdict.value for outcome in outcomes]


def code(outcome: Outcome) -> str | None:
    return outcome.refusal.code if outcome.refusal else None


@pytest.fixture
def funded(bare_house: House) -> House:
    """A house whose district has 100 million đồng."""
    bare_house.fund(ALLOTMENT, 100_000_000)
    bare_house.open(PROVIDER, SPENT)
    return bare_house


def test_a_repeat_gives_the_stored_result_and_moves_nothing(funded: House) -> None:
    once = transfer(ALLOTMENT, SPENT, 30_000_000)
    (first,) = funded.move(once)
    (second,) = funded.move(once)
    assert (first.verdict, first.exists) == (Verdict.ACCEPTED, False)
    assert (second.verdict, second.exists) == (Verdict.ACCEPTED, True)
    assert funded.available(ALLOTMENT) == 70_000_000
    assert funded.one("SELECT count(*) FROM transfers WHERE id = :id", id=once.id) == 1


def test_a_repeat_is_told_to_the_journal_once(funded: House) -> None:
    once = transfer(ALLOTMENT, SPENT, 1)
    funded.move(once)
    before = len(funded.journal("ledger.transfers_decided"))
    funded.move(once)
    assert len(funded.journal("ledger.transfers_decided")) == before


@pytest.mark.parametrize("change", ["amount", "debit", "kind"])
def test_other_content_under_a_known_id_is_a_conflict(funded: House, change: str) -> None:
    first = transfer(ALLOTMENT, SPENT, 5_000)
    funded.move(first)
    other = {
        "amount": transfer(ALLOTMENT, SPENT, 5_001, id=first.id),
        "debit": transfer(PROVIDER, SPENT, 5_000, id=first.id),
        "kind": transfer(ALLOTMENT, SPENT, 5_000, Kind.HOLD, id=first.id),
    }[change]
    (outcome,) = funded.move(other)
    assert (outcome.verdict, code(outcome)) == (Verdict.CONFLICT, "id_conflict")
    assert funded.available(ALLOTMENT) == 99_995_000


def test_what_was_refused_stays_refused_even_when_money_came_since(funded: House) -> None:
    too_much = transfer(ALLOTMENT, SPENT, 100_000_001)
    (refused,) = funded.move(too_much)
    assert (code(refused), refused.refusal and refused.refusal.shortfall) == ("insufficient_funds", 1)
    funded.fund(ALLOTMENT, 50_000_000)
    (again,) = funded.move(too_much)
    assert (again.verdict, again.exists, code(again)) == (Verdict.REFUSED, True, "insufficient_funds")
    (fresh,) = funded.move(transfer(ALLOTMENT, SPENT, 100_000_001))
    assert fresh.verdict is Verdict.ACCEPTED


def test_a_refusal_is_a_row_and_an_item_in_the_journal(funded: House) -> None:
    too_much = transfer(ALLOTMENT, SPENT, 100_000_007)
    funded.move(too_much)
    row = funded.rows("SELECT * FROM transfer_refusals WHERE id = :id", id=too_much.id)[0]
    assert (row.code, row.shortfall_vnd) == ("insufficient_funds", 7)
    item = funded.journal("ledger.transfers_decided")[-1]["items"][-1]
    assert (item["transfer_id"], item["verdict"]) == (str(too_much.id), "refused")
    assert (item["code"], item["shortfall_vnd"]) == ("insufficient_funds", 7)


def test_linked_transfers_stand_together(funded: House) -> None:
    group = new_id()
    batch = [transfer(ALLOTMENT, to, 40_000_000, group=group) for to in (SPENT, PROVIDER)]
    assert verdicts(funded.move(*batch)) == ["accepted", "accepted"]
    assert funded.available(ALLOTMENT) == 20_000_000


def test_linked_transfers_fall_together_and_their_shortfall_is_all_that_lacks(funded: House) -> None:
    group = new_id()
    outcomes = funded.move(
        transfer(ALLOTMENT, SPENT, 60_000_000, group=group),
        transfer(ALLOTMENT, PROVIDER, 60_000_000, group=group),
        transfer(ALLOTMENT, SPENT, 5_000_000, group=group),
    )
    assert verdicts(outcomes) == ["refused"] * 3
    assert sum(one.refusal.shortfall for one in outcomes if one.refusal) == 25_000_000
    assert funded.available(ALLOTMENT) == 100_000_000


def test_a_member_of_a_decided_group_cannot_come_later(funded: House) -> None:
    group = new_id()
    first = transfer(ALLOTMENT, SPENT, 10, group=group)
    funded.move(first)
    late = transfer(ALLOTMENT, SPENT, 20, group=group)
    outcomes = funded.move(first, late)
    assert verdicts(outcomes) == ["accepted", "refused"]
    assert code(outcomes[1]) == "group_incomplete"


def test_money_that_arrives_earlier_in_a_batch_may_leave_later_in_it(bare_house: House) -> None:
    source = account(Role.SOURCE, None)
    bare_house.open(source, ALLOTMENT, SPENT)
    there, onward = transfer(source, ALLOTMENT, 500), transfer(ALLOTMENT, SPENT, 500)
    assert verdicts(bare_house.move(onward, there)) == ["refused", "accepted"]
    assert verdicts(bare_house.move(transfer(ALLOTMENT, SPENT, 500))) == ["accepted"]


def test_a_hold_promises_money_that_nobody_else_can_take(funded: House) -> None:
    funded.move(transfer(ALLOTMENT, PROVIDER, 80_000_000, Kind.HOLD))
    assert funded.available(ALLOTMENT) == 20_000_000
    assert funded.available(PROVIDER) == 0, "a promise is not money in hand"
    (outcome,) = funded.move(transfer(ALLOTMENT, SPENT, 20_000_001))
    assert code(outcome) == "insufficient_funds"


def test_a_hold_is_kept_in_parts_and_its_rest_released(funded: House) -> None:
    hold = transfer(ALLOTMENT, PROVIDER, 90_000_000, Kind.HOLD)
    funded.move(hold)
    parts = [
        transfer(ALLOTMENT, PROVIDER, part, Kind.POST, hold=hold.id) for part in (50_000_000, 15_000_000)
    ]
    assert verdicts(funded.move(*parts)) == ["accepted", "accepted"]
    rest = transfer(ALLOTMENT, PROVIDER, 25_000_000, Kind.VOID, hold=hold.id)
    assert verdicts(funded.move(rest)) == ["accepted"]
    row = funded.rows("SELECT * FROM holds WHERE id = :id", id=hold.id)[0]
    assert (row.amount_vnd, row.posted_vnd, row.voided_vnd) == (90_000_000, 65_000_000, 25_000_000)
    assert (funded.available(ALLOTMENT), funded.available(PROVIDER)) == (35_000_000, 65_000_000)


@pytest.mark.parametrize("kind", [Kind.POST, Kind.VOID])
def test_more_than_a_hold_has_open_is_refused(funded: House, kind: Kind) -> None:
    hold = transfer(ALLOTMENT, PROVIDER, 10, Kind.HOLD)
    funded.move(hold, transfer(ALLOTMENT, PROVIDER, 4, Kind.POST, hold=hold.id))
    (outcome,) = funded.move(transfer(ALLOTMENT, PROVIDER, 7, kind, hold=hold.id))
    assert (code(outcome), outcome.refusal and outcome.refusal.shortfall) == ("hold_exceeded", 1)


def test_a_hold_is_kept_between_its_own_accounts_only(funded: House) -> None:
    hold = transfer(ALLOTMENT, PROVIDER, 10, Kind.HOLD)
    funded.move(hold)
    (outcome,) = funded.move(transfer(ALLOTMENT, SPENT, 10, Kind.POST, hold=hold.id))
    assert code(outcome) == "hold_differs"


def test_there_is_nothing_to_keep_of_an_unknown_hold(funded: House) -> None:
    (outcome,) = funded.move(transfer(ALLOTMENT, PROVIDER, 10, Kind.POST, hold=new_id()))
    assert code(outcome) == "hold_unknown"


def test_a_reversal_brings_the_money_back_and_leaves_the_original(funded: House) -> None:
    given = transfer(ALLOTMENT, SPENT, 12_000_000)
    funded.move(given)
    with funded.unit_of_work.begin(funded.act()) as work:
        back = ledger.reverse(work, given.id)
    assert back.verdict is Verdict.ACCEPTED
    assert (back.transfer.debit_account, back.transfer.credit_account) == (SPENT.id, ALLOTMENT.id)
    assert funded.available(ALLOTMENT) == 100_000_000
    assert funded.one("SELECT count(*) FROM transfers WHERE id = :id", id=given.id) == 1


def test_money_that_was_spent_on_cannot_be_called_back(funded: House) -> None:
    given = transfer(ALLOTMENT, PROVIDER, 10_000)
    funded.move(given, transfer(PROVIDER, SPENT, 10_000))
    with funded.unit_of_work.begin(funded.act()) as work:
        outcome = ledger.reverse(work, given.id)
    assert code(outcome) == "insufficient_funds"


def test_a_promise_is_not_reversed_but_voided(funded: House) -> None:
    hold = transfer(ALLOTMENT, PROVIDER, 10, Kind.HOLD)
    funded.move(hold)
    with (
        pytest.raises(Rejected, match="void its hold") as refused,
        funded.unit_of_work.begin(funded.act()) as work,
    ):
        ledger.reverse(work, hold.id)
    assert refused.value.code == "not_reversible"


def test_a_transfer_that_never_was_cannot_be_reversed(funded: House) -> None:
    with pytest.raises(NotFound) as refused, funded.unit_of_work.begin(funded.act()) as work:
        ledger.reverse(work, new_id())
    assert refused.value.code == "transfer_unknown"


def test_an_account_that_was_never_opened_takes_no_money(funded: House) -> None:
    (outcome,) = funded.move(transfer(ALLOTMENT, account(Role.SPENT, new_id()), 1))
    assert code(outcome) == "account_unknown"


@pytest.mark.parametrize("size", [0, 10_001])
def test_a_batch_has_one_to_ten_thousand_transfers(funded: House, size: int) -> None:
    with pytest.raises(Rejected) as refused:
        funded.move(*itertools.repeat(transfer(ALLOTMENT, SPENT, 1), size))
    assert refused.value.code == "batch_size"


def test_a_thousand_transfers_of_one_batch_move_each_total_once(funded: House) -> None:
    batch = [transfer(ALLOTMENT, SPENT, 100) for _ in range(1000)]
    assert verdicts(funded.move(*batch)) == ["accepted"] * 1000
    assert funded.available(SPENT) == 100_000
    told = [len(event["items"]) for event in funded.journal("ledger.transfers_decided")[-3:]]
    assert told == [400, 400, 200]


def test_opening_an_account_again_leaves_its_totals(funded: House) -> None:
    funded.open(ALLOTMENT, ALLOTMENT)
    assert funded.available(ALLOTMENT) == 100_000_000


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfers SET amount_vnd = amount_vnd + 1",
        "DELETE FROM transfers",
        "UPDATE transfer_refusals SET code = 'other'",
        "DELETE FROM holds",
        "TRUNCATE accounts",
        "UPDATE journal SET data = ''",
    ],
)
def test_the_service_itself_cannot_rewrite_what_happened(funded: House, statement: str) -> None:
    with funded.engine(funded.addresses.service).connect() as connection:
        with pytest.raises(ProgrammingError) as refused:
            connection.execute(text(statement))
        assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_the_database_refuses_an_account_below_zero_whatever_the_code_says(funded: House) -> None:
    with funded.owner.connect() as connection, pytest.raises(IntegrityError, match="ck_accounts_covered"):
        connection.execute(
            text("UPDATE accounts SET debits_posted = credits_posted + 1 WHERE id = :id"),
            {"id": ALLOTMENT.id},
        )


def test_the_database_refuses_more_of_a_hold_than_was_held(funded: House) -> None:
    hold = transfer(ALLOTMENT, PROVIDER, 10, Kind.HOLD)
    funded.move(hold)
    with funded.owner.connect() as connection, pytest.raises(IntegrityError, match="ck_holds_parts"):
        connection.execute(text("UPDATE holds SET posted_vnd = 6, voided_vnd = 5"))


def test_lines_pay_oldest_first_and_a_void_gives_back(bare_house: House) -> None:
    old, young = new_id(), new_id()
    bare_house.fund(ALLOTMENT, 100, line=old)
    bare_house.fund(ALLOTMENT, 50, line=young)
    bare_house.open(PROVIDER)
    hold = transfer(ALLOTMENT, PROVIDER, 70, Kind.HOLD, decision_line=old)
    bare_house.move(hold)
    assert balances(bare_house) == [(old, 30), (young, 50)]
    bare_house.move(transfer(ALLOTMENT, PROVIDER, 70, Kind.VOID, hold=hold.id, decision_line=old))
    assert balances(bare_house) == [(old, 100), (young, 50)]


def balances(house: House) -> list[tuple[object, int]]:
    with house.unit_of_work.reading() as connection:
        return [(line, left) for line, left in store.line_balances(connection, ALLOTMENT.id)]


steps = st.lists(
    st.tuples(
        st.sampled_from(["direct", "hold", "post", "void", "repeat"]), st.integers(1, 60), st.integers(0, 9)
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_whatever_is_asked_totals_are_rows_and_nothing_is_below_zero(
    bare_house: House, steps: list[tuple[str, int, int]]
) -> None:
    unit = new_id()
    keys = [account(role, unit, "p") for role in (Role.ALLOTMENT, Role.PROVIDER, Role.RETURNED, Role.SPENT)]
    bare_house.open(*keys)
    bare_house.fund(keys[0], 100)
    sent: list[Transfer] = []
    for kind, amount, which in steps:
        one = _asked(kind, amount, which, keys, sent)
        bare_house.move(one)
        sent.append(one)
    assert [str(one) for one in bare_house.findings()] == []
    inside = sum(bare_house.available(key) for key in keys)
    held = bare_house.one(
        "SELECT coalesce(sum(amount_vnd - posted_vnd - voided_vnd), 0) FROM holds "
        "WHERE debit_account = ANY(:ids)",
        ids=[key.id for key in keys],
    )
    assert inside + held == 100


def _asked(kind: str, amount: int, which: int, keys: list[AccountKey], sent: list[Transfer]) -> Transfer:
    if kind == "repeat" and sent:
        return sent[which % len(sent)]
    debit = keys[which % 4]
    credit = keys[(which + 1) % 4]
    if kind in {"post", "void"}:
        holds = [one for one in sent if one.kind is Kind.HOLD]
        hold = holds[which % len(holds)].id if holds else new_id()
        return transfer(debit, credit, amount, Kind(kind), hold=hold)
    return transfer(debit, credit, amount, Kind.HOLD if kind == "hold" else Kind.DIRECT)


def test_periods_and_days_of_a_transfer_are_those_of_the_act(funded: House) -> None:
    given = transfer(ALLOTMENT, SPENT, 1)
    funded.move(given)
    row = funded.rows("SELECT period, effective_on FROM transfers WHERE id = :id", id=given.id)[0]
    assert (row.period, row.effective_on) == ("2024-08", TODAY)
