from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.bus.port import Delivered
from shared.inbox.consumer import BATCH_MAX, CRASHES_MAX, RETRIES_MAX, Message, act_of
from shared.inbox.events import QuarantineSettled
from shared.journal.envelope import Envelope
from shared.journal.events import EpochBegun
from shared.journal.relay import topic_name, topics_of
from shared.kernel import canonical

NOON = datetime(2024, 8, 5, 5, tzinfo=UTC)


def item(**changes: object) -> Envelope:
    fields: dict[str, object] = {
        "id": "e-1",
        "source": "allocation",
        "epoch": 1,
        "position": 1,
        "topic": "events",
        "type": "vn.fundtrail.toys.counted.v1",
        "key": "k",
        "subjects": (),
        "occurred_at": NOON,
        "recorded_at": NOON,
        "actor": "officer-1",
        "backdated": False,
        "data": b"{}",
    }
    return Envelope(**(fields | changes))  # type: ignore[arg-type]


def test_messages_of_one_topic_and_key_share_a_lane() -> None:
    def message(topic: str, key: str, partition: int) -> Message:
        return Message(Delivered(topic, partition, 0, key, (), b""), item())

    assert message("a.events.v1", "k", 0).lane == message("a.events.v1", "k", 5).lane
    assert message("a.events.v1", "k", 0).lane != message("a.events.v1", "other", 0).lane
    assert message("a.events.v1", "k", 0).lane != message("b.events.v1", "k", 0).lane


def test_a_received_fact_is_acted_on_by_the_service_on_the_facts_day() -> None:
    act = act_of("beneficiaries", item(unit="u-1", traceparent="00-1"))
    assert act.actor == "system:beneficiaries"
    assert act.occurred_at == NOON
    assert (act.unit, act.traceparent) == ("u-1", "00-1")


def test_a_chain_of_facts_keeps_its_correlation() -> None:
    first = act_of("a", item(id="e-1"))
    second = act_of("b", item(id="e-2", correlation=first.correlation, causation=first.causation))
    assert first.correlation == second.correlation == "e-1"
    assert (first.causation, second.causation) == ("e-1", "e-2")


@pytest.mark.parametrize("service", ["allocation", "audit"])
def test_a_service_has_a_topic_for_facts_and_one_for_its_trail(service: str) -> None:
    assert topics_of(service) == [f"{service}.events.v1", f"{service}.trail.v1"]
    assert topic_name(service, "trail") == f"{service}.trail.v1"


def test_another_topic_is_a_bug() -> None:
    with pytest.raises(ValueError, match="gossip"):
        topic_name("allocation", "gossip")


def test_what_operators_do_can_be_recorded() -> None:
    settled = QuarantineSettled("e-1", "portal", 3, "allocation.events.v1", "k", "bug", "retried")
    begun = EpochBegun(2, 7)
    assert canonical.plain(settled)[QuarantineSettled.KEY] == "e-1"
    assert canonical.plain(begun) == {"epoch": 2, "first_position": 7}


def test_every_wait_has_its_bound() -> None:
    assert 1 <= CRASHES_MAX <= RETRIES_MAX <= BATCH_MAX
