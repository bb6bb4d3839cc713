from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text

from deploy.local.provisioning import Addresses
from services.beneficiaries.schema import metadata
from shared.db.engine import make_engine
from shared.db.migrations import config_for, migrate

SERVICE = "beneficiaries"


@pytest.fixture
def empty(empty_database: Callable[[str], Addresses]) -> Addresses:
    return empty_database(SERVICE)


def migrated(address: str) -> Engine:
    engine = make_engine(address, application="tests", pool_size=2)
    migrate(engine, SERVICE, metadata)
    return engine


def test_a_first_run_makes_everything(empty: Addresses) -> None:
    engine = migrated(empty.owner)
    assert set(metadata.tables) <= set(inspect(engine).get_table_names())
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT position FROM journal_cursor")) == 0
        assert connection.execute(text("SELECT epoch, first_position FROM journal_epochs")).all() == [(1, 1)]
    engine.dispose()


def test_a_second_run_changes_nothing(empty: Addresses) -> None:
    migrated(empty.owner).dispose()
    engine = make_engine(empty.owner, application="tests")
    with engine.begin() as connection:
        connection.execute(text("UPDATE journal_cursor SET position = 7, seq = 9"))
    migrated(empty.owner).dispose()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT position, seq FROM journal_cursor")).all() == [(7, 9)]
        assert connection.scalar(text("SELECT count(*) FROM journal_epochs")) == 1
    engine.dispose()


def test_two_at_once_wait_for_each_other(empty: Addresses) -> None:
    failures: list[Exception] = []

    def run() -> None:
        try:
            migrated(empty.owner).dispose()
        except Exception as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_the_lock_of_migrations_is_given_back(empty: Addresses) -> None:
    engine = migrated(empty.owner)
    with engine.connect() as connection:
        held = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
        query = text(held + "WHERE l.locktype = 'advisory' AND d.datname = current_database()")
        assert connection.scalar(query) == 0
    engine.dispose()


def test_the_service_gets_its_grants_and_not_the_tables(empty: Addresses) -> None:
    migrated(empty.owner).dispose()
    service = make_engine(empty.service, application="tests")
    with service.begin() as connection:
        connection.execute(text("SELECT count(*) FROM persons"))
    for statement in ("DROP TABLE persons", "CREATE TABLE mine (a int)", "DELETE FROM persons"):
        with (
            pytest.raises(Exception, match=r"permission denied|must be owner"),
            service.begin() as connection,
        ):
            connection.execute(text(statement))
    service.dispose()


ID = "CAST(lpad(CAST({} AS text), 32, '0') AS uuid)"
STATEMENTS = f"""
    INSERT INTO statements (id, provider, format, document, state, row_count, matched_count, unmatched_count,
                            received_on, received_by)
    SELECT {ID.format("n")}, 'POST-QNA', 'csv', n, 'told', 0, 0, 0, '2024-08-05', 'officer'
    FROM generate_series(1, 2) n
"""
LISTS = f"""
    INSERT INTO lists (id, period, unit_id, provider, channel, reissue, state, submission, payment_count,
                       total_vnd, version)
    SELECT {ID.format("n")}, '2024-08', {ID.format("n")}, 'POST-QNA', 'post', 0, 'closed', 1, 6, 120, 1
    FROM generate_series(1, 2) n
"""
OUTCOMES = f"""
    INSERT INTO outcomes (payment_id, list_id, statement_id, row, kind, amount_vnd, reason_code, value_on)
    SELECT {ID.format("n")}, {ID.format("n % 2 + 1")}, {ID.format("1")}, n,
           CASE WHEN n > 6 THEN 'returned' ELSE 'settled' END, 20, CASE WHEN n > 6 THEN 'CNPC' END,
           '2024-08-05'
    FROM generate_series(1, 12) n
"""
LATE = f"""
    INSERT INTO late_returns (payment_id, list_id, statement_id, row, amount_vnd, reason_code, value_on)
    VALUES ({ID.format("2")}, {ID.format("1")}, {ID.format("2")}, 1, 10, 'MD07', '2024-08-09')
"""
SUMS = """
    SELECT CAST(right(CAST(statement_id AS text), 1) AS int), CAST(right(CAST(list_id AS text), 1) AS int),
           kind, reason_code, payment_count, amount_vnd
    FROM statement_sums ORDER BY 1, 2, 3
"""


def test_statements_that_were_matched_before_are_summed_up(empty: Addresses) -> None:
    engine = migrated(empty.owner)
    with engine.connect() as connection:
        config = config_for(SERVICE)
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
        for statement in (STATEMENTS, LISTS, OUTCOMES, LATE):
            connection.execute(text(statement))
        connection.commit()
    migrated(empty.owner).dispose()
    with engine.connect() as connection:
        rows = connection.execute(text(SUMS)).all()
    assert rows == [
        (1, 1, "returned", "CNPC", 3, 60),
        (1, 1, "settled", "", 3, 60),
        (1, 2, "returned", "CNPC", 3, 60),
        (1, 2, "settled", "", 3, 60),
        (2, 1, "returned_late", "MD07", 1, 10),
    ]
    engine.dispose()
