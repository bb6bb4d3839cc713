"""What a worker shows of itself: lag, messages put aside, jobs, deliveries, old transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from urllib.request import urlopen

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine, text

from deploy.local.keeper import free_port
from deploy.local.provisioning import Addresses
from shared.bus.port import Bus
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork
from shared.journal.relay import Relay
from shared.kernel.acts import Act
from shared.kernel.clock import SystemClock
from shared.telemetry import figures
from shared.telemetry.figures import ConsumerFigures
from shared.telemetry.health import HealthServer
from tests.integration.figures.pair import Counted, Pair

LONG = 3600  # seconds


def value(name: str, service: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"fundtrail_{name}", {"service": service, **labels})


@pytest.fixture
def engine_of(database: Callable[[str], Addresses]) -> Iterator[Callable[[str], Engine]]:
    """An engine for a fresh database of a service, as its owner: a test puts into it what it likes."""
    engines: list[Engine] = []

    def make(service: str) -> Engine:
        engines.append(make_engine(database(service).owner, application="figures"))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


def run(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def refreshed(service: str, engine: Engine) -> None:
    with figures.watched(service, engine):
        figures.refresh()
    assert value("database_away", service) == 0


def tell(engine: Engine, count: int) -> None:
    clock = SystemClock()
    with UnitOfWork(engine, clock).begin(Act("officer-1", clock.now())) as work:
        work.record_many([Counted("key", number) for number in range(count)])


def test_a_journal_lags_by_its_rows_and_their_age_until_they_are_sent(
    engine_of: Callable[[str], Engine], postgres_bus: Bus
) -> None:
    engine = engine_of("portal")
    refreshed("lagging", engine)
    assert (value("relay_lag_rows", "lagging"), value("relay_lag_seconds", "lagging")) == (0, 0)
    tell(engine, 3)
    run(engine, f"UPDATE journal SET recorded_at = recorded_at - interval '{LONG} s' WHERE seq = 1")
    refreshed("lagging", engine)
    assert value("relay_lag_rows", "lagging") == 3
    assert LONG <= (value("relay_lag_seconds", "lagging") or 0) < LONG + 60
    relay = Relay("lagging", engine, postgres_bus, SystemClock())
    while not relay.step():
        pass
    refreshed("lagging", engine)
    assert (value("relay_lag_rows", "lagging"), value("relay_lag_seconds", "lagging")) == (0, 0)
    assert value("relay_sent_total", "lagging") == 3


def test_a_halted_journal_is_shown(engine_of: Callable[[str], Engine]) -> None:
    engine = engine_of("portal")
    refreshed("halting", engine)
    assert value("journal_halted", "halting") == 0
    run(engine, "UPDATE journal_cursor SET halted = 'restored'")
    refreshed("halting", engine)
    assert value("journal_halted", "halting") == 1


def test_messages_put_aside_are_counted_by_why_until_somebody_deals_with_them(
    engine_of: Callable[[str], Engine],
) -> None:
    engine = engine_of("portal")
    states = ["rejected", "behind", "behind", "dropped", "retried"]
    for number, state in enumerate(states):
        run(
            engine,
            "INSERT INTO quarantine (consumer, event_id, topic, key, headers, value, state, code, message) "
            f"VALUES ('portal', 'e{number}', 't', 'k', '[]', '', '{state}', 'c', 'm')",
        )
    refreshed("putting", engine)
    assert value("inbox_quarantined_messages", "putting", state="rejected") == 1
    assert value("inbox_quarantined_messages", "putting", state="behind") == 2
    run(engine, "UPDATE quarantine SET state = 'dropped'")
    refreshed("putting", engine)
    assert value("inbox_quarantined_messages", "putting", state="behind") == 0, "none is a figure too"


def test_jobs_are_counted_by_where_they_stand_and_what_they_have_done(
    engine_of: Callable[[str], Engine],
) -> None:
    engine = engine_of("beneficiaries")
    for state, done in (("queued", 0), ("running", 40), ("failed", 2), ("done", 100)):
        run(
            engine,
            "INSERT INTO jobs (id, kind, state, params, act, done) "
            f"VALUES (gen_random_uuid(), 'k', '{state}', '{{}}', '{{}}', {done})",
        )
    refreshed("working", engine)
    assert [value("jobs", "working", state=state) for state in ("queued", "running", "failed")] == [1, 1, 1]
    assert value("jobs_done_rows", "working") == 142
    assert value("deliveries", "working", state="queued") is None, "this service sends nobody anything"


def test_deliveries_are_counted_and_the_oldest_due_one_is_as_old_as_it_is(
    engine_of: Callable[[str], Engine],
) -> None:
    engine = engine_of("notifications")
    run(engine, "ALTER TABLE deliveries DROP CONSTRAINT fk_deliveries_message_id")
    due = (("queued", -LONG), ("queued", LONG), ("failed", -2 * LONG), ("sent", -2 * LONG))
    for state, seconds in due:
        run(
            engine,
            "INSERT INTO deliveries "
            "(id, message_id, user_id, language, channel, state, rank, next_attempt_at) VALUES "
            f"(gen_random_uuid(), gen_random_uuid(), 'u', 'vi', 'sms', '{state}', 0, "
            f"now() + interval '{seconds} s')",
        )
    refreshed("sending", engine)
    assert value("deliveries", "sending", state="queued") == 2
    assert value("deliveries", "sending", state="failed") == 1
    assert LONG <= (value("deliveries_waiting_seconds", "sending") or 0) < LONG + 60
    assert value("jobs", "sending", state="failed") is None


def test_an_open_transaction_grows_old_in_sight(engine_of: Callable[[str], Engine]) -> None:
    engine = engine_of("portal")
    refreshed("holding", engine)
    assert value("database_oldest_transaction_seconds", "holding") == 0
    with engine.connect() as holder:
        holder.execute(text("SELECT pg_sleep(0.05)"))
        refreshed("holding", engine)
    assert (value("database_oldest_transaction_seconds", "holding") or 0) >= 0.05


def test_a_service_may_read_its_own_figures_with_its_own_rights(
    database: Callable[[str], Addresses],
) -> None:
    for service in ("allocation", "beneficiaries", "notifications", "audit", "portal"):
        engine = make_engine(database(service).service, application="figures")
        refreshed(service, engine)
        engine.dispose()


def test_a_database_that_is_away_is_shown_and_the_other_figures_are_still_given() -> None:
    engine = make_engine(f"postgresql+psycopg://u:p@127.0.0.1:{free_port()}/x", application="figures")
    port = free_port()
    with (
        closing(HealthServer("127.0.0.1", port, lambda: True, lambda: True)),
        figures.watched("lonely", engine),
        urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply,
    ):
        told = reply.read().decode()
    assert 'fundtrail_database_away{service="lonely"} 1.0' in told
    assert "process_resident_memory_bytes" in told


def test_a_worker_is_asked_for_its_figures_only_while_its_relay_runs(
    database: Callable[[str], Addresses], postgres_bus: Bus
) -> None:
    engine = make_engine(database("portal").service, application="figures")
    relay = Relay("asking", engine, postgres_bus, SystemClock())
    stop = threading.Event()
    seen: list[bool] = []
    relay.run(stop, lambda: (seen.append("asking" in figures._watched), stop.set())[1])
    engine.dispose()
    assert seen[0] is True
    assert "asking" not in figures._watched


def test_a_consumer_shows_what_it_took_how_old_it_was_and_that_it_goes_round(
    database: Callable[[str], Addresses], empty_database: Callable[[str], Addresses]
) -> None:
    pair = Pair(database("portal"), database("beneficiaries"), empty_database("bus").owner)
    try:
        pair.start()
        pair.tell(0, 5)
        pair.wait_for(5)
    finally:
        pair.close()
    assert value("consumer_taken_total", pair.name) == 5
    assert value("consumer_message_age_seconds", pair.name) is not None
    assert 0 <= (value("consumer_silence_seconds", pair.name) or 0) < 60


def test_a_messages_age_is_the_time_from_its_row_to_its_effect() -> None:
    own = ConsumerFigures("ageing")
    then, now = (datetime(2024, 8, 1, 0, minute, tzinfo=UTC) for minute in (0, 5))
    own.took(3, then, now)
    own.took(4, now, now)
    assert value("consumer_taken_total", "ageing") == 7
    assert value("consumer_message_age_seconds", "ageing") == 0
    own.took(1, then, now)
    assert value("consumer_message_age_seconds", "ageing") == 300
