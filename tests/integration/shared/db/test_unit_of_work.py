from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from shared.db import engine as engine_module
from shared.db.copy import copy_rows
from shared.db.engine import dedicated, make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.inbox.tables import inbox
from shared.kernel.acts import Act
from shared.kernel.errors import Conflict, Unavailable
from shared.testing.waiting import wait_until

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk


def put(connection: Connection, key: str, value: int = 1) -> None:
    connection.execute(text("INSERT INTO effects (key, value) VALUES (:k, :v)"), {"k": key, "v": value})


def keys(desk: Desk) -> list[str]:
    return [row.key for row in desk.rows("SELECT key FROM effects ORDER BY number")]


def raises(desk: Desk, action: Callable[[Connection], object]) -> None:
    with desk.unit_of_work.begin(desk.act) as work:
        put(work.connection, "lost")
        action(work.connection)


def test_work_is_kept_when_its_block_ends_and_not_before(desk: Desk) -> None:
    with desk.unit_of_work.begin(desk.act) as work:
        put(work.connection, "a")
        assert keys(desk) == []
    assert keys(desk) == ["a"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Unavailable])
def test_any_exception_takes_everything_back(desk: Desk, error: type[BaseException]) -> None:
    def fail(_: Connection) -> None:
        raise error("no")

    with pytest.raises(error):
        raises(desk, fail)
    assert keys(desk) == []


def test_reading_sees_one_state_from_begin_to_end(desk: Desk) -> None:
    with desk.unit_of_work.reading() as connection:
        before = connection.scalar(text("SELECT count(*) FROM effects"))
        with desk.unit_of_work.begin(desk.act) as work:
            put(work.connection, "a")
        assert connection.scalar(text("SELECT count(*) FROM effects")) == before == 0


def test_reading_cannot_write(desk: Desk) -> None:
    def write() -> None:
        with desk.unit_of_work.reading() as connection:
            put(connection, "a")

    with pytest.raises(DBAPIError, match="read-only transaction"):
        write()
    assert keys(desk) == []


def test_the_next_work_of_a_connection_may_write_again(desk: Desk) -> None:
    one = UnitOfWork(make_engine(desk.addresses.service, application="tests", pool_size=1), desk.clock)
    for number in range(3):
        with one.reading() as connection:
            connection.execute(text("SELECT 1"))
        with one.begin(desk.act) as work:
            put(work.connection, str(number))
    one.engine.dispose()
    assert keys(desk) == ["0", "1", "2"]


def test_a_violated_constraint_becomes_its_domain_error(desk: Desk) -> None:
    desk.change("ALTER TABLE effects ADD CONSTRAINT uq_effects_key UNIQUE (key)")

    def refusal() -> Conflict:
        return Conflict("effect_exists", "This effect is there already.")

    known = UnitOfWork(desk.service, desk.clock, {"uq_effects_key": refusal})

    def twice(unit_of_work: UnitOfWork) -> None:
        with unit_of_work.begin(desk.act) as work:
            put(work.connection, "a")
            put(work.connection, "a")

    with pytest.raises(Conflict, match="effect_exists"):
        twice(known)
    with pytest.raises(IntegrityError):
        twice(desk.unit_of_work)


def test_a_constraint_that_is_judged_at_the_end_is_translated_too(desk: Desk) -> None:
    desk.change(
        "ALTER TABLE effects ADD CONSTRAINT uq_effects_key UNIQUE (key) DEFERRABLE INITIALLY DEFERRED"
    )
    known = UnitOfWork(desk.service, desk.clock, {"uq_effects_key": lambda: Conflict("late", "Late.")})

    def twice() -> None:
        with known.begin(desk.act) as work:
            put(work.connection, "a")
            put(work.connection, "a")

    with pytest.raises(Conflict, match="late"):
        twice()


def test_a_connection_that_breaks_is_unavailable(desk: Desk) -> None:
    def kill(connection: Connection) -> None:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
        with desk.engine(desk.addresses.service).begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        connection.execute(text("SELECT 1"))

    with pytest.raises(Unavailable):
        raises(desk, kill)
    assert keys(desk) == []
    with desk.unit_of_work.begin(desk.act) as work:
        put(work.connection, "again")
    assert keys(desk) == ["again"]


def test_a_deadlock_is_unavailable_for_one_and_nothing_for_the_other(desk: Desk) -> None:
    desk.change("INSERT INTO effects (key, value) VALUES ('a', 0), ('b', 0)")
    desk.change("GRANT UPDATE ON effects TO beneficiaries_service")
    gate, failures = threading.Barrier(2), []

    def cross(first: str, second: str) -> None:
        statement = text("UPDATE effects SET value = value + 1 WHERE key = :key")
        try:
            with desk.unit_of_work.begin(desk.act) as work:
                work.connection.execute(statement, {"key": first})
                gate.wait(10)
                work.connection.execute(statement, {"key": second})
        except Unavailable as error:
            failures.append(error)

    threads = [threading.Thread(target=cross, args=pair, daemon=True) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(failures) == 1
    assert [row.value for row in desk.rows("SELECT value FROM effects ORDER BY key")] == [1, 1]


def test_a_bug_in_a_statement_stays_a_bug(desk: Desk) -> None:
    with pytest.raises(ProgrammingError):
        raises(desk, lambda connection: connection.execute(text("SELECT nonsense")))


def test_an_empty_pool_is_unavailable(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "POOL_TIMEOUT_S", 0.05)
    small = UnitOfWork(make_engine(desk.addresses.service, application="tests", pool_size=1), desk.clock)

    def third() -> None:
        with small.begin(desk.act), small.begin(desk.act), small.begin(desk.act):
            pass

    with pytest.raises(Unavailable, match="in use"):
        third()
    small.engine.dispose()


def test_what_the_driver_raises_in_a_copy_is_tried_again_later(desk: Desk) -> None:
    def write() -> None:
        with desk.unit_of_work.begin(desk.act) as work:
            put(work.connection, "a")
            raise psycopg.errors.DiskFull("could not extend file")

    with pytest.raises(Unavailable, match="nothing was changed"):
        write()
    assert keys(desk) == []


def test_a_halt_is_noticed_within_a_second_and_lifted_as_soon(desk: Desk) -> None:
    def write() -> None:
        with desk.unit_of_work.begin(desk.act) as work:
            put(work.connection, "a")

    write()
    desk.change("UPDATE journal_cursor SET halted = 'restored.'")
    write()  # within the same second it is not looked up again
    desk.clock.advance(timedelta(seconds=1))
    with pytest.raises(Unavailable, match=r"restored\. Run `fundtrail epoch begin"):
        write()
    desk.clock.advance(timedelta(seconds=-1))  # set back to when all was well
    with pytest.raises(Unavailable, match="restored"):
        write()
    with desk.unit_of_work.begin(desk.act, although_halted=True) as work:
        put(work.connection, "the way out")
    desk.change("UPDATE journal_cursor SET halted = NULL")
    write()
    assert keys(desk) == ["a", "a", "the way out", "a"]


def test_an_act_has_the_business_date_of_vietnam(desk: Desk) -> None:
    late = Act("a", desk.clock.now().replace(hour=18))
    assert desk.act.business_date.isoformat() == "2024-08-05"
    assert late.business_date.isoformat() == "2024-08-06"


def test_an_act_of_the_system_says_which_service(desk: Desk) -> None:
    act = Act.system("allocation", desk.clock.now(), "published lists")
    assert (act.actor, act.reason, act.backdated) == ("system:allocation", "published lists", False)


def test_under_another_act_the_transaction_is_the_same(desk: Desk) -> None:
    with desk.unit_of_work.begin(desk.act) as work:
        other = work.under(Act("officer-2", desk.clock.now()))
        assert other.connection is work.connection
        assert work.because("told").act.reason == "told"
        assert work.act.reason is None


def test_rows_are_copied_in_bulk_inside_the_transaction(desk: Desk) -> None:
    rows = [("c", str(number)) for number in range(5000)]

    def copied() -> None:
        with desk.unit_of_work.begin(desk.act) as work:
            assert copy_rows(work.connection, inbox, ("consumer", "event_id"), rows) == 5000
            raise Conflict("no", "No.")

    with pytest.raises(Conflict):
        copied()
    assert desk.one("SELECT count(*) FROM inbox") == 0
    with desk.unit_of_work.begin(desk.act) as work:
        copy_rows(work.connection, inbox, ("consumer", "event_id"), rows)
        assert copy_rows(work.connection, inbox, ("consumer", "event_id"), []) == 0
    assert desk.one("SELECT count(*) FROM inbox") == 5000


def test_a_dedicated_connection_takes_its_locks_with_it(desk: Desk) -> None:
    lock = text("SELECT pg_try_advisory_lock(4711)")
    with dedicated(desk.service) as first:
        assert first.scalar(lock)
        with dedicated(desk.service) as second:
            assert not second.scalar(lock)

    def free() -> bool:
        with dedicated(desk.service) as connection:
            return bool(connection.scalar(lock))

    wait_until(free, what="the lock of a connection that was closed")


def test_a_dedicated_connection_commits_each_statement(desk: Desk) -> None:
    with dedicated(desk.service) as connection:
        put(connection, "a")
        assert keys(desk) == ["a"]


def test_times_come_back_in_utc_and_say_so(desk: Desk) -> None:
    with desk.service.connect() as connection:
        assert connection.scalar(text("SHOW timezone")) == "UTC"
        now = connection.scalar(text("SELECT now()"))
    assert now.utcoffset() == timedelta(0)


def test_a_service_has_limits_of_its_own(desk: Desk) -> None:
    with desk.service.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "1min"
        assert connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "1min"
        assert connection.scalar(text("SHOW synchronous_commit")) == "on"
