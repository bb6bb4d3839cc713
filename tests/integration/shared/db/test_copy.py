"""Rows are stored the same, few by a statement, many by COPY; what stands beside them is done in any case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import BigInteger, Boolean, Column, Connection, Date, MetaData, Table, Text, Uuid, select

from deploy.local.provisioning import Addresses
from shared.db.copy import FEW, copy_rows, insert_rows, interleaved
from shared.db.engine import make_engine
from shared.kernel.ids import id_of

things = Table(
    "things",
    MetaData(),
    Column("id", Uuid),
    Column("name", Text),
    Column("amount", BigInteger),
    Column("on", Date),
    Column("open", Boolean),
)
COLUMNS = ("id", "name", "amount", '"on"', "open")
Row = tuple[UUID, str | None, int, date | None, bool]


@pytest.fixture
def connection(empty_database: Callable[[str], Addresses]) -> Iterator[Connection]:
    engine = make_engine(empty_database("bus").owner, application="tests")
    with engine.begin() as connection:
        things.create(connection)
        yield connection
    engine.dispose()


def row(number: int) -> Row:
    text = None if number % 3 == 0 else f"Đặng\t\\N {number}"
    return (
        id_of("thing", number),
        text,
        2**53 - number,
        None if number % 2 else date(2024, 8, 5),
        number % 2 == 0,
    )


@pytest.mark.parametrize("count", [0, 1, FEW, FEW + 1, 3 * FEW])
def test_every_row_is_stored_as_it_is(connection: Connection, count: int) -> None:
    rows = [row(number) for number in range(count)]
    assert copy_rows(connection, things, COLUMNS, iter(rows)) == count
    assert [tuple(one) for one in connection.execute(select(things).order_by(things.c.amount.desc()))] == rows


@pytest.mark.parametrize("count", [0, 1, FEW, FEW + 1, 3 * FEW])
def test_every_row_is_inserted_as_it_is(connection: Connection, count: int) -> None:
    rows = [row(number) for number in range(count)]
    insert_rows(connection, things, COLUMNS, rows)
    assert [tuple(one) for one in connection.execute(select(things).order_by(things.c.amount.desc()))] == rows


@pytest.mark.parametrize("count", [0, 1, FEW, 3 * FEW])
@pytest.mark.parametrize("steps", [0, 1, 50])
def test_all_that_stands_beside_the_rows_is_done(connection: Connection, count: int, steps: int) -> None:
    done: list[int] = []
    beside = (done.append(step) for step in range(steps))
    rows = interleaved((row(number) for number in range(count)), beside, 2)
    assert copy_rows(connection, things, COLUMNS, rows) == count
    assert done == list(range(steps))


def test_a_step_follows_so_many_rows() -> None:
    order: list[str] = []
    note = order.append
    for number in interleaved(range(5), (note("beside") for _ in range(9)), 2):
        note(str(number))
    assert order == ["0", "1", "beside", "2", "3", "beside", "4", *["beside"] * 7]
