"""Work of the instance that a test holds back, so that what is over in a moment can be seen.

Each holds a lock in the database that the work itself needs: it waits as it would for anybody, and goes on
when the block ends.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from deploy.local.state import Home, read_json
from deploy.outside.treasury import NAMESPACE
from deploy.oversight.copies import server_of
from shared.kernel.ids import id_of


@contextmanager
def database(home: Path, service: str) -> Iterator[psycopg.Connection[Any]]:
    """The database of a service, in a transaction that is rolled back."""
    server = server_of(read_json(Home(home).addresses)["server"])
    with psycopg.connect(server.url(service).replace("+psycopg", "")) as connection:
        yield connection
        connection.rollback()


@contextmanager
def persons(home: Path, first: int, limit: int | None) -> Iterator[int]:
    """Some persons of the register in order of id: no payment can be made to them until the block ends.

    The number of them: `limit` after the first so many, or all that are left.
    """
    with database(home, "beneficiaries") as connection:
        some = connection.execute(
            "SELECT id FROM persons ORDER BY id OFFSET %s LIMIT %s", (first, limit)
        ).fetchall()
        ids = [row[0] for row in some]
        connection.execute("SELECT 1 FROM persons WHERE id = ANY(%s) ORDER BY id FOR UPDATE", (ids,))
        yield len(ids)


@contextmanager
def treasury(home: Path, list_id: str, submission: int, clerk: str) -> Iterator[None]:
    """The Treasury cannot answer for this list: another request seems to run under the key of its answer."""
    asked = id_of("withdrawal", uuid.UUID(list_id), submission)
    key = f"idempotency|{clerk}|{uuid.uuid5(NAMESPACE, str(asked))}"
    with database(home, "allocation") as connection:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
        yield


def count_of_persons(home: Path) -> int:
    """How many persons the register has."""
    with database(home, "beneficiaries") as connection:
        row = connection.execute("SELECT count(*) FROM persons").fetchone()
    return int(row[0]) if row else 0
