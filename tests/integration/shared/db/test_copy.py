"""Rows are stored the same, few by a statement, many by COPY; what is to be done meanwhile is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    select,
)

from deploy.local.provisioning import Addresses
from shared.db.copy import FEW, copy_rows, insert_rows
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


def steps_that_note(done: list[int], count: int) -> Iterator[int]:
    """So many steps; each notes its number when it is done."""
    for step in range(count):
        done.append(step)
        yield step


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


@pytest.mark.parametrize("count", [0, 1, FEW, 3 * FEW, 20_000])
@pytest.mark.parametrize("steps", [0, 1, 50])
def test_all_that_is_to_do_meanwhile_is_done(connection: Connection, count: int, steps: int) -> None:
    done: list[int] = []
    meanwhile = steps_that_note(done, steps)
    assert copy_rows(connection, things, COLUMNS, map(row, range(count)), meanwhile) == count
    assert done == list(range(steps))
    assert connection.scalar(select(func.count()).select_from(things)) == count


def test_it_is_done_when_every_row_is_sent(connection: Connection) -> None:
    order: list[int] = []
    rows = (row(number) for number in steps_that_note(order, 3 * FEW))
    copy_rows(connection, things, COLUMNS, rows, steps_that_note(order, 2))
    assert order == [*range(3 * FEW), 0, 1]


def failing() -> Iterator[None]:
    yield
    raise ArithmeticError("a step that fails")


@pytest.mark.parametrize("count", [1, 3 * FEW])
def test_a_step_that_fails_leaves_a_connection_that_can_go_on(connection: Connection, count: int) -> None:
    point = connection.begin_nested()
    with pytest.raises(ArithmeticError, match="a step that fails"):
        copy_rows(connection, things, COLUMNS, map(row, range(count)), failing())
    point.rollback()
    assert connection.scalar(select(func.count()).select_from(things)) == 0


def test_rows_that_fail_are_not_stored_and_nothing_is_done_meanwhile(connection: Connection) -> None:
    done: list[int] = []
    rows = (row(1 // (number - 2 * FEW)) for number in range(3 * FEW))
    point = connection.begin_nested()
    with pytest.raises(ZeroDivisionError):
        copy_rows(connection, things, COLUMNS, rows, steps_that_note(done, 2))
    point.rollback()
    assert done == []
    assert connection.scalar(select(func.count()).select_from(things)) == 0


def test_rows_that_the_database_refuses_are_told_after_all_is_done(connection: Connection) -> None:
    done: list[int] = []
    rows = [row(number) for number in range(3 * FEW)] + [(id_of("thing", 0), "", 2**63, None, True)]
    point = connection.begin_nested()
    with pytest.raises(psycopg.errors.NumericValueOutOfRange):
        copy_rows(connection, things, COLUMNS, rows, steps_that_note(done, 2))
    point.rollback()
    assert done == [0, 1]
    assert connection.scalar(select(func.count()).select_from(things)) == 0
