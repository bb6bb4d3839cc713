"""A record of the bus as a row on its way into the log.

A row as our relays write it goes a short way, from the record's headers to its canonical entry: a backlog is
as fast as this is. Any other record goes the long way over the envelope, which says what is wrong with it.
Both ways give the same entry.
"""

from __future__ import annotations

from datetime import datetime

import orjson

from services.audit.log import model
from services.audit.log.model import EPOCH_BEGUN, Arrival, Lane
from shared.bus import cloud_events
from shared.bus.port import Delivered
from shared.journal import envelope
from shared.journal.envelope import OPTIONAL_TEXTS
from shared.journal.relay import topic_name
from shared.kernel import canonical
from shared.kernel.errors import Rejected

DIGITS_MAX = 15  # fewer than 2^53 has
OPTIONAL = tuple((field, f"ce_{attribute}") for field, attribute in OPTIONAL_TEXTS.items())
NEEDED = frozenset({"ce_id", "ce_source", "ce_type", "ce_specversion"})
KNOWN = (
    NEEDED
    | {header for _, header in OPTIONAL}
    | {
        "ce_time",
        "ce_subject",
        "content-type",
        "ce_partitionkey",
        "ce_sequence",
        "ce_epoch",
        "ce_recordedtime",
        "ce_actor",
        "ce_backdated",
        "ce_subjects",
        "ce_topicid",
    }
)


def arrival_of(delivered: Delivered) -> Arrival:
    """The journal row in a record.

    Raises: Rejected where it is none, or none of the service whose topic it stands on.
    """
    kind = delivered.topic.split(".")[1]
    arrival = short_way(delivered, kind) or long_way(delivered, kind)
    source = arrival.lane.source
    if topic_name(source, kind) != delivered.topic:
        raise Rejected("source_foreign", f"A row of {source} stands on {delivered.topic}.")
    return arrival


def long_way(delivered: Delivered, kind: str) -> Arrival:
    """The row by way of its envelope. Raises: Rejected event_malformed."""
    return model.arrival_of(envelope.from_cloud_event(cloud_events.from_delivered(delivered), kind))


def short_way(delivered: Delivered, kind: str) -> Arrival | None:
    """The row straight from the headers, or None where they are not just as a relay of ours writes them."""
    try:
        headers = {name: value.decode() for name, value in delivered.headers}
        if len(headers) != len(delivered.headers) or not headers.keys() <= KNOWN:
            return None
        return _arrival(headers, delivered.value, kind)
    except (KeyError, ValueError):
        return None


def _arrival(headers: dict[str, str], data: bytes, kind: str) -> Arrival | None:
    subjects = orjson.loads(headers["ce_subjects"])
    if (
        headers["ce_specversion"] != cloud_events.SPEC_VERSION
        or not (headers["ce_id"] and headers["ce_source"] and headers["ce_type"])
        or type(subjects) is not list
        or not all([type(one) is str for one in subjects])  # noqa: C419 - a list is faster than a generator
    ):
        return None
    lane = Lane(headers["ce_source"].removeprefix("/"), _whole(headers["ce_epoch"]))
    position = _whole(headers["ce_sequence"])
    fields = {
        "id": headers["ce_id"],
        "source": lane.source,
        "epoch": lane.epoch,
        "position": position,
        "topic": kind,
        "type": headers["ce_type"],
        "key": headers["ce_subject"],
        "subjects": subjects,
        "occurred_at": datetime.fromisoformat(headers["ce_time"]).isoformat(),
        "recorded_at": datetime.fromisoformat(headers["ce_recordedtime"]).isoformat(),
        "actor": headers["ce_actor"],
        "backdated": headers["ce_backdated"] == "true",
        "data_sha256": canonical.digest(data),
    }
    for field, header in OPTIONAL:
        fields[field] = headers.get(header)
    return Arrival(lane, position, canonical.encode_plain(fields), data, fields["type"] == EPOCH_BEGUN)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise ValueError("not a number that is surely below 2^53")
    return int(text)
