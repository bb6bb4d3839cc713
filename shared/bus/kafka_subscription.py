"""One member of a Kafka consumer group, with acknowledgements by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from kafka.structs import OffsetAndMetadata, TopicPartition

from shared.bus.port import POLL_RECORDS_MAX, Delivered
from shared.kernel.errors import Unavailable

JOIN_TIMEOUT_S = 20.0
LEARN_TIMEOUT_S = 2.0
LEARN_RETRY_S = 0.05
COMMIT_TIMEOUT_MS = 10_000
CLOSE_TIMEOUT_MS = 5_000
SLICE_MS = 100
Untyped = Any  # kafka-python brings no types
MOVED_ON = (CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)


class KafkaSubscription:
    """A consumer that hands out records and remembers what it has not acknowledged."""

    def __init__(self, make_consumer: Callable[[], Untyped], topics: Sequence[str]) -> None:
        self._topics = list(topics)
        self._polled: dict[TopicPartition, int] = {}
        self._consumer = make_consumer()
        try:
            self._learn_partitions()
            self._consumer.subscribe(self._topics)
        except KafkaError as error:
            self.close()
            raise Unavailable(f"Kafka did not tell of {', '.join(self._topics)}: {error}") from error

    def poll(self, timeout_s: float, records_max: int = POLL_RECORDS_MAX) -> list[Delivered]:
        """Up to `records_max` records, as soon as there are any."""
        try:
            batches = self._consumer.poll(timeout_ms=int(timeout_s * 1000), max_records=records_max)
        except KafkaError as error:
            raise Unavailable(f"Kafka gave no records: {error}") from error
        for place, records in batches.items():
            self._polled[place] = records[-1].offset + 1
        return [delivered_from(record) for records in batches.values() for record in records]

    def acknowledge(self) -> None:
        """The group continues behind what was polled.

        Partitions that went to another member meanwhile are left alone: their new holder gets the records
        again, and its inbox knows them.
        """
        mine = self._consumer.assignment()
        polled, self._polled = self._polled, {}
        try:
            self._commit({place: offset for place, offset in polled.items() if place in mine})
        except MOVED_ON:
            return

    def seek_to_beginning(self) -> None:
        """The group's stored offsets are 0 everywhere, and this member reads from the oldest record."""
        self._wait_for_assignment()
        places = [
            TopicPartition(topic, number)
            for topic in self._topics
            for number in self._consumer.partitions_for_topic(topic) or ()
        ]
        self._polled = {}
        try:
            self._commit(dict.fromkeys(places, 0))
        except MOVED_ON as error:
            raise Unavailable(
                "The members of the group changed while it was sent back; try again."
            ) from error
        self._consumer.seek_to_beginning(*self._consumer.assignment())

    def close(self) -> None:
        """Leave the group; what was not acknowledged comes again."""
        try:
            self._consumer.close(autocommit=False, timeout_ms=CLOSE_TIMEOUT_MS)
        except KafkaError:
            return  # the broker is away and ends the membership by itself

    def _learn_partitions(self) -> None:
        """Ask for the topics before joining.

        kafka-python 3.0.12 joins first and asks afterwards: a member that leads its group then divides
        partitions that it does not know of, and all are given none until it looks again.
        """
        deadline = time.monotonic() + LEARN_TIMEOUT_S
        while not all(self._consumer.partitions_for_topic(topic) for topic in self._topics):
            if time.monotonic() > deadline:
                return  # a topic that is not there yet is found when it comes
            time.sleep(LEARN_RETRY_S)

    def _wait_for_assignment(self) -> None:
        deadline = time.monotonic() + JOIN_TIMEOUT_S
        while not self._consumer.assignment():
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"Kafka gave no partition of {', '.join(self._topics)} in {JOIN_TIMEOUT_S:.0f} s."
                )
            self.poll(SLICE_MS / 1000)

    def _commit(self, offsets: dict[TopicPartition, int]) -> None:
        wanted = {place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}
        if not wanted:
            return
        try:
            self._consumer.commit(wanted, timeout_ms=COMMIT_TIMEOUT_MS)
        except MOVED_ON:
            raise
        except KafkaError as error:
            raise Unavailable(f"Kafka did not store how far the group is: {error}") from error


def delivered_from(record: Untyped) -> Delivered:
    """Our value for a record of kafka-python."""
    return Delivered(
        record.topic,
        record.partition,
        record.offset,
        (record.key or b"").decode(),
        tuple([pair if pair[1] is not None else (pair[0], b"") for pair in record.headers]),
        record.value if record.value is not None else b"",
    )
