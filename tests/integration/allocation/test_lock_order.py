"""Accounts are locked in one order by everybody, so nobody waits in a circle."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from services.allocation.ledger import store
from services.allocation.ledger.model import Role
from services.allocation.ledger.tables import accounts
from shared.kernel.ids import new_id
from tests.integration.allocation.house import House, account

ACCOUNTS = 8


def test_accounts_are_locked_from_the_lowest_id_up(bare_house: House) -> None:
    keys = sorted((account(Role.ALLOTMENT, new_id()) for _ in range(ACCOUNTS)), key=lambda key: key.id)
    for key in reversed(keys):  # the table holds the highest first
        bare_house.open(key)
    lowest, *others = (key.id for key in keys)

    def lock_all() -> int:
        with bare_house.unit_of_work.begin(bare_house.act()) as work:
            return len(store.lock(work.connection, [*others, lowest]).available)

    with ThreadPoolExecutor(1) as pool, bare_house.owner.connect() as connection:
        connection.execute(select(accounts).where(accounts.c.id == lowest).with_for_update())
        waiting = pool.submit(lock_all)
        while not bare_house.waiting():
            assert not waiting.done()
        free = select(accounts.c.id).where(accounts.c.id != lowest).with_for_update(skip_locked=True)
        assert len(connection.execute(free).all()) == len(others), "locked before the lowest one"
        connection.rollback()
        assert waiting.result(30) == ACCOUNTS
