"""What is asked of kafka-python, without any broker: names it knows, and values that fit each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaTimeoutError, RebalanceInProgressError, TopicAlreadyExistsError
from kafka.structs import TopicPartition

from shared.bus import kafka as bus
from shared.bus.kafka import KafkaBus
from shared.bus.kafka_subscription import KafkaSubscription, delivered_from
from shared.bus.port import RECORD_BYTES_MAX, Record
from shared.journal.recording import DATA_BYTES_MAX
from shared.kernel.errors import Unavailable

RECORDS = [Record("t.v1", "khóa", (("ce_id", b"1"),), b"{}"), Record("t.v1", "b", (), b"[]")]
PLACE = TopicPartition("t.v1", 3)


class Sender:
    ended = False

    def force_close(self) -> None:
        self.ended = True

    def join(self, timeout: float) -> None: ...


class Future:
    """Done at once, well or with an error."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def succeeded(self) -> bool:
        return self._error is None

    def add_errback(self, tell: Callable[[Exception], None]) -> Future:
        if self._error is not None:
            tell(self._error)
        return self

    def get(self, _: float) -> None:
        if self._error is not None:
            raise self._error


class Producer:
    """Takes what kafka-python's own takes, and fails for the keys it is told to."""

    made: list[Producer]
    failing: frozenset[bytes]

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - options of a library
        self.options = options
        self.sent: list[tuple[Any, ...]] = []
        self.flushed = 0
        self.closed = False
        self._sender = Sender()
        self.made.append(self)

    def send(self, topic: str, value: bytes, key: bytes, headers: list[tuple[str, bytes]]) -> Future:
        self.sent.append((topic, value, key, headers))
        return Future(KafkaTimeoutError("too late") if key in self.failing else None)

    def flush(self, _: float) -> None:
        self.flushed += 1

    def close(self, **_: float) -> None:
        self.closed = True


@pytest.fixture
def producers(monkeypatch: pytest.MonkeyPatch) -> list[Producer]:
    Producer.made, Producer.failing = [], frozenset()
    monkeypatch.setattr(bus, "KafkaProducer", Producer)
    return Producer.made


class Consumer:
    """A consumer that hands out what it was given and remembers what it was told to store."""

    def __init__(self, batches: Sequence[dict[TopicPartition, list[Any]]] = ()) -> None:
        self.batches = list(batches)
        self.mine = {PLACE}
        self.stored: list[dict[TopicPartition, int]] = []
        self.fails: Exception | None = None
        self.rewound = False

    def subscribe(self, topics: list[str]) -> None:
        assert topics == ["t.v1"]

    def poll(self, **_: int) -> dict[TopicPartition, list[Any]]:
        if self.fails is not None:
            raise self.fails
        return self.batches.pop(0) if self.batches else {}

    def assignment(self) -> set[TopicPartition]:
        return self.mine

    def commit(self, offsets: dict[TopicPartition, Any], **_: int) -> None:
        if self.fails is not None:
            raise self.fails
        self.stored.append({place: one.offset for place, one in offsets.items()})

    def partitions_for_topic(self, _: str) -> set[int]:
        return {0, 3}

    def seek_to_beginning(self, *_: TopicPartition) -> None:
        self.rewound = True


def raw(offset: int, key: bytes | None = b"k", value: bytes | None = b"{}") -> SimpleNamespace:
    return SimpleNamespace(
        topic="t.v1",
        partition=3,
        offset=offset,
        key=key,
        value=value,
        headers=[("ce_id", b"1"), ("empty", None)],
    )


def subscription(consumer: Consumer) -> KafkaSubscription:
    return KafkaSubscription(lambda: consumer, ["t.v1"])


def producer_options(producers: list[Producer]) -> dict[str, Any]:
    KafkaBus(["127.0.0.1:1"], "unit").publish([])
    return producers[-1].options


def test_every_option_is_one_that_the_library_knows(producers: list[Producer]) -> None:
    consumer = KafkaBus(["127.0.0.1:1"], "unit")._consumer_options()
    assert producer_options(producers).keys() <= KafkaProducer.DEFAULT_CONFIG.keys()
    assert {*consumer, "group_id", "max_poll_records"} <= KafkaConsumer.DEFAULT_CONFIG.keys()
    assert {
        "bootstrap_timeout_ms",
        "request_timeout_ms",
        "client_id",
    } <= KafkaAdminClient.DEFAULT_CONFIG.keys()


def test_nothing_is_confirmed_before_every_replica_has_it(producers: list[Producer]) -> None:
    options = producer_options(producers)
    assert (options["acks"], options["enable_idempotence"]) == ("all", True)
    assert options["max_in_flight_requests_per_connection"] <= 5, "more would lose the order of a key"
    assert options["allow_auto_create_topics"] is False


def test_a_batch_never_expires_alone_within_the_time_we_wait(producers: list[Producer]) -> None:
    options = producer_options(producers)
    assert options["delivery_timeout_ms"] > 10 * bus.PUBLISH_TIMEOUT_S * 1000
    assert options["delivery_timeout_ms"] > options["linger_ms"] + options["request_timeout_ms"]
    assert options["max_block_ms"] < bus.PUBLISH_TIMEOUT_S * 1000


def test_a_group_goes_on_only_where_we_say_so() -> None:
    options = KafkaBus(["127.0.0.1:1"], "unit")._consumer_options()
    assert options["enable_auto_commit"] is False
    assert options["auto_offset_reset"] == "earliest", "a new consumer must see everything"
    assert options["heartbeat_interval_ms"] * 3 <= options["session_timeout_ms"]
    assert options["session_timeout_ms"] < options["max_poll_interval_ms"]
    assert options["fetch_max_wait_ms"] < options["request_timeout_ms"]


def test_the_largest_record_fits_into_every_limit_on_its_way(producers: list[Producer]) -> None:
    options = KafkaBus(["127.0.0.1:1"], "unit")._consumer_options()
    assert DATA_BYTES_MAX < RECORD_BYTES_MAX < bus.MESSAGE_BYTES_MAX <= options["fetch_max_bytes"]
    assert producer_options(producers)["max_request_size"] == bus.MESSAGE_BYTES_MAX


def test_topics_are_made_to_keep_everything_for_ever() -> None:
    asked: dict[str, Any] = {}
    admin = SimpleNamespace(create_topics=lambda topics, **_: asked.update(topics))
    bus._creating(["a.v1", "b.v1"], 8)(admin)
    assert asked.keys() == {"a.v1", "b.v1"}
    assert asked["a.v1"]["num_partitions"] == 8
    configs = asked["a.v1"]["configs"]
    assert (configs["retention.ms"], configs["retention.bytes"]) == ("-1", "-1")
    assert int(configs["max.message.bytes"]) == bus.MESSAGE_BYTES_MAX


def test_a_topic_that_another_process_has_made_is_no_error() -> None:
    def refuse(*_: object, **__: object) -> None:
        raise TopicAlreadyExistsError

    bus._creating(["a.v1"], 8)(SimpleNamespace(create_topics=refuse))


def test_records_go_out_in_order_with_key_and_headers(producers: list[Producer]) -> None:
    KafkaBus(["127.0.0.1:1"], "unit").publish(RECORDS)
    (producer,) = producers
    assert producer.sent == [("t.v1", b"{}", "khóa".encode(), [("ce_id", b"1")]), ("t.v1", b"[]", b"b", [])]
    assert not producer.closed


def test_one_producer_serves_many_calls(producers: list[Producer]) -> None:
    client = KafkaBus(["127.0.0.1:1"], "unit")
    client.publish(RECORDS)
    client.publish(RECORDS)
    assert len(producers) == 1


def test_a_producer_that_failed_is_thrown_away_with_what_it_held(producers: list[Producer]) -> None:
    client = KafkaBus(["127.0.0.1:1"], "unit")
    Producer.failing = frozenset({b"b"})
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1 did not confirm 2 records"):
        client.publish(RECORDS)
    Producer.failing = frozenset()
    client.publish(RECORDS)
    assert [producer.closed for producer in producers] == [True, False]


def test_records_that_failed_end_the_producer_before_anybody_waits(producers: list[Producer]) -> None:
    client = KafkaBus(["127.0.0.1:1"], "unit")
    Producer.failing = frozenset({b"b"})
    handed = client.hand_over(RECORDS)
    assert producers[0]._sender.ended, "nothing that comes behind a failed record may go out"
    with pytest.raises(Unavailable, match="too late"):
        handed.wait()


def test_what_came_behind_a_failed_record_is_dropped_with_it(producers: list[Producer]) -> None:
    client = KafkaBus(["127.0.0.1:1"], "unit")
    sound = client.hand_over(RECORDS[:1])
    Producer.failing = frozenset({b"b"})
    failed, behind = client.hand_over(RECORDS), client.hand_over(RECORDS[:1])
    sound.wait()
    for handed in (failed, behind, failed):
        with pytest.raises(Unavailable):
            handed.wait()
    sound.wait()
    Producer.failing = frozenset()
    again = client.hand_over(RECORDS)
    with pytest.raises(Unavailable, match="dropped"):
        behind.wait()
    again.wait()
    assert [producer.closed for producer in producers] == [True, False], "the old ones took nothing with them"


def test_a_failure_that_nobody_waited_for_is_seen_by_the_next_to_wait(producers: list[Producer]) -> None:
    client = KafkaBus(["127.0.0.1:1"], "unit")
    Producer.failing = frozenset({b"b"})
    client.hand_over(RECORDS)
    with pytest.raises(Unavailable, match="too late"):
        client.hand_over(RECORDS[:1]).wait()
    assert producers[0].closed


def test_only_the_last_records_are_hurried_along(producers: list[Producer]) -> None:
    client = KafkaBus(["127.0.0.1:1"], "unit")
    first, last = client.hand_over(RECORDS), client.hand_over(RECORDS)
    first.wait()
    assert producers[0].flushed == 0, "a flush would wait for what came behind as well"
    last.wait()
    last.wait()
    first.wait()
    assert producers[0].flushed == 1


def test_what_is_on_its_way_when_the_bus_is_closed_is_not_confirmed(producers: list[Producer]) -> None:
    client = KafkaBus(["127.0.0.1:1"], "unit")
    handed = client.hand_over(RECORDS)
    client.close()
    with pytest.raises(Unavailable, match="dropped"):
        handed.wait()
    assert producers[0].closed


def test_a_record_that_is_too_large_is_not_sent_and_neither_are_those_before_it(
    producers: list[Producer],
) -> None:
    large = Record("t.v1", "k", (), b"x" * RECORD_BYTES_MAX)
    with pytest.raises(ValueError, match="exceeds"):
        KafkaBus(["127.0.0.1:1"], "unit").publish([*RECORDS, large])
    assert producers == []


def test_a_record_of_the_library_becomes_ours_also_without_key_or_value() -> None:
    found = delivered_from(raw(7, key=None, value=None))
    assert (found.partition, found.offset, found.key, found.value) == (3, 7, "", b"")
    assert found.headers == (("ce_id", b"1"), ("empty", b""))


def test_what_was_polled_is_stored_as_the_next_offset_once() -> None:
    consumer = Consumer([{PLACE: [raw(7), raw(8)]}])
    member = subscription(consumer)
    assert [one.offset for one in member.poll(0.1)] == [7, 8]
    member.acknowledge()
    member.acknowledge()
    assert consumer.stored == [{PLACE: 9}]


def test_a_partition_that_went_to_another_member_is_left_alone() -> None:
    consumer = Consumer([{PLACE: [raw(7)]}])
    member = subscription(consumer)
    member.poll(0.1)
    consumer.mine = set()
    member.acknowledge()
    assert consumer.stored == []


def test_a_group_that_is_being_shared_out_anew_gets_its_records_again() -> None:
    consumer = Consumer([{PLACE: [raw(7)]}])
    member = subscription(consumer)
    member.poll(0.1)
    consumer.fails = RebalanceInProgressError()
    member.acknowledge()  # no error: the new holder's inbox knows them
    consumer.fails = None
    member.acknowledge()
    assert consumer.stored == []


@pytest.mark.parametrize("act", ["poll", "acknowledge"])
def test_a_broker_that_does_not_answer_is_unavailable(act: str) -> None:
    consumer = Consumer([{PLACE: [raw(7)]}])
    member = subscription(consumer)
    member.poll(0.1)
    consumer.fails = KafkaTimeoutError("away")
    with pytest.raises(Unavailable, match="away"):
        member.poll(0.1) if act == "poll" else member.acknowledge()


def test_seeking_to_the_beginning_stores_it_for_every_partition_also_of_others() -> None:
    consumer = Consumer([{PLACE: [raw(7)]}])
    member = subscription(consumer)
    member.poll(0.1)
    member.seek_to_beginning()
    assert consumer.stored == [{TopicPartition("t.v1", 0): 0, PLACE: 0}]
    assert consumer.rewound
    member.acknowledge()
    assert len(consumer.stored) == 1, "what was polled before is forgotten"
