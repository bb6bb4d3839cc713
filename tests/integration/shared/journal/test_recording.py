from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from shared.journal import positions
from shared.journal.recording import Topic
from shared.kernel import canonical, merkle
from shared.kernel.errors import Rejected
from tests.integration.shared.conftest import BulkCounted, Counted

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk

INSERTED = (
    "INSERT INTO journal ({columns}id, topic, type, key, subjects, occurred_at, actor, backdated, data) "
    "VALUES ({values}gen_random_uuid(), 'events', 't', 'k', '{{}}', now(), 'a', false, '\\x')"
)


def as_service(desk: Desk, statement: str) -> None:
    with desk.service.begin() as connection:
        connection.exec_driver_sql(statement)


def burn_a_number(desk: Desk) -> None:
    """A row that is rolled back; its number is gone."""
    with desk.service.connect() as connection:
        connection.exec_driver_sql(INSERTED.format(columns="", values=""))
        connection.rollback()


def test_state_and_journal_are_kept_together(desk: Desk) -> None:
    with desk.unit_of_work.begin(desk.act) as work:
        work.connection.execute(text("INSERT INTO effects (key, value) VALUES ('a', 1)"))
        work.record(Counted("a", 1))
    assert desk.one("SELECT count(*) FROM effects") == desk.one("SELECT count(*) FROM journal") == 1


def test_state_and_journal_are_lost_together(desk: Desk) -> None:
    def refused() -> None:
        with desk.unit_of_work.begin(desk.act) as work:
            work.connection.execute(text("INSERT INTO effects (key, value) VALUES ('a', 1)"))
            work.record(Counted("a", 1))
            raise Rejected("no", "No.")

    with pytest.raises(Rejected):
        refused()
    assert desk.one("SELECT count(*) FROM effects") == desk.one("SELECT count(*) FROM journal") == 0


def test_a_row_tells_who_did_what_when_and_why(desk: Desk) -> None:
    with desk.unit_of_work.begin(desk.act) as work:
        event_id = work.because("counted again").record(Counted("a", 7), Topic.TRAIL)
    (row,) = desk.rows("SELECT * FROM journal")
    assert (row.id, row.topic, row.type, row.key) == (event_id, "trail", Counted.TYPE, "a")
    assert (row.actor, row.reason, row.occurred_at) == ("officer-1", "counted again", desk.clock.now())
    assert row.subjects == ["toy:a"]
    assert bytes(row.data) == canonical.encode({"toy_id": "a", "number": 7})


def test_a_bulk_row_carries_the_root_of_its_items(desk: Desk) -> None:
    items = [{"n": n} for n in range(5)]
    from_items = merkle.root([merkle.leaf_hash(canonical.encode(item)) for item in items])
    with desk.unit_of_work.begin(desk.act) as work:
        work.record(BulkCounted("a", tuple(items)))
    assert bytes(desk.one("SELECT items_root FROM journal")) == from_items


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ("xid, ", "'1'::xid8, "),
        ("recorded_at, ", "'2020-01-01', "),
    ],
)
def test_the_service_cannot_forge_what_the_database_sets(desk: Desk, columns: str, values: str) -> None:
    with pytest.raises(ProgrammingError) as caught:
        as_service(desk, INSERTED.format(columns=columns, values=values))
    assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege)
    as_service(desk, INSERTED.format(columns="", values=""))


def test_the_service_cannot_forge_its_sequence_number(desk: Desk) -> None:
    forged = INSERTED.format(columns="seq, ", values="999, ").replace(
        "VALUES", "OVERRIDING SYSTEM VALUE VALUES"
    )
    with pytest.raises(ProgrammingError):
        as_service(desk, forged)
    with pytest.raises(ProgrammingError):
        as_service(desk, "SELECT setval('journal_seq_seq', 1)")
    assert desk.one("SELECT count(*) FROM journal") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET actor = 'somebody else'",
        "DELETE FROM journal",
        "TRUNCATE journal",
        "DELETE FROM inbox",
        "DELETE FROM journal_epochs",
        "ALTER TABLE journal ADD COLUMN note text",
    ],
)
def test_the_service_cannot_change_the_past(desk: Desk, statement: str) -> None:
    desk.record(Counted("a", 1))
    with pytest.raises(ProgrammingError) as caught:
        as_service(desk, statement)
    assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege)


def test_the_reader_sees_everything_and_writes_nothing(desk: Desk) -> None:
    desk.record(Counted("a", 1))
    reader = desk.engine(desk.addresses.reader)
    with reader.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM journal")) == 1
    for statement in (
        "DELETE FROM journal",
        "CREATE TABLE mine (a int)",
        "UPDATE journal_cursor SET seq = 0",
    ):
        with pytest.raises(Exception, match=r"read-only|permission"), reader.begin() as connection:
            connection.execute(text(statement))


def test_head_counts_what_is_committed(desk: Desk) -> None:
    def head() -> int:
        with desk.service.connect() as connection:
            return positions.head(connection)

    assert head() == 0
    desk.record(*(Counted("a", n) for n in range(3)))
    assert head() == 3
    burn_a_number(desk)
    desk.record(Counted("a", 5))
    assert head() == 4, "the number a rollback burnt is no row"


def test_too_much_for_one_row_is_a_bug_of_the_caller(desk: Desk) -> None:
    with pytest.raises(ValueError, match="split it"), desk.unit_of_work.begin(desk.act) as work:
        work.record(BulkCounted("a", tuple({"n": n} for n in range(501))))
    with pytest.raises(ValueError, match="split it"), desk.unit_of_work.begin(desk.act) as work:
        work.record(BulkCounted("x" * 300_000, ()))
