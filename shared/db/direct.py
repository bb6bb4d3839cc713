"""Statements that every act runs, asked of the driver itself.

SQLAlchemy takes 55 µs of processor for a statement, beside the 40 µs that psycopg takes. That is nothing
to a job and a tenth of a request that runs ten of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection


def rows_of(connection: Connection, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
    """What the statement answers inside the connection's transaction, as rows with named places.

    Shape: `statement` names its parameters as psycopg has them, `%(name)s`.
    """
    with driver_of(connection).cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(statement.encode(), parameters).fetchall()


def run(connection: Connection, statement: str, parameters: Mapping[str, Any]) -> None:
    """The statement was run inside the connection's transaction; it answers nothing."""
    with driver_of(connection).cursor() as cursor:
        cursor.execute(statement.encode(), parameters)


def driver_of(connection: Connection) -> psycopg.Connection[Any]:
    """What SQLAlchemy's connection speaks through."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("This needs a psycopg connection.")
    return driver
