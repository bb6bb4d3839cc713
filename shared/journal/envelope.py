"""A journal row as others see it: on the bus, in an inbox, as a leaf of the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from shared.bus.cloud_events import Event as CloudEvent
from shared.kernel import canonical
from shared.kernel.errors import Rejected

NUMBER_DIGITS_MAX = 16  # of 2^53
OPTIONAL_TEXTS = {  # the last fields of an envelope, in their order, and their attributes
    "on_behalf_of": "onbehalfof",
    "unit": "unit",
    "reason": "reason",
    "correlation": "correlationid",
    "causation": "causationid",
    "traceparent": "traceparent",
    "items_root": "itemsroot",
}


class Envelope(NamedTuple):
    """One fact with everything that is known of it beside its data."""

    id: str
    source: str
    epoch: int
    position: int
    topic: str
    type: str
    key: str
    subjects: tuple[str, ...]
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    backdated: bool
    data: bytes
    on_behalf_of: str | None = None
    unit: str | None = None
    reason: str | None = None
    correlation: str | None = None
    causation: str | None = None
    traceparent: str | None = None
    items_root: str | None = None

    def payload(self) -> dict[str, Any]:
        """The data as an object. Raises: Rejected event_malformed where it is none."""
        try:
            payload = canonical.decode(self.data)
        except (ValueError, RecursionError) as error:
            raise _malformed(f"its data are no JSON ({error})") from error
        if not isinstance(payload, dict):
            raise _malformed("its data are no JSON object")
        return payload

    def leaf(self) -> bytes:
        """The canonical entry of the audit log: every field, the data by its SHA-256."""
        fields = self._asdict()
        data_sha256 = canonical.digest(fields.pop("data"))
        return canonical.encode({**fields, "data_sha256": data_sha256})

    def to_cloud_event(self, topic_id: str) -> CloudEvent:
        """The CloudEvents 1.0.2 form, stamped with the id of the topic it is meant for."""
        attributes = {
            "specversion": "1.0",
            "id": self.id,
            "source": f"/{self.source}",
            "type": self.type,
            "time": canonical.instant(self.occurred_at),
            "subject": self.key,
            "datacontenttype": "application/json",
            "partitionkey": self.key,
            "sequence": str(self.position),
            "epoch": str(self.epoch),
            "recordedtime": canonical.instant(self.recorded_at),
            "actor": self.actor,
            "backdated": "true" if self.backdated else "false",
            "subjects": canonical.encode_plain(self.subjects).decode(),
            "topicid": topic_id,
        }
        texts = zip(OPTIONAL_TEXTS.values(), self[-len(OPTIONAL_TEXTS) :], strict=True)
        attributes.update([(name, value) for name, value in texts if isinstance(value, str)])
        return CloudEvent(attributes, self.data)


def from_cloud_event(event: CloudEvent, topic: str) -> Envelope:
    """The envelope that a service of ours put on the bus.

    Raises: Rejected event_malformed where an attribute is missing or unreadable.
    """
    attributes = event.attributes
    try:
        return Envelope(
            id=attributes["id"],
            source=attributes["source"].removeprefix("/"),
            epoch=_whole(attributes["epoch"]),
            position=_whole(attributes["sequence"]),
            topic=topic,
            type=attributes["type"],
            key=attributes["subject"],
            subjects=_subjects(attributes["subjects"]),
            occurred_at=datetime.fromisoformat(attributes["time"]),
            recorded_at=datetime.fromisoformat(attributes["recordedtime"]),
            actor=attributes["actor"],
            backdated=attributes["backdated"] == "true",
            data=event.data,
            **{name: attributes.get(attribute) for name, attribute in OPTIONAL_TEXTS.items()},
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _malformed(f"{type(error).__name__} {error}") from error


def _whole(text: str) -> int:
    """A number that a leaf can hold. Raises: ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MAX):
        raise ValueError(f"{text[:NUMBER_DIGITS_MAX]!r} is no whole number below 2^53")
    number = int(text)
    if number > canonical.INTEGER_MAX:
        raise ValueError(f"{number} is not below 2^53")
    return number


def _subjects(text: str) -> tuple[str, ...]:
    """Texts that a leaf can hold. Raises: ValueError, RecursionError."""
    found = canonical.decode(text.encode())
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError("its subjects are no list of texts")
    "".join(found).encode()  # half a letter has no UTF-8
    return tuple(found)


def _malformed(what: str) -> Rejected:
    return Rejected(
        "event_malformed", f"The event cannot be read: {what}. Its sender must send it again, whole."
    )
