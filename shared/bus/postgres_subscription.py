"""One member of a group on the PostgreSQL bus.

A shared advisory lock counts the members, an exclusive one holds each partition. Both live and die with the
session on which offsets are stored, so a member that lost a partition cannot acknowledge for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from shared.bus.port import POLL_RECORDS_MAX, Delivered
from shared.kernel.errors import Unavailable

POLL_S = 0.025
LOOK_AROUND_S = 1.0
POLL_BYTES_MAX = 8 * 1024 * 1024

DELIVERED_COLUMNS = 't.name, r.partition, r."offset", r.key, r.header_names, r.header_values, r.value'
KEY = "hashtextextended(%(group)s || '|' || {}, 7402)"
MEMBERS_KEY = KEY.format("'members'")
PARTITION_KEY = KEY.format("p.topic_id || '|' || p.partition")
JOIN = f"SELECT pg_advisory_lock_shared({MEMBERS_KEY})"
COUNT_MEMBERS = f"""
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32 | objid::bigint) = {MEMBERS_KEY} AND objsubid = 1
"""
PLACES = """
SELECT p.topic_id, p.partition, coalesce(o.next_offset, 0) AS next_offset
FROM bus_topics t JOIN bus_partitions p ON p.topic_id = t.id
LEFT JOIN bus_offsets o ON o.group_name = %(group)s AND o.topic_id = p.topic_id AND o.partition = p.partition
WHERE t.name = ANY(%(topics)s) ORDER BY p.topic_id, p.partition
"""
CLAIM = f"""
SELECT pg_try_advisory_lock({PARTITION_KEY})
FROM (SELECT %(topic)s::text, %(partition)s::int) AS p (topic_id, partition)
"""
RELEASE = CLAIM.replace("pg_try_advisory_lock", "pg_advisory_unlock")
FETCH = f"""
SELECT name, partition, "offset", key, header_names, header_values, value, topic_id FROM (
    SELECT f.*, sum(f.size) OVER (ORDER BY f.place, f."offset") - f.size AS size_before FROM (
        SELECT p.place, p.topic_id, {DELIVERED_COLUMNS}, octet_length(r.value) AS size
        FROM unnest(%(topics)s::uuid[], %(partitions)s::int[], %(offsets)s::bigint[])
            WITH ORDINALITY AS p (topic_id, partition, first, place)
        JOIN bus_topics t ON t.id = p.topic_id
        CROSS JOIN LATERAL (
            SELECT * FROM bus_records b
            WHERE b.topic_id = p.topic_id AND b.partition = p.partition AND b."offset" >= p.first
            ORDER BY b."offset" LIMIT %(limit)s
        ) r
        LIMIT %(limit)s
    ) f
) s WHERE size_before < %(bytes)s ORDER BY place, "offset"
"""
STORE = """
INSERT INTO bus_offsets (group_name, topic_id, partition, next_offset)
SELECT %(group)s, p.topic_id, p.partition, p.next_offset
FROM unnest(%(topics)s::uuid[], %(partitions)s::int[], %(offsets)s::bigint[])
    AS p (topic_id, partition, next_offset)
JOIN bus_topics t ON t.id = p.topic_id
FOR KEY SHARE OF t
ON CONFLICT (group_name, topic_id, partition) DO UPDATE SET next_offset = excluded.next_offset
"""

Place = tuple[str, int]


class PostgresSubscription:
    """Holds a fair share of the partitions and hands out their records."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection[Any]], group: str, topics: Sequence[str]
    ) -> None:
        self._group = group
        self._topics = list(topics)
        self._positions: dict[Place, int] = {}
        self._polled: dict[Place, int] = {}
        self._looked_around_at = 0.0
        with self._database():
            self._connection = connect()
            self._connection.execute(JOIN, {"group": group})

    def poll(self, timeout_s: float, records_max: int = POLL_RECORDS_MAX) -> list[Delivered]:
        """Records as soon as there are any; at most `records_max` and about 8 MiB."""
        deadline = time.monotonic() + timeout_s
        while True:
            with self._database():
                self._look_around()
                rows = self._fetch(records_max) if self._positions else []
            if rows or time.monotonic() >= deadline:
                return [delivered_from(row) for row in rows]
            time.sleep(min(POLL_S, max(0.0, deadline - time.monotonic())))

    def acknowledge(self) -> None:
        """The group continues behind what was polled."""
        with self._database():
            self._store(self._polled)
        self._polled = {}

    def seek_to_beginning(self) -> None:
        """Offset 0 is stored for every partition, and this member reads from there."""
        with self._database():
            places = [(str(topic_id), partition) for topic_id, partition, _ in self._places()]
            self._store(dict.fromkeys(places, 0))
        self._polled = {}
        self._positions = dict.fromkeys(self._positions, 0)

    def close(self) -> None:
        """End the session, and with it every claim."""
        self._connection.close()

    @contextmanager
    def _database(self) -> Iterator[None]:
        try:
            yield
        except psycopg.OperationalError as error:
            raise Unavailable(f"The PostgreSQL bus does not answer: {error}") from error
        except psycopg.errors.UndefinedTable as error:
            raise Unavailable("The PostgreSQL bus has no topics yet; its relays make them.") from error

    def _look_around(self) -> None:
        """Once a second, claim or give back partitions, so that every member holds its share."""
        if time.monotonic() - self._looked_around_at < LOOK_AROUND_S:
            return
        self._looked_around_at = time.monotonic()
        offsets = {(str(topic_id), partition): offset for topic_id, partition, offset in self._places()}
        self._forget(self._positions.keys() - offsets.keys())
        share = -(-len(offsets) // self._members())
        surplus = [place for place in self._positions if place not in self._polled]
        self._forget(surplus[: max(0, len(self._positions) - share)])
        for place in offsets.keys() - self._positions.keys():
            if len(self._positions) >= share:
                break
            self._claim(place)

    def _places(self) -> list[tuple[Any, int, int]]:
        names = {"group": self._group, "topics": self._topics}
        return self._connection.execute(PLACES, names).fetchall()

    def _members(self) -> int:
        row = self._connection.execute(COUNT_MEMBERS, {"group": self._group}).fetchone()
        return max(1, row[0] if row else 1)

    def _claim(self, place: Place) -> None:
        """The offset is read after the claim: the member before us may have stored one just before."""
        if self._lock(CLAIM, place):
            stored = {(str(topic_id), partition): offset for topic_id, partition, offset in self._places()}
            self._positions[place] = stored.get(place, 0)

    def _forget(self, places: Iterable[Place]) -> None:
        for place in places:
            del self._positions[place]
            self._polled.pop(place, None)
            self._lock(RELEASE, place)

    def _lock(self, statement: str, place: Place) -> bool:
        names = {"group": self._group, "topic": place[0], "partition": place[1]}
        row = self._connection.execute(statement, names).fetchone()
        return bool(row and row[0])

    def _fetch(self, records_max: int) -> list[tuple[Any, ...]]:
        places = list(self._positions)
        names = {"limit": records_max, "bytes": POLL_BYTES_MAX, **_columns(self._positions)}
        rows = self._connection.execute(FETCH, names, prepare=True).fetchall()
        for _, partition, offset, *_, topic_id in rows:
            place = (str(topic_id), partition)
            self._positions[place] = self._polled[place] = offset + 1
        self._positions = {
            place: self._positions[place] for place in places[1:] + places[:1]
        }  # each has its turn
        return rows

    def _store(self, offsets: Mapping[Place, int]) -> None:
        if offsets:
            self._connection.execute(STORE, {"group": self._group, **_columns(offsets)})


def _columns(offsets: Mapping[Place, int]) -> dict[str, list[Any]]:
    return {
        "topics": [topic_id for topic_id, _ in offsets],
        "partitions": [partition for _, partition in offsets],
        "offsets": list(offsets.values()),
    }


def delivered_from(row: Sequence[Any]) -> Delivered:
    """Our value for a row that begins with DELIVERED_COLUMNS."""
    topic, partition, offset, key, names, values, value, *_ = row
    return Delivered(topic, partition, offset, key, tuple(zip(names, values, strict=True)), value)
