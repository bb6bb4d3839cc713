"""The worker's loops of the log: taking rows from the bus, and signing what the log has become."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from prometheus_client import Counter, Gauge

from services.audit.log import handlers, keys, records
from services.audit.log.handlers import KeyMissing, LogInconsistent
from services.audit.log.model import Arrival, Early
from services.audit.log.notes import NoteInvalid, Signer
from shared.bus.port import Bus, Delivered, Subscription
from shared.db.unit_of_work import UnitOfWork, Work
from shared.inbox import store as inbox
from shared.journal.relay import topics_of
from shared.kernel.acts import Act
from shared.kernel.errors import Rejected, Unavailable

GROUP = "audit"
POLL_S = 0.5
POLL_RECORDS_MAX = 2_000
BATCH_RECORDS_MAX = 10_000
BATCH_BYTES_MAX = 16 * 1024 * 1024
BATCH_WAIT_S = (
    0.05  # the open bundle is rewritten by every commit, so rows that trickle in are taken together
)
HELD_BYTES_MAX = 64 * 1024 * 1024  # of early rows in memory; beyond it they wait in the database
ACKNOWLEDGE_WITHIN_S = 20.0
RETRY_S = 1.0
SIGN_EVERY_S = 1.0
HOLES_EVERY = timedelta(seconds=10)
TOPIC_CHECK_EVERY = timedelta(seconds=10)

TAKEN = Counter("fundtrail_audit_taken_total", "Entries taken into the log.")
SIGNED = Gauge("fundtrail_audit_checkpoint_entries", "Entries under the newest checkpoint.")
HOLES = Gauge("fundtrail_audit_holes", "Journals of which a row has been missing for more than a minute.")
UNREADABLE = Counter("fundtrail_audit_unreadable_total", "Records that are no journal rows of ours.")
INCONSISTENT = Gauge("fundtrail_audit_inconsistent", "1 while the log is no continuation of what was signed.")

log = structlog.get_logger(__name__)


class Intake:
    """Takes every row of every journal into the log; nothing is ever put aside.

    Rows that come before their turn wait in memory as long as the bus would give them again: what was polled
    is acknowledged once the database has all of it, in the log or staged for it.
    """

    def __init__(self, services: Sequence[str], bus: Bus, unit_of_work: UnitOfWork) -> None:
        self._topics = [topic for service in services for topic in topics_of(service)]
        self._bus = bus
        self._unit_of_work = unit_of_work
        self._checked_at: datetime | None = None
        self._held = Early()
        self._held_since: float | None = None

    def run(self, stop: threading.Event, beat: Callable[[], None] = lambda: None) -> None:
        """Take rows until `stop` is set; waits and tries again while the database or the bus is away."""
        while not stop.is_set():
            subscription: Subscription | None = None
            try:
                self._bus.ensure_topics(self._topics)
                self._checked_at = None
                self._held, self._held_since = Early(), None  # all of it comes again
                subscription = self._bus.subscribe(GROUP, self._topics)
                while not stop.is_set():
                    beat()
                    self.step(subscription)
            except Unavailable as error:
                log.warning("intake_waits", cause=error.message)
                stop.wait(RETRY_S)
            finally:
                if subscription is not None:
                    subscription.close()

    def step(self, subscription: Subscription) -> int:
        """The number of entries the log grew by after one round of polling."""
        self._look_at_topics(subscription)
        delivered = _collect(subscription)
        if not delivered and not self._held:
            return 0
        grown = self._take([arrival for one in delivered if (arrival := read(one)) is not None], self._held)
        if self._held and (not delivered or self._held_long_enough()):
            grown += self._take(self._held.release())
        if not self._held:
            subscription.acknowledge()
            self._held_since = None
        return grown

    def _held_long_enough(self) -> bool:
        """Whether rows in memory fill it, or keep the bus from being told what was taken for too long."""
        now = time.monotonic()
        self._held_since = self._held_since or now
        return self._held.size_bytes > HELD_BYTES_MAX or now - self._held_since > ACKNOWLEDGE_WITHIN_S

    def _take(self, arrivals: Sequence[Arrival], held: Early | None = None) -> int:
        grown = 0
        taken = handlers.Taken(0, more=True)
        while taken.more:
            with self._begin() as work:
                taken = handlers.take(work, arrivals, held)
            grown, arrivals = grown + taken.entries, ()
        TAKEN.inc(grown)
        return grown

    def _begin(self) -> AbstractContextManager[Work]:
        return self._unit_of_work.begin(Act.system(GROUP, self._unit_of_work.clock.now()))

    def _look_at_topics(self, subscription: Subscription) -> None:
        now = self._unit_of_work.clock.now()
        if self._checked_at is not None and timedelta(0) <= now - self._checked_at < TOPIC_CHECK_EVERY:
            return
        found = self._bus.topic_ids(self._topics)
        with self._unit_of_work.reading() as connection:
            known = inbox.known_topic_ids(connection, GROUP)
        if found != known:
            log.warning("intake_starts_over", topics=found)
            subscription.seek_to_beginning()
            with self._begin() as work:
                inbox.remember_topic_ids(work.connection, GROUP, found)
        self._checked_at = now


class Signing:
    """Signs a checkpoint a second while the log grows, and watches for rows that do not arrive."""

    def __init__(self, unit_of_work: UnitOfWork, signer: Signer, folder: Path) -> None:
        self._unit_of_work = unit_of_work
        self._signers: tuple[Signer, ...] = (signer,)
        self._folder = folder
        self._looked_at: datetime | None = None

    def run(self, stop: threading.Event, beat: Callable[[], None] = lambda: None) -> None:
        """Sign until `stop` is set."""
        while not stop.wait(SIGN_EVERY_S):
            beat()
            try:
                self.step()
                self.watch()
            except Unavailable as error:
                log.warning("signing_waits", cause=error.message)

    def step(self) -> str | None:
        """The note that was signed, or None where the newest one still holds or none may be signed."""
        try:
            note = self._sign_with_all()
        except (LogInconsistent, NoteInvalid) as error:
            INCONSISTENT.set(1)
            log.error("log_inconsistent", cause=str(error))  # noqa: TRY400 - the cause is the sentence
            return None
        except KeyMissing as error:
            log.error("log_key_missing", cause=error.message)  # noqa: TRY400 - as above
            return None
        INCONSISTENT.set(0)
        if note is not None:
            SIGNED.set(int(note.split("\n")[1]))
        return note

    def _sign_with_all(self) -> str | None:
        try:
            return self._sign()
        except KeyMissing:  # one was begun since they were read
            self._signers = keys.load_signers(self._folder)
            return self._sign()

    def _sign(self) -> str | None:
        published = keys.published_note(self._folder)
        with self._begin() as work:
            note = handlers.sign(work, self._signers, published)
            if note is not None:
                # Published before the commit: what a crash forgets in the database is not forgotten here.
                keys.publish_checkpoint(self._folder, note)
        return note

    def watch(self) -> None:
        """Look for holes every ten seconds; each is an alarm until it is filled."""
        now = self._unit_of_work.clock.now()
        if self._looked_at is not None and timedelta(0) <= now - self._looked_at < HOLES_EVERY:
            return
        self._looked_at = now
        with self._begin() as work:
            found = handlers.notice_holes(work)
        HOLES.set(len(found))
        for lane, position in found:
            log.error("journal_row_missing", source=lane.source, epoch=lane.epoch, position=position)

    def _begin(self) -> AbstractContextManager[Work]:
        return self._unit_of_work.begin(Act.system(GROUP, self._unit_of_work.clock.now()))


def read(delivered: Delivered) -> Arrival | None:
    """The journal row in a record, or None where it is none of the topic's service: that is an alarm.

    A row that cannot be read leaves a hole at its position, which keeps the alarm up.
    """
    try:
        return records.arrival_of(delivered)
    except Rejected as error:
        UNREADABLE.inc()
        place = f"{delivered.topic}/{delivered.partition}/{delivered.offset}"
        log.error("record_unreadable", place=place, cause=error.message)  # noqa: TRY400 - as above
        return None


def _collect(subscription: Subscription) -> list[Delivered]:
    """What comes within a short while once something has come, up to what one commit may hold."""
    delivered = list(subscription.poll(POLL_S, POLL_RECORDS_MAX))
    deadline = time.monotonic() + BATCH_WAIT_S
    size_bytes = sum(len(one.value) for one in delivered)
    while delivered and size_bytes < BATCH_BYTES_MAX and len(delivered) < BATCH_RECORDS_MAX:
        left_s = deadline - time.monotonic()
        more = subscription.poll(max(left_s, 0), POLL_RECORDS_MAX)
        if not more and left_s <= 0:
            break
        size_bytes += sum(len(one.value) for one in more)
        delivered += more
    return delivered
