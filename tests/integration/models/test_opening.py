"""An account that is opened on the way is opened before anything is locked, so nobody waits in a circle."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from services.allocation.ledger import store
from services.allocation.ledger.model import AccountKey, Role
from shared.testing.waiting import wait_until
from tests.integration.models.answers import TRANSFERS, new_key
from tests.integration.models.conftest import MakeDatabase
from tests.integration.models.counter import Counter, MakeApp
from tests.integration.models.money import UNITS, fill, move, purse, request

NOT_LOCKED = "SELECT count(*) FROM (SELECT 1 FROM accounts WHERE id = :id FOR UPDATE SKIP LOCKED) AS free"


def test_who_waits_for_an_account_that_is_being_opened_holds_none_that_exists(counter: Counter) -> None:
    fill(counter.house, 1)
    there, new = purse(0), purse(1, Role.SPENT)
    body = request(move(there, new, 5))
    with ThreadPoolExecutor(1) as pool, counter.house.unit_of_work.begin(counter.house.act()) as other:
        store.open_accounts(other.connection, [new])
        asked = pool.submit(counter.send, TRANSFERS, body, new_key())
        wait_until(counter.house.waiting, what="somebody who waits")
        free = counter.house.one(NOT_LOCKED, id=there.id)
        other.connection.commit()
        assert asked.result(30).verdicts == [("accepted", False)]
    assert free == 1


def moved(counter: Counter, new: AccountKey) -> list[tuple[str, bool]]:
    return counter.send(TRANSFERS, request(move(purse(0), new, 5)), new_key()).verdicts


def test_an_account_whose_opening_was_taken_back_is_opened_by_who_needs_it_next(counter: Counter) -> None:
    """The process remembers accounts, and has seen this one before its act came to nothing."""
    fill(counter.house, 1)
    new = purse(1, Role.SPENT)
    with contextlib.suppress(InterruptedError), counter.unit_of_work.begin(counter.house.act()) as work:
        store.open_accounts(work.connection, [new])
        store.lock(work.connection, [new.id])
        raise InterruptedError
    assert counter.house.one("SELECT count(*) FROM accounts WHERE id = :id", id=new.id) == 0
    assert moved(counter, new) == [("accepted", False)]


def test_an_account_that_a_restore_has_lost_is_opened_again(counter: Counter) -> None:
    fill(counter.house, 1)
    new = purse(1, Role.SPENT)
    with counter.unit_of_work.begin(counter.house.act()) as work:
        store.open_accounts(work.connection, [new])
        store.lock(work.connection, [new.id])
    with psycopg.connect(counter.house.addresses.owner.replace("+psycopg", "")) as restored:
        restored.execute("DELETE FROM accounts WHERE id = %s", (new.id,))
    assert moved(counter, new) == [("accepted", False)]


@pytest.fixture
def another(database: MakeDatabase, application: MakeApp) -> Iterator[Counter]:
    """The same API on a database of its own, in the same process."""
    made = Counter(database("allocation"), application, UNITS)
    yield made
    made.close()


def test_accounts_of_another_database_are_not_taken_for_ours(counter: Counter, another: Counter) -> None:
    """Ids are the same wherever they are derived."""
    new = purse(1, Role.SPENT)
    for one in (counter, another):
        fill(one.house, 1)
        assert moved(one, new) == [("accepted", False)]
