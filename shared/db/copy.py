"""The bulk way into a table: COPY, about forty times as fast as single inserts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Table

from shared.db.direct import driver_of

FEW = 8
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
    """The number of rows written inside the connection's transaction, by COPY unless they are very few.

    Shape: every row has one value per column, in the order of `columns`.
    """
    left = iter(rows)
    first = list(islice(left, FEW + 1))
    with driver_of(connection).cursor() as cursor:
        if len(first) <= FEW:
            return _insert(cursor, _named(table, columns), first)
        count = 0
        with cursor.copy(f"COPY {_named(table, columns)} FROM STDIN".encode()) as copy:
            for row in chain(first, left):
                copy.write_row(row)
                count += 1
    return count


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """The rows are written inside the connection's transaction, a few by each statement.

    For rows of large bytes, which COPY would write as text of twice their size. Shape: as of `copy_rows`.
    """
    with driver_of(connection).cursor() as cursor:
        for start in range(0, len(rows), FEW):
            _insert(cursor, _named(table, columns), rows[start : start + FEW])


def _named(table: Table, columns: Sequence[str]) -> str:
    return f"{table.name} ({', '.join(columns)})"


def _insert(cursor: psycopg.Cursor[Any], names: str, rows: Sequence[Sequence[Any]]) -> int:
    """As COPY does it, by one statement: COPY asks the server three times, whatever it brings."""
    if rows:
        places = f"({', '.join(['%s'] * len(rows[0]))})"
        statement = f"INSERT INTO {names} VALUES {', '.join([places] * len(rows))}"
        cursor.execute(statement.encode(), [value for row in rows for value in row])
    return len(rows)
