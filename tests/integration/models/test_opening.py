"""An account that is opened on the way is opened before anything is locked, so nobody waits in a circle."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from services.allocation.ledger import store
from services.allocation.ledger.model import Role
from shared.testing.waiting import wait_until
from tests.integration.models.answers import TRANSFERS, new_key
from tests.integration.models.counter import Counter
from tests.integration.models.money import fill, move, purse, request

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
