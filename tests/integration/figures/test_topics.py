"""The figure of the bus: topics may be read again from the first record, deleted and made anew at any time.

Relay and consumers run all the while; in the end every event has taken effect exactly once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

import pytest
from sqlalchemy import text

from deploy.local.provisioning import Addresses
from shared.bus.open import open_bus
from shared.bus.port import Bus
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork, Work
from shared.inbox.consumer import Consumer
from shared.journal.relay import Relay, topics_of
from shared.kernel.acts import Act
from shared.kernel.clock import Clock
from shared.kernel.ids import new_id
from shared.testing.waiting import wait_until

if TYPE_CHECKING:
    from shared.journal.envelope import Envelope

EVENTS = 140
KEYS = 7
HURRY = 20  # seconds of the world that pass in one of ours: topics are looked at every ten


class QuickClock(Clock):
    """The time of day, in a hurry, so that the look at the topics comes soon."""

    def __init__(self) -> None:
        self._began = datetime.now(UTC)

    def now(self) -> datetime:
        return self._began + (datetime.now(UTC) - self._began) * HURRY


@dataclass(frozen=True, slots=True)
class Counted:
    """Something was counted."""

    TYPE: ClassVar[str] = "vn.fundtrail.figures.counted.v1"
    KEY: ClassVar[str] = "key"
    SUBJECTS: ClassVar[tuple[str, ...]] = ()

    key: str
    number: int


class Pair:
    """A service that tells and a service that hears, as two processes would run them."""

    def __init__(self, sender: Addresses, receiver: Addresses, bus_url: str) -> None:
        self.clock = QuickClock()
        self.name = f"figure{new_id().hex[-10:]}"
        self.engines = [make_engine(one.service, application="figure") for one in (sender, receiver)]
        self.owner = make_engine(receiver.owner, application="figure")
        self.telling, self.hearing = (UnitOfWork(engine, self.clock) for engine in self.engines)
        self.buses = [open_bus(bus_url, f"figure-{n}") for n in range(3)]
        self.stop = threading.Event()
        relay = Relay(self.name, self.engines[0], self.buses[0], self.clock)
        topics = [topics_of(self.name)[0]]
        consumer = Consumer(self.name, self.buses[1], topics, self.hearing, {Counted.TYPE: self._hear})
        self.threads = [
            threading.Thread(target=run, args=(self.stop,), daemon=True) for run in (relay.run, consumer.run)
        ]
        with self.owner.begin() as connection:
            connection.execute(text("CREATE TABLE heard (place bigserial, key text, number bigint)"))
            connection.execute(text("GRANT INSERT ON heard TO beneficiaries_service"))
            connection.execute(text("GRANT USAGE ON SEQUENCE heard_place_seq TO beneficiaries_service"))

    @staticmethod
    def _hear(work: Work, item: Envelope) -> None:
        work.connection.execute(
            text("INSERT INTO heard (key, number) VALUES (:key, :number)"), item.payload()
        )

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    @property
    def other_bus(self) -> Bus:
        """A third party's way onto the bus."""
        return self.buses[2]

    def tell(self, first: int, last: int) -> None:
        for number in range(first, last):
            with self.telling.begin(Act("officer-1", self.clock.now())) as work:
                work.record(Counted(f"key-{number % KEYS}", number))

    def heard(self) -> list[tuple[str, int]]:
        with self.owner.connect() as connection:
            rows = connection.execute(text("SELECT key, number FROM heard ORDER BY place"))
            return [(row.key, row.number) for row in rows]

    def wait_for(self, count: int) -> None:
        wait_until(lambda: len(self.heard()) >= count, timeout_s=60, what=f"{count} effects")

    def forget_offsets(self) -> None:
        """The consumer reads everything again, as after a new epoch."""
        with self.owner.begin() as connection:
            connection.execute(text("DELETE FROM inbox_topics"))

    def close(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(30)
        for bus in self.buses:
            bus.close()
        for engine in (*self.engines, self.owner):
            engine.dispose()


@pytest.fixture(params=["postgres", pytest.param("kafka", marks=pytest.mark.kafka)])
def pair(
    request: pytest.FixtureRequest,
    database: Callable[[str], Addresses],
    empty_database: Callable[[str], Addresses],
) -> Iterator[Pair]:
    url = request.getfixturevalue("kafka_url") if request.param == "kafka" else empty_database("bus").owner
    made = Pair(database("portal"), database("beneficiaries"), url)
    yield made
    made.close()


def assert_each_once_and_in_order(pair: Pair) -> None:
    heard = pair.heard()
    assert sorted(number for _, number in heard) == list(range(EVENTS)), "lost or taken twice"
    for key in range(KEYS):
        numbers = [number for name, number in heard if name == f"key-{key}"]
        assert numbers == sorted(numbers), "the order of a key was lost"


def test_topics_deleted_while_all_run_lose_nothing_and_repeat_nothing(pair: Pair) -> None:
    pair.start()
    pair.tell(0, 60)
    pair.wait_for(60)
    pair.other_bus.delete_topics(topics_of(pair.name))
    pair.tell(60, 100)
    pair.other_bus.ensure_topics(topics_of(pair.name))
    pair.tell(100, EVENTS)
    pair.wait_for(EVENTS)
    assert_each_once_and_in_order(pair)


def test_reading_everything_again_from_the_first_record_changes_nothing(pair: Pair) -> None:
    pair.start()
    pair.tell(0, 100)
    pair.wait_for(100)
    for _ in range(2):
        pair.forget_offsets()
        wait_until(lambda: looked_again(pair), timeout_s=60, what="reading again")
    pair.tell(100, EVENTS)
    pair.wait_for(EVENTS)
    assert_each_once_and_in_order(pair)


def looked_again(pair: Pair) -> bool:
    with pair.owner.connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM inbox_topics")))


def test_topics_deleted_again_and_again_still_lose_nothing(pair: Pair) -> None:
    pair.start()
    for turn in range(4):
        pair.tell(turn * 35, turn * 35 + 35)
        if turn < 3:
            pair.wait_for(turn * 35 + 5)
            pair.other_bus.delete_topics(topics_of(pair.name))
    pair.wait_for(EVENTS)
    assert_each_once_and_in_order(pair)
