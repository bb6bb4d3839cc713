"""Batches of any size on the database do what the same transfers do one by one, in the same order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.allocation.ledger import handlers, store
from services.allocation.ledger.model import AccountKey, Role, Transfer
from shared.kernel.ids import id_of, new_id
from tests.integration.allocation.house import House, account, transfer
from tests.integration.models.counter import Counter
from tests.unit.allocation.ledger.test_ledger_properties import ACCOUNTS, UNBOUNDED, batches

FUNDS, FULL = 50, 2_000
TOTALS = (
    "SELECT debits_posted, credits_posted, debits_pending, credits_pending FROM accounts "
    "WHERE id = ANY(:ids) ORDER BY array_position(:ids, id)"
)
HOLDS = (
    "SELECT amount_vnd, posted_vnd, voided_vnd FROM holds WHERE debit_account = ANY(:ids) "
    "ORDER BY amount_vnd, posted_vnd, voided_vnd"
)
Unit = list[Transfer]


class Side:
    """A set of accounts of its own, on which transfers of the same numbers have ids of its own."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._name = str(new_id())
        self._keys = {one: self._key(one) for one in ACCOUNTS}
        source = account(Role.SOURCE, None)
        with house.unit_of_work.begin(house.act()) as work:
            store.open_accounts(work.connection, [source, *self._keys.values()])
            filled = [key for one, key in self._keys.items() if one != UNBOUNDED]
            handlers.transfer(work, [transfer(source, key, FUNDS) for key in filled])

    def take(self, units: Sequence[Unit], size: int) -> list[tuple[Any, ...]]:
        """What was answered when so many units came at once."""
        told: list[tuple[Any, ...]] = []
        for start in range(0, len(units), size):
            batch = [self._own(one) for unit in units[start : start + size] for one in unit]
            with self._house.unit_of_work.begin(self._house.act()) as work:
                outcomes = handlers.transfer(work, batch)
            told += [(one.verdict, one.exists, one.refusal and one.refusal[::2]) for one in outcomes]
        return told

    def standing(self) -> list[tuple[int, ...]]:
        """The totals of its accounts, and its holds, in the order of their names."""
        named = {"ids": [key.id for key in self._keys.values()]}
        with self._house.owner.connect() as connection:
            totals, holds = (connection.execute(text(query), named).all() for query in (TOTALS, HOLDS))
        return [tuple(map(int, row)) for row in (*totals, *holds)]

    def _key(self, one: UUID) -> AccountKey:
        return account(Role.UNMATCHED if one == UNBOUNDED else Role.ALLOTMENT, id_of(self._name, one))

    def _own(self, one: Transfer) -> Transfer:
        return replace(
            one,
            id=id_of(self._name, one.id),
            debit_account=self._keys[one.debit_account].id,
            credit_account=self._keys[one.credit_account].id,
            hold=one.hold and id_of(self._name, one.hold),
            group=one.group and id_of(self._name, one.group),
        )


def compared(house: House, count: int) -> Callable[[], None]:
    """So many random batches, each taken in chunks and one by one."""

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=count < FULL,
        phases=[Phase.generate] if count < FULL else list(Phase),
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(batches(), st.integers(2, 14))
    def compare(units: list[Unit], size: int) -> None:
        chunked, one_by_one = Side(house), Side(house)
        assert chunked.take(units, size) == one_by_one.take(units, 1)
        assert chunked.standing() == one_by_one.standing()

    return compare


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [50, pytest.param(FULL, marks=pytest.mark.full)])
def test_any_chunking_stores_what_one_by_one_stores(counter: Counter, count: int) -> None:
    compared(counter.house, count)()
