"""Turning a fact into a journal row: canonical bytes are made here, once, and stored as they are sent."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID

from sqlalchemy import Connection, insert

from shared.journal import tables
from shared.kernel import canonical, merkle
from shared.kernel.acts import Act
from shared.kernel.ids import new_id

ITEMS_MAX = 500
DATA_BYTES_MAX = 256 * 1024
ITEMS_FIELD = "items"


class Topic(StrEnum):
    """Business facts go to `events`; attempts, exports and searches to `trail`, which only audit reads."""

    EVENTS = "events"
    TRAIL = "trail"


class Event(Protocol):
    """A frozen dataclass of primitives in the past tense.

    `KEY` names the field that orders the message, `SUBJECTS` the fields one can search by. A bulk event has
    a field `items`, a tuple of objects that can be proven one by one.
    """

    TYPE: ClassVar[str]
    KEY: ClassVar[str]
    SUBJECTS: ClassVar[tuple[str, ...]]


def record(connection: Connection, act: Act, events: Sequence[Event], topic: Topic) -> list[UUID]:
    """The ids of the journal rows written for the events, in their order.

    Call it after the aggregate's lock is held: causes then precede effects in the journal.
    Bounds: at most 500 items and 256 KiB an event; more is a bug of the caller.
    """
    if not events:
        return []
    rows = [_row(act, event, topic) for event in events]
    connection.execute(insert(tables.journal), rows)
    return [row["id"] for row in rows]


def _row(act: Act, event: Event, topic: Topic) -> dict[str, Any]:
    plain = canonical.plain(event)
    data = canonical.encode_plain(plain)
    if len(data) > DATA_BYTES_MAX:
        raise ValueError(f"{event.TYPE} has {len(data)} bytes, {DATA_BYTES_MAX} are allowed: split it.")
    return {
        "id": new_id(),
        "topic": topic.value,
        "type": event.TYPE,
        "key": str(plain[event.KEY]),
        "subjects": [f"{name.removesuffix('_id')}:{plain[name]}" for name in event.SUBJECTS if plain[name]],
        "occurred_at": act.occurred_at,
        "actor": act.actor,
        "on_behalf_of": act.on_behalf_of,
        "unit": act.unit,
        "reason": act.reason,
        "correlation": act.correlation,
        "causation": act.causation,
        "traceparent": act.traceparent,
        "backdated": act.backdated,
        "data": data,
        "items_root": _items_root(event.TYPE, plain.get(ITEMS_FIELD)),
    }


def _items_root(event_type: str, items: list[Any] | None) -> bytes | None:
    if items is None:
        return None
    if len(items) > ITEMS_MAX:
        raise ValueError(f"{event_type} has {len(items)} items, {ITEMS_MAX} are allowed: split it.")
    return merkle.root([merkle.leaf_hash(canonical.encode_plain(item)) for item in items])
