"""The bulk way into a table: COPY, about forty times as fast as single inserts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Table

Row = TypeVar("Row")


def interleaved(rows: Iterable[Row], beside: Iterator[object], every: int) -> Iterator[Row]:
    """The rows, with a step of something else after each `every` of them, and the rest of it at their end.

    The database is at work on what was sent while the steps are done, before the COPY is over.
    """
    for number, row in enumerate(rows, 1):
        yield row
        if number % every == 0:
            next(beside, None)
    for _ in beside:
        pass


def copy_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """The number of rows written by COPY inside the connection's transaction.

    Shape: every row has one value per column, in the order of `columns`.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("COPY needs a psycopg connection.")
    count = 0
    statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN"
    with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count
