"""Turning a fact into a journal row: canonical bytes are made here, once, and stored as they are sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID

from sqlalchemy import Connection

from shared.db.copy import insert_rows
from shared.journal import tables
from shared.journal.envelope import Envelope
from shared.kernel import canonical, merkle
from shared.kernel.acts import Act
from shared.kernel.errors import Rejected
from shared.kernel.ids import new_id

ITEMS_MAX = 500
DATA_BYTES_MAX = 256 * 1024
ITEMS_FIELD = "items"
ITEMS_TOGETHER, ITEMS_BYTES_MAX = 200, 192 * 1024  # of what one event tells, with room for the rest of it
LEAF_BYTES_MAX = 65_535  # C2SP tlog-tiles: an entry's length stands in two bytes
LETTER_BYTES_MAX = 6  # of a letter in canonical JSON: "\\u0001"
LEAF_BYTES_REST = 1024  # more than what stands in a leaf beside its texts
SOURCE_CHARS_MAX = 32  # of a service's name
LATEST = datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)


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


@dataclass(frozen=True, slots=True)
class Draft:
    """What a journal row says of an event, in canonical bytes, before anybody has said whose act it was."""

    type: str
    key: str
    subjects: list[str]
    data: bytes
    items_root: bytes | None


def draft(event: Event) -> Draft:
    """The event as it will stand in the journal; most of the work of recording it.

    Bounds: at most 500 items and 256 KiB; more is a bug of the caller.
    """
    items = _encoded_items(event)
    if items is None:
        plain = canonical.plain(event)
    else:
        plain = canonical.plain(replace(event, **{ITEMS_FIELD: ()}))  # type: ignore[type-var] # a dataclass
        plain[ITEMS_FIELD] = [canonical.spliced(item) for item in items]
    data = canonical.encode_plain(plain)
    if len(data) > DATA_BYTES_MAX:
        raise ValueError(f"{event.TYPE} has {len(data)} bytes, {DATA_BYTES_MAX} are allowed: split it.")
    return Draft(
        event.TYPE,
        str(plain[event.KEY]),
        [f"{name.removesuffix('_id')}:{plain[name]}" for name in event.SUBJECTS if plain[name]],
        data,
        None if items is None else merkle.root(merkle.leaf_hashes(items)),
    )


def together(items: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], ...]]:
    """Items in their order, as many at a time as one event may tell, whatever they say."""
    some: list[dict[str, Any]] = []
    size = 0
    for item in items:
        more = len(canonical.encode(item)) + 1
        if some and (len(some) == ITEMS_TOGETHER or size + more > ITEMS_BYTES_MAX):
            yield tuple(some)
            some, size = [], 0
        some.append(item)
        size += more
    if some:
        yield tuple(some)


def record(connection: Connection, act: Act, drafts: Sequence[Draft], topic: Topic) -> list[UUID]:
    """The ids of the journal rows written from the drafts of one act, in their order; as `record_each`."""
    return record_each(connection, [(act, one) for one in drafts], topic)


def record_each(connection: Connection, acted: Sequence[tuple[Act, Draft]], topic: Topic) -> list[UUID]:
    """The ids of the journal rows written from the drafts, each under its act, in their order.

    Call it after the aggregate's lock is held: causes then precede effects in the journal.
    Raises: Rejected envelope_too_large where texts beside the data are longer than the audit log can hold.
    """
    if not acted:
        return []
    rows = [_row(act, one, topic) for act, one in acted]
    for row in rows:
        _ensure_leaf_fits(row)
    insert_rows(connection, tables.journal, tuple(rows[0]), [tuple(row.values()) for row in rows])
    return [row["id"] for row in rows]


def _row(act: Act, drafted: Draft, topic: Topic) -> dict[str, Any]:
    return {
        "id": new_id(),
        "topic": topic.value,
        "type": drafted.type,
        "key": drafted.key,
        "subjects": drafted.subjects,
        "occurred_at": act.occurred_at,
        "actor": act.actor,
        "on_behalf_of": act.on_behalf_of,
        "unit": act.unit,
        "reason": act.reason,
        "correlation": act.correlation,
        "causation": act.causation,
        "traceparent": act.traceparent,
        "backdated": act.backdated,
        "data": drafted.data,
        "items_root": drafted.items_root,
    }


def _encoded_items(event: Event) -> list[bytes] | None:
    items = getattr(event, ITEMS_FIELD, None)
    if items is None:
        return None
    if len(items) > ITEMS_MAX:
        raise ValueError(f"{event.TYPE} has {len(items)} items, {ITEMS_MAX} are allowed: split it.")
    return [canonical.encode(item) for item in items]


def leaf_bytes(row: Mapping[str, Any]) -> int:
    """How long the row's entry in the audit log can be, wherever the row comes to stand in the journal."""
    known = {name: value for name, value in row.items() if name not in {"id", "subjects", "items_root"}}
    root: bytes | None = row["items_root"]
    widest = Envelope(
        id=str(row["id"]),
        source="s" * SOURCE_CHARS_MAX,
        epoch=canonical.INTEGER_MAX,
        position=canonical.INTEGER_MAX,
        recorded_at=LATEST,
        subjects=tuple(row["subjects"]),
        items_root=root.hex() if root else None,
        **known,
    )
    return len(widest.leaf())


def _ensure_leaf_fits(row: Mapping[str, Any]) -> None:
    """Nothing, where the audit log can hold the row; a short one is not measured to the last byte."""
    letters = sum(len(value) for value in row.values() if isinstance(value, str))
    letters += sum(len(subject) + LETTER_BYTES_MAX for subject in row["subjects"])
    if letters * LETTER_BYTES_MAX + LEAF_BYTES_REST <= LEAF_BYTES_MAX:
        return
    size = leaf_bytes(row)
    if size > LEAF_BYTES_MAX:
        raise Rejected(
            "envelope_too_large",
            f"{row['type']} cannot be recorded: what stands beside its data (key, subjects, reason, "
            f"correlation) has {size} bytes, and an entry of the audit log holds {LEAF_BYTES_MAX}. "
            "Shorten the reason or split the act; nothing was changed.",
        )
