"""The figure of the journal: many writers, a relay at full speed, nothing skipped, every aggregate in order.

In the same run two naive readers, which are what one writes first, must fail: "rows with a number above the
last I saw", and "rows in the order of their transactions".
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import text

from shared.bus import cloud_events
from shared.bus.port import Record
from shared.bus.postgres import Stored
from shared.journal.envelope import Envelope, from_cloud_event
from shared.journal.relay import Relay

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk

WRITERS = 32
KEYS = 40
ROWS_A_TRANSACTION_MAX = 20
PAUSE_S_MAX = 0.05
ROLLBACK_SHARE = 0.05
COPY_SHARE = 0.3
COLUMNS = "id, topic, type, key, subjects, occurred_at, actor, backdated, data"


@dataclass
class Memory:
    """A bus that keeps what it was given, in order; the relay is what is tested here."""

    taken: list[Record] = field(default_factory=list)

    def ensure_topics(self, topics: Sequence[str], partitions: int = 8) -> None:
        pass

    def topic_ids(self, topics: Sequence[str]) -> dict[str, str]:
        return {topic: f"id of {topic}" for topic in topics}

    def last_records(self, _topic: str) -> list[object]:
        return []

    def hand_over(self, records: Sequence[Record]) -> Stored:
        self.taken.extend(records)
        return Stored()

    def envelopes(self) -> list[Envelope]:
        return [
            from_cloud_event(
                cloud_events.Event({n.removeprefix("ce_"): v.decode() for n, v in one.headers}, one.value), ""
            )
            for one in self.taken
        ]


class Writers:
    """Threads that write journal rows as services do, until so many are committed."""

    def __init__(self, address: str, rows: int) -> None:
        self._address = address.replace("+psycopg", "")
        self._rows = rows
        self._lock = threading.Lock()
        self._keys = [threading.Lock() for _ in range(KEYS)]
        self._numbers = [0] * KEYS
        self.committed: set[str] = set()
        self.failures: list[Exception] = []
        self.threads = [
            threading.Thread(target=self._run, args=(seed,), daemon=True) for seed in range(WRITERS)
        ]

    @property
    def alive(self) -> bool:
        return any(thread.is_alive() for thread in self.threads)

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def _run(self, seed: int) -> None:
        chance = random.Random(seed)
        try:
            with psycopg.connect(self._address) as connection:
                while len(self.committed) < self._rows:
                    self._transaction(connection, chance)
        except Exception as error:  # noqa: BLE001 - told to the test, which fails with it
            self.failures.append(error)

    def _transaction(self, connection: psycopg.Connection[tuple[object, ...]], chance: random.Random) -> None:
        if chance.random() < 0.5:
            # A transaction takes its number here and its rows later, as after any earlier write.
            connection.execute("SELECT pg_current_xact_id()")
            time.sleep(chance.uniform(0, PAUSE_S_MAX / 4))
        key = chance.randrange(KEYS)
        with self._keys[key]:  # the lock that an aggregate holds while it changes
            count = chance.randint(1, ROWS_A_TRANSACTION_MAX)
            rows = [self._row(key, self._numbers[key] + n) for n in range(1, count + 1)]
            _write(connection, rows, by_copy=chance.random() < COPY_SHARE)
            time.sleep(chance.uniform(0, PAUSE_S_MAX))
            if chance.random() < ROLLBACK_SHARE:
                connection.rollback()
                return
            connection.commit()
            self._numbers[key] += count
        with self._lock:
            self.committed.update(str(row[0]) for row in rows)

    @staticmethod
    def _row(key: int, number: int) -> tuple[object, ...]:
        data = f'{{"number":{number}}}'.encode()
        return uuid.uuid4(), "events", "t.v1", f"key-{key}", [], "2024-08-05T00:00:00Z", "w", False, data


def _write(
    connection: psycopg.Connection[tuple[object, ...]], rows: list[tuple[object, ...]], *, by_copy: bool
) -> None:
    with connection.cursor() as cursor:
        if by_copy:
            with cursor.copy(f"COPY journal ({COLUMNS}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(f"INSERT INTO journal ({COLUMNS}) VALUES ({places})", rows)


class NaiveReader:
    """Reads what lies behind the last row it saw, in some order; it is what must not be built."""

    def __init__(self, desk: Desk, order: str) -> None:
        self._engine = desk.engine(desk.addresses.reader)
        self._query = text(
            f"SELECT {order}::text::bigint AS place, id, key, data FROM journal "
            f"WHERE {order}::text::bigint > :last ORDER BY {order}, seq"
        )
        self._last = 0
        self.ids: list[str] = []
        self.numbers: dict[str, list[int]] = defaultdict(list)

    def step(self) -> int:
        with self._engine.connect() as connection:
            rows = connection.execute(self._query, {"last": self._last}).all()
        for row in rows:
            self._last = row.place
            self.ids.append(str(row.id))
            self.numbers[row.key].append(int(bytes(row.data)[10:-1]))
        return len(rows)


def in_order(numbers: dict[str, list[int]]) -> bool:
    return all(some == sorted(some) for some in numbers.values())


def until_done(step: Callable[[], int], writers: Writers) -> threading.Thread:
    """A thread that steps as long as there are writers, and then until three rounds brought nothing."""

    def run() -> None:
        idle = 0
        while writers.alive or idle < 3:
            moved = step()
            idle = 0 if moved else idle + 1
            if not moved:
                time.sleep(0.005)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "rows", [pytest.param(20_000, id="ci"), pytest.param(200_000, id="full", marks=pytest.mark.full)]
)
@pytest.mark.timeout(900)
def test_the_relay_skips_nothing_and_keeps_every_aggregate_in_order(lone_desk: Desk, rows: int) -> None:
    memory = Memory()
    relay = Relay("toys", lone_desk.service, memory, lone_desk.clock)  # type: ignore[arg-type]
    naive_number, naive_xid = NaiveReader(lone_desk, "seq"), NaiveReader(lone_desk, "xid")
    writers = Writers(lone_desk.addresses.service, rows)
    writers.start()
    readers = [until_done(step, writers) for step in (relay.step, naive_number.step, naive_xid.step)]
    for thread in [*writers.threads, *readers]:
        thread.join()
    assert writers.failures == []
    while relay.step():
        pass

    sent = memory.envelopes()
    assert len(writers.committed) >= rows
    assert [item.position for item in sent] == list(range(1, len(writers.committed) + 1))
    assert {item.id for item in sent} == writers.committed, "skipped or invented rows"
    numbers: dict[str, list[int]] = defaultdict(list)
    for item in sent:
        numbers[item.key].append(item.payload()["number"])
    assert all(some == list(range(1, len(some) + 1)) for some in numbers.values()), "out of order"

    assert set(naive_number.ids) < writers.committed, "a reader by number skips rows"
    assert set(naive_xid.ids) < writers.committed or not in_order(naive_xid.numbers), (
        "a reader by transaction skips rows or turns causes and effects round"
    )
