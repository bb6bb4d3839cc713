"""The bus as the rest of the system sees it: durable publishing, order per key, explicit acknowledgement.

Two adapters keep this contract, one over Apache Kafka and one over PostgreSQL; `tests/contract/bus` holds
both to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

PARTITIONS = 8
RECORD_BYTES_MAX = 2_900_000
POLL_RECORDS_MAX = 1000


class Record(NamedTuple):
    """A message on its way to a topic; records of one key keep their order.

    Like all that every message passes through, a named tuple: a frozen dataclass takes three times as long.
    """

    topic: str
    key: str
    headers: tuple[tuple[str, bytes], ...]
    value: bytes

    @property
    def size_bytes(self) -> int:
        """Bytes of key, headers and value together."""
        return len(self.key) + len(self.value) + sum([len(name) + len(value) for name, value in self.headers])


class Delivered(NamedTuple):
    """A message as it came from a topic, with its place there."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: tuple[tuple[str, bytes], ...]
    value: bytes


class Subscription(Protocol):
    """One member of a group that shares the partitions of some topics; used by one thread."""

    def poll(self, timeout_s: float, records_max: int = POLL_RECORDS_MAX) -> list[Delivered]:
        """Records not seen yet by this member, empty after `timeout_s` without any.

        Order: per key as published. What was never acknowledged comes again after a crash or a close.
        Raises: Unavailable.
        """

    def acknowledge(self) -> None:
        """The group will not see again what was polled so far. Raises: Unavailable."""

    def seek_to_beginning(self) -> None:
        """The group starts again at the oldest record of every topic, also when this process dies at once.

        Raises: Unavailable.
        """

    def close(self) -> None:
        """Leave the group without acknowledging; safe to call twice."""


class Confirmation(Protocol):
    """What a bus owes for records that it was handed; asked for by the thread that handed them over."""

    def wait(self) -> None:
        """The records, and all that the bus was handed before them, are durable. Idempotent.

        Raises: Unavailable when that is not certain. Everything that was on its way is dropped then: a first
        part per key may be stored; send again from the first record that was not confirmed.
        """


class Bus(Protocol):
    """A connection to one bus; may be used by several threads, never across a fork."""

    def ensure_topics(self, topics: Sequence[str], partitions: int = PARTITIONS) -> None:
        """Every topic exists and keeps its records for ever. Idempotent. Raises: Unavailable."""

    def topic_ids(self, topics: Sequence[str]) -> dict[str, str]:
        """The id of each topic that exists; a topic made anew has a new id. Raises: Unavailable."""

    def publish(self, records: Sequence[Record]) -> None:
        """All records are durable, in this order per key.

        Bounds: a record has at most RECORD_BYTES_MAX bytes, else nothing of the call is sent.
        Raises: Unavailable when that is not certain: a first part per key may be stored; send all again.
        """

    def hand_over(self, records: Sequence[Record]) -> Confirmation:
        """The records are on their way, in this order per key, behind all that were handed over before.

        Nothing is durable before the confirmation was waited for; meanwhile more may be handed over.
        Bounds: as of `publish`. Raises: Unavailable, as the confirmation does.
        """

    def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """A new member of the group. Raises: Unavailable."""

    def last_records(self, topic: str) -> list[Delivered]:
        """The newest record of each partition that holds one. Raises: Unavailable."""

    def delete_topics(self, topics: Sequence[str]) -> None:
        """The topics and all their records are gone; for tests and drills. Raises: Unavailable."""

    def close(self) -> None:
        """Release every connection; safe to call twice."""


def ensure_sizes(records: Sequence[Record]) -> None:
    """Nothing, where every record fits.

    Raises: ValueError, a bug of the caller: bulk rows are cut to 256 KiB long before.
    """
    for record in records:
        if record.size_bytes > RECORD_BYTES_MAX:
            raise ValueError(
                f"A record of {record.size_bytes} bytes for {record.topic} exceeds {RECORD_BYTES_MAX}."
            )
