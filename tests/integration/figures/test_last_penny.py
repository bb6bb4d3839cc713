"""The figure of the ledger: many hands reach for the last money, and exactly one gets it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from deploy.local.provisioning import Addresses
from services.allocation.ledger import handlers, store
from services.allocation.ledger.model import AccountKey, CapitalKind, Kind, Role, Transfer, Verdict
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.acts import Act
from shared.kernel.clock import FixedClock
from shared.kernel.errors import Unavailable
from shared.kernel.ids import new_id
from shared.kernel.money import vnd
from shared.kernel.periods import Period
from shared.testing.waiting import wait_until

NOON = datetime(2024, 8, 5, 5, tzinfo=UTC)
TODAY = date(2024, 8, 5)
ACT = Act(actor="officer-1", occurred_at=NOON)
THREADS = 200
CONNECTIONS = 32
PENNY = 2_055_000  # one month of one person
INVARIANTS = """
    SELECT count(*) FROM accounts a WHERE
        (a.bounded AND a.credits_posted - a.debits_posted - a.debits_pending < 0)
        OR a.debits_posted <> (SELECT coalesce(sum(amount_vnd), 0) FROM transfers t
                               WHERE t.debit_account = a.id AND t.kind IN ('direct', 'post'))
        OR a.debits_pending <> (SELECT coalesce(sum(h.amount_vnd - h.posted_vnd - h.voided_vnd), 0)
                                FROM holds h WHERE h.debit_account = a.id)
"""
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


class Ledger:
    """The ledger of one allocation database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.unit_of_work = UnitOfWork(engine, FixedClock(NOON))
        self._seats = threading.BoundedSemaphore(CONNECTIONS)  # beyond its size a pool opens one for each act

    def open(self, role: Role) -> UUID:
        """A new account of a role."""
        key = AccountKey(2024, "merit", "central", CapitalKind.RECURRENT, new_id(), role, "post")
        with self.unit_of_work.begin(ACT) as work:
            store.open_accounts(work.connection, [key])
        return key.id

    def funded(self, amount: int) -> UUID:
        """An allotment that holds so much."""
        account = self.open(Role.ALLOTMENT)
        self.move(transfer(self.open(Role.SOURCE), account, amount, Kind.DIRECT))
        return account

    def move(self, *batch: Transfer) -> list[Verdict]:
        """The verdicts, once there is a seat; whoever is told to try again does so, as a client does."""
        while True:
            with self._seats, contextlib.suppress(Unavailable), self.unit_of_work.begin(ACT) as work:
                return [outcome.verdict for outcome in handlers.transfer(work, batch)]

    def number(self, query: str) -> int:
        with self.engine.connect() as connection:
            return int(connection.scalar(text(query)) or 0)


def transfer(debit: UUID, credit: UUID, amount: int, kind: Kind = Kind.HOLD) -> Transfer:
    return Transfer(new_id(), debit, credit, vnd(amount), kind, TODAY, Period.of(TODAY))


@pytest.fixture
def ledger(database: Callable[[str], Addresses]) -> Iterator[Ledger]:
    engine = make_engine(database("allocation").service, application="race", pool_size=CONNECTIONS)
    yield Ledger(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def hands() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(THREADS) as pool:
        yield pool


def all_at_once(hands: ThreadPoolExecutor, work: Sequence[Callable[[], list[Verdict]]]) -> list[Verdict]:
    """The verdicts of work that begins in all threads at one moment."""
    gate = threading.Barrier(len(work))

    def run(one: Callable[[], list[Verdict]]) -> list[Verdict]:
        gate.wait()
        return one()

    return [verdict for verdicts in hands.map(run, work) for verdict in verdicts]


@pytest.mark.parametrize(
    "repetitions", [pytest.param(20, id="ci"), pytest.param(1000, id="full", marks=pytest.mark.full)]
)
@pytest.mark.timeout(3600)
def test_of_two_hundred_hands_exactly_one_gets_the_last_penny(
    ledger: Ledger, hands: ThreadPoolExecutor, repetitions: int
) -> None:
    provider = ledger.open(Role.PROVIDER)
    for _ in range(repetitions):
        account = ledger.funded(PENNY)

        def reach(account: UUID = account) -> list[Verdict]:
            return ledger.move(transfer(account, provider, PENNY))

        verdicts = all_at_once(hands, [reach] * THREADS)
        assert verdicts.count(Verdict.ACCEPTED) == 1
        assert verdicts.count(Verdict.REFUSED) == THREADS - 1
    assert ledger.number("SELECT count(*) FROM holds") == repetitions
    assert ledger.number("SELECT count(*) FROM transfer_refusals") == repetitions * (THREADS - 1)
    assert ledger.number(INVARIANTS) == 0


def test_as_many_win_as_the_money_covers(ledger: Ledger, hands: ThreadPoolExecutor) -> None:
    provider, account = ledger.open(Role.PROVIDER), ledger.funded(7 * PENNY + PENNY - 1)
    verdicts = all_at_once(hands, [lambda: ledger.move(transfer(account, provider, PENNY))] * THREADS)
    assert verdicts.count(Verdict.ACCEPTED) == 7
    assert ledger.number(INVARIANTS) == 0


def test_one_transfer_sent_by_all_moves_money_once(ledger: Ledger, hands: ThreadPoolExecutor) -> None:
    account, provider = ledger.funded(PENNY * THREADS), ledger.open(Role.PROVIDER)
    same = transfer(account, provider, PENNY)
    verdicts = all_at_once(hands, [lambda: ledger.move(same)] * THREADS)
    assert verdicts == [Verdict.ACCEPTED] * THREADS, "every repeat gets the stored result"
    assert ledger.number("SELECT count(*) FROM holds") == 1
    assert ledger.number(INVARIANTS) == 0


@pytest.mark.parametrize(
    "rounds", [pytest.param(1, id="ci"), pytest.param(40, id="full", marks=pytest.mark.full)]
)
@pytest.mark.timeout(3600)
def test_batches_in_opposite_orders_do_not_deadlock(
    ledger: Ledger, hands: ThreadPoolExecutor, rounds: int
) -> None:
    accounts = [ledger.funded(PENNY * THREADS * rounds) for _ in range(10)]
    provider = ledger.open(Role.PROVIDER)

    def batch(turn: int) -> list[Verdict]:
        order = accounts if turn % 2 else accounts[::-1]
        return ledger.move(*(transfer(account, provider, PENNY) for account in order))

    for _ in range(rounds):
        verdicts = all_at_once(hands, [partial(batch, turn) for turn in range(100)])
        assert verdicts == [Verdict.ACCEPTED] * 1000
    assert ledger.number(INVARIANTS) == 0
    ledger.engine.dispose()  # a connection tells its counts when it ends, at the latest
    wait_until(lambda: ledger.number(OTHERS) == 0, what="the end of all connections")
    assert ledger.number(DEADLOCKS) == 0


def test_money_that_goes_round_is_neither_made_nor_lost(ledger: Ledger, hands: ThreadPoolExecutor) -> None:
    ring = [ledger.funded(PENNY * 3) for _ in range(8)]

    def pass_on(turn: int) -> list[Verdict]:
        debit, credit = ring[turn % 8], ring[(turn * 3 + 1) % 8]
        return ledger.move(transfer(debit, credit, PENNY, Kind.DIRECT)) if debit != credit else []

    all_at_once(hands, [partial(pass_on, turn) for turn in range(160)])
    inside = ledger.number("SELECT sum(credits_posted - debits_posted) FROM accounts WHERE role='allotment'")
    assert inside == 8 * 3 * PENNY
    assert ledger.number("SELECT sum(debits_posted) - sum(credits_posted) FROM accounts") == 0
    assert ledger.number(INVARIANTS) == 0
