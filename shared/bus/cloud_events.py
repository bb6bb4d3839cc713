"""CloudEvents 1.0.2 in the binary content mode of its Kafka binding.

Attributes travel as `ce_` headers and the data as the value, byte for byte as it was stored: a hash over the
data must hold at the other end. The `cloudevents` package parses the data and the time on the way in and
writes them anew, which changes bytes, and takes four to five times as long; it serves the tests as the
second opinion (docs/adr/0006).
Source: CloudEvents Kafka Protocol Binding 1.0.2, section 3.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from shared.bus.port import Delivered, Record
from shared.kernel.errors import Rejected

PREFIX = "ce_"
CONTENT_TYPE_HEADER = "content-type"
CONTENT_TYPE_ATTRIBUTE = "datacontenttype"
KEY_ATTRIBUTE = "partitionkey"
REQUIRED = ("specversion", "id", "source", "type")
SPEC_VERSION = "1.0"
NAMES_MAX = 256  # more than anybody's messages have; others' names are made anew


class Event(NamedTuple):
    """Context attributes by their CloudEvents names, and the data as sent."""

    attributes: Mapping[str, str]
    data: bytes


class _Headers(dict[str, str]):
    """The header of each attribute, made when it is first asked for; our attributes are few."""

    def __missing__(self, attribute: str) -> str:
        self[attribute] = CONTENT_TYPE_HEADER if attribute == CONTENT_TYPE_ATTRIBUTE else PREFIX + attribute
        return self[attribute]


_HEADERS = _Headers()


def header(attribute: str) -> str:
    """The name of the header in which an attribute travels."""
    return _HEADERS[attribute]


def to_record(event: Event, topic: str) -> Record:
    """The record that carries an event; its key is the attribute `partitionkey`."""
    headers = tuple([(_HEADERS[name], value.encode()) for name, value in event.attributes.items()])
    return Record(topic, event.attributes[KEY_ATTRIBUTE], headers, event.data)


def from_delivered(delivered: Delivered) -> Event:
    """The event in a record; headers that are no attributes are left aside.

    Raises: Rejected event_malformed where a required attribute is missing or not UTF-8.
    """
    try:
        attributes = {_attribute(name): value.decode() for name, value in delivered.headers}
    except UnicodeDecodeError as error:
        raise _malformed(delivered, "a header is not UTF-8") from error
    attributes.pop("", None)  # headers that are no attributes
    missing = [name for name in REQUIRED if not attributes.get(name)]
    if missing:
        raise _malformed(delivered, f"it lacks {', '.join(missing)}")
    if attributes["specversion"] != SPEC_VERSION:
        raise _malformed(delivered, f"its version of CloudEvents is {attributes['specversion']}")
    attributes.setdefault(KEY_ATTRIBUTE, delivered.key)
    return Event(attributes, delivered.value)


@lru_cache(NAMES_MAX)
def _attribute(header: str) -> str:
    name = header.lower()
    if name == CONTENT_TYPE_HEADER:
        return CONTENT_TYPE_ATTRIBUTE
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) else ""


def _malformed(delivered: Delivered, what: str) -> Rejected:
    place = f"{delivered.topic}, partition {delivered.partition}, offset {delivered.offset}"
    return Rejected(
        "event_malformed",
        f"The record at {place} is no CloudEvent of ours: {what}. Its sender must send it again.",
    )
