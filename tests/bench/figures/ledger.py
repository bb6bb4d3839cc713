"""Bulk transfers from one hot source, one in a hundred refused, against the same rows by bare SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from sqlalchemy import text

from deploy.local.provisioning import Addresses
from services.allocation.ledger import handlers, store
from services.allocation.ledger.model import AccountKey, CapitalKind, Kind, Role, Transfer
from shared.db.unit_of_work import UnitOfWork
from shared.entry import spare_the_collector
from shared.kernel.ids import id_of, new_id
from shared.kernel.money import MAX_VND, Money
from shared.kernel.periods import Period
from tests.bench.harness import Bench, Goal, Lap, timed
from tests.bench.site import Site

DESTINATIONS = 20_000
AMOUNT = Money(1_466_000)
REFUSED_EVERY = 100
DAY = date(2024, 8, 5)
FUNDS = 2**50


def account(role: Role, number: int = 0) -> AccountKey:
    """An account of the bench."""
    unit = id_of("unit", "bench", number) if role is not Role.SOURCE else None
    return AccountKey(2024, "merit", "central", CapitalKind.RECURRENT, unit, role)


HOT, SOURCE = account(Role.ALLOTMENT), account(Role.SOURCE)


def transfer(debit: AccountKey, credit_id: UUID, amount: Money) -> Transfer:
    """A direct transfer under a new id."""
    return Transfer(new_id(), debit.id, credit_id, amount, Kind.DIRECT, DAY, Period.of(DAY))


def fund(site: Site, addresses: Addresses, unit_of_work: UnitOfWork) -> list[UUID]:
    """The ids of 20,000 destinations; the hot source has money, the planner knows of the accounts."""
    keys = [account(Role.SPENT, number) for number in range(1, DESTINATIONS + 1)]
    with unit_of_work.begin(site.act()) as work:
        store.open_accounts(work.connection, [SOURCE, HOT, *keys])
        handlers.transfer(work, [transfer(SOURCE, HOT.id, Money(FUNDS))])
    with psycopg.connect(addresses.owner.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute("ANALYZE accounts")  # as autovacuum does within a minute
    return [key.id for key in keys]


def batches(destinations: Sequence[UUID], count: int, chunk: int) -> Iterator[list[Transfer]]:
    """Batches of transfers out of the hot source; every hundredth asks for more than there is."""
    for start in range(0, count, chunk):
        yield [
            transfer(
                HOT,
                destinations[number % len(destinations)],
                Money(MAX_VND) if number % REFUSED_EVERY == REFUSED_EVERY - 1 else AMOUNT,
            )
            for number in range(start, min(start + chunk, count))
        ]


def take(chunk: int, site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """Ours and the same rows by bare SQL, each on a fresh database, in turns."""
    spare_the_collector()  # as every process of ours does
    for _ in range(rounds):
        with site.database("allocation") as addresses, site.working(addresses) as unit_of_work:
            destinations = fund(site, addresses, unit_of_work)
            made = list(batches(destinations, size, chunk))
            with timed() as watch:
                for batch in made:
                    with unit_of_work.begin(site.act()) as work:
                        handlers.transfer(work, batch)
            yield Lap("ours", watch.seconds, size)
            kept = Kept(addresses, [len(batch) for batch in made])
        with site.database("allocation") as addresses, site.working(addresses) as unit_of_work:
            fund(site, addresses, unit_of_work)
            yield Lap("bare_sql", kept.write_again(addresses), size)


class Kept:
    """What a run left in the database, cut into its commits, to be written again by bare SQL."""

    TABLES: ClassVar[tuple[str, ...]] = ("transfers", "transfer_refusals", "journal")
    COLUMNS: ClassVar[Mapping[str, str]] = {
        "transfers": "id, debit_account, credit_account, amount_vnd, kind, effective_on, period",
        "transfer_refusals": "id, debit_account, credit_account, amount_vnd, kind, effective_on, period, "
        "code, message, shortfall_vnd",
        "journal": "id, topic, type, key, subjects, occurred_at, actor, backdated, data, items_root",
    }
    ORDER: ClassVar[Mapping[str, str]] = {"transfers": "number", "transfer_refusals": "id", "journal": "seq"}

    def __init__(self, addresses: Addresses, commits: Sequence[int]) -> None:
        self._commits = len(commits)
        with _connect(addresses) as connection:
            self._rows = {
                table: connection.execute(
                    f"SELECT {self.COLUMNS[table]} FROM {table} ORDER BY {self.ORDER[table]}"
                ).fetchall()
                for table in self.TABLES
            }
        for table in ("transfers", "journal"):
            del self._rows[table][0]  # the funding of the hot source, which is there already

    def write_again(self, addresses: Addresses) -> float:
        """The seconds that the rows take, with one update of the totals a commit, and nothing decided."""
        parts = [
            {table: _part(rows, number, self._commits) for table, rows in self._rows.items()}
            for number in range(self._commits)
        ]
        with _connect(addresses) as connection, timed() as watch:
            for part in parts:
                with connection.transaction():
                    self._write(connection, part)
        return watch.seconds

    def _write(self, connection: psycopg.Connection[Any], part: dict[str, list[Any]]) -> None:
        for table, rows in part.items():
            statement = f"COPY {table} ({self.COLUMNS[table]}) FROM STDIN"
            with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                for row in rows:
                    copy.write_row(row)
        connection.execute(
            "UPDATE accounts a SET credits_posted = a.credits_posted + d.sum FROM "
            "(SELECT id, sum(amount) AS sum FROM unnest(%s::uuid[], %s::bigint[]) AS t(id, amount) GROUP BY "
            "id) AS d WHERE a.id = d.id",
            ([row[2] for row in part["transfers"]], [row[3] for row in part["transfers"]]),
        )
        connection.execute(
            "UPDATE accounts SET debits_posted = debits_posted + %s WHERE id = %s",
            (sum(row[3] for row in part["transfers"]), HOT.id),
        )


def _part(rows: list[Any], number: int, commits: int) -> list[Any]:
    return rows[len(rows) * number // commits : len(rows) * (number + 1) // commits]


def _connect(addresses: Addresses) -> psycopg.Connection[Any]:
    return psycopg.connect(addresses.service.replace("+psycopg", ""), autocommit=True)


def ensure_tied(unit_of_work: UnitOfWork) -> None:
    """Nothing, where totals equal the sums of their rows: a bench that breaks the ledger measures nothing."""
    with unit_of_work.reading() as connection:
        broken = connection.scalar(text("SELECT sum(debits_posted) - sum(credits_posted) FROM accounts"))
    if broken:
        raise AssertionError(f"Debits and credits differ by {broken} đồng.")


GOALS = (
    Goal(
        "ours",
        "bulk transfers from one hot source, 1 % refused",
        "transfers",
        rate=25_000,
        against="bare_sql",
        ratio=0.7,
    ),
)
BENCHES = (
    Bench("ledger-1000", 100_000, partial(take, 1_000), GOALS),
    Bench("ledger-10000", 200_000, partial(take, 10_000), GOALS),
)
