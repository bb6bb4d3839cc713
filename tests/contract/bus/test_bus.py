"""What every adapter of the bus promises."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest

from deploy.local.keeper import free_port
from shared.bus.open import open_bus
from shared.bus.port import RECORD_BYTES_MAX, Bus, Delivered, Record, Subscription
from shared.kernel.errors import Unavailable
from shared.testing.waiting import wait_until

JOIN_S = 15.0
QUIET_S = 1.5


def records(topic: str, count: int, keys: int = 10, start: int = 0) -> list[Record]:
    return [
        Record(topic, f"key-{n % keys}", (("ce_id", str(n).encode()),), f"value {n}".encode())
        for n in range(start, start + count)
    ]


@contextlib.contextmanager
def subscribed(bus: Bus, group: str, topic: str) -> Iterator[Subscription]:
    subscription = bus.subscribe(group, [topic])
    try:
        yield subscription
    finally:
        subscription.close()


def take(subscription: Subscription, count: int, timeout_s: float = JOIN_S) -> list[Delivered]:
    """At least `count` records, without acknowledging."""
    taken: list[Delivered] = []
    deadline = time.monotonic() + timeout_s
    while len(taken) < count and time.monotonic() < deadline:
        taken += subscription.poll(0.2)
    return taken


def rest(subscription: Subscription) -> list[Delivered]:
    """What still comes within a moment."""
    return take(subscription, 1_000_000, QUIET_S)


def values(taken: Sequence[Delivered]) -> list[bytes]:
    return sorted(delivered.value for delivered in taken)


def sent(published: Sequence[Record]) -> list[bytes]:
    return sorted(record.value for record in published)


def test_delivers_everything_that_was_published(bus: Bus, topic: str, group: str) -> None:
    published = records(topic, 500)
    bus.publish(published)
    with subscribed(bus, group, topic) as subscription:
        taken = take(subscription, 500)
    assert values(taken) == sent(published)


def test_what_was_published_is_durable_when_the_publisher_is_gone(
    bus: Bus, other_bus: Bus, topic: str, group: str
) -> None:
    other_bus.publish(records(topic, 30))
    other_bus.close()
    with subscribed(bus, group, topic) as subscription:
        assert len(take(subscription, 30)) == 30


def test_publishing_nothing_does_nothing(bus: Bus, topic: str) -> None:
    bus.publish([])
    assert bus.last_records(topic) == []


def test_keeps_the_order_of_each_key(bus: Bus, topic: str, group: str) -> None:
    for start in range(0, 600, 60):
        bus.publish(records(topic, 60, start=start))
    with subscribed(bus, group, topic) as subscription:
        taken = take(subscription, 600)
    by_key = defaultdict(list)
    for delivered in taken:
        by_key[delivered.key].append(int(dict(delivered.headers)["ce_id"]))
    assert len(taken) == 600
    assert all(numbers == sorted(numbers) for numbers in by_key.values())


def test_what_was_handed_over_is_durable_once_it_is_confirmed(
    bus: Bus, other_bus: Bus, topic: str, group: str
) -> None:
    other_bus.hand_over(records(topic, 30)).wait()
    other_bus.close()
    with subscribed(bus, group, topic) as subscription:
        assert len(take(subscription, 30)) == 30


def test_the_order_of_a_key_is_kept_while_much_is_on_its_way(bus: Bus, topic: str, group: str) -> None:
    handed = [bus.hand_over(records(topic, 200, start=start)) for start in range(0, 1_000, 200)]
    bus.publish(records(topic, 200, start=1_000))
    for one in handed:
        one.wait()
    with subscribed(bus, group, topic) as subscription:
        taken = take(subscription, 1_200)
    by_key = defaultdict(list)
    for delivered in taken:
        by_key[delivered.key].append(int(dict(delivered.headers)["ce_id"]))
    assert len(taken) == 1_200
    assert all(numbers == sorted(numbers) for numbers in by_key.values())


def test_a_confirmation_holds_for_all_that_was_handed_over_before(
    bus: Bus, other_bus: Bus, topic: str, group: str
) -> None:
    first, last = (other_bus.hand_over(records(topic, 20, start=start)) for start in (0, 20))
    last.wait()
    other_bus.close()
    first.wait()
    last.wait()
    with subscribed(bus, group, topic) as subscription:
        assert len(take(subscription, 40)) == 40


def test_handing_over_nothing_is_confirmed(bus: Bus, topic: str) -> None:
    bus.hand_over([]).wait()
    assert bus.last_records(topic) == []


def test_what_is_handed_over_to_a_missing_topic_is_not_confirmed(bus: Bus, topic: str) -> None:
    with pytest.raises(Unavailable):
        bus.hand_over(records(f"{topic}.missing", 1)).wait()
    bus.hand_over(records(topic, 1)).wait()
    assert len(bus.last_records(topic)) == 1


def test_all_records_of_a_key_are_in_one_partition(bus: Bus, topic: str, group: str) -> None:
    bus.publish(records(topic, 200))
    with subscribed(bus, group, topic) as subscription:
        taken = take(subscription, 200)
    places = defaultdict(set)
    for delivered in taken:
        places[delivered.key].add(delivered.partition)
    assert all(len(partitions) == 1 for partitions in places.values())
    assert len({delivered.partition for delivered in taken}) > 1


def test_offsets_of_a_partition_count_up_without_a_gap(bus: Bus, topic: str, group: str) -> None:
    bus.publish(records(topic, 100))
    bus.publish(records(topic, 100, start=100))
    with subscribed(bus, group, topic) as subscription:
        taken = take(subscription, 200)
    offsets = defaultdict(list)
    for delivered in taken:
        offsets[delivered.partition].append(delivered.offset)
    assert all(found == list(range(len(found))) for found in offsets.values())


def test_delivers_again_what_was_not_acknowledged(bus: Bus, topic: str, group: str) -> None:
    bus.publish(records(topic, 20))
    with subscribed(bus, group, topic) as first:
        once = take(first, 20)
    with subscribed(bus, group, topic) as second:
        again = take(second, 20)
    assert values(once) == values(again)


def test_a_poll_without_acknowledgement_moves_on_within_one_member(bus: Bus, topic: str, group: str) -> None:
    bus.publish(records(topic, 20))
    with subscribed(bus, group, topic) as subscription:
        assert len(take(subscription, 20)) == 20
        assert rest(subscription) == []


def test_acknowledged_records_do_not_come_again(bus: Bus, topic: str, group: str) -> None:
    bus.publish(records(topic, 20))
    with subscribed(bus, group, topic) as first:
        take(first, 20)
        first.acknowledge()
    later = records(topic, 5, start=20)
    bus.publish(later)
    with subscribed(bus, group, topic) as second:
        taken = take(second, 5) + rest(second)
    assert values(taken) == sent(later)


def test_acknowledging_nothing_is_allowed(bus: Bus, topic: str, group: str) -> None:
    with subscribed(bus, group, topic) as subscription:
        subscription.acknowledge()
        subscription.poll(0.2)
        subscription.acknowledge()


def test_two_groups_each_get_everything(bus: Bus, topic: str, group: str) -> None:
    bus.publish(records(topic, 40))
    with subscribed(bus, group, topic) as first, subscribed(bus, f"{group}-other", topic) as second:
        one = take(first, 40)
        first.acknowledge()
        two = take(second, 40)
    assert values(one) == values(two)


def test_two_members_share_the_partitions(bus: Bus, other_bus: Bus, topic: str, group: str) -> None:
    with subscribed(bus, group, topic) as first, subscribed(other_bus, group, topic) as second:
        taken: dict[str, list[Delivered]] = {"first": [], "second": []}
        round_number = 0

        def both_have_some() -> bool:
            nonlocal round_number
            bus.publish(records(topic, 20, keys=20, start=round_number * 20))
            round_number += 1
            for name, member in (("first", first), ("second", second)):
                taken[name] += member.poll(0.5)
                member.acknowledge()
            return all(taken.values())

        wait_until(both_have_some, 30, "both members have partitions")
        wanted = {f"value {n}".encode() for n in range(round_number * 20)}

        def all_came() -> bool:
            for name, member in (("first", first), ("second", second)):
                taken[name] += member.poll(0.2)
                member.acknowledge()
            return {one.value for found in taken.values() for one in found} == wanted

        wait_until(all_came, 30, "everything came to one of the two")


def test_a_member_takes_over_from_one_that_left(bus: Bus, other_bus: Bus, topic: str, group: str) -> None:
    with subscribed(bus, group, topic) as first:
        with subscribed(other_bus, group, topic) as second:
            take(second, 1, 2.0)
        published = records(topic, 40, keys=20)
        bus.publish(published)
        assert values(take(first, 40, 30)) == sent(published)


def test_reads_from_the_beginning_when_asked(bus: Bus, topic: str, group: str) -> None:
    published = records(topic, 30)
    bus.publish(published)
    with subscribed(bus, group, topic) as subscription:
        take(subscription, 30)
        subscription.acknowledge()
        subscription.seek_to_beginning()
        assert values(take(subscription, 30)) == sent(published)


def test_going_back_to_the_beginning_outlives_a_crash_before_the_next_acknowledgement(
    bus: Bus, topic: str, group: str
) -> None:
    bus.publish(records(topic, 30))
    with subscribed(bus, group, topic) as first:
        take(first, 30)
        first.acknowledge()
        first.seek_to_beginning()
    with subscribed(bus, group, topic) as second:
        assert len(take(second, 30)) == 30


def test_can_go_to_the_beginning_before_the_first_poll(bus: Bus, topic: str, group: str) -> None:
    bus.publish(records(topic, 10))
    with subscribed(bus, group, topic) as subscription:
        subscription.seek_to_beginning()
        assert len(take(subscription, 10)) == 10


def test_a_topic_made_anew_has_another_id(bus: Bus, topic: str) -> None:
    before = bus.topic_ids([topic])
    bus.delete_topics([topic])
    assert bus.topic_ids([topic]) == {}
    bus.ensure_topics([topic], partitions=4)
    after = bus.topic_ids([topic])
    assert before.keys() == after.keys() == {topic}
    assert before[topic] != after[topic]


def test_making_a_topic_twice_leaves_it_as_it_is(bus: Bus, topic: str) -> None:
    before = bus.topic_ids([topic])
    bus.ensure_topics([topic, topic], partitions=4)
    assert bus.topic_ids([topic]) == before


def test_the_same_producer_and_consumer_work_on_when_the_topic_is_made_anew(
    bus: Bus, other_bus: Bus, topic: str, group: str
) -> None:
    with subscribed(bus, group, topic) as subscription:
        bus.publish(records(topic, 100))
        take(subscription, 100)
        subscription.acknowledge()
        other_bus.delete_topics([topic])
        other_bus.ensure_topics([topic], partitions=4)
        again = records(topic, 40, start=1000)

        def published() -> bool:
            try:
                bus.publish(again)
            except Unavailable:
                return False
            return True

        wait_until(published, 60, "the topic made anew takes records")
        subscription.seek_to_beginning()
        taken: list[Delivered] = []

        def all_came() -> bool:
            taken.extend(subscription.poll(0.2))
            return {one.value for one in taken} >= set(sent(again))

        wait_until(all_came, 40, "the running consumer reads the topic made anew")


def test_knows_only_topics_that_exist(bus: Bus, topic: str) -> None:
    assert bus.topic_ids([topic, f"{topic}.missing"]).keys() == {topic}
    assert bus.topic_ids([]) == {}


def test_headers_and_bytes_survive(bus: Bus, topic: str, group: str) -> None:
    headers = (("ce_id", b"1"), ("ce_reason", "Cấp phát mai táng phí".encode()), ("raw", bytes(range(256))))
    bus.publish([Record(topic, "Điện Bàn", headers, bytes(range(256)) * 4)])
    with subscribed(bus, group, topic) as subscription:
        (delivered,) = take(subscription, 1)
    assert (delivered.topic, delivered.key, delivered.headers) == (topic, "Điện Bàn", headers)
    assert delivered.value == bytes(range(256)) * 4


@pytest.mark.parametrize("size_bytes", [0, 200_000, 2_000_000])
def test_carries_values_of_any_allowed_size(bus: Bus, topic: str, group: str, size_bytes: int) -> None:
    value = b"\x01" * size_bytes
    bus.publish([Record(topic, "large", (), value)])
    with subscribed(bus, group, topic) as subscription:
        (delivered,) = take(subscription, 1)
    assert delivered.value == value


def test_refuses_a_record_that_is_too_large_before_sending_any(bus: Bus, topic: str) -> None:
    with pytest.raises(ValueError, match="exceeds"):
        bus.publish([*records(topic, 3), Record(topic, "k", (), b"x" * RECORD_BYTES_MAX)])
    with pytest.raises(ValueError, match="exceeds"):
        bus.hand_over([*records(topic, 3), Record(topic, "k", (), b"x" * RECORD_BYTES_MAX)])
    assert bus.last_records(topic) == []


def test_hands_out_no_more_records_than_asked(bus: Bus, topic: str, group: str) -> None:
    bus.publish(records(topic, 100))
    with subscribed(bus, group, topic) as subscription:
        wait_until(lambda: 0 < len(subscription.poll(0.2, records_max=7)) <= 7, JOIN_S, "seven records")
        assert len(subscription.poll(1.0, records_max=7)) <= 7


def test_many_large_records_come_in_portions(bus: Bus, topic: str, group: str) -> None:
    for _ in range(3):
        bus.publish([Record(topic, f"key-{n}", (), b"y" * 250_000) for n in range(20)])
    with subscribed(bus, group, topic) as subscription:
        portions: list[list[Delivered]] = []

        def all_came() -> bool:
            portions.append(subscription.poll(0.2))
            return sum(len(portion) for portion in portions) == 60

        wait_until(all_came, 30, "sixty large records")
    assert max(sum(len(one.value) for one in portion) for portion in portions) <= 16_000_000


def test_an_empty_poll_returns_in_time(bus: Bus, topic: str, group: str) -> None:
    with subscribed(bus, group, topic) as subscription:
        take(subscription, 1, 2.0)
        started = time.monotonic()
        assert subscription.poll(0.3) == []
        assert 0.2 < time.monotonic() - started < 1.5


def test_a_new_record_comes_at_once(bus: Bus, topic: str, group: str) -> None:
    with subscribed(bus, group, topic) as subscription:
        take(subscription, 1, 2.0)
        bus.publish(records(topic, 1))
        started = time.monotonic()
        assert len(subscription.poll(5.0)) == 1
        assert time.monotonic() - started < 1.0


def test_shows_the_newest_record_of_each_partition(bus: Bus, topic: str, group: str) -> None:
    assert bus.last_records(topic) == []
    bus.publish(records(topic, 50))
    with subscribed(bus, group, topic) as subscription:
        newest: dict[int, Delivered] = {}
        for delivered in take(subscription, 50):
            newest[delivered.partition] = delivered
    assert bus.last_records(topic) == [newest[partition] for partition in sorted(newest)]


def test_looking_at_the_newest_records_of_a_missing_topic_finds_none(bus: Bus, topic: str) -> None:
    assert bus.last_records(f"{topic}.missing") == []


def test_publishing_to_a_missing_topic_is_unavailable(bus: Bus, topic: str) -> None:
    with pytest.raises(Unavailable):
        bus.publish(records(f"{topic}.missing", 1))
    bus.publish(records(topic, 1))
    assert len(bus.last_records(topic)) == 1


def test_closing_twice_is_harmless(bus_url: str, topic: str) -> None:
    bus = open_bus(bus_url, "contract-closing")
    bus.publish(records(topic, 1))
    subscription = bus.subscribe(f"group-{uuid.uuid4().hex}", [topic])
    for closing in (subscription, bus):
        closing.close()
        closing.close()


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://nobody:nothing@127.0.0.1:{port}/bus",
        pytest.param("kafka://127.0.0.1:{port}", marks=pytest.mark.kafka),
    ],
)
def test_a_bus_that_is_away_is_unavailable_within_bounds(address: str) -> None:
    bus = open_bus(address.format(port=free_port()), "contract-away")
    started = time.monotonic()
    for attempt in (
        lambda: bus.publish(records("some.events.v1", 1)),
        lambda: bus.topic_ids(["some.events.v1"]),
        lambda: bus.subscribe("group", ["some.events.v1"]),
    ):
        with pytest.raises(Unavailable):
            attempt()
    assert time.monotonic() - started < 40
    bus.close()


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with"):
        open_bus("amqp://somewhere", "contract")


def test_a_member_knows_a_new_topic_when_it_joins(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(4):
        topic = f"{uuid.uuid4().hex}.events.v1"
        bus.ensure_topics([topic])
        bus.publish(records(topic, 5))
        with subscribed(bus, f"group-{topic}", topic) as subscription:
            assert len(take(subscription, 5)) == 5
        bus.delete_topics([topic])
    assert "No partition metadata" not in caplog.text  # as kafka-python says where nobody is given any


@pytest.mark.kafka
def test_a_member_that_comes_back_under_its_name_has_its_place_at_once(kafka_url: str) -> None:
    topic, group = f"{uuid.uuid4().hex}.events.v1", f"group-{uuid.uuid4().hex}"
    before, after = (open_bus(kafka_url, f"contract-{one}", "worker") for one in ("before", "after"))
    before.ensure_topics([topic])
    before.publish(records(topic, 40))
    with subscribed(before, group, topic) as dead:  # its session goes on: Kafka has not noticed anything
        assert len(take(dead, 40)) == 40
        with subscribed(after, group, topic) as alive:
            assert len(take(alive, 40)) == 40, "all places, and what was not acknowledged"
            alive.acknowledge()
    before.delete_topics([topic])
    before.close()
    after.close()
