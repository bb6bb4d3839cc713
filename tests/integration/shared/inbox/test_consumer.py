from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from shared.bus.port import Record
from shared.db.unit_of_work import Work
from shared.inbox import consumer as consumer_module
from shared.inbox.consumer import CRASHES_MAX, TOPIC_CHECK_EVERY, Consumer, act_of
from shared.journal.envelope import Envelope
from shared.kernel import canonical
from shared.kernel.errors import Unavailable
from shared.testing.waiting import wait_until
from tests.integration.shared.conftest import running
from tests.integration.shared.inbox.conftest import COUNTED, refuse

if TYPE_CHECKING:
    from tests.integration.shared.conftest import Desk
    from tests.integration.shared.inbox.conftest import Receiver

LATER = TOPIC_CHECK_EVERY + timedelta(seconds=1)
NEWER = "vn.fundtrail.toys.counted.v2"


def test_an_event_takes_effect_once_however_often_it_comes(receiver: Receiver) -> None:
    items = [receiver.sender.event(receiver.desk, "a", n) for n in range(5)]
    receiver.sender.send(*items, *items[:2])
    receiver.take(7)
    receiver.again_from_the_beginning(7)
    assert receiver.effects == [("a", n) for n in range(5)]


def test_what_was_acknowledged_does_not_come_again(receiver: Receiver) -> None:
    receiver.sender.send(*(receiver.sender.event(receiver.desk, "a", n) for n in range(3)))
    receiver.take(3)
    receiver.start()
    receiver.sender.send(receiver.sender.event(receiver.desk, "a", 3))
    receiver.take(1)
    assert len(receiver.effects) == 4


def test_a_crash_before_the_acknowledgement_repeats_nothing(receiver: Receiver) -> None:
    receiver.sender.send(*(receiver.sender.event(receiver.desk, "a", n) for n in range(4)))
    receiver.start()
    assert receiver.consumer is not None
    assert receiver.subscription is not None
    receiver.consumer._look_at_topics(receiver.subscription)
    messages = [receiver.consumer._read(one) for one in receiver.subscription.poll(10.0)]
    receiver.consumer._take([message for message in messages if message])
    taken_before = len(receiver.effects)
    receiver.start()  # nothing was acknowledged
    receiver.take(4)
    assert taken_before > 0
    assert receiver.effects == [("a", n) for n in range(4)]


def test_topics_made_anew_lose_nothing_and_repeat_nothing(receiver: Receiver) -> None:
    sender = receiver.sender
    first = [sender.event(receiver.desk, "a", n) for n in range(6)]
    sender.send(*first)
    receiver.take(6)
    receiver.bus.delete_topics([sender.topic])
    later = sender.event(receiver.desk, "a", 6)
    sender.send(*first, later)  # the relay starts over; the consumer does not know yet
    wait_until(lambda: receiver.step() or len(receiver.effects) == 6, what="a look at the new topic")
    receiver.desk.clock.advance(LATER)
    wait_until(lambda: receiver.step() and len(receiver.effects) == 7, what="the new event")
    assert receiver.effects == [("a", n) for n in range(7)]


def test_a_record_stamped_for_another_topic_is_left_for_its_relay(desk_receiver: Receiver) -> None:
    sender, desk = desk_receiver.sender, desk_receiver.desk
    early = sender.event(desk, "a", 2)
    first = sender.event(desk, "a", 1)
    sender.bus.publish([sender.record(early, "the id of a topic that is gone"), sender.record(first)])
    desk_receiver.take(2)
    assert desk_receiver.effects == [("a", 1)]
    assert desk.one("SELECT count(*) FROM inbox") == 1, "a skipped record leaves no inbox row"
    sender.send(early)
    desk_receiver.take(1)
    assert desk_receiver.effects == [("a", 1), ("a", 2)]


def test_a_refused_message_waits_for_a_person_and_its_key_waits_behind_it(desk_receiver: Receiver) -> None:
    desk_receiver.trouble[2] = refuse
    sender, desk = desk_receiver.sender, desk_receiver.desk
    sender.send(
        sender.event(desk, "a", 1),
        sender.event(desk, "a", 2),
        sender.event(desk, "a", 3),
        sender.event(desk, "b", 4),
    )
    desk_receiver.take(4)
    sender.send(sender.event(desk, "a", 5), sender.event(desk, "b", 6))
    desk_receiver.take(2)
    assert sorted(desk_receiver.effects) == [("a", 1), ("b", 4), ("b", 6)]
    assert desk_receiver.quarantined() == [
        ("a", "rejected", "not_wanted"),
        ("a", "behind", "behind"),
        ("a", "behind", "behind"),
    ]


def test_a_refusal_takes_back_its_own_effect_only(desk_receiver: Receiver) -> None:
    desk_receiver.trouble[13] = refuse
    sender, desk = desk_receiver.sender, desk_receiver.desk
    sender.send(*(sender.event(desk, f"key-{n}", n) for n in range(20)))
    desk_receiver.take(20)
    assert sorted(value for _, value in desk_receiver.effects) == [n for n in range(20) if n != 13]


def test_a_key_that_waits_takes_no_message_twice_when_all_come_again(desk_receiver: Receiver) -> None:
    desk_receiver.trouble[2] = refuse
    sender, desk = desk_receiver.sender, desk_receiver.desk
    sender.send(*(sender.event(desk, "a", n) for n in range(1, 4)))
    desk_receiver.take(3)
    desk_receiver.again_from_the_beginning(3)
    assert desk_receiver.effects == [("a", 1)]
    assert desk_receiver.quarantined() == [("a", "rejected", "not_wanted"), ("a", "behind", "behind")]


def test_an_unavailable_part_is_tried_again(desk_receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "RETRY_S", 0.01)
    failures = iter([Unavailable("away"), Unavailable("still away")])

    def fail() -> None:
        for failure in failures:
            raise failure

    desk_receiver.trouble[1] = fail
    desk_receiver.sender.send(desk_receiver.sender.event(desk_receiver.desk, "a", 1))
    desk_receiver.take(1)
    assert desk_receiver.effects == [("a", 1)]
    assert desk_receiver.quarantined() == []


def test_a_part_that_stays_away_leaves_the_message_unacknowledged(
    desk_receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "RETRY_S", 0.001)

    def fail() -> None:
        raise Unavailable("away")

    desk_receiver.trouble[1] = fail
    desk_receiver.sender.send(desk_receiver.sender.event(desk_receiver.desk, "a", 1))
    with pytest.raises(Unavailable, match="20 attempts"):
        wait_until(desk_receiver.step, what="the message")
    desk_receiver.trouble.clear()
    desk_receiver.start()
    desk_receiver.take(1)
    assert desk_receiver.effects == [("a", 1)]


def test_a_deadlock_is_tried_again(desk_receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "RETRY_S", 0.01)
    failures = iter([OperationalError("select", {}, RuntimeError("deadlock detected"))])

    def fail() -> None:
        for failure in failures:
            raise failure

    desk_receiver.trouble[1] = fail
    desk_receiver.sender.send(desk_receiver.sender.event(desk_receiver.desk, "a", 1))
    desk_receiver.take(1)
    assert desk_receiver.effects == [("a", 1)]


def crash() -> None:
    raise ZeroDivisionError("a bug")


def test_a_bug_crashes_the_consumer_and_is_put_aside_at_its_third_crash(desk_receiver: Receiver) -> None:
    desk_receiver.trouble[2] = crash
    sender, desk = desk_receiver.sender, desk_receiver.desk
    sender.send(*(sender.event(desk, "a", n) for n in range(1, 4)), sender.event(desk, "b", 9))
    for _ in range(CRASHES_MAX - 1):
        desk_receiver.start()
        with pytest.raises(ZeroDivisionError):
            wait_until(desk_receiver.step, what="the crash")
    desk_receiver.start()
    desk_receiver.take(4)
    assert sorted(desk_receiver.effects) == [("a", 1), ("b", 9)]
    assert desk_receiver.quarantined() == [("a", "rejected", "bug"), ("a", "behind", "behind")]


def test_a_type_that_nobody_asked_for_is_left_alone(desk_receiver: Receiver) -> None:
    sender, desk = desk_receiver.sender, desk_receiver.desk
    sender.send(
        sender.event(desk, "a", 1, type="vn.fundtrail.toys.painted.v1"),
        sender.event(desk, "a", 2),
    )
    desk_receiver.take(2)
    assert desk_receiver.effects == [("a", 2)]
    assert desk_receiver.quarantined() == []
    assert desk.one("SELECT count(*) FROM inbox") == 1


def test_a_newer_version_waits_for_an_update_and_holds_its_key(desk_receiver: Receiver) -> None:
    sender, desk = desk_receiver.sender, desk_receiver.desk
    sender.send(
        sender.event(desk, "a", 1),
        sender.event(desk, "a", 2, type=NEWER),
        sender.event(desk, "a", 3),
    )
    desk_receiver.take(3)
    assert desk_receiver.effects == [("a", 1)], "what came before must not wait behind it"
    assert desk_receiver.quarantined() == [
        ("a", "rejected", "event_version_unknown"),
        ("a", "behind", "behind"),
    ]


@pytest.mark.parametrize(
    "data",
    [b"{", b"not json", b"\xff\xfe\x00", b"[1, 2]", b'"text"', b""],
    ids=["cut", "text", "bytes", "array", "string", "empty"],
)
def test_data_that_are_no_json_object_are_put_aside(desk_receiver: Receiver, data: bytes) -> None:
    sender, desk = desk_receiver.sender, desk_receiver.desk
    sender.send(sender.event(desk, "a", 1, data=data), sender.event(desk, "b", 2))
    desk_receiver.take(2)
    assert desk_receiver.effects == [("b", 2)]
    assert desk_receiver.quarantined() == [("a", "rejected", "event_malformed")]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("ce_type", None),
        ("ce_id", None),
        ("ce_specversion", b"0.3"),
        ("ce_sequence", b"many"),
        ("ce_time", b"yesterday"),
        ("ce_subjects", b"7"),
        ("ce_topicid", None),
        ("ce_actor", b"\xff"),
    ],
)
def test_an_envelope_that_cannot_be_read_is_put_aside(
    desk_receiver: Receiver, header: str, value: bytes | None
) -> None:
    sender, desk = desk_receiver.sender, desk_receiver.desk
    good = sender.record(sender.event(desk, "a", 1))
    headers = {name: content for name, content in good.headers if name != header}
    if value is not None:
        headers[header] = value
    sender.bus.publish([good._replace(headers=tuple(headers.items()))])
    sender.send(sender.event(desk, "b", 2))
    desk_receiver.take(2)
    desk_receiver.again_from_the_beginning(2)
    assert desk_receiver.effects == [("b", 2)]
    assert desk_receiver.quarantined() == [("a", "rejected", "event_malformed")]


def test_two_records_without_a_name_are_told_apart(desk_receiver: Receiver) -> None:
    sender = desk_receiver.sender
    sender.bus.ensure_topics([sender.topic])
    sender.bus.publish([Record(sender.topic, "a", (), b"1"), Record(sender.topic, "b", (), b"2")])
    desk_receiver.take(2)
    assert sorted(key for key, _, _ in desk_receiver.quarantined()) == ["a", "b"]


def test_two_megabytes_take_effect_like_any_other(receiver: Receiver) -> None:
    sender, desk = receiver.sender, receiver.desk
    data = canonical.encode({"value": 1, "padding": "x" * 2_000_000})
    sender.send(sender.event(desk, "a", 1, data=data), sender.event(desk, "a", 2))
    receiver.take(2)
    assert receiver.effects == [("a", 1), ("a", 2)]


def test_positions_out_of_order_still_take_effect_each_once(desk_receiver: Receiver) -> None:
    sender, desk = desk_receiver.sender, desk_receiver.desk
    first, second, third = (sender.event(desk, "a", n) for n in range(3))
    sender.send(third, first, second, first)
    desk_receiver.take(4)
    assert sorted(desk_receiver.effects) == [("a", 0), ("a", 1), ("a", 2)]


def test_an_effect_that_does_not_commit_is_no_effect(desk_receiver: Receiver) -> None:
    desk = desk_receiver.desk
    item = desk_receiver.sender.event(desk, "a", 1)
    desk_receiver.sender.send(item)

    def vanish() -> None:
        raise Unavailable("the connection went away before the commit")

    desk_receiver.trouble[1] = vanish
    with pytest.raises(Unavailable):
        wait_until(lambda: desk_receiver.step(stopped=True), what="the message")
    assert desk_receiver.effects == []
    assert desk.one("SELECT count(*) FROM inbox") == 0


def test_what_a_message_causes_points_back_to_it(desk: Desk, desk_receiver: Receiver) -> None:
    item = desk_receiver.sender.event(desk, "a", 1, backdated=True, unit="u-1", correlation="c-1")
    act = act_of("toys", item)
    assert (act.actor, act.causation, act.correlation, act.unit) == ("system:toys", item.id, "c-1", "u-1")
    assert act.backdated
    assert act.occurred_at == item.occurred_at
    assert act_of("toys", item._replace(correlation=None)).correlation == item.id


def test_the_loop_runs_until_it_is_told_to_stop(desk_receiver: Receiver) -> None:
    desk, sender = desk_receiver.desk, desk_receiver.sender
    seen: list[int] = []

    def handle(work: Work, item: Envelope) -> None:
        work.connection.execute(text("SELECT 1"))
        seen.append(item.payload()["value"])

    consumer = Consumer(desk.name, desk_receiver.bus, [sender.topic], desk.unit_of_work, {COUNTED: handle})
    with running(consumer.run) as beats:
        sender.send(*(sender.event(desk, "a", n) for n in range(3)))
        wait_until(lambda: seen == [0, 1, 2], what="three messages")
        assert beats[0] > 0
