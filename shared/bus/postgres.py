"""The bus over PostgreSQL, for a desk without Java: a few tables in a database of their own.

A partition's row in `bus_partitions` is locked while records are appended, so offsets have no gaps and become
visible in their order. Members of a group share partitions by advisory locks, which a crash frees at once.
"""

from __future__ import annotations

import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import psycopg

from shared.bus.port import PARTITIONS, Delivered, Record, ensure_sizes
from shared.bus.postgres_subscription import DELIVERED_COLUMNS, PostgresSubscription, delivered_from
from shared.kernel.errors import Unavailable

CONNECT_TIMEOUT_S = 5
SCHEMA_LOCK = 7_402_010

SCHEMA = """
CREATE TABLE IF NOT EXISTS bus_topics (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL CONSTRAINT uq_bus_topics_name UNIQUE,
    partitions integer NOT NULL CONSTRAINT ck_bus_topics_partitions CHECK (partitions BETWEEN 1 AND 1000)
);
CREATE TABLE IF NOT EXISTS bus_partitions (
    topic_id uuid NOT NULL REFERENCES bus_topics ON DELETE CASCADE,
    partition integer NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic_id, partition)
) WITH (fillfactor = 20);
CREATE TABLE IF NOT EXISTS bus_records (
    topic_id uuid NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    key text NOT NULL,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (topic_id, partition, "offset"),
    FOREIGN KEY (topic_id) REFERENCES bus_topics ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS bus_offsets (
    group_name text NOT NULL,
    topic_id uuid NOT NULL REFERENCES bus_topics ON DELETE CASCADE,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (group_name, topic_id, partition)
) WITH (fillfactor = 20);
"""
MAKE_TOPICS = """
WITH made AS (
    INSERT INTO bus_topics (name, partitions) SELECT unnest(%s::text[]), %s ON CONFLICT DO NOTHING
    RETURNING id, partitions
)
INSERT INTO bus_partitions (topic_id, partition)
SELECT id, generate_series(0, partitions - 1) FROM made
"""
TAKE_OFFSETS = """
UPDATE bus_partitions SET next_offset = next_offset + %s WHERE topic_id = %s AND partition = %s
RETURNING next_offset
"""
# In the order in which those who append take them.
LOCK_PARTITIONS = """
SELECT 1 FROM bus_partitions p JOIN bus_topics t ON t.id = p.topic_id WHERE t.name = ANY(%s)
ORDER BY p.topic_id, p.partition FOR UPDATE OF p
"""
COPY_RECORDS = """
COPY bus_records (topic_id, partition, "offset", key, header_names, header_values, value)
FROM STDIN (FORMAT BINARY)
"""
COPY_TYPES = ("uuid", "int4", "int8", "text", "text[]", "bytea[]", "bytea")
LAST_RECORDS = f"""
SELECT {DELIVERED_COLUMNS} FROM bus_partitions p JOIN bus_topics t ON t.id = p.topic_id
JOIN bus_records r ON r.topic_id = p.topic_id AND r.partition = p.partition AND r."offset" = p.next_offset - 1
WHERE t.name = %s ORDER BY r.partition
"""

Result = TypeVar("Result")
Place = tuple[Any, int]


class Stored:
    """The confirmation of records that were committed before it was given."""

    def wait(self) -> None:
        """Nothing is left to wait for."""


class PostgresBus:
    """One client of the bus tables; one connection for publishing and topics, one for each subscription."""

    def __init__(self, url: str, client: str) -> None:
        self._url = url
        self._client = client
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    def ensure_topics(self, topics: Sequence[str], partitions: int = PARTITIONS) -> None:
        """The tables exist and hold every topic."""

        def make(connection: psycopg.Connection[Any]) -> None:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
            connection.execute(SCHEMA)
            connection.execute(MAKE_TOPICS, (sorted(set(topics)), partitions))

        if len(self.topic_ids(topics)) < len(set(topics)):
            self._in_transaction(make)

    def topic_ids(self, topics: Sequence[str]) -> dict[str, str]:
        """The id of each topic that stands in the table."""

        def find(connection: psycopg.Connection[Any]) -> dict[str, str]:
            if connection.execute("SELECT to_regclass('bus_offsets')").fetchone() == (None,):
                return {}
            found = connection.execute(
                "SELECT name, id FROM bus_topics WHERE name = ANY(%s)", (list(topics),)
            )
            return {name: str(topic_id) for name, topic_id in found}

        return self._in_transaction(find)

    def publish(self, records: Sequence[Record]) -> None:
        """All records are committed in one transaction."""
        self.hand_over(records).wait()

    def hand_over(self, records: Sequence[Record]) -> Stored:
        """As `publish`: a transaction is over at once, so there is nothing to wait for later."""
        ensure_sizes(records)
        if records:
            self._in_transaction(lambda connection: _append(connection, records))
        return Stored()

    def subscribe(self, group: str, topics: Sequence[str]) -> PostgresSubscription:
        """A member of the group on a connection of its own."""
        return PostgresSubscription(lambda: self._connect(f"{self._client}-{group}"), group, topics)

    def last_records(self, topic: str) -> list[Delivered]:
        """The newest record of each partition."""
        return self._in_transaction(
            lambda connection: [delivered_from(row) for row in connection.execute(LAST_RECORDS, (topic,))]
        )

    def delete_topics(self, topics: Sequence[str]) -> None:
        """The topics, their records and every group's place in them are gone."""

        def delete(connection: psycopg.Connection[Any]) -> None:
            connection.execute(LOCK_PARTITIONS, (list(topics),))
            connection.execute("DELETE FROM bus_topics WHERE name = ANY(%s)", (list(topics),))

        self._in_transaction(delete)

    def close(self) -> None:
        """Close the connection for publishing; subscriptions are closed by their owners."""
        with self._lock:
            self._discard()

    def _in_transaction(self, work: Callable[[psycopg.Connection[Any]], Result]) -> Result:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect(self._client)
                with self._connection.transaction():
                    return work(self._connection)
            except psycopg.OperationalError as error:
                self._discard()
                raise Unavailable(f"The PostgreSQL bus does not answer: {error}") from error

    def _connect(self, application: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            self._url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name=application[:63]
        )

    def _discard(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def partition_of(key: str, partitions: int) -> int:
    """The partition that all records of a key go to."""
    return zlib.crc32(key.encode()) % partitions


def _append(connection: psycopg.Connection[Any], records: Sequence[Record]) -> None:
    by_place = _placed(records, _topics_of(connection, {record.topic for record in records}))
    first = {place: _take_offsets(connection, place, len(by_place[place])) for place in sorted(by_place)}
    with connection.cursor() as cursor, cursor.copy(COPY_RECORDS) as copy:
        copy.set_types(COPY_TYPES)
        for place, placed in by_place.items():
            for row in _rows(place, first[place], placed):
                copy.write_row(row)


def _topics_of(connection: psycopg.Connection[Any], names: set[str]) -> dict[str, Place]:
    query = "SELECT name, id, partitions FROM bus_topics WHERE name = ANY(%s)"
    found = {name: (topic_id, count) for name, topic_id, count in connection.execute(query, (sorted(names),))}
    if missing := names - found.keys():
        raise Unavailable(
            f"The bus has no topic {', '.join(sorted(missing))}; its relay makes it at the next look."
        )
    return found


def _placed(records: Sequence[Record], topics: dict[str, Place]) -> dict[Place, list[Record]]:
    by_place: dict[Place, list[Record]] = defaultdict(list)
    for record in records:
        topic_id, partitions = topics[record.topic]
        by_place[topic_id, partition_of(record.key, partitions)].append(record)
    return by_place


def _take_offsets(connection: psycopg.Connection[Any], place: Place, count: int) -> int:
    row = connection.execute(TAKE_OFFSETS, (count, *place)).fetchone()
    if row is None:
        raise Unavailable("A topic was deleted while records were on their way to it; send them again.")
    return int(row[0]) - count


def _rows(place: Place, first: int, records: Sequence[Record]) -> Iterable[tuple[Any, ...]]:
    for offset, record in enumerate(records, first):
        names = [name for name, _ in record.headers]
        values = [value for _, value in record.headers]
        yield (*place, offset, record.key, names, values, record.value)
