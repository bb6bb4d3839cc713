"""The bulk way into a table: COPY, about forty times as fast as single inserts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.copy import LibpqWriter
from psycopg.generators import copy_end
from psycopg.waiting import Wait
from sqlalchemy import Connection, Table

from shared.db.direct import driver_of

FEW = 8


def copy_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    meanwhile: Iterable[object] = (),
) -> int:
    """The number of rows written inside the connection's transaction, by COPY unless they are very few.

    All steps of `meanwhile` are done too, while the database does what is left to it when it has every row:
    foreign keys are tried then, one row after the other.
    Shape: every row has one value per column, in the order of `columns`.
    """
    left = iter(rows)
    first = list(islice(left, FEW + 1))
    with driver_of(connection).cursor() as cursor:
        if len(first) <= FEW:
            _insert(cursor, _named(table, columns), first)
            _exhaust(meanwhile)
            return len(first)
        count = 0
        statement = f"COPY {_named(table, columns)} FROM STDIN"
        with cursor.copy(statement.encode(), writer=_BusyWriter(cursor, meanwhile)) as copy:
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


def _insert(cursor: psycopg.Cursor[Any], names: str, rows: Sequence[Sequence[Any]]) -> None:
    """As COPY does it, by one statement: COPY asks the server three times, whatever it brings."""
    if rows:
        places = f"({', '.join(['%s'] * len(rows[0]))})"
        statement = f"INSERT INTO {names} VALUES {', '.join([places] * len(rows))}"
        cursor.execute(statement.encode(), [value for row in rows for value in row])


class _BusyWriter(LibpqWriter):
    """As psycopg writes a COPY, with steps done between the last row and the server's word on all of them."""

    def __init__(self, cursor: psycopg.Cursor[Any], steps: Iterable[object]) -> None:
        super().__init__(cursor)
        self._steps = steps

    def finish(self, exc: BaseException | None = None) -> None:
        """The COPY is over: stored, or given up where the rows failed; then no step is done."""
        if exc is None:
            self.connection.wait(self._ended())
        else:
            super().finish(exc)

    def _ended(self) -> PQGen[None]:
        ending = copy_end(self.connection.pgconn, None)
        wanted = next(ending)
        while wanted != Wait.R:
            wanted = ending.send((yield wanted))
        try:
            _exhaust(self._steps)
        finally:  # the server's word is read in any case, or the connection could not be rolled back
            yield from _rest(ending, wanted)


def _rest(generator: PQGen[Any], wanted: Wait) -> PQGen[None]:
    with suppress(StopIteration):
        while True:
            wanted = generator.send((yield wanted))


def _exhaust(steps: Iterable[object]) -> None:
    for _ in steps:
        pass
