"""From a record's headers to the canonical entry: the short way gives what the long way gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.log import model, records
from services.audit.log.model import Arrival
from shared.bus import cloud_events
from shared.bus.port import Delivered
from shared.journal.envelope import Envelope
from shared.kernel.errors import Rejected

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SOME = TEXT.filter(bool)
NUMBER = st.integers(0, 2**53 - 1)
TIME = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=7))]))
OPTIONAL = ("on_behalf_of", "unit", "reason", "correlation", "causation", "traceparent", "items_root")
ENVELOPES = st.builds(
    Envelope,
    id=SOME,
    source=SOME.filter(lambda text: not text.startswith("/")),
    epoch=NUMBER,
    position=NUMBER,
    topic=st.just("events"),
    type=SOME,
    key=TEXT,
    subjects=st.lists(TEXT, max_size=3).map(tuple),
    occurred_at=TIME,
    recorded_at=TIME,
    actor=TEXT,
    backdated=st.booleans(),
    data=st.binary(max_size=30),
    **{name: st.none() | TEXT for name in OPTIONAL},
)


def delivered(item: Envelope) -> Delivered:
    record = cloud_events.to_record(item.to_cloud_event("topic-id"), "portal.events.v1")
    return Delivered(record.topic, 0, 0, record.key, record.headers, record.value)


def outcome(way: Callable[[], Arrival | None]) -> Arrival | str | None:
    try:
        return way()
    except Rejected as error:
        return error.code


@given(ENVELOPES)
def test_both_ways_give_the_entry_of_the_journal_row(item: Envelope) -> None:
    long = records.long_way(delivered(item), "events")
    assert long == model.arrival_of(item)
    assert records.short_way(delivered(item), "events") in {long, None}


def test_a_row_as_our_relays_write_it_goes_the_short_way(envelope: Callable[..., Envelope]) -> None:
    item = envelope("portal", 7, subjects=("person:P1",), unit="U1", items_root="ab", correlation="C1")
    assert records.short_way(delivered(item), "events") == model.arrival_of(item)


HEADERS = sorted(records.KNOWN | {"CE_ID", "ce_Subject", "ce_unknown", "other"})
VALUES: list[Any] = [
    None,
    b"",
    b"\xff",
    b"0",
    b"007",
    b"-1",
    b" 1",
    b"1_0",
    b"9007199254740991",
    b"9007199254740992",
    b"99999999999999999999",
    "²".encode(),
    b"true",
    b"1.0",
    b"2024-08-05",
    b"2024-08-05T05:00:00Z",
    b"20240805T050000+0700",
    b"[]",
    b'["a", "b"]',
    b'["\\ud800"]',
    b'["\\u00e9"]',
    b"[1]",
    b"{}",
    b"[",
    b"/portal",
    b"//portal",
]


@pytest.mark.parametrize("header", HEADERS)
def test_whatever_a_header_says_the_short_way_says_no_other_thing_than_the_long_one(
    envelope: Callable[..., Envelope], header: str
) -> None:
    whole = delivered(envelope("portal", 7, subjects=("person:P1",), unit="U1"))
    others = tuple((name, value) for name, value in whole.headers if name != header)
    for value in VALUES:
        for headers in (
            others if value is None else (*others, (header, value)),
            whole.headers if value is None else (*whole.headers, (header, value)),
        ):
            one = Delivered(whole.topic, 0, 0, whole.key, headers, whole.value)
            short = records.short_way(one, "events")
            assert short is None or short == outcome(lambda one=one: records.long_way(one, "events")), headers
