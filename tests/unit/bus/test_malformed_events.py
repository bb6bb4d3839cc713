"""Records that are no journal rows of ours: each is refused with its place, none is guessed at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bus.cloud_events import Event, from_delivered, to_record
from shared.bus.port import Delivered, Record
from shared.journal.envelope import OPTIONAL_TEXTS, Envelope, from_cloud_event
from shared.kernel import canonical
from shared.kernel.errors import Rejected

TOPIC = "allocation.events.v1"
NOON = datetime(2024, 7, 24, 5, tzinfo=UTC)
ROW = Envelope(
    id="0190e2b0-0000-7000-8000-000000000001",
    source="allocation",
    epoch=1,
    position=41,
    topic="events",
    type="vn.fundtrail.decisions.approved.v1",
    key="decision-7",
    subjects=("decision:decision-7", "unit:Núi Thành"),
    occurred_at=NOON,
    recorded_at=datetime(2024, 7, 24, 5, 0, 0, 123456, UTC),
    actor="lan",
    backdated=True,
    data='{"title":"Nghĩa trang"}'.encode(),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FEW = settings(max_examples=50, deadline=None)


def sent(row: Envelope) -> Delivered:
    record = to_record(row.to_cloud_event("topic-id"), TOPIC)
    return Delivered(record.topic, 2, 9, record.key, record.headers, record.value)


def received(delivered: Delivered) -> Envelope:
    return from_cloud_event(from_delivered(delivered), "events")


def without(name: str) -> Delivered:
    whole = sent(ROW)
    headers = tuple((header, value) for header, value in whole.headers if header != f"ce_{name}")
    return Delivered(TOPIC, 2, 9, whole.key, headers, whole.value)


def with_value(name: str, value: bytes) -> Delivered:
    whole = sent(ROW)
    headers = tuple((header, value if header == f"ce_{name}" else old) for header, old in whole.headers)
    return Delivered(TOPIC, 2, 9, whole.key, headers, whole.value)


@given(
    st.fixed_dictionaries({name: st.none() | TEXTS for name in OPTIONAL_TEXTS}),
    st.lists(TEXTS, max_size=4).map(tuple),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds of the strategy have no zone
    st.integers(1, 2**53 - 1),
)
@FEW
def test_a_row_comes_back_with_the_very_leaf_it_had(
    texts: dict[str, str | None], subjects: tuple[str, ...], instant: datetime, position: int
) -> None:
    fields = {name: getattr(ROW, name) for name in Envelope._fields}
    row = Envelope(**{**fields, **texts, "subjects": subjects, "recorded_at": instant, "position": position})
    assert received(sent(row)) == row
    assert received(sent(row)).leaf() == row.leaf()


def test_an_absent_text_travels_as_no_header_and_an_empty_one_as_an_empty_one() -> None:
    fields = {name: getattr(ROW, name) for name in Envelope._fields}
    names = [name for name, _ in sent(Envelope(**{**fields, "reason": ""})).headers]
    assert "ce_reason" in names
    assert "ce_unit" not in names


@pytest.mark.parametrize(
    "name", ["epoch", "sequence", "subject", "subjects", "time", "recordedtime", "actor", "backdated"]
)
def test_a_row_that_lacks_one_of_our_attributes_is_refused(name: str) -> None:
    with pytest.raises(Rejected) as refusal:
        received(without(name))
    assert refusal.value.code == "event_malformed"
    assert name in refusal.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epoch", b"first"),
        ("sequence", b"4.1"),
        ("sequence", b""),
        ("sequence", b"-1"),
        ("sequence", b"4_1"),
        ("sequence", str(2**53).encode()),
        ("epoch", b"9" * 5_000),
        ("time", b"24/7/2024"),
        ("recordedtime", b"yesterday"),
        ("subjects", b"decision"),
        ("subjects", b"5"),
        ("subjects", b"null"),
        ("subjects", b"[1.5]"),
        ("subjects", b'[{"a":"b"}]'),
        ("subjects", b'["\\ud800"]'),
        ("subjects", b'"decision:1"'),
        ("subjects", b"[" * 100_000),
    ],
)
def test_a_value_that_cannot_be_read_is_refused(name: str, value: bytes) -> None:
    with pytest.raises(Rejected, match="Its sender must send it again"):
        received(with_value(name, value))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"null", b"[]", b"5", b'"text"', b"\xff\xfe", b'{"a":NaN', b"[" * 200_000]
)
def test_data_that_are_no_object_are_refused_when_they_are_read(data: bytes) -> None:
    whole = sent(ROW)
    row = received(Delivered(TOPIC, 2, 9, whole.key, whole.headers, data))
    with pytest.raises(Rejected) as refusal:
        row.payload()
    assert refusal.value.code == "event_malformed"


@given(st.lists(st.tuples(TEXTS, st.binary(max_size=10)), max_size=6).map(tuple), st.binary(max_size=20))
@FEW
def test_headers_of_any_shape_are_no_crash(headers: tuple[tuple[str, bytes], ...], value: bytes) -> None:
    with pytest.raises(Rejected):
        from_delivered(Delivered(TOPIC, 0, 0, "k", headers, value))


def test_of_a_header_that_comes_twice_the_last_one_counts() -> None:
    whole = sent(ROW)
    doubled = Delivered(TOPIC, 0, 0, whole.key, (*whole.headers, ("ce_actor", b"mai")), whole.value)
    assert received(doubled).actor == "mai"


def test_the_leaf_commits_to_the_data_without_showing_them() -> None:
    assert b"Ngh" not in ROW.leaf()
    told = canonical.decode(ROW.leaf())
    assert told["data_sha256"] == canonical.digest(ROW.data)
    assert told.keys() == {*Envelope._fields, "data_sha256"} - {"data"}


def test_an_event_without_a_key_of_its_own_cannot_be_sent() -> None:
    with pytest.raises(KeyError, match="partitionkey"):
        to_record(Event({"id": "1"}, b""), TOPIC)


def test_the_size_of_a_record_grows_with_each_of_its_parts() -> None:
    record = to_record(ROW.to_cloud_event("topic-id"), TOPIC)
    assert Record(TOPIC, record.key, record.headers, record.value + b"x").size_bytes == record.size_bytes + 1
    assert record.size_bytes > len(record.value)
