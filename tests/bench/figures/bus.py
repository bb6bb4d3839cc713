"""The relay against a bare producer, how far it lags, and what an inbox takes in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

from kafka import KafkaProducer
from sqlalchemy import text

from shared.bus import cloud_events
from shared.bus.kafka import BATCH_BYTES, LINGER_MS
from shared.bus.port import Bus, Confirmation, Delivered, Record
from shared.db.many import array_of_numbers
from shared.db.unit_of_work import UnitOfWork
from shared.entry import spare_the_collector
from shared.inbox.consumer import Consumer
from shared.inbox.handling import Caused, Together
from shared.journal.relay import Relay, topics_of
from shared.kernel.ids import new_id
from tests.bench.harness import Bench, Goal, Lap, percentile, timed
from tests.bench.rows import Counted, envelopes, fill_journal
from tests.bench.site import Site, engine_of

LAG_RATE = 500
LAG_S = 20
LAG_COMMIT_ROWS = 5


def take_relay(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """A backlog sent by the relay, and the same messages by kafka-python alone, in turns."""
    spare_the_collector()  # as every process of ours does
    for _ in range(rounds):
        name = f"bench{new_id().hex[-10:]}"
        with (
            site.database("allocation") as addresses,
            site.working(addresses) as unit_of_work,
            site.kafka("bench-relay") as bus,
        ):
            fill_journal(unit_of_work, size)
            sent: list[Record] = []
            relay = Relay(name, unit_of_work.engine, Noting(bus, sent), site.clock)
            while relay.step():
                pass
            count = len(sent)
            if count != size:
                raise AssertionError(f"{count} rows of {size} were sent.")
        with (
            site.database("allocation") as addresses,
            site.working(addresses) as unit_of_work,
            site.kafka("bench-relay") as bus,
        ):
            fill_journal(unit_of_work, size)
            relay = Relay(name + "b", unit_of_work.engine, bus, site.clock)
            bus.ensure_topics(topics_of(name + "b"))
            with timed() as watch:
                while relay.step():
                    pass
            yield Lap("ours", watch.seconds, size)
            yield Lap("kafka_python", send_alone(site.kafka_url, sent), size)
            bus.delete_topics([*topics_of(name), *topics_of(name + "b")])


def send_alone(url: str, records: Sequence[Record]) -> float:
    """The seconds that kafka-python takes for records, with our options and nothing around it."""
    producer = KafkaProducer(
        bootstrap_servers=url.removeprefix("kafka://").split(","),
        acks="all",
        enable_idempotence=True,
        linger_ms=LINGER_MS,
        batch_size=BATCH_BYTES,
        metrics_enabled=False,
    )
    try:
        producer.partitions_for(records[0].topic)
        with timed() as watch:
            for record in records:
                producer.send(record.topic, record.value, record.key.encode(), list(record.headers))
            producer.flush(120)
        return watch.seconds
    finally:
        producer.close()


class Noting:
    """A bus that notes what it is handed; everything else is the bus itself."""

    def __init__(self, bus: Bus, sent: list[Record]) -> None:
        self._bus = bus
        self.sent = sent

    def __getattr__(self, name: str) -> object:
        return getattr(self._bus, name)

    def hand_over(self, records: Sequence[Record]) -> Confirmation:
        """As the bus does."""
        self.sent += records
        return self._bus.hand_over(records)


def take_lag(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """How late rows are on the bus while 500 a second are written. Shape: `size` seconds of it."""
    for _ in range(rounds):
        name = f"bench{new_id().hex[-10:]}"
        with (
            site.database("allocation") as addresses,
            site.working(addresses) as unit_of_work,
            engine_of(addresses.service, "bench-relay") as engine,
            site.kafka("bench-lag") as bus,
        ):
            written: dict[int, float] = {}
            sent: dict[int, float] = {}
            watching = Watching(bus, sent)
            bus.ensure_topics(topics_of(name))
            stop = threading.Event()
            thread = threading.Thread(target=Relay(name, engine, watching, site.clock).run, args=(stop,))
            thread.start()
            write_evenly(site, unit_of_work, size, written)
            deadline = time.monotonic() + 30
            while len(sent) < len(written) and time.monotonic() < deadline:
                stop.wait(0.05)
            stop.set()
            thread.join()
            lags = [sent[number] - at for number, at in written.items()]
            yield Lap("p50", percentile(lags, 0.5))
            yield Lap("p99", percentile(lags, 0.99))
            bus.delete_topics(topics_of(name))


class Watching(Noting):
    """Notes when each numbered row was confirmed."""

    def __init__(self, bus: Bus, at: dict[int, float]) -> None:
        super().__init__(bus, [])
        self._at = at

    def hand_over(self, records: Sequence[Record]) -> Confirmation:
        """As the bus does, with a confirmation that notes when it was given."""
        return Watched(super().hand_over(records), records, self._at)


class Watched:
    """A confirmation that notes when it was given."""

    def __init__(self, inner: Confirmation, records: Sequence[Record], at: dict[int, float]) -> None:
        self._inner, self._records, self._at = inner, records, at

    def wait(self) -> None:
        """As the inner one does."""
        self._inner.wait()
        now = time.monotonic()
        for one in self._records:
            self._at[number_of(one)] = now


def number_of(record: Record) -> int:
    """The number in a record of ours."""
    return int(record.value.rpartition(b":")[2].removesuffix(b"}"))


def write_evenly(site: Site, unit_of_work: UnitOfWork, seconds: int, written: dict[int, float]) -> None:
    """500 rows a second, five a commit, each noted when it was committed."""
    pause = LAG_COMMIT_ROWS / LAG_RATE
    began = time.monotonic()
    for commit in range(seconds * LAG_RATE // LAG_COMMIT_ROWS):
        numbers = range(commit * LAG_COMMIT_ROWS, (commit + 1) * LAG_COMMIT_ROWS)
        with unit_of_work.begin(site.act()) as work:
            work.record_many([Counted(f"key-{number % 64}", number) for number in numbers])
        written |= dict.fromkeys(numbers, time.monotonic())
        time.sleep(max(began + (commit + 1) * pause - time.monotonic(), 0))


class Handed:
    """A subscription that hands out records from memory, as fast as they are taken."""

    def __init__(self, records: Sequence[Delivered]) -> None:
        self._records = records
        self._at = 0

    def poll(self, timeout_s: float, records_max: int = 1000) -> list[Delivered]:
        """The next records."""
        del timeout_s
        some = self._records[self._at : self._at + records_max]
        self._at += len(some)
        return list(some)

    def acknowledge(self) -> None:
        """Nothing is kept."""

    def seek_to_beginning(self) -> None:
        """Nothing is read yet when a consumer starts over."""


class Standing:
    """As much of a bus as a consumer asks for at its start."""

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def topic_ids(self, topics: Sequence[str]) -> dict[str, str]:
        """The id that every record of the bench is stamped with."""
        return dict.fromkeys(topics, self._topic)


def take_inbox(site: Site, size: int, rounds: int) -> Iterator[Lap]:
    """Messages in batches of 1,000, each with an effect of its own, stored with its inbox row."""
    spare_the_collector()  # as every process of ours does
    topic = "bench.events.v1"
    for _ in range(rounds):
        delivered = []
        for number, item in enumerate(envelopes("bench", size)):
            record = cloud_events.to_record(item.to_cloud_event("t-1"), topic)
            delivered.append(
                Delivered(topic, number % 8, number // 8, record.key, record.headers, record.value)
            )
        with site.database("beneficiaries") as addresses, engine_of(addresses.owner, "bench") as owner:
            with owner.begin() as connection:
                connection.execute(text("CREATE TABLE heard (number bigint PRIMARY KEY, amount_vnd bigint)"))
                connection.execute(text("GRANT INSERT ON heard TO beneficiaries_service"))
            with site.working(addresses) as unit_of_work:
                handlers = {Counted.TYPE: Together(hear)}
                consumer = Consumer("bench", Standing("t-1"), [topic], unit_of_work, handlers)  # type: ignore[arg-type]
                subscription, stop = Handed(delivered), threading.Event()
                with timed() as watch:
                    while consumer.step(subscription, stop):  # type: ignore[arg-type]
                        pass
                yield Lap("ours", watch.seconds, size)
            with owner.connect() as connection:
                if connection.scalar(text("SELECT count(*) FROM heard")) != size:
                    raise AssertionError("Not every message had its effect.")


def hear(caused: Sequence[Caused]) -> None:
    """The effect: a row of one's own for each message, all of them by one statement."""
    facts = [one.item.payload() for one in caused]
    caused[0].work.connection.execute(
        text(
            "INSERT INTO heard SELECT * FROM unnest(CAST(:numbers AS bigint[]), CAST(:amounts AS bigint[]))"
        ),
        {
            "numbers": array_of_numbers(one["number"] for one in facts),
            "amounts": array_of_numbers(one["amount_vnd"] for one in facts),
        },
    )


BENCHES = (
    Bench(
        "relay",
        300_000,
        take_relay,
        (
            Goal(
                "ours", "a backlog sent to a real Kafka", "rows", within=20, against="kafka_python", ratio=0.6
            ),
        ),
    ),
    Bench(
        "relay-lag",
        LAG_S,
        take_lag,
        (Goal("p99", "relay lag at 500 rows/s, p99", within=1, grows=False),),
        shares=(1,),
    ),
    Bench(
        "inbox",
        100_000,
        take_inbox,
        (Goal("ours", "messages with an effect, in batches of 1,000", "messages", rate=20_000),),
    ),
)
