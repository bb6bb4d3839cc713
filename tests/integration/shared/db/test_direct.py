"""What is asked of the driver itself belongs to the same transaction and fails as everything else does."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from shared.db.direct import rows_of, run
from shared.db.unit_of_work import UnitOfWork
from shared.kernel.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk

PUT = "INSERT INTO effects (key, value) VALUES (%(key)s, %(value)s)"
TOLD = Conflict("told", "It is there already.")


def test_rows_are_read_by_place_and_by_name(desk: Desk) -> None:
    with desk.unit_of_work.reading() as connection:
        (row,) = rows_of(connection, "SELECT CAST(%(n)s AS int) AS number, 'a' AS name", {"n": 7})
    assert tuple(row) == (7, "a")
    assert (row.number, row.name) == (7, "a")


def test_no_row_is_an_empty_list(desk: Desk) -> None:
    with desk.unit_of_work.reading() as connection:
        assert rows_of(connection, "SELECT 1 AS one WHERE %(x)s", {"x": False}) == []


def test_it_is_taken_back_with_the_work_around_it(desk: Desk) -> None:
    with contextlib.suppress(InterruptedError), desk.unit_of_work.begin(desk.act) as work:
        run(work.connection, PUT, {"key": "a", "value": 1})
        assert work.connection.scalar(text("SELECT count(*) FROM effects")) == 1
        raise InterruptedError
    assert desk.one("SELECT count(*) FROM effects") == 0


def test_a_broken_constraint_is_the_refusal_that_belongs_to_it(desk: Desk) -> None:
    unit_of_work = UnitOfWork(desk.unit_of_work.engine, desk.clock, {"pk_journal_cursor": lambda: TOLD})
    twice = "INSERT INTO journal_cursor SELECT * FROM journal_cursor"
    with pytest.raises(Conflict) as caught, unit_of_work.begin(desk.act) as work:
        run(work.connection, twice, {})
    assert caught.value.code == "told"


def test_a_lost_connection_is_told_as_a_database_that_is_away(desk: Desk) -> None:
    with pytest.raises(Unavailable), desk.unit_of_work.begin(desk.act) as work:
        run(work.connection, "SELECT pg_terminate_backend(pg_backend_pid())", {})
