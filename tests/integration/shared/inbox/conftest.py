"""A sender whose events a consumer under test takes, and the consumer with its handlers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from shared.bus import cloud_events
from shared.bus.port import Bus, Record, Subscription
from shared.db.unit_of_work import Work
from shared.inbox.consumer import Consumer, Handler
from shared.inbox.tables import quarantine
from shared.journal.envelope import Envelope
from shared.kernel import canonical
from shared.kernel.errors import Rejected, Unavailable
from shared.kernel.ids import new_id
from shared.testing.waiting import wait_until

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk

COUNTED = "vn.fundtrail.toys.counted.v1"


@dataclass
class Sender:
    """Puts events of a made-up service on the bus, as its relay would."""

    bus: Bus
    name: str
    position: int = 0

    @property
    def topic(self) -> str:
        return f"{self.name}.events.v1"

    def event(self, desk: Desk, key: str, value: int, **changes: Any) -> Envelope:  # noqa: ANN401
        self.position += 1
        now = desk.clock.now()
        fields: dict[str, Any] = {
            "id": str(new_id()),
            "topic": "events",
            "type": COUNTED,
            "subjects": (),
            "occurred_at": now,
            "recorded_at": now,
            "actor": "officer-1",
            "backdated": False,
            "data": canonical.encode({"value": value}),
        }
        return Envelope(source=self.name, epoch=1, position=self.position, key=key, **(fields | changes))

    def record(self, item: Envelope, topic_id: str | None = None) -> Record:
        self.bus.ensure_topics([self.topic])
        known = topic_id or self.bus.topic_ids([self.topic])[self.topic]
        return cloud_events.to_record(item.to_cloud_event(known), self.topic)

    def send(self, *items: Envelope) -> None:
        self.bus.publish([self.record(item) for item in items])


@dataclass
class Receiver:
    """A consumer under test: its handler writes an effect, or does what the value tells it to."""

    desk: Desk
    bus: Bus
    sender: Sender
    trouble: dict[int, Callable[[], None]] = field(default_factory=dict)
    subscription: Subscription | None = None
    consumer: Consumer | None = None

    def handlers(self) -> Mapping[str, Handler]:
        return {COUNTED: self._handle}

    def _handle(self, work: Work, item: Envelope) -> None:
        value = item.payload()["value"]
        work.connection.execute(
            text("INSERT INTO effects (key, value) VALUES (:key, :value)"), {"key": item.key, "value": value}
        )
        if value in self.trouble:
            self.trouble[value]()

    def start(self) -> None:
        """Begin anew, as a process that was just started."""
        self.close()
        topics = [self.sender.topic]
        self.bus.ensure_topics(topics)
        self.consumer = Consumer(self.desk.name, self.bus, topics, self.desk.unit_of_work, self.handlers())
        self.subscription = self.bus.subscribe(self.desk.name, topics)

    def step(self, *, stopped: bool = False) -> int:
        """The records of one poll; `stopped` makes the first failure the last."""
        stop = threading.Event()
        if stopped:
            stop.set()
        if self.consumer is None or self.subscription is None:
            self.start()
        assert self.consumer is not None
        assert self.subscription is not None
        return self.consumer.step(self.subscription, stop)

    def take(self, count: int) -> None:
        """Take so many records, whatever becomes of them."""
        taken = 0

        def enough() -> bool:
            nonlocal taken
            try:
                taken += self.step()
            except Unavailable:
                self.start()  # as the loop does: on a busy machine a group may form too slowly
            return taken >= count

        wait_until(enough, what=f"{count} records")

    def again_from_the_beginning(self, count: int) -> None:
        assert self.subscription is not None
        self.subscription.seek_to_beginning()
        self.take(count)

    def close(self) -> None:
        if self.subscription is not None:
            self.subscription.close()
            self.subscription = None

    @property
    def effects(self) -> list[tuple[str, int]]:
        return [(row.key, row.value) for row in self.desk.rows("SELECT * FROM effects ORDER BY number")]

    def quarantined(self) -> list[tuple[str, str, str]]:
        with self.desk.service.connect() as connection:
            rows = connection.execute(quarantine.select().order_by(quarantine.c.number))
            return [(row.key, row.state, row.code) for row in rows]

    def number_of(self, event_id: str) -> int:
        number: int = self.desk.one("SELECT number FROM quarantine WHERE event_id = :id", id=event_id)
        return number


def refuse() -> None:
    raise Rejected("not_wanted", "This value is not wanted here.")


@pytest.fixture
def receiver(desk: Desk, bus: Bus) -> Iterator[Receiver]:
    """A consumer on a bus of each kind."""
    made = Receiver(desk, bus, Sender(bus, f"from{desk.name}"))
    yield made
    made.close()


@pytest.fixture
def desk_receiver(desk: Desk, postgres_bus: Bus) -> Iterator[Receiver]:
    """A consumer on the PostgreSQL bus, where the kind of bus is of no matter."""
    made = Receiver(desk, postgres_bus, Sender(postgres_bus, f"from{desk.name}"))
    yield made
    made.close()
