"""Events as records and back: byte for byte, and as another implementation of CloudEvents reads them."""

from __future__ import annotations

import json

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event, to_binary_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.cloud_events import Event, from_delivered, to_record
from shared.bus.port import Delivered, Record
from shared.kernel.errors import Rejected

TOPIC = "allocation.events.v1"
ATTRIBUTES = {
    "specversion": "1.0",
    "id": "0199-1",
    "source": "/allocation",
    "type": "vn.fundtrail.decisions.approved.v1",
    "time": "2024-07-24T05:00:00+00:00",
    "subject": "decision-7",
    "datacontenttype": "application/json",
    "partitionkey": "decision-7",
    "sequence": "41",
    "reason": "Điều chỉnh kế hoạch vốn",
}
DATA = '{"amount_vnd":1466875000,"unit":"Núi Thành"}'.encode()


def delivered(record: Record) -> Delivered:
    return Delivered(record.topic, 3, 17, record.key, record.headers, record.value)


def test_attributes_travel_as_headers_and_data_as_it_is() -> None:
    record = to_record(Event(ATTRIBUTES, DATA), TOPIC)
    headers = dict(record.headers)
    assert (record.topic, record.key, record.value) == (TOPIC, "decision-7", DATA)
    assert headers["ce_type"] == b"vn.fundtrail.decisions.approved.v1"
    assert headers["content-type"] == b"application/json"
    assert headers["ce_reason"].decode() == "Điều chỉnh kế hoạch vốn"
    assert "ce_datacontenttype" not in headers


@given(
    st.dictionaries(st.from_regex(r"[a-z0-9]{3,20}", fullmatch=True), st.text(max_size=40), max_size=8),
    st.binary(max_size=200),
)
def test_an_event_comes_back_as_it_went(extensions: dict[str, str], data: bytes) -> None:
    event = Event({**extensions, **ATTRIBUTES}, data)
    returned = from_delivered(delivered(to_record(event, TOPIC)))
    assert dict(returned.attributes) == dict(event.attributes)
    assert returned.data == data


def test_the_reference_implementation_reads_what_we_write() -> None:
    record = to_record(Event(ATTRIBUTES, DATA), TOPIC)
    event = from_binary_event(KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value))
    assert event.get_id() == "0199-1"
    assert event.get_source() == "/allocation"
    assert event.get_subject() == "decision-7"
    assert event.get_extension("sequence") == "41"
    assert event.get_data() == json.loads(DATA)


def test_we_read_what_the_reference_implementation_writes() -> None:
    event = CloudEvent(
        {
            "id": "1",
            "source": "/other",
            "type": "vn.fundtrail.x.v1",
            "specversion": "1.0",
            "partitionkey": "k",
        },
        {"amount_vnd": 5},
    )
    message = to_binary_event(event)
    headers = tuple(message.headers.items())
    read = from_delivered(Delivered(TOPIC, 0, 0, str(message.key), headers, message.value))
    assert read.attributes["id"] == "1"
    assert read.attributes["partitionkey"] == "k"
    assert json.loads(read.data) == {"amount_vnd": 5}


def test_headers_of_others_are_left_aside_and_case_does_not_matter() -> None:
    headers = (
        ("CE_ID", b"1"),
        ("ce_source", b"/a"),
        ("ce_type", b"t"),
        ("ce_specversion", b"1.0"),
        ("traceparent", b"00-1"),
        ("Content-Type", b"application/json"),
    )
    event = from_delivered(Delivered(TOPIC, 0, 0, "the-key", headers, b"{}"))
    assert dict(event.attributes) == {
        "id": "1",
        "source": "/a",
        "type": "t",
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "partitionkey": "the-key",
    }


@pytest.mark.parametrize("missing", ["specversion", "id", "source", "type"])
def test_refuses_a_record_without_a_required_attribute(missing: str) -> None:
    attributes = {name: value for name, value in ATTRIBUTES.items() if name != missing}
    with pytest.raises(Rejected, match=f"lacks {missing}") as refusal:
        from_delivered(delivered(to_record(Event(attributes, DATA), TOPIC)))
    assert refusal.value.code == "event_malformed"
    assert "partition 3, offset 17" in refusal.value.message


def test_refuses_a_version_it_does_not_know() -> None:
    with pytest.raises(Rejected, match=r"version of CloudEvents is 2\.0"):
        from_delivered(delivered(to_record(Event({**ATTRIBUTES, "specversion": "2.0"}, DATA), TOPIC)))


def test_refuses_headers_that_are_no_text() -> None:
    with pytest.raises(Rejected, match="not UTF-8"):
        from_delivered(Delivered(TOPIC, 0, 0, "k", (("ce_id", b"\xff\xfe"),), b""))
