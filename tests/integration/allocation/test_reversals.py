"""Taking a transfer back: refused while the money is gone, possible once it came, and never twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from services.allocation.ledger import handlers as ledger
from services.allocation.ledger.model import Kind, Outcome, Role, Transfer, Verdict
from services.allocation.year_end.handlers import close_year
from shared.kernel.errors import Rejected
from shared.kernel.ids import id_of, new_id
from tests.integration.allocation.house import House, account, problem, transfer
from tests.integration.allocation.offices import Offices

DISTRICT = new_id()
ALLOTMENT = account(Role.ALLOTMENT, DISTRICT)
PROVIDER = account(Role.PROVIDER, DISTRICT, "vnpost")
SPENT = account(Role.SPENT, DISTRICT)
NEXT_DAY = date(2024, 8, 6)


@pytest.fixture
def funded(bare_house: House) -> House:
    bare_house.fund(ALLOTMENT, 100_000)
    bare_house.open(PROVIDER, SPENT)
    return bare_house


def reverse(house: House, transfer_id: UUID, on: date | None = None) -> Outcome:
    with house.unit_of_work.begin(house.act(on=on)) as work:
        return ledger.reverse(work, transfer_id)


def gone(house: House) -> Transfer:
    """A transfer to the provider whose money was passed on since."""
    given = transfer(ALLOTMENT, PROVIDER, 10_000)
    house.move(given, transfer(PROVIDER, SPENT, 10_000))
    return given


def reversals_of(house: House, transfer_id: UUID) -> int:
    return int(house.one("SELECT count(*) FROM transfers WHERE reverses = :id", id=transfer_id))


def test_a_refused_reversal_succeeds_once_the_money_is_there(funded: House) -> None:
    given = gone(funded)
    first = reverse(funded, given.id)
    assert (first.verdict, first.refusal and first.refusal.shortfall) == (Verdict.REFUSED, 10_000)
    funded.fund(PROVIDER, 10_000)
    second = reverse(funded, given.id)
    assert (second.verdict, second.exists) == (Verdict.ACCEPTED, False)
    assert second.transfer.reverses == given.id
    assert second.transfer.id != first.transfer.id
    assert (funded.available(ALLOTMENT), funded.available(PROVIDER)) == (100_000, 0)


def test_a_reversed_transfer_is_not_reversed_again_whatever_money_there_is(funded: House) -> None:
    given = transfer(ALLOTMENT, PROVIDER, 10_000)
    funded.move(given)
    funded.fund(PROVIDER, 50_000)
    first = reverse(funded, given.id)
    for _ in range(3):
        again = reverse(funded, given.id)
        assert (again.verdict, again.exists, again.transfer) == (Verdict.ACCEPTED, True, first.transfer)
    assert (funded.available(ALLOTMENT), funded.available(PROVIDER)) == (100_000, 50_000)
    assert reversals_of(funded, given.id) == 1


def test_asked_on_another_day_the_stored_reversal_is_the_answer(funded: House) -> None:
    given = transfer(ALLOTMENT, PROVIDER, 10_000)
    funded.move(given)
    first = reverse(funded, given.id)
    later = reverse(funded, given.id, on=NEXT_DAY)
    assert later.transfer == first.transfer
    assert later.exists


def test_each_refused_attempt_is_a_row_of_its_own_and_stays_refused(funded: House) -> None:
    given = gone(funded)
    attempts = [reverse(funded, given.id) for _ in range(3)]
    assert [one.transfer.id for one in attempts] == [id_of("reversal", given.id, n) for n in range(3)]
    assert [one.exists for one in attempts] == [False] * 3
    rows = funded.one("SELECT count(*) FROM transfer_refusals WHERE reverses = :id", id=given.id)
    assert rows == 3
    (again,) = funded.move(attempts[0].transfer)
    assert (again.verdict, again.exists) == (Verdict.REFUSED, True)


def test_refused_attempts_of_one_transfer_do_not_count_for_another(funded: House) -> None:
    first, second = gone(funded), gone(funded)
    reverse(funded, first.id)
    assert reverse(funded, second.id).transfer.id == id_of("reversal", second.id, 0)


def test_a_reversal_is_told_with_what_it_reverses(funded: House) -> None:
    given = transfer(ALLOTMENT, PROVIDER, 10_000)
    funded.move(given)
    reverse(funded, given.id)
    (item,) = funded.journal("ledger.transfers_decided")[-1]["items"]
    assert item["reverses"] == str(given.id)


def test_an_ordinary_transfer_is_told_without(funded: House) -> None:
    funded.move(transfer(ALLOTMENT, PROVIDER, 10_000))
    (item,) = funded.journal("ledger.transfers_decided")[-1]["items"]
    assert "reverses" not in item


def test_a_reversal_may_be_reversed_and_the_first_may_not_again(funded: House) -> None:
    given = transfer(ALLOTMENT, PROVIDER, 10_000)
    funded.move(given)
    back = reverse(funded, given.id)
    forth = reverse(funded, back.transfer.id)
    assert forth.verdict is Verdict.ACCEPTED
    assert funded.available(PROVIDER) == 10_000
    assert reverse(funded, given.id).exists
    assert funded.available(PROVIDER) == 10_000


def test_a_kept_promise_is_reversed_like_a_payment(funded: House) -> None:
    hold = transfer(ALLOTMENT, PROVIDER, 10_000, Kind.HOLD)
    post = transfer(ALLOTMENT, PROVIDER, 10_000, Kind.POST, hold=hold.id)
    funded.move(hold, post)
    back = reverse(funded, post.id)
    assert (back.verdict, back.transfer.kind) == (Verdict.ACCEPTED, Kind.DIRECT)
    assert funded.available(ALLOTMENT) == 100_000


def test_the_line_of_a_decision_gets_its_money_back(funded: House) -> None:
    line = new_id()
    given = transfer(ALLOTMENT, PROVIDER, 10_000, decision_line=line)
    funded.move(given)
    assert reverse(funded, given.id).transfer.decision_line == line


@pytest.mark.parametrize("kind", [Kind.HOLD, Kind.VOID])
def test_what_moved_no_money_is_not_reversed(funded: House, kind: Kind) -> None:
    hold = transfer(ALLOTMENT, PROVIDER, 10, Kind.HOLD)
    void = transfer(ALLOTMENT, PROVIDER, 10, Kind.VOID, hold=hold.id)
    funded.move(hold, void)
    with pytest.raises(Rejected) as refused:
        reverse(funded, hold.id if kind is Kind.HOLD else void.id)
    assert refused.value.code == "not_reversible"
    assert funded.one("SELECT count(*) FROM transfer_refusals") == 0


def test_a_transfer_of_a_closed_year_is_not_reversed_in_it(funded: House) -> None:
    given = transfer(ALLOTMENT, SPENT, 10_000)
    funded.move(given)
    with funded.unit_of_work.begin(funded.act(on=date(2025, 2, 3))) as work:
        close_year(work, 2024)
    with pytest.raises(Rejected, match="open year") as refused:
        reverse(funded, given.id, on=date(2025, 2, 4))
    assert refused.value.code == "year_closed"


def test_a_reversal_told_again_after_the_year_was_closed_is_still_the_stored_one(funded: House) -> None:
    given = transfer(ALLOTMENT, SPENT, 10_000)
    funded.move(given)
    first = reverse(funded, given.id)
    with funded.unit_of_work.begin(funded.act(on=date(2025, 2, 3))) as work:
        close_year(work, 2024)
    assert reverse(funded, given.id, on=date(2025, 2, 4)).transfer == first.transfer


@pytest.mark.parametrize("money", [0, 10_000], ids=["refused_before", "never_asked"])
def test_asked_by_two_at_once_it_is_reversed_once(funded: House, money: int) -> None:
    given = gone(funded)
    if money == 0:
        reverse(funded, given.id)
    funded.fund(PROVIDER, 30_000)
    start = threading.Barrier(4)

    def ask(_: int) -> Outcome:
        start.wait(10)
        return reverse(funded, given.id)

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(ask, range(4)))
    assert [one.verdict for one in outcomes] == [Verdict.ACCEPTED] * 4
    assert sorted(one.exists for one in outcomes) == [False, True, True, True]
    assert len({one.transfer.id for one in outcomes}) == 1
    assert funded.available(PROVIDER) == 20_000
    assert reversals_of(funded, given.id) == 1


def test_an_attempt_waits_for_the_one_under_way_and_is_the_next(funded: House) -> None:
    given = gone(funded)
    with ThreadPoolExecutor(1) as pool:
        with funded.unit_of_work.begin(funded.act()) as work:
            first = ledger.reverse(work, given.id)
            asked = pool.submit(reverse, funded, given.id)
            while not funded.waiting():
                assert not asked.done()
        second = asked.result(30)
    assert first.transfer.id == id_of("reversal", given.id, 0)
    assert (second.transfer.id, second.exists) == (id_of("reversal", given.id, 1), False)


def test_the_database_itself_takes_no_second_reversal(funded: House) -> None:
    given = transfer(ALLOTMENT, PROVIDER, 10_000)
    funded.move(given)
    reverse(funded, given.id)
    again = transfer(PROVIDER, ALLOTMENT, 1, reverses=given.id)
    funded.fund(PROVIDER, 1)
    with pytest.raises(psycopg.errors.UniqueViolation, match="uq_transfers_reverses"):
        funded.move(again)
    assert funded.available(PROVIDER) == 1


def test_a_reversal_points_to_a_transfer_that_exists(funded: House) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="fk_transfers_reverses"):
        funded.move(transfer(ALLOTMENT, PROVIDER, 1, reverses=new_id()))


def test_the_pointer_is_part_of_what_an_id_stands_for(funded: House) -> None:
    given = transfer(ALLOTMENT, PROVIDER, 10_000)
    funded.move(given)
    back = reverse(funded, given.id).transfer
    plain = transfer(PROVIDER, ALLOTMENT, 10_000, id=back.id)
    (outcome,) = funded.move(plain)
    assert outcome.verdict is Verdict.CONFLICT


def test_over_http_a_second_try_finds_the_money(offices: Offices) -> None:
    unit = offices.uuid(offices.districts(1)[0])
    allotment, spent = account(Role.ALLOTMENT, unit), account(Role.SPENT, unit)
    offices.house.fund(allotment, 1000)
    offices.house.open(spent)
    given = transfer(allotment, spent, 1000)
    offices.house.move(given)
    path = f"/v1/transfers/{given.id}/reversal"
    cancelled = account(Role.CANCELLED, unit)
    offices.house.open(cancelled)
    offices.house.move(transfer(spent, cancelled, 1000))
    first = offices.accountant.send(path, {"reason": "sai đơn vị"}).get_json()
    assert (first["verdict"], first["code"]) == ("refused", "insufficient_funds")
    offices.house.fund(spent, 1000)
    second = offices.accountant.send(path, {"reason": "sai đơn vị"}).get_json()
    third = offices.accountant.send(path, {"reason": "sai đơn vị"}).get_json()
    assert (second["verdict"], second["exists"]) == ("accepted", False)
    assert (third["verdict"], third["exists"], third["id"]) == ("accepted", True, second["id"])
    assert offices.house.available(allotment) == 1000


def test_the_same_key_repeats_the_refusal_and_a_new_key_is_a_new_attempt(offices: Offices) -> None:
    unit = offices.uuid(offices.districts(1)[0])
    allotment, spent, cancelled = (
        account(role, unit) for role in (Role.ALLOTMENT, Role.SPENT, Role.CANCELLED)
    )
    offices.house.fund(allotment, 10)
    offices.house.open(spent, cancelled)
    given = transfer(allotment, spent, 10)
    offices.house.move(given, transfer(spent, cancelled, 10))
    path, body = f"/v1/transfers/{given.id}/reversal", {"reason": "x"}
    first = offices.accountant.send(path, body, key="back-1")
    offices.house.fund(spent, 10)
    repeated = offices.accountant.send(path, body, key="back-1")
    assert repeated.data == first.data
    assert offices.accountant.send(path, body, key="back-2").get_json()["verdict"] == "accepted"
    problem(offices.accountant.send(path, {"reason": "y"}, key="back-2"), 422, "idempotency_key_reused")


def test_the_pointer_is_written_with_the_row_and_nowhere_else(funded: House) -> None:
    given = transfer(ALLOTMENT, PROVIDER, 10_000)
    funded.move(given)
    reverse(funded, given.id)
    with funded.owner.connect() as connection:
        rows = connection.execute(text("SELECT id, reverses FROM transfers WHERE reverses IS NOT NULL")).all()
    assert [(row.id, row.reverses) for row in rows] == [(id_of("reversal", given.id, 0), given.id)]
