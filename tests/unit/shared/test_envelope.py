from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.bus import cloud_events
from shared.bus.port import Delivered
from shared.journal.envelope import OPTIONAL_TEXTS, Envelope, from_cloud_event
from shared.journal.wrapping import Wrapping
from shared.kernel import canonical
from shared.kernel.errors import Rejected

NOON = datetime(2024, 8, 5, 5, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
INSTANTS = st.integers(0, 10**10).map(lambda n: NOON + timedelta(microseconds=n))
ENVELOPES = st.builds(
    Envelope,
    id=st.uuids().map(str),
    source=st.sampled_from(["allocation", "beneficiaries"]),
    epoch=st.integers(1, 99),
    position=st.integers(1, 2**53 - 1),
    topic=st.sampled_from(["events", "trail"]),
    type=st.just("vn.fundtrail.toys.counted.v1"),
    key=TEXTS,
    subjects=st.lists(TEXTS, max_size=3).map(tuple),
    occurred_at=INSTANTS,
    recorded_at=INSTANTS,
    actor=TEXTS,
    backdated=st.booleans(),
    data=st.dictionaries(st.text("abc", max_size=5), TEXTS | st.integers(-9, 9)).map(canonical.encode),
    **{name: st.none() | TEXTS for name in OPTIONAL_TEXTS},
)


def made(**changes: Any) -> Envelope:  # noqa: ANN401 - fields of the envelope
    fields: dict[str, Any] = {
        "id": "0191e0c4-0000-7000-8000-000000000001",
        "source": "allocation",
        "epoch": 1,
        "position": 7,
        "topic": "events",
        "type": "vn.fundtrail.toys.counted.v1",
        "key": "k",
        "subjects": ("list:1",),
        "occurred_at": NOON,
        "recorded_at": NOON,
        "actor": "officer-1",
        "backdated": False,
        "data": b'{"n":1}',
    }
    return Envelope(**(fields | changes))


def over_the_bus(item: Envelope) -> Envelope:
    record = cloud_events.to_record(item.to_cloud_event("topic-1"), "allocation.events.v1")
    delivered = Delivered(record.topic, 3, 9, record.key, record.headers, record.value)
    return from_cloud_event(cloud_events.from_delivered(delivered), item.topic)


@given(ENVELOPES)
def test_an_envelope_comes_off_the_bus_as_it_went_on(item: Envelope) -> None:
    assert over_the_bus(item) == item


@given(ENVELOPES)
def test_the_leaf_is_the_same_on_both_sides_of_the_bus(item: Envelope) -> None:
    assert over_the_bus(item).leaf() == item.leaf()


@given(ENVELOPES)
def test_the_leaf_is_canonical_by_a_second_implementation(item: Envelope) -> None:
    assert item.leaf() == rfc8785.dumps(json.loads(item.leaf()))


def test_the_leaf_names_every_field_and_the_hash_of_the_data() -> None:
    leaf = json.loads(made().leaf())
    names = set(Envelope._fields)
    assert leaf.keys() == names - {"data"} | {"data_sha256"}
    assert leaf["data_sha256"] == hashlib.sha256(b'{"n":1}').hexdigest()


@pytest.mark.parametrize("field", list(Envelope._fields))
def test_no_field_can_change_without_changing_the_leaf(field: str) -> None:
    other: dict[str, Any] = {
        "epoch": 2,
        "position": 8,
        "subjects": ("list:2",),
        "occurred_at": NOON + timedelta(microseconds=1),
        "recorded_at": NOON + timedelta(microseconds=1),
        "backdated": True,
        "data": b'{"n":2}',
    }
    assert made(**{field: other.get(field, "changed")}).leaf() != made().leaf()


def test_the_record_says_which_topic_it_is_meant_for_and_nothing_it_does_not_know() -> None:
    attributes = made().to_cloud_event("topic-1").attributes
    assert attributes["topicid"] == "topic-1"
    assert attributes["source"] == "/allocation"
    assert not set(OPTIONAL_TEXTS.values()) & attributes.keys()


def test_data_travel_byte_for_byte() -> None:
    odd = b'{ "n" : 1,"n":1 }'
    assert over_the_bus(made(data=odd)).data == odd


@pytest.mark.parametrize("data", [b"{", b"", b"[]", b"7", b"null", b"\xff"])
def test_a_payload_that_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(Rejected, match="event_malformed"):
        made(data=data).payload()


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("sequence", "x"),
        ("epoch", ""),
        ("time", "noon"),
        ("subjects", "7"),
        ("subjects", "{"),
        ("actor", None),
    ],
)
def test_an_attribute_that_is_missing_or_unreadable_is_refused(attribute: str, value: str | None) -> None:
    event = made().to_cloud_event("topic-1")
    attributes = {name: text for name, text in event.attributes.items() if name != attribute}
    if value is not None:
        attributes[attribute] = value
    with pytest.raises(Rejected, match="event_malformed"):
        from_cloud_event(cloud_events.Event(attributes, event.data), "events")


@given(ENVELOPES)
def test_the_short_way_to_a_record_gives_what_the_long_way_gives(item: Envelope) -> None:
    long_way = cloud_events.to_record(item.to_cloud_event("topic-1"), "allocation.events.v1")
    assert Wrapping(item.source, "allocation.events.v1", "topic-1").record(item) == long_way
