"""What an operator can do about quarantined messages: list, show, retry, drop.

A retry takes a message and everything that waits behind it, in their order and in one transaction; a drop
says that a message shall never take effect. Both give a reason, which stands in the journal.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from shared.bus import cloud_events
from shared.bus.port import Delivered
from shared.db.unit_of_work import UnitOfWork, Work
from shared.inbox import store
from shared.inbox.consumer import Handler, act_of
from shared.inbox.events import QuarantineSettled
from shared.inbox.tables import quarantine
from shared.journal import envelope
from shared.journal.envelope import Envelope
from shared.journal.recording import Topic
from shared.kernel.acts import Act
from shared.kernel.errors import Conflict, NotFound, Rejected

LISTED_MAX = 500


@dataclass(frozen=True, slots=True)
class Retried:
    """How many messages took effect, and the one behind them that was refused again, if any."""

    count: int
    refused: int | None = None
    code: str | None = None
    message: str | None = None


def list_open(
    connection: Connection, consumer: str, after: int = 0, limit: int = LISTED_MAX
) -> Sequence[Row[Any]]:
    """The messages behind a number that nobody has dealt with, oldest first. Bounds: the first 500."""
    return connection.execute(
        select(quarantine)
        .where(
            quarantine.c.consumer == consumer,
            quarantine.c.state.in_(store.OPEN_STATES),
            quarantine.c.number > after,
        )
        .order_by(quarantine.c.number)
        .limit(limit)
    ).all()


def show(connection: Connection, consumer: str, number: int) -> Row[Any]:
    """One message, settled or not, as it was received. Raises: NotFound message_unknown."""
    row = connection.execute(
        select(quarantine).where(quarantine.c.consumer == consumer, quarantine.c.number == number)
    ).one_or_none()
    if row is None:
        raise NotFound("message_unknown", f"{consumer} has no message {number} in quarantine.")
    return row


def retry(
    unit_of_work: UnitOfWork, consumer: str, handlers: Mapping[str, Handler], number: int, act: Act
) -> Retried:
    """What came of taking a message, and then those that wait behind it, in their order and in one go.

    It stops at the first one behind that is refused; what came before stays done.
    Raises: NotFound message_unknown; Conflict message_settled, message_behind; Rejected where the message
    itself is refused again: nothing has changed then.
    """
    with unit_of_work.begin(act) as work:
        return retry_within(work, consumer, handlers, number)


def retry_within(work: Work, consumer: str, handlers: Mapping[str, Handler], number: int) -> Retried:
    """The same within a unit of work that is begun already."""
    lane = _lane_from(work.connection, consumer, number)
    _take(work, consumer, handlers, lane[0])
    for done, row in enumerate(lane[1:], 1):
        try:
            with work.connection.begin_nested():
                _take(work, consumer, handlers, row)
        except Rejected as error:
            _set_aside_again(work.connection, row, error)
            return Retried(done, row.number, error.code, error.message)
    return Retried(len(lane))


def drop(unit_of_work: UnitOfWork, consumer: str, number: int, act: Act) -> None:
    """The message will never take effect, also when it comes again; those behind it wait for a retry.

    Raises: NotFound message_unknown; Conflict message_settled.
    """
    with unit_of_work.begin(act) as work:
        drop_within(work, consumer, number)


def drop_within(work: Work, consumer: str, number: int) -> None:
    """The same within a unit of work that is begun already."""
    store.hold_lanes(work.connection, consumer, alone=True)
    row = _open(work.connection, consumer, number)
    store.accept_new(work.connection, consumer, [row.event_id])
    _settle(work, row, "dropped")


def _lane_from(connection: Connection, consumer: str, number: int) -> Sequence[Row[Any]]:
    """The message and those open behind it."""
    store.hold_lanes(connection, consumer, alone=True)
    wanted = _open(connection, consumer, number)
    lane = connection.execute(
        select(quarantine)
        .where(
            quarantine.c.consumer == consumer,
            quarantine.c.topic == wanted.topic,
            quarantine.c.key == wanted.key,
            quarantine.c.state.in_(store.OPEN_STATES),
        )
        .order_by(quarantine.c.number)
    ).all()
    if lane[0].number != number:
        raise Conflict(
            "message_behind",
            f"Message {number} waits behind {lane[0].number}; settle that one first.",
            number=lane[0].number,
        )
    return lane


def _open(connection: Connection, consumer: str, number: int) -> Row[Any]:
    row = show(connection, consumer, number)
    if row.state not in store.OPEN_STATES:
        raise Conflict("message_settled", f"Message {number} was {row.state} already.")
    return row


def _take(work: Work, consumer: str, handlers: Mapping[str, Handler], row: Row[Any]) -> None:
    item = _envelope_of(row)
    handler = handlers.get(item.type)
    if handler is None:
        raise Rejected("event_version_unknown", f"This service does not know {item.type}; update it first.")
    if store.accept_new(work.connection, consumer, [row.event_id]):
        handler(work.under(act_of(consumer, item)), item)
    _settle(work, row, "retried")


def _envelope_of(row: Row[Any]) -> Envelope:
    headers = tuple((name, base64.b64decode(value)) for name, value in row.headers)
    delivered = Delivered(row.topic, 0, 0, row.key, headers, bytes(row.value))
    return envelope.from_cloud_event(cloud_events.from_delivered(delivered), row.topic.split(".")[1])


def _settle(work: Work, row: Row[Any], outcome: str) -> None:
    _mark(work.connection, row, state=outcome, settled_at=work.now)
    work.record(
        QuarantineSettled(row.event_id, row.consumer, row.number, row.topic, row.key, row.code, outcome),
        Topic.TRAIL,
    )


def _set_aside_again(connection: Connection, row: Row[Any], error: Rejected) -> None:
    _mark(connection, row, state="rejected", code=error.code, message=error.message)


def _mark(connection: Connection, row: Row[Any], **values: Any) -> None:  # noqa: ANN401 - column values
    connection.execute(update(quarantine).where(quarantine.c.number == row.number).values(**values))
