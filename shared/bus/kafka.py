"""The bus over Apache Kafka, by kafka-python 3.0.12; every option that matters is set here, none is trusted.

At-least-once with acknowledgements by hand. Kafka's transactions are not used: the effect is stored in
PostgreSQL, where an inbox makes repeats harmless.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError
from kafka.net.compat import KafkaNetClient
from kafka.structs import TopicPartition

from shared.bus.kafka_confirmation import KafkaConfirmation, Sending
from shared.bus.kafka_subscription import KafkaSubscription, Untyped, delivered_from
from shared.bus.port import PARTITIONS, Delivered, Record, ensure_sizes
from shared.kernel.errors import Unavailable

CONNECT_TIMEOUT_MS = 5_000
REQUEST_TIMEOUT_MS = 10_000
PUBLISH_TIMEOUT_S = 10.0
DELIVERY_TIMEOUT_MS = 86_400_000  # far beyond any pause between handing over and waiting
TOPIC_TIMEOUT_S = 30.0
TOPIC_RETRY_S = 0.1
LAST_RECORDS_TIMEOUT_S = 10.0
POLL_MS = 200
FETCH_WAIT_MS = 500  # how long the broker may hold a question while it has nothing to give
MESSAGE_BYTES_MAX = 3 * 1024 * 1024
FETCH_BYTES_MAX = 8 * 1024 * 1024
PARTITION_FETCH_BYTES_MAX = 1024 * 1024
SESSION_TIMEOUT_MS = 10_000
HEARTBEAT_MS = 2_000
PROCESSING_TIMEOUT_MS = 300_000
METADATA_AGE_MS = 10_000
LINGER_MS = 5
STOP_SENDER_S = 5.0
BATCH_BYTES = 262_144

Result = TypeVar("Result")


class KafkaBus:
    """One client of one cluster. Connections are made at first use, so never before a fork.

    `security` holds the options of kafka-python by which every connection signs in and is sealed. Without
    the name of a `member` (KIP-345) Kafka waits for the end of a killed one's session before it gives its
    places to another.
    """

    def __init__(
        self,
        servers: Sequence[str],
        client: str,
        security: Mapping[str, Any] | None = None,
        member: str | None = None,
    ) -> None:
        self._servers = list(servers)
        self._member = member
        self._security = dict(security or {})
        self._client = client
        self._lock = threading.Lock()
        self._publishing = threading.Lock()
        self._sending: Sending | None = None
        self._admin: Untyped = None

    def ensure_topics(self, topics: Sequence[str], partitions: int = PARTITIONS) -> None:
        """Every topic exists, is led by a broker, and keeps its records for ever."""
        deadline = time.monotonic() + TOPIC_TIMEOUT_S
        while missing := [topic for topic in topics if topic not in self.topic_ids(topics)]:
            self._administer(_creating(missing, partitions))
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"Kafka did not make the topics {', '.join(missing)} in {TOPIC_TIMEOUT_S:.0f} s."
                )
            time.sleep(TOPIC_RETRY_S)  # a topic of this name may still be on its way out
        self._administer(lambda admin: admin.wait_for_topics(list(topics), timeout_ms=TOPIC_TIMEOUT_S * 1000))

    def topic_ids(self, topics: Sequence[str]) -> dict[str, str]:
        """The id that Kafka gave each topic that exists."""
        described = self._administer(lambda admin: admin.describe_topics(list(topics))) if topics else []
        return {
            topic["name"]: str(uuid.UUID(str(topic["topic_id"])))
            for topic in described
            if not topic["error_code"]
        }

    def publish(self, records: Sequence[Record]) -> None:
        """All records are acknowledged by every in-sync replica."""
        self.hand_over(records).wait()

    def hand_over(self, records: Sequence[Record]) -> KafkaConfirmation:
        """The producer has the records and sends them in a thread of its own.

        Its own time limit is far beyond ours: a batch never expires alone while a later one of its partition
        is stored. Where a record fails, the producer sends nothing more; there, and when our limit passes, it
        is thrown away with everything that it still held, so that what was stored is a first part of each
        partition's records, never a part with a hole.
        """
        ensure_sizes(records)
        with self._publishing, self._all_or_dropped(len(records)):
            return self._ensure_sending().hand_over(records, self._confirm)

    def subscribe(self, group: str, topics: Sequence[str]) -> KafkaSubscription:
        """A consumer of the group with our own acknowledgements."""
        options = {
            **self._consumer_options(),
            "group_id": group,
            "group_instance_id": self._member,
            "max_poll_records": 1000,
        }
        return KafkaSubscription(lambda: self._guarded(lambda: _begun(KafkaConsumer, **options)), topics)

    def last_records(self, topic: str) -> list[Delivered]:
        """The newest record of each partition, read outside of any group."""
        return self._guarded(lambda: self._read_last(topic))

    def delete_topics(self, topics: Sequence[str]) -> None:
        """The topics are gone from every broker's view."""
        deadline = time.monotonic() + TOPIC_TIMEOUT_S
        while found := list(self.topic_ids(topics)):
            self._administer(_deleting(found))
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"Kafka did not delete the topics {', '.join(found)} in {TOPIC_TIMEOUT_S:.0f} s."
                )
            time.sleep(TOPIC_RETRY_S)

    def close(self) -> None:
        """Close the producer and the admin client; records not confirmed are dropped."""
        with self._publishing:
            self._discard_producer()
        self._discard_admin()

    def _confirm(self, handed: KafkaConfirmation) -> None:
        with self._publishing, self._all_or_dropped(handed.count):
            handed.sending.settle(handed, PUBLISH_TIMEOUT_S)

    @contextmanager
    def _all_or_dropped(self, count: int) -> Iterator[None]:
        try:
            yield
        except KafkaError as error:
            cause = (self._sending and self._sending.first_failure) or error
            self._discard_producer()
            raise Unavailable(f"Kafka at {self._place} did not confirm {count} records: {cause}") from error

    @property
    def _place(self) -> str:
        return ",".join(self._servers)

    def _read_last(self, topic: str) -> list[Delivered]:
        consumer = _begun(KafkaConsumer, **self._consumer_options(), group_id=None)
        try:
            places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            first, end = consumer.beginning_offsets(places), consumer.end_offsets(places)
            wanted = {place: end[place] - 1 for place in places if end[place] > first[place]}
            consumer.assign(list(wanted))
            for place, offset in wanted.items():
                consumer.seek(place, offset)
            return _collect(consumer, len(wanted))
        finally:
            consumer.close(autocommit=False)

    def _ensure_sending(self) -> Sending:
        if self._sending is None:
            producer = _begun(
                KafkaProducer,
                bootstrap_servers=self._servers,
                client_id=self._client,
                acks="all",
                enable_idempotence=True,
                max_in_flight_requests_per_connection=5,
                linger_ms=LINGER_MS,
                batch_size=BATCH_BYTES,
                max_request_size=MESSAGE_BYTES_MAX,
                bootstrap_timeout_ms=CONNECT_TIMEOUT_MS,
                max_block_ms=CONNECT_TIMEOUT_MS,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
                delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
                metadata_max_age_ms=METADATA_AGE_MS,
                reconnect_backoff_max_ms=1_000,
                allow_auto_create_topics=False,
                metrics_enabled=False,
                **self._security,
            )
            self._sending = Sending(producer)
        return self._sending

    def _consumer_options(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": self._servers,
            "client_id": self._client,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "isolation_level": "read_uncommitted",
            "fetch_max_wait_ms": FETCH_WAIT_MS,
            "fetch_max_bytes": FETCH_BYTES_MAX,
            "max_partition_fetch_bytes": PARTITION_FETCH_BYTES_MAX,
            "session_timeout_ms": SESSION_TIMEOUT_MS,
            "heartbeat_interval_ms": HEARTBEAT_MS,
            "max_poll_interval_ms": PROCESSING_TIMEOUT_MS,
            "bootstrap_timeout_ms": CONNECT_TIMEOUT_MS,
            "request_timeout_ms": REQUEST_TIMEOUT_MS,
            "metadata_max_age_ms": METADATA_AGE_MS,
            "reconnect_backoff_max_ms": 1_000,
            "allow_auto_create_topics": False,
            "metrics_enabled": False,
            **self._security,
        }

    def _administer(self, work: Callable[[Untyped], Result]) -> Result:
        def with_admin() -> Result:
            with self._lock:
                if self._admin is None:
                    self._admin = _begun(
                        KafkaAdminClient,
                        bootstrap_servers=self._servers,
                        client_id=self._client,
                        bootstrap_timeout_ms=CONNECT_TIMEOUT_MS,
                        request_timeout_ms=REQUEST_TIMEOUT_MS,
                        reconnect_backoff_max_ms=1_000,
                        **self._security,
                    )
                return work(self._admin)

        try:
            return self._guarded(with_admin)
        except Unavailable:
            self._discard_admin()
            raise

    def _guarded(self, work: Callable[[], Result]) -> Result:
        try:
            return work()
        except KafkaError as error:
            raise Unavailable(f"Kafka at {self._place} does not answer as it should: {error}") from error

    def _discard_producer(self) -> None:
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.drop(STOP_SENDER_S)
            _close_quietly(sending.producer, timeout=0)

    def _discard_admin(self) -> None:
        with self._lock:
            admin, self._admin = self._admin, None
        _close_quietly(admin)


def _begun(make: Callable[..., Untyped], **options: Untyped) -> Untyped:
    """A client of Kafka, or nothing that is left of it.

    kafka-python 3.0.12 leaves a thread and sockets of a client that could not begin, for ever: while
    Kafka was away, each attempt took a thread and about five open files of the process.
    """
    connections: list[KafkaNetClient] = []

    def connected(**config: Untyped) -> KafkaNetClient:
        connections.append(KafkaNetClient(**config))
        return connections[-1]

    try:
        return make(**options, kafka_client=connected)
    except BaseException:
        for one in connections:
            one.close()
        raise


def _creating(names: Sequence[str], partitions: int) -> Callable[[Untyped], None]:
    settings = {"retention.ms": "-1", "retention.bytes": "-1", "max.message.bytes": str(MESSAGE_BYTES_MAX)}
    one = {"num_partitions": partitions, "replication_factor": -1, "configs": settings}

    def create(admin: Untyped) -> None:
        try:
            admin.create_topics(dict.fromkeys(names, one), timeout_ms=REQUEST_TIMEOUT_MS)
        except TopicAlreadyExistsError:
            return  # made by another process, or not quite deleted yet: the caller looks again

    return create


def _deleting(names: Sequence[str]) -> Callable[[Untyped], None]:
    def delete(admin: Untyped) -> None:
        try:
            admin.delete_topics(list(names), timeout_ms=REQUEST_TIMEOUT_MS)
        except UnknownTopicOrPartitionError:
            return  # gone already: the caller looks again

    return delete


def _collect(consumer: Untyped, count: int) -> list[Delivered]:
    found: dict[int, Delivered] = {}
    deadline = time.monotonic() + LAST_RECORDS_TIMEOUT_S
    while len(found) < count:
        for records in consumer.poll(timeout_ms=POLL_MS).values():
            last = delivered_from(records[-1])
            found[last.partition] = last
        if time.monotonic() > deadline:
            raise Unavailable(f"Kafka gave the newest records of {len(found)} partitions out of {count}.")
    return [found[number] for number in sorted(found)]


def _close_quietly(client: Untyped, **options: float) -> None:
    try:
        if client is not None:
            client.close(**options)
    except KafkaError:
        return  # it was thrown away because it failed; that its end fails too is no news
