"""Reading records into arrivals, and gathering what one commit may hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.audit.log import loops
from shared.bus import cloud_events
from shared.bus.port import Delivered
from shared.journal.envelope import Envelope


def delivered(item: Envelope, topic: str | None = None) -> Delivered:
    record = cloud_events.to_record(
        item.to_cloud_event("topic-id"), topic or f"{item.source}.{item.topic}.v1"
    )
    return Delivered(record.topic, 0, 0, record.key, record.headers, record.value)


def test_a_record_becomes_the_very_entry_that_the_journal_row_is(envelope: Callable[..., Envelope]) -> None:
    item = envelope(
        "beneficiaries",
        12,
        topic="trail",
        subjects=("person:P1",),
        unit="U1",
        reason="sealed:v1:abc",
        correlation="C1",
        causation="E1",
        traceparent="00-1-2-01",
        on_behalf_of="officer-2",
        backdated=True,
        data={"items": [{"payment_id": "P1"}]},
    )
    arrival = loops.read(delivered(item))
    assert arrival is not None
    assert (arrival.leaf, arrival.data) == (item.leaf(), item.data)
    assert (arrival.lane.source, arrival.lane.epoch, arrival.position) == ("beneficiaries", 1, 12)


def test_a_record_that_is_no_event_is_counted_and_passed_over(envelope: Callable[..., Envelope]) -> None:
    before = loops.UNREADABLE._value.get()
    whole = delivered(envelope())
    headless = Delivered(whole.topic, 0, 0, whole.key, (), whole.value)
    assert loops.read(headless) is None
    assert loops.UNREADABLE._value.get() == before + 1


def test_a_row_on_the_topic_of_another_service_is_not_believed(envelope: Callable[..., Envelope]) -> None:
    assert loops.read(delivered(envelope("allocation"), topic="portal.events.v1")) is None


class Feed:
    """A subscription that gives prepared batches."""

    def __init__(self, *batches: list[Delivered]) -> None:
        self.batches = list(batches)

    def poll(self, timeout_s: float, records_max: int = 1000) -> list[Delivered]:
        assert timeout_s >= 0
        assert records_max == loops.POLL_RECORDS_MAX
        return self.batches.pop(0) if self.batches else []

    def acknowledge(self) -> None:
        raise NotImplementedError

    def seek_to_beginning(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def record(size_bytes: int = 10) -> Delivered:
    return Delivered("portal.events.v1", 0, 0, "K", (), b"x" * size_bytes)


def test_records_that_trickle_in_are_gathered_for_one_commit() -> None:
    assert len(loops._collect(Feed([record()], [], [record(), record()], []))) == 3


def test_nothing_is_waited_for_when_nothing_has_come() -> None:
    feed = Feed([], [record()])
    assert loops._collect(feed) == []
    assert len(feed.batches) == 1


@pytest.mark.parametrize("limit", ["records", "bytes"])
def test_a_commit_is_bounded_in_rows_and_in_bytes(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "BATCH_RECORDS_MAX", 4 if limit == "records" else 1000)
    monkeypatch.setattr(loops, "BATCH_BYTES_MAX", 40 if limit == "bytes" else 10**6)
    feed = Feed(*[[record(), record()] for _ in range(5)])
    assert len(loops._collect(feed)) == 4
