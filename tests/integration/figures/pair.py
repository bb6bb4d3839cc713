"""A service that tells and one that hears, as two processes would run them; time goes by in a hurry."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import text

from shared.bus.open import open_bus
from shared.db.engine import make_engine
from shared.db.unit_of_work import UnitOfWork, Work
from shared.inbox.consumer import Consumer
from shared.journal.relay import Relay, topics_of
from shared.kernel.acts import Act
from shared.kernel.clock import Clock
from shared.kernel.ids import new_id
from shared.testing.waiting import wait_until

if TYPE_CHECKING:
    from deploy.local.provisioning import Addresses
    from shared.bus.port import Bus
    from shared.journal.envelope import Envelope

KEYS = 7
HURRY = 20  # seconds of the world that pass in one of ours: topics are looked at every ten


class QuickClock(Clock):
    """The time of day, in a hurry, so that the look at the topics comes soon."""

    def __init__(self) -> None:
        self._began = datetime.now(UTC)
        self._off = timedelta()

    def now(self) -> datetime:
        return self._began + self._off + (datetime.now(UTC) - self._began) * HURRY

    def jump(self, by: timedelta) -> None:
        """From now on it shows another time, as a clock that was set does."""
        self._off += by


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

    def __init__(
        self, sender: Addresses, receiver: Addresses, bus_url: str, desk: Addresses | None = None
    ) -> None:
        """What is told goes in at `desk`, where the way of the relay to its database is another one."""
        self.clock = QuickClock()
        self.name = f"figure{new_id().hex[-10:]}"
        places = (sender, receiver, desk or sender)
        self.engines = [make_engine(one.service, application="figure") for one in places]
        self.owner = make_engine(receiver.owner, application="figure")
        self.hearing, self.telling = (UnitOfWork(engine, self.clock) for engine in self.engines[1:])
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

    def ensure_each_once_and_in_order(self, count: int) -> None:
        """Every event took effect once, and those of a key in the order in which they were told."""
        heard = self.heard()
        assert sorted(number for _, number in heard) == list(range(count)), "lost or taken twice"
        for key in range(KEYS):
            numbers = [number for name, number in heard if name == f"key-{key}"]
            assert numbers == sorted(numbers), "the order of a key was lost"
