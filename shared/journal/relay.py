"""The relay sends every journal row to its topic, once and in order as far as a crash allows, then remembers.

One relay runs per service, held by an advisory lock on a connection of its own. What a crash sends twice,
receivers recognise by its id. Where a topic was recreated, everything is sent again from the first row.
While the bus stores a page, the next one is read, wrapped and handed over; the cursor follows confirmations.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import OperationalError

from shared.bus import cloud_events
from shared.bus.port import Bus, Confirmation, Delivered, Record
from shared.db.engine import dedicated
from shared.journal import envelope, positions
from shared.journal.positions import Cursor, Standing
from shared.journal.recording import Topic
from shared.journal.tables import journal_cursor, journal_topics
from shared.journal.wrapping import Wrapping
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.kernel.rest import Rest
from shared.telemetry import figures, tracing

PAGE_ROWS = 4_000
HANDFUL_ROWS = 500  # wrapped at a time: more objects would be alive than the collector of garbage lets pass
REST_S, REST_MAX_S = 0.03, 0.25
RETRY_S = 1.0
TOPIC_CHECK_EVERY = timedelta(seconds=10)
LOCK_NAME = "relay"

log = structlog.get_logger(__name__)


def topic_name(service: str, topic: Topic | str) -> str:
    """The name of a service's topic on the bus."""
    return f"{service}.{Topic(topic).value}.v1"


def topics_of(service: str) -> list[str]:
    """Both topics of a service."""
    return [topic_name(service, topic) for topic in Topic]


class _OnItsWay(NamedTuple):
    """A page that the bus was handed and may not have stored yet, with the spans of its rows."""

    start: Cursor
    end: Cursor
    rows: int
    confirmation: Confirmation
    spans: ExitStack


class Relay:
    """Moves rows from one service's journal to the bus until it is told to stop."""

    def __init__(self, service: str, engine: Engine, bus: Bus, clock: Clock) -> None:
        self._service = service
        self._engine = engine
        self._bus = bus
        self._clock = clock
        self._names = {topic.value: topic_name(service, topic) for topic in Topic}
        self._topics = list(self._names.values())
        self._wrappings: dict[str, Wrapping] = {}
        self._checked_at: datetime | None = None
        self._watermark = positions.Watermark(engine)
        self._on_its_way: _OnItsWay | None = None
        self._sent = figures.SENT.labels(service)

    def run(self, stop: threading.Event, beat: Callable[[], None] = lambda: None) -> None:
        """Relay until `stop` is set; waits and tries again while the database or the bus is away."""
        with figures.watched(self._service, self._engine):
            self._run(stop, beat)

    def _run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        while not stop.is_set():
            try:
                with dedicated(self._engine) as lock:
                    self._hold_lock_and_relay(lock, stop, beat)
            except (Unavailable, OperationalError) as error:
                log.warning("relay_waits", service=self._service, cause=str(error).splitlines()[0])
                self._checked_at = self._on_its_way = None
                self._watermark = positions.Watermark(self._engine)
                stop.wait(RETRY_S)

    def _hold_lock_and_relay(self, lock: Connection, stop: threading.Event, beat: Callable[[], None]) -> None:
        acquire = text("SELECT pg_try_advisory_lock(hashtext(:name))")
        while not lock.scalar(acquire, {"name": LOCK_NAME}):
            beat()
            if stop.wait(RETRY_S):
                return
        at_rest: Standing | None = None
        rest = Rest(REST_S, REST_MAX_S)
        while not stop.is_set():
            beat()
            # One short question a round keeps the session, and with it the lock, alive and noticed when lost.
            standing = positions.standing(lock)
            if standing != at_rest:
                rest.over()
            if (standing != at_rest or self._topics_are_due()) and self.step() > 0:
                continue
            at_rest = standing if standing.drawn <= self._watermark.final_seq else None
            rest.take(stop)
        if page := self._taken():
            self._settle(page)

    def step(self) -> int:
        """The number of rows sent and remembered by one round; 0 where every row is.

        A round settles one page, after handing over the one behind it, so that two are on their way at most.
        Topics are looked at only while none is. Where anything fails, what is on its way is forgotten: the
        next round begins at the saved cursor.
        """
        page = self._taken()
        if self._topics_are_due():
            if page is not None:
                return self._settle(page)
            self._look_at_topics()
        page = page or self._hand_over_next(None)
        if page is None:
            return 0
        after = self._hand_over_next(page) if page.end.seq < self._watermark.final_seq else None
        sent = self._settle(page)
        self._on_its_way = after
        return sent

    def _taken(self) -> _OnItsWay | None:
        """The page that is on its way, for this round to settle or to lose."""
        taken, self._on_its_way = self._on_its_way, None
        return taken

    def _hand_over_next(self, before: _OnItsWay | None) -> _OnItsWay | None:
        """The page behind the one before it or behind the cursor, handed over; None where no row is final."""
        final_seq = self._watermark.final_seq if before else self._watermark.advance()
        with self._engine.connect() as connection:
            start = before.end if before else positions.cursor(connection)
            if final_seq <= start.seq:
                return None
            rows = positions.page(connection, self._service, start, final_seq, PAGE_ROWS)
        if not rows:
            return None
        with ExitStack() as spans:
            spans.enter_context(tracing.current().sending(self._service, [item for _, item in rows]))
            for first in range(0, len(rows), HANDFUL_ROWS):
                handful = rows[first : first + HANDFUL_ROWS]
                confirmation = self._bus.hand_over([self._wrap(item) for _, item in handful])
            end = Cursor(rows[-1][1].position, rows[-1][0])
            return _OnItsWay(start, end, len(rows), confirmation, spans.pop_all())

    def _wrap(self, item: envelope.Envelope) -> Record:
        return self._wrappings[item.topic].record(item)

    def _settle(self, page: _OnItsWay) -> int:
        """The number of rows that are confirmed and remembered now."""
        with page.spans:
            page.confirmation.wait()
        self._save(page.start, page.end)
        self._sent.inc(page.rows)
        return page.rows

    def _save(self, old: Cursor, new: Cursor) -> None:
        with self._engine.begin() as connection:
            if not positions.move(connection, old, new):
                raise Unavailable("Another relay has moved the cursor; this one starts again from it.")
            if new.position // positions.MARK_EVERY > old.position // positions.MARK_EVERY:
                positions.mark(connection, new.position, new.seq)

    def _look_at_topics(self) -> None:
        self._bus.ensure_topics(self._topics)
        found = self._bus.topic_ids(self._topics)
        if gone := set(self._topics) - found.keys():
            raise Unavailable(f"The bus lost {', '.join(sorted(gone))} as soon as it was there.")
        with self._engine.begin() as connection:
            known = {row.topic: row.topic_id for row in connection.execute(select(journal_topics))}
            if known != found:
                self._start_over(connection, found)
            elif self._checked_at is None:
                self._compare_with_bus(connection)
        self._wrappings = {
            topic: Wrapping(self._service, name, found[name]) for topic, name in self._names.items()
        }
        self._checked_at = self._clock.now()

    def _topics_are_due(self) -> bool:
        if self._checked_at is None:
            return True
        return not timedelta(0) <= self._clock.now() - self._checked_at < TOPIC_CHECK_EVERY

    def _start_over(self, connection: Connection, found: dict[str, str]) -> None:
        log.warning("relay_starts_over", service=self._service, topics=found)
        for topic, topic_id in found.items():
            connection.execute(
                upsert(journal_topics)
                .values(topic=topic, topic_id=topic_id)
                .on_conflict_do_update(index_elements=["topic"], set_={"topic_id": topic_id})
            )
        connection.execute(update(journal_cursor).values(position=0, seq=0))

    def _compare_with_bus(self, connection: Connection) -> None:
        newest = self._newest_on_bus()
        if newest is None or newest.epoch < positions.epochs(connection)[-1].epoch:
            return
        own = positions.at(connection, self._service, newest.position)
        if own is None or own.id != newest.id:
            reason = (
                f"the bus holds row {newest.position} ({newest.id}) of this journal, which the database "
                "does not: it was restored to an earlier state."
            )
            log.error("journal_halted", service=self._service, position=newest.position)
            connection.execute(update(journal_cursor).values(halted=reason))

    def _newest_on_bus(self) -> envelope.Envelope | None:
        delivered: list[Delivered] = []
        for name in self._topics:
            delivered.extend(self._bus.last_records(name))
        items = [envelope.from_cloud_event(cloud_events.from_delivered(one), "") for one in delivered]
        return max(items, key=lambda item: (item.epoch, item.position), default=None)
