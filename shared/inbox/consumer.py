"""The consumer loop: one transaction holds the inbox rows, the effects and the journal rows they cause.

Messages are taken in batches; a batch that meets a refusal is taken back and gone through one by one, so
that the refused message goes to quarantine, later ones of its key wait behind it, and all others go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from shared.bus import cloud_events
from shared.bus.port import Bus, Delivered, Subscription
from shared.db.unit_of_work import UnitOfWork, Work
from shared.inbox import store
from shared.inbox.handling import Caused, Together
from shared.journal import envelope
from shared.journal.envelope import Envelope
from shared.kernel.acts import Act
from shared.kernel.errors import Rejected, Unavailable
from shared.telemetry import tracing
from shared.telemetry.figures import ConsumerFigures

BATCH_MAX = 1000
POLL_S = 0.5
RETRIES_MAX = 20
RETRY_S = 0.5
CRASHES_MAX = 3
TOPIC_CHECK_EVERY = timedelta(seconds=10)

Handler = Callable[[Work, Envelope], None]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """A delivered record together with the envelope read from it."""

    delivered: Delivered
    item: Envelope

    @property
    def lane(self) -> tuple[str, str]:
        """Topic and key: messages of one lane take effect in order."""
        return self.delivered.topic, self.delivered.key


class Consumer:
    """Takes the messages of some topics into one service's database."""

    def __init__(
        self,
        service: str,
        bus: Bus,
        topics: Sequence[str],
        unit_of_work: UnitOfWork,
        handlers: Mapping[str, Handler],
    ) -> None:
        self._name = service
        self._bus = bus
        self._topics = list(topics)
        self._unit_of_work = unit_of_work
        self._handlers = handlers
        self._bases = {_base(event_type) for event_type in handlers}
        self._topic_ids: dict[str, str] = {}
        self._checked_at: datetime | None = None
        self._figures = ConsumerFigures(service)

    def run(self, stop: threading.Event, beat: Callable[[], None] = lambda: None) -> None:
        """Consume until `stop` is set; waits and tries again while the database or the bus is away."""
        while not stop.is_set():
            subscription: Subscription | None = None
            try:
                self._bus.ensure_topics(self._topics)
                self._checked_at = None
                subscription = self._bus.subscribe(self._name, self._topics)
                while not stop.is_set():
                    beat()
                    self.step(subscription, stop)
            except Unavailable as error:
                log.warning("consumer_waits", consumer=self._name, cause=error.message)
                stop.wait(RETRY_S)
            finally:
                if subscription is not None:
                    subscription.close()

    def step(self, subscription: Subscription, stop: threading.Event) -> int:
        """The number of records taken by one poll, all of them with their effect stored."""
        self._look_at_topics(subscription)
        delivered = subscription.poll(POLL_S, BATCH_MAX)
        self._figures.went_round()
        if not delivered:
            return 0
        messages: list[Message] = []
        for one in delivered:
            try:
                message = self._read(one)
            except Rejected as error:
                # What came before it must not wait behind it.
                self._take_retrying(messages, stop)
                messages = []
                self._put_aside_unreadable(one, error)
            else:
                messages += [message] if message else []
        self._take_retrying(messages, stop)
        subscription.acknowledge()
        return len(delivered)

    def _look_at_topics(self, subscription: Subscription) -> None:
        now = self._unit_of_work.clock.now()
        if self._checked_at is not None and timedelta(0) <= now - self._checked_at < TOPIC_CHECK_EVERY:
            return
        found = self._bus.topic_ids(self._topics)
        with self._unit_of_work.reading() as connection:
            known = store.known_topic_ids(connection, self._name)
        if found != known:
            log.warning("consumer_starts_over", consumer=self._name, topics=found)
            subscription.seek_to_beginning()
            with self._unit_of_work.begin(Act.system(self._name, now)) as work:
                store.remember_topic_ids(work.connection, self._name, found)
        self._topic_ids = found
        self._checked_at = now

    def _read(self, one: Delivered) -> Message | None:
        event = cloud_events.from_delivered(one)
        stamp = event.attributes.get("topicid")
        if stamp is None:
            raise Rejected("event_malformed", "The record does not say for which topic it was sent.")
        if stamp != self._topic_ids.get(one.topic):
            return None  # for a topic that was replaced since: its relay sends it again
        item = envelope.from_cloud_event(event, one.topic.split(".")[1])
        return Message(one, item) if self._concerns_us(item) else None

    def _concerns_us(self, item: Envelope) -> bool:
        if item.type in self._handlers:
            return True
        if _base(item.type) in self._bases:
            raise Rejected(
                "event_version_unknown", f"{item.type} is newer than this service; update it, then retry."
            )
        return False

    def _take(self, messages: Sequence[Message]) -> None:
        try:
            self._take_together(messages)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one by one finds the culprit and lets a bug crash there
            log.info(
                "batch_taken_singly", consumer=self._name, size=len(messages), cause=type(error).__name__
            )
            for message in messages:
                self._take_alone(message)

    def _take_together(self, messages: Sequence[Message]) -> None:
        now = self._unit_of_work.clock.now()
        with self._unit_of_work.begin(Act.system(self._name, now)) as work:
            store.hold_lanes(work.connection, self._name)
            blocked = store.blocked_keys(work.connection, self._name)
            free = [message for message in messages if message.lane not in blocked]
            self._put_behind(work, [message for message in messages if message.lane in blocked])
            new = store.accept_new(work.connection, self._name, [message.item.id for message in free])
            fresh: list[Envelope] = []
            for message in free:
                if message.item.id in new:
                    new.discard(message.item.id)
                    fresh.append(message.item)
            for handler, items in groupby(fresh, lambda item: self._handlers[item.type]):
                self._handle(work, handler, list(items))

    def _take_alone(self, message: Message) -> None:
        try:
            self._take_together([message])
        except Unavailable:
            raise
        except Rejected as error:
            self._quarantine(message, error.code, error.message)
        except Exception as error:
            with self._unit_of_work.begin(Act.system(self._name, self._unit_of_work.clock.now())) as work:
                attempts = store.count_attempt(work.connection, self._name, message.item.id)
            if attempts < CRASHES_MAX:
                raise
            log.exception(
                "message_is_a_bug", consumer=self._name, event_id=message.item.id, type=message.item.type
            )
            self._quarantine(message, "bug", f"{type(error).__name__} at {attempts} attempts; see the log.")

    def _handle(self, work: Work, handler: Handler, items: Sequence[Envelope]) -> None:
        if isinstance(handler, Together):
            with ExitStack() as spans:
                handler.many([Caused(self._under(work, item, spans), item) for item in items])
            return
        for item in items:
            with ExitStack() as spans:
                handler(self._under(work, item, spans), item)

    def _under(self, work: Work, item: Envelope, spans: ExitStack) -> Work:
        handling = tracing.current().handling(self._name, item.type, item.traceparent)
        traceparent = spans.enter_context(handling)
        act = act_of(self._name, item)
        return work.under(act if traceparent == item.traceparent else replace(act, traceparent=traceparent))

    def _quarantine(self, message: Message, code: str, text: str) -> None:
        log.error(
            "message_quarantined",
            consumer=self._name,
            event_id=message.item.id,
            type=message.item.type,
            code=code,
        )
        with self._unit_of_work.begin(Act.system(self._name, self._unit_of_work.clock.now())) as work:
            self._put_aside(work, message, "rejected", code, text)

    def _put_behind(self, work: Work, messages: Sequence[Message]) -> None:
        ids = [message.item.id for message in messages]
        done = store.received(work.connection, self._name, ids) if ids else set()
        for message in messages:
            if message.item.id not in done:
                self._put_aside(work, message, "behind", "behind", "An earlier message of this key waits.")

    def _put_aside(self, work: Work, message: Message, state: str, code: str, text: str) -> None:
        store.put_aside(work.connection, self._name, message.item.id, message.delivered, state, code, text)

    def _put_aside_unreadable(self, one: Delivered, error: Rejected) -> None:
        log.error(
            "message_unreadable", consumer=self._name, topic=one.topic, offset=one.offset, code=error.code
        )
        name = dict(one.headers).get("ce_id", b"").decode(errors="replace") or (
            f"{self._topic_ids.get(one.topic, one.topic)}/{one.partition}/{one.offset}"
        )
        with self._unit_of_work.begin(Act.system(self._name, self._unit_of_work.clock.now())) as work:
            store.put_aside(work.connection, self._name, name, one, "rejected", error.code, error.message)

    def _take_retrying(self, messages: Sequence[Message], stop: threading.Event) -> None:
        if not messages:
            return
        for _ in range(RETRIES_MAX):
            try:
                self._take(messages)
            except Unavailable as error:
                log.warning("message_retried", consumer=self._name, cause=error.message)
                if stop.wait(RETRY_S):
                    raise
            else:
                newest = messages[-1].item.recorded_at
                self._figures.took(len(messages), newest, self._unit_of_work.clock.now())
                return
        raise Unavailable(f"{self._name} could not store what it received in {RETRIES_MAX} attempts.")


def act_of(service: str, item: Envelope) -> Act:
    """The act of a service that a received fact causes: on the fact's business date, linked to it."""
    return Act(
        actor=f"system:{service}",
        occurred_at=item.occurred_at,
        unit=item.unit,
        correlation=item.correlation or item.id,
        causation=item.id,
        traceparent=item.traceparent,
        backdated=item.backdated,
    )


def _base(event_type: str) -> str:
    return event_type.rsplit(".v", 1)[0]
