"""A closed bank: money goes round among many hands, and whoever adds it up finds all of it, every time."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from services.allocation.ledger import handlers
from services.allocation.ledger.model import Kind, Transfer
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock
from shared.kernel.ids import new_id
from shared.kernel.money import vnd
from shared.kernel.periods import Period
from tests.integration.allocation.house import NOON
from tests.integration.models.counter import Counter
from tests.integration.models.money import fill, purse

PURSES, FUNDS = 12, 1_000
TELLERS = 8
LEVELS = ("READ COMMITTED", "REPEATABLE READ") * 2
DAY = date(2024, 8, 5)
ACT = Act(actor="teller", occurred_at=NOON)
ADDED_UP = text(
    "SELECT sum(credits_posted - debits_posted) FILTER (WHERE bounded) AS inside,"
    " sum(debits_pending - credits_pending) AS promised_to_nobody,"
    " min(credits_posted - debits_posted - debits_pending) FILTER (WHERE bounded) AS least FROM accounts"
)


class Teller:
    """Moves money at random: at once, or by a promise that is kept or released later."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"teller-{seed}")
        self._purses = [purse(number).id for number in range(PURSES)]
        self._holds: list[Transfer] = []
        self.verdicts: list[str] = []

    def step(self, work: UnitOfWork) -> None:
        batch = [self._next() for _ in range(self._random.randint(1, 6))]
        with work.begin(ACT) as under_way:
            outcomes = handlers.transfer(under_way, batch)
        moved = [one.transfer for one in outcomes if one.takes_effect]
        self._holds += [one for one in moved if one.kind is Kind.HOLD]
        self.verdicts += [one.verdict.value for one in outcomes]

    def _next(self) -> Transfer:
        if self._holds and self._random.random() < 0.4:
            held = self._holds.pop(self._random.randrange(len(self._holds)))
            kind = self._random.choice([Kind.POST, Kind.VOID])
            return _transfer(held.debit_account, held.credit_account, held.amount, kind, held)
        debit, credit = self._random.sample(self._purses, 2)
        kind = self._random.choice([Kind.DIRECT, Kind.HOLD])
        return _transfer(debit, credit, self._random.randint(1, FUNDS), kind)


def _transfer(debit: UUID, credit: UUID, amount: int, kind: Kind, held: Transfer | None = None) -> Transfer:
    hold = held.id if held else None
    return Transfer(new_id(), debit, credit, vnd(amount), kind, DAY, Period.of(DAY), hold)


def add_up(engine: Engine, level: str, reads: int, begun: threading.Event) -> set[tuple[int, int]]:
    """What was found in so many reads: the money inside, and promises that nobody awaits."""
    begun.wait(30)
    found = set()
    with engine.connect().execution_options(isolation_level=level) as connection:
        for _ in range(reads):
            row = connection.execute(ADDED_UP).one()
            connection.rollback()
            found.add((int(row.inside), int(row.promised_to_nobody)))
            assert row.least >= 0
    return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize("reads", [200, pytest.param(20_000, marks=pytest.mark.full)])
def test_every_reader_finds_all_the_money_at_any_moment(counter: Counter, reads: int) -> None:
    fill(counter.house, PURSES, FUNDS)
    engine = make_engine(counter.house.addresses.service, application="bank", pool_size=TELLERS)
    work = UnitOfWork(engine, FixedClock(NOON))
    tellers = [Teller(seed) for seed in range(TELLERS)]
    begun, over = threading.Event(), threading.Event()

    def serve(teller: Teller) -> None:
        while not over.is_set():
            teller.step(work)
            begun.set()

    with ThreadPoolExecutor(TELLERS + len(LEVELS)) as pool:
        serving = [pool.submit(serve, teller) for teller in tellers]
        share = reads // len(LEVELS)
        readers = [pool.submit(add_up, counter.house.owner, level, share, begun) for level in LEVELS]
        try:
            found = set().union(*(one.result() for one in readers))
        finally:
            over.set()
        for one in serving:
            one.result(30)
    engine.dispose()
    assert found == {(PURSES * FUNDS, 0)}
    verdicts = [verdict for teller in tellers for verdict in teller.verdicts]
    assert {"accepted", "refused"} == set(verdicts)
