"""Figures of a worker for Prometheus: what its loops count, and what stands in its database.

The latter are read when somebody asks for them, by short questions: a relay that hangs would show no lag if
it had to say so itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

ANSWER_WITHIN_MS = 2_000
JOB_STATES = ("queued", "running", "failed")
DELIVERY_STATES = ("queued", "failed")
QUARANTINE_STATES = ("rejected", "behind")

SENT = Counter("fundtrail_relay_sent_total", "Journal rows sent to the bus.", ["service"])
LAG_ROWS = Gauge("fundtrail_relay_lag_rows", "Journal rows that were not sent yet.", ["service"])
LAG_SECONDS = Gauge("fundtrail_relay_lag_seconds", "Age of the oldest row that was not sent.", ["service"])
HALTED = Gauge("fundtrail_journal_halted", "1 while a restored database refuses to write.", ["service"])
TAKEN = Counter("fundtrail_consumer_taken_total", "Messages whose effect is stored.", ["service"])
AGE = Gauge("fundtrail_consumer_message_age_seconds", "Age of the newest message when taken.", ["service"])
SILENCE = Gauge("fundtrail_consumer_silence_seconds", "Time since the consumer last went round.", ["service"])
QUARANTINED = Gauge(
    "fundtrail_inbox_quarantined_messages", "Messages that wait for an operator.", ["service", "state"]
)
JOBS = Gauge("fundtrail_jobs", "Jobs by where they stand.", ["service", "state"])
JOB_ROWS = Gauge("fundtrail_jobs_done_rows", "Rows that jobs have done so far.", ["service"])
DELIVERIES = Gauge("fundtrail_deliveries", "Messages to persons, by where they stand.", ["service", "state"])
WAITING = Gauge(
    "fundtrail_deliveries_waiting_seconds", "How long the oldest due delivery has waited.", ["service"]
)
TRANSACTION = Gauge(
    "fundtrail_database_oldest_transaction_seconds", "Age of the service's oldest transaction.", ["service"]
)
AWAY = Gauge("fundtrail_database_away", "1 while the service's database does not answer.", ["service"])

JOURNAL_QUERY = """
SELECT (SELECT count(*) FROM journal j WHERE j.seq > c.seq) AS rows, c.halted IS NOT NULL AS halted,
    (SELECT extract(epoch FROM clock_timestamp() - j.recorded_at)
     FROM journal j WHERE j.seq > c.seq ORDER BY j.seq LIMIT 1) AS seconds
FROM journal_cursor c
"""
# Others' sessions show nobody how long they have been at it; each service shows its own.
TRANSACTION_QUERY = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
COUNT_QUERY = "SELECT state, count(*) AS found FROM {table} WHERE state = ANY(:states) GROUP BY state"
JOB_ROWS_QUERY = "SELECT coalesce(sum(done), 0) FROM jobs"
WAITING_QUERY = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - next_attempt_at)), 0)
FROM deliveries WHERE state = 'queued' AND next_attempt_at <= clock_timestamp()
"""

log = structlog.get_logger(__name__)


class DatabaseFigures:
    """What one service's database says of itself."""

    def __init__(self, service: str, engine: Engine) -> None:
        self._service = service
        self._engine = engine

    def refresh(self) -> None:
        """Every figure is as it is now, or the database is shown to be away."""
        try:
            with self._engine.connect() as connection:
                connection.execute(text(f"SET LOCAL statement_timeout = {ANSWER_WITHIN_MS}"))
                self._read(connection)
        except SQLAlchemyError as error:
            log.warning("figures_unknown", service=self._service, cause=type(error).__name__)
            AWAY.labels(self._service).set(1)
        else:
            AWAY.labels(self._service).set(0)

    def _read(self, connection: Connection) -> None:
        name = self._service
        journal = connection.execute(text(JOURNAL_QUERY)).one()
        LAG_ROWS.labels(name).set(journal.rows)
        LAG_SECONDS.labels(name).set(journal.seconds or 0)
        HALTED.labels(name).set(journal.halted)
        TRANSACTION.labels(name).set(connection.scalar(text(TRANSACTION_QUERY)) or 0)
        self._count(connection, QUARANTINED, "quarantine", QUARANTINE_STATES)
        if _exists(connection, "jobs"):
            self._count(connection, JOBS, "jobs", JOB_STATES)
            JOB_ROWS.labels(name).set(connection.scalar(text(JOB_ROWS_QUERY)) or 0)
        if _exists(connection, "deliveries"):
            self._count(connection, DELIVERIES, "deliveries", DELIVERY_STATES)
            WAITING.labels(name).set(connection.scalar(text(WAITING_QUERY)) or 0)

    def _count(self, connection: Connection, gauge: Gauge, table: str, states: tuple[str, ...]) -> None:
        query = text(COUNT_QUERY.format(table=table))
        found = {row.state: row.found for row in connection.execute(query, {"states": list(states)})}
        for state in states:
            gauge.labels(self._service, state).set(found.get(state, 0))


class ConsumerFigures:
    """What one consumer says of itself."""

    def __init__(self, service: str) -> None:
        self._taken = TAKEN.labels(service)
        self._age = AGE.labels(service)
        self._round_at = time.monotonic()
        SILENCE.labels(service).set_function(lambda: time.monotonic() - self._round_at)

    def went_round(self) -> None:
        """The consumer has asked for messages, whether or not there were any."""
        self._round_at = time.monotonic()

    def took(self, count: int, newest_at: datetime, now: datetime) -> None:
        """So many messages had their effect; the newest of them was recorded at a time."""
        self._taken.inc(count)
        self._age.set((now - newest_at).total_seconds())


_watched: dict[str, DatabaseFigures] = {}


@contextmanager
def watched(service: str, engine: Engine) -> Iterator[None]:
    """While the block runs, the figures of this service's database can be asked for."""
    _watched[service] = DatabaseFigures(service, engine)
    try:
        yield
    finally:
        _watched.pop(service, None)


def refresh() -> None:
    """The figures of every database that is watched in this process are as they are now."""
    for figures in list(_watched.values()):
        figures.refresh()


def _exists(connection: Connection, table: str) -> bool:
    return connection.scalar(text("SELECT to_regclass(:table)"), {"table": table}) is not None
